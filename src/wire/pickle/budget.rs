//! How much a pickle may make of itself: bytes of output and depth.
//!
//! A few hundred bytes of pickle can describe a tree of terabytes (lists that hold one list ten times, which holds one list ten
//! times, ...) or a list that holds itself. Whatever walks the nodes pays for each byte it writes and each node it enters.

/// What one record may still cost.
#[derive(Debug, Default)]
pub(super) struct Budget {
    bytes_left: usize,
    /// The nodes that are being written, outermost first.
    path: Vec<u32>,
}

/// What [`Budget::enter`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// Go on, and [`Budget::leave`] afterwards.
    Entered,
    /// The node is one of those that are being written.
    Recursive,
    /// The nesting is as deep as it may be, or the bytes are spent.
    Cut,
}

/// A level of nesting that is no node of the heap.
const NO_NODE: u32 = u32::MAX;

impl Budget {
    /// How deep the output may nest. Readers of JSON stop at 128 (`serde_json`), and a record is put into something, too.
    pub(super) const MAX_DEPTH: usize = 100;
    /// What every record may have, in bytes.
    const MIN_BYTES: usize = 64 << 10;
    /// What a record may have for each byte of its frame: more than the six that escaping a character can take in JSON.
    const BYTES_PER_BYTE: usize = 8;

    /// The budget of a record whose frame has this many bytes.
    pub(super) fn of_frame(frame_bytes: usize) -> Self {
        let mut budget = Budget::default();
        budget.reset(frame_bytes);
        budget
    }

    /// Starts again for another frame, keeping the memory.
    pub(super) fn reset(&mut self, frame_bytes: usize) {
        self.bytes_left = frame_bytes
            .saturating_mul(Self::BYTES_PER_BYTE)
            .max(Self::MIN_BYTES);
        self.path.clear();
    }

    /// How many bytes may still be written.
    pub(super) fn bytes_left(&self) -> usize {
        self.bytes_left
    }

    /// Pays for so many bytes of output, or for as much work. When there is not enough left, nothing is left.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let enough = bytes <= self.bytes_left;
        self.bytes_left = if enough { self.bytes_left - bytes } else { 0 };
        enough
    }

    /// Takes back a payment or what was held back.
    pub(super) fn give_back(&mut self, bytes: usize) {
        self.bytes_left += bytes;
    }

    /// Puts half of what is left aside and says how much that is, for [`Budget::give_back`] later. Only on the outermost level:
    /// one field of a record must not leave nothing to the others, while parts of one value may share as they like.
    pub(super) fn hold_back(&mut self) -> usize {
        let held = if self.path.is_empty() {
            self.bytes_left / 2
        } else {
            0
        };
        self.bytes_left -= held;
        held
    }

    /// Goes into a node.
    pub(super) fn enter(&mut self, node: u32) -> Entry {
        if self.path.contains(&node) {
            return Entry::Recursive;
        }
        self.descend(node)
    }

    /// Goes a level deeper without a node.
    pub(super) fn enter_part(&mut self) -> Entry {
        self.descend(NO_NODE)
    }

    fn descend(&mut self, node: u32) -> Entry {
        if self.path.len() >= Self::MAX_DEPTH || !self.take(1) {
            return Entry::Cut;
        }
        self.path.push(node);
        Entry::Entered
    }

    /// Comes back out of what was entered last.
    pub(super) fn leave(&mut self) {
        self.path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_follows_the_frame_and_has_a_floor() {
        assert_eq!(Budget::of_frame(10).bytes_left(), 65_536);
        assert_eq!(Budget::of_frame(1 << 20).bytes_left(), 8 << 20);
    }

    #[test]
    fn what_does_not_fit_spends_the_rest() {
        let mut budget = Budget::of_frame(0);
        assert!(budget.take(65_530) && budget.bytes_left() == 6);
        assert!(!budget.take(7) && budget.bytes_left() == 0);
        assert!(budget.take(0));
    }

    #[test]
    fn a_node_within_itself_is_noticed_and_depth_ends() {
        let mut budget = Budget::of_frame(0);
        assert_eq!(budget.enter(7), Entry::Entered);
        assert_eq!(budget.enter(8), Entry::Entered);
        assert_eq!(budget.enter(7), Entry::Recursive);
        for _ in 2..Budget::MAX_DEPTH {
            assert_eq!(budget.enter_part(), Entry::Entered);
        }
        assert_eq!(budget.enter_part(), Entry::Cut);
        budget.leave();
        assert_eq!(budget.enter_part(), Entry::Entered);
    }
}
