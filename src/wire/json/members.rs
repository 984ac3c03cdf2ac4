//! The members of a message's object, each with what it is to the record.

use std::ops::Range;

use super::keys::{
    FIELDS, FIELDS_MESSAGE, FULL_MESSAGE, Field, LEVEL_AS_NAME, LOGURU_TEXT, LONGEST,
    MESSAGE_IF_TEXT, Place, THREAD_AS_NAME, gelf_place_of, hint, hints_of, holds_fields,
    loguru_holds_fields, loguru_place_of, place_of, short_place_of,
};
use super::scan::{Fault, Form, Kind, Scanner, Span, Value};

/// What a member is to the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// One of the extra fields.
    Extra,
    /// A field of the record, if no other key of that field goes before it.
    Column(Place),
    /// A field of which it says nothing: null, or an empty name.
    Nothing,
    /// An object whose members stand behind it in the list, up to this one.
    Opened(usize),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// Without its quotes.
    pub(super) key: Span,
    pub(super) key_form: Form,
    pub(super) value: Value,
    pub(super) role: Role,
}

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Dialect {
    #[default]
    Any,
    /// Pino or bunyan.
    Pino,
    Gelf,
    /// `logstore query -o json`.
    Logstore,
    /// Loguru's `serialize=True`.
    Loguru,
    /// Serilog's compact form.
    Serilog,
    /// zap's console configuration.
    Short,
}

/// How many members are compared with each other.
const MOST_COMPARED: usize = 100;

const FIELDS_MESSAGE_ROLE: Role = Role::Column((Field::Message, FIELDS_MESSAGE));

/// The members of one message. Its memory is used for many.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) list: Vec<Member>,
    /// For each field the member that says it.
    best: [Option<u32>; FIELDS],
    pub(super) dialect: Dialect,
    /// The bits of [`hint`].
    hints: u16,
    /// Whether a GELF message has fields of its own without an underscore.
    plain_extra: bool,
}

impl Members {
    /// Reads the object that the text holds, of this dialect or of the one that it shows.
    pub(super) fn read(&mut self, text: &str, dialect: Option<Dialect>) -> Result<(), Fault> {
        self.dialect = Dialect::Any;
        self.hints = 0;
        self.begin();
        let mut scanner = Scanner::new(text);
        self.collect(text, &mut scanner, "")?;
        scanner.end()?;
        if self.list.is_empty() {
            return Err(Fault {
                reason: "the object is empty",
                at: 0,
            });
        }
        self.dialect = dialect.unwrap_or_else(|| self.hinted());
        if matches!(
            self.dialect,
            Dialect::Gelf | Dialect::Loguru | Dialect::Short
        ) {
            // Other keys, and some of them mean other things.
            self.begin();
            self.collect(text, &mut Scanner::new(text), "")?;
        }
        let is_said = |field| self.best(field).is_some();
        if self.dialect == Dialect::Loguru && !(is_said(Field::Message) && is_said(Field::Created))
        {
            // Somebody else's record.
            self.dialect = Dialect::Any;
            self.begin();
            self.collect(text, &mut Scanner::new(text), "")?;
        }
        Ok(())
    }

    fn begin(&mut self) {
        self.list.clear();
        self.best = [None; FIELDS];
        self.plain_extra = false;
    }

    fn hinted(&self) -> Dialect {
        let all = |hints: u16| self.hints & hints == hints;
        let pino = all(hint::PID | hint::HOSTNAME)
            && self.hints & (hint::NUMERIC_TIME | hint::MSG) != 0
            || all(hint::MSG | hint::TIME_MS);
        if all(hint::GELF_VERSION | hint::SHORT_MESSAGE) {
            Dialect::Gelf
        } else if all(hint::CREATED_NS) {
            Dialect::Logstore
        } else if all(hint::LOGURU_TEXT | hint::LOGURU_RECORD) && self.list.len() == 2 {
            Dialect::Loguru
        } else if all(hint::SERILOG_TIME) {
            Dialect::Serilog
        } else if pino {
            Dialect::Pino
        } else if all(hint::SHORT_LEVEL | hint::SHORT_TEXT) {
            Dialect::Short
        } else {
            Dialect::Any
        }
    }

    /// Adds the members of the object that begins here; `path` is where it lies, with a dot behind.
    fn collect(&mut self, text: &str, scanner: &mut Scanner<'_>, path: &str) -> Result<(), Fault> {
        scanner.members(|key, key_form, value| {
            let name = key.of(text);
            let raw = value.span.of(text);
            let nested;
            let name = if path.is_empty() {
                self.hints |= hints_of(name.as_bytes(), raw);
                name
            } else if path.len() + name.len() <= LONGEST {
                nested = format!("{path}{name}");
                &nested
            } else {
                ""
            };
            let index = self.list.len();
            let role = self.role(name, value.kind, raw);
            self.plain_extra |= role == Role::Extra && !name.starts_with('_') && name != "version";
            self.list.push(Member {
                key,
                key_form,
                value,
                role,
            });
            if let Role::Column(place) = role {
                self.claim(place, index);
            }
            if let Role::Opened(_) = role {
                let mut inner = Scanner::at(text, value.span);
                self.collect(text, &mut inner, &format!("{name}."))?;
                self.list[index].role = Role::Opened(self.list.len());
            }
            Ok(())
        })
    }

