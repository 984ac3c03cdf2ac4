//! What the opcodes of a pickle leave behind: small items that point into the frame, and nodes for containers.

/// A run of bytes in the frame, or in the side buffer for texts that had to be unescaped.
///
/// One word, offset in the high half and length in the low one: two halves that are stored one by one and soon after copied as a
/// whole would wait for each other in the processor's store buffer, at half the cost of the whole machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(u64);

/// Payloads have at most 256 MiB, and unescaped at most three times that, which leaves the top bit of an offset free to say: of
/// the side buffer.
const SIDE: u64 = 1 << 63;

impl Span {
    /// A run of the frame. The caller has checked that it lies within.
    pub(super) fn of_frame(at: usize, len: usize) -> Self {
        debug_assert!(at + len < 1 << 31);
        Span((at as u64) << 32 | len as u64)
    }

    /// A run of the side buffer.
    pub(super) fn of_side(at: usize, len: usize) -> Self {
        Span(Span::of_frame(at, len).0 | SIDE)
    }
}

/// One value of a pickle. Containers are nodes of the [`Heap`], so that an item can be copied freely.
#[derive(Debug, Clone, Copy, PartialEq)]
// A tag as wide as the value, for the same reason as `Span` is one word.
#[repr(u64)]
pub(super) enum Item {
    /// Python's `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of at most 64 bits.
    Int(i64),
    /// A larger integer, as its decimal digits with an optional sign (opcodes I and L; checked to be that).
    LongText(Span),
    /// A larger integer, as little-endian two's complement of more than 8 bytes (opcodes LONG1 and LONG4).
    LongBytes(Span),
    /// A float, NaN and infinities included.
    Float(f64),
    /// A `str`: UTF-8 as Python's `surrogatepass` writes it, so lone surrogates (ED A0 80 to ED BF BF) may stand in it.
    /// Also a Python 2 `str`, whose bytes may be anything.
    Text(Span),
    /// `bytes` or `bytearray`.
    Bytes(Span),
    /// A container or an object: index of its node.
    Node(u32),
}

/// What a [`Node`] is, and so what its items are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The elements.
    List,
    /// The elements.
    Tuple,
    /// Keys and values by turns, in order of insertion. A later key replaces an equal earlier one.
    Dict,
    /// The elements of a `set` (opcodes EMPTY_SET and ADDITEMS of protocol 4).
    Set,
    /// The elements of a `frozenset` (opcode FROZENSET).
    FrozenSet,
    /// A name of something importable, never looked up: module and qualified name, both `Text`.
    Global,
    /// What a call would have built: see [`Object`].
    Object,
    /// A reference to something outside of the pickle (opcodes PERSID and BINPERSID): the id.
    Persistent,
    /// A class from the copyreg extension registry (opcodes EXT1, EXT2, EXT4): the code, an `Int`.
    Extension,
}

/// A container or an object.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) items: Vec<Item>,
}

/// The items of a node of [`Kind::Object`], by place.
pub(super) struct Object;

impl Object {
    /// What would have been called: a `Global` node as a rule, but anything may stand here.
    pub(super) const CALLABLE: usize = 0;
    /// The arguments: a `Tuple` node as a rule. NEWOBJ's and NEWOBJ_EX's positional arguments, REDUCE's, INST's, OBJ's.
    pub(super) const ARGS: usize = 1;
    /// NEWOBJ_EX's keyword arguments, a `Dict` node; else `None`.
    pub(super) const KWARGS: usize = 2;
    /// The state that BUILD would have set: a `Dict` node, or a 2-tuple of dict and slots' dict, or anything; else `None`.
    pub(super) const STATE: usize = 3;
    /// What APPEND(S) or ADDITEMS added: a `List` node; else `None`.
    pub(super) const LIST_ITEMS: usize = 4;
    /// What SETITEM(S) added: a `Dict` node; else `None`.
    pub(super) const DICT_ITEMS: usize = 5;
    /// How many items an object has.
    pub(super) const LEN: usize = 6;
}

/// Where items point: the frame, the side buffer and the nodes. Nodes may form cycles, and one node may be reached by many
/// paths; whoever walks them bounds depth and output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heap<'a> {
    pub(super) frame: &'a [u8],
    pub(super) side: &'a [u8],
    pub(super) nodes: &'a [Node],
}

impl<'a> Heap<'a> {
    /// The bytes of a span.
    #[expect(clippy::cast_possible_truncation, reason = "each half is meant alone")]
    pub(super) fn bytes(&self, span: Span) -> &'a [u8] {
        let buffer = if span.0 & SIDE == 0 {
            self.frame
        } else {
            self.side
        };
        let at = (span.0 & !SIDE) >> 32;
        &buffer[at as usize..][..span.0 as u32 as usize]
    }

    /// A node by its index.
    pub(super) fn node(&self, index: u32) -> &'a Node {
        &self.nodes[index as usize]
    }

    /// What an item is, in a word or two for an error message.
    pub(super) fn kind_name(&self, item: Item) -> &'static str {
        match item {
            Item::None => "None",
            Item::Bool(_) => "a bool",
            Item::Int(_) | Item::LongText(_) | Item::LongBytes(_) => "an integer",
            Item::Float(_) => "a float",
            Item::Text(_) => "a text",
            Item::Bytes(_) => "bytes",
            Item::Node(index) => match self.node(index).kind {
                Kind::List => "a list",
                Kind::Tuple => "a tuple",
                Kind::Dict => "a dict",
                Kind::Set | Kind::FrozenSet => "a set",
                Kind::Global | Kind::Extension => "a class or function",
                Kind::Object => "an object",
                Kind::Persistent => "a reference",
            },
        }
    }
}