    fn role(&self, key: &str, kind: Kind, raw: &str) -> Role {
        let place = match self.dialect {
            Dialect::Gelf => gelf_place_of(key.as_bytes()),
            Dialect::Loguru => loguru_place_of(key.as_bytes()),
            Dialect::Short => short_place_of(key.as_bytes()),
            _ => place_of(key.as_bytes()),
        };
        if let Some(place) = place {
            if kind == Kind::Null {
                return Role::Nothing;
            }
            let role = role_of(place, kind, raw);
            if role != Role::Extra {
                return role;
            }
        }
        let opens = kind == Kind::Object
            && match self.dialect {
                Dialect::Gelf => false,
                Dialect::Loguru => loguru_holds_fields(key.as_bytes()),
                _ => holds_fields(key.as_bytes()),
            };
        if opens { Role::Opened(0) } else { Role::Extra }
    }

    /// Lets this member say the field, unless a key before its own does. Of equal keys the last one counts.
    fn claim(&mut self, (field, rank): Place, index: usize) {
        let best = &mut self.best[field as usize];
        let before = best.map(|best| self.list[best as usize].role);
        if !matches!(before, Some(Role::Column((_, before))) if before < rank) {
            *best = u32::try_from(index).ok();
        }
    }

    /// The key of an additional field of GELF: its underscore is only the protocol's, unless there are keys without one, which it
    /// could meet.
    pub(super) fn gelf_extra<'a>(&self, key: &'a str) -> &'a str {
        match key.strip_prefix('_') {
            Some(own) if !own.is_empty() && !self.plain_extra => own,
            _ => key,
        }
    }

    /// The opened object whose members are extra fields of the record rather than of that object: of those beside a message of
    /// tracing-subscriber, and of what Loguru's `bind` has added. `None` when one is called like a member of the outermost object.
    pub(super) fn hoisted(&self, text: &str) -> Option<Range<usize>> {
        let encloses =
            |member: &Member, index: usize| matches!(member.role, Role::Opened(end) if end > index);
        let at = match (self.dialect, self.best(Field::Message)) {
            (Dialect::Loguru, _) => self
                .list
                .iter()
                .position(|member| member.key.of(text) == "extra" && encloses(member, 0))?,
            (_, Some(best)) if self.list[best].role == FIELDS_MESSAGE_ROLE => self.list[..best]
                .iter()
                .rposition(|member| encloses(member, best))?,
            _ => return None,
        };
        let Role::Opened(end) = self.list[at].role else {
            return None;
        };
        let key = |index: usize| self.list[index].key.of(text);
        let is_taken = |own| {
            self.siblings(0..self.list.len())
                .any(|outer| key(outer) == key(own))
        };
        let fits = self.list.len() <= MOST_COMPARED && !self.siblings(at + 1..end).any(is_taken);
        fits.then_some(at..end)
    }

    /// The members of one object, without what is in opened ones among them.
    pub(super) fn siblings(&self, range: Range<usize>) -> impl Iterator<Item = usize> {
        let mut next = range.start;
        std::iter::from_fn(move || {
            let index = next;
            next = match self.list.get(index)?.role {
                Role::Opened(end) => end,
                _ => index + 1,
            };
            (index < range.end).then_some(index)
        })
    }

    /// The index of the member that says this field.
    pub(super) fn best(&self, field: Field) -> Option<usize> {
        self.best[field as usize].map(|index| index as usize)
    }

    /// Makes extra fields of the best members of a field, since they do not say what they should, and lets the next best key say it.
    pub(super) fn reject(&mut self, field: Field) {
        let Some(index) = self.best(field) else {
            return;
        };
        let rejected = self.list[index].role;
        self.best[field as usize] = None;
        for index in 0..self.list.len() {
            let role = &mut self.list[index].role;
            match *role {
                same if same == rejected => *role = Role::Extra,
                Role::Column(place) if place.0 == field => self.claim(place, index),
                _ => {}
            }
        }
    }
}

/// What a value of this kind is under the key of a field; extra when it is of the wrong kind.
fn role_of((field, rank): Place, kind: Kind, raw: &str) -> Role {
    let integer = match kind {
        Kind::Number => true,
        Kind::Text => is_integer(raw.trim_matches('"')),
        _ => false,
    };
    let fits = match field {
        Field::LevelNumber | Field::LevelName if integer => {
            return if rank == LEVEL_AS_NAME {
                Role::Extra
            } else {
                Role::Column((Field::LevelNumber, rank))
            };
        }
        Field::Thread if kind == Kind::Text && !integer => {
            return role_of((Field::ThreadName, THREAD_AS_NAME), kind, raw);
        }
        Field::Message => rank < MESSAGE_IF_TEXT || kind == Kind::Text,
        Field::Created => matches!(kind, Kind::Number | Kind::Text),
        Field::Process | Field::Thread | Field::Lineno => integer,
        Field::RelativeCreated => kind == Kind::Number,
        Field::ExcText if rank == FULL_MESSAGE => {
            // What is no traceback is another message, and goes to the extra fields if it says more.
            return Role::Column(if is_traceback(raw) {
                (field, rank)
            } else {
                (Field::Message, rank)
            });
        }
        // It says again what the rest does.
        Field::ExcText if rank == LOGURU_TEXT && !raw.contains(PYTHON_TRACEBACK) => {
            return Role::Nothing;
        }
        _ if raw == "\"\"" => return Role::Nothing,
        _ => kind == Kind::Text,
    };
    if fits {
        Role::Column((field, rank))
    } else {
        Role::Extra
    }
}

/// Whether a text is an integer; one with leading zeros is rather a name.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    text == "0" || digits.starts_with(|c| c != '0') && digits.bytes().all(|c| c.is_ascii_digit())
}

/// What Python's tracebacks begin with.
pub(super) const PYTHON_TRACEBACK: &str = "Traceback (most recent call last)";

/// Whether a text, still escaped, is a traceback of Python, or a stack of Java or JavaScript.
fn is_traceback(raw: &str) -> bool {
    [PYTHON_TRACEBACK, r"\n\tat ", r"\n    at "]
        .into_iter()
        .any(|mark| raw.contains(mark))
}
