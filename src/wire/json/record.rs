//! The members of an object become a row of a batch.

use std::borrow::Cow;
use std::ops::Range;

use super::keys::{
    CREATED_NS, DOCKER_LOG, Field, JOURNAL_PRIORITY, LEVELNO, LOGURU_TEXT, SEVERITY_NUMBERS,
};
use super::level::{Scale, level_of_name, without_colour};
use super::members::{Dialect, Member, Members, PYTHON_TRACEBACK, Role};
use super::moment::{milliseconds, moment, nanoseconds};
use super::scan::Kind;
use super::text::{put_key, put_raw, put_value, unescaped};
use crate::batch::{Batch, Texts};
use crate::error::WireError;
use crate::level::Level;
use crate::wire::Context;
use crate::wire::intern::{self, Interner, OriginKey, SiteKey};
use crate::wire::record::WireRecord;

/// How much memory a buffer keeps from an unusually large record.
const KEPT_BYTES: usize = 64 << 10;

/// Adds the record that the members of this text describe to the batch.
pub(super) fn put_record(
    text: &str,
    members: &mut Members,
    context: &Context<'_>,
    interner: &mut Interner,
    extra: &mut String,
    batch: &mut Batch,
) -> Result<(), WireError> {
    let mut reader = Reader {
        text,
        members,
        told_in_part: None,
        hoisted: None,
        created_ns: None,
    };
    let level_name = without_colour(reader.name(Field::LevelName));
    let level = reader.level(&level_name);
    let name = reader.name(Field::Name);
    let mut lineno = reader.int(Field::Lineno);
    let mut pathname = reader.pathname(&mut lineno);
    let func_name = reader.name(Field::FuncName);
    let mut filename = reader.name(Field::Filename);
    if pathname.is_empty() && filename.contains(['/', '\\']) {
        // As tracing-subscriber calls it.
        pathname = std::mem::take(&mut filename);
    }
    let module = reader.name(Field::Module);
    let site = SiteKey {
        name: name.as_bytes(),
        level,
        level_name: level_name.as_bytes(),
        pathname: pathname.as_bytes(),
        lineno,
        func_name: func_name.as_bytes(),
        filename: filename.as_bytes(),
        module: module.as_bytes(),
    };

    let created_ns = reader.created_ns();
    let hostname = reader.name(Field::Hostname);
    let process_name = reader.name(Field::ProcessName);
    let thread_name = reader.name(Field::ThreadName);
    let origin = OriginKey {
        hostname: hostname.as_bytes(),
        process: reader.int(Field::Process),
        process_name: process_name.as_bytes(),
        thread: reader.int(Field::Thread),
        thread_name: thread_name.as_bytes(),
        started_ms: reader.started_ms(created_ns.unwrap_or(context.now_ns)),
    };

    let task_name = reader.optional_text(Field::TaskName).map(intern::name);
    let exc_text = reader.exc_text();
    let stack_info = reader.optional_text(Field::StackInfo);
    let message = reader.message();
    reader.put_extra(extra);
    let texts = Texts {
        message: &message,
        task_name: task_name.as_deref(),
        exc_text: exc_text.as_deref(),
        stack_info: stack_info.as_deref(),
        extra: (!extra.is_empty()).then_some(extra.as_str()),
    };
    let record = WireRecord {
        created_ns,
        site,
        origin,
        texts,
    };
    record.put(interner, context, batch)
}

/// Reads the fields of one record.
struct Reader<'t, 'm> {
    text: &'t str,
    members: &'m mut Members,
    /// The member of a level's number that the level does not tell: it is an extra field, too.
    told_in_part: Option<usize>,
    /// The object whose members are extra fields of the record itself.
    hoisted: Option<Range<usize>>,
    created_ns: Option<i64>,
}

impl<'t> Reader<'t, '_> {
    /// The first of a field's members that can be read so. Those before it become extra fields.
    fn first<T>(&mut self, field: Field, read: impl Fn(&Self, &Member) -> Option<T>) -> Option<T> {
        loop {
            let member = &self.members.list[self.members.best(field)?];
            let value = read(self, member);
            if value.is_some() {
                return value;
            }
            self.members.reject(field);
        }
    }

    /// A member's value as it stands; a text without its quotes.
    fn raw(&self, member: &Member) -> &'t str {
        let raw = member.value.span.of(self.text);
        match member.value.kind {
            Kind::Text => &raw[1..raw.len() - 1],
            _ => raw,
        }
    }

    fn optional_text(&self, field: Field) -> Option<Cow<'t, str>> {
        let member = &self.members.list[self.members.best(field)?];
        Some(unescaped(self.raw(member), member.value.form))
    }

    /// A field as text; empty when nobody said it.
    fn name(&self, field: Field) -> Cow<'t, str> {
        self.optional_text(field).unwrap_or_default()
    }

    fn int(&mut self, field: Field) -> Option<i64> {
        self.first(field, |reader, member| whole(reader.raw(member)))
    }

    /// The number says, else the name.
    fn level(&mut self, name: &str) -> Level {
        let dialect = self.members.dialect;
        let number = self.first(Field::LevelNumber, |reader, member| {
            let scale = match (member.role, dialect) {
                (Role::Column((_, LEVELNO)), _) => Scale::Python,
                (Role::Column((_, JOURNAL_PRIORITY)), _) => Scale::Syslog,
                (Role::Column((_, rank)), _) if SEVERITY_NUMBERS.contains(&rank) => {
                    Scale::OpenTelemetry
                }
                (_, Dialect::Gelf) => Scale::Syslog,
                (_, Dialect::Pino) => Scale::Pino,
                _ => Scale::Python,
            };
            let number = whole(reader.raw(member))?;
            Some((scale.level(number)?, scale.is_told(number)))
        });
        match number {
            Some((level, true)) => level,
            Some((level, false)) => {
                self.told_in_part = self.members.best(Field::LevelNumber);
                level
            }
            // It writes no others.
            None if name.is_empty() && dialect == Dialect::Serilog => Level::INFO,
            None if name.is_empty() => Level::NOTSET,
            None => level_of_name(name),
        }
    }

    /// The path of the source file; zap and logrus put the line behind it.
    fn pathname(&self, lineno: &mut Option<i64>) -> Cow<'t, str> {
        let path = self.name(Field::Pathname);
        let Some((file, line)) = path.rsplit_once(':') else {
            return path;
        };
        if lineno.is_some() || !line.bytes().all(|c| c.is_ascii_digit()) {
            return path;
        }
        let Ok(line) = line.parse() else {
            return path;
        };
        *lineno = Some(line);
        Cow::Owned(file.to_owned())
    }

    fn created_ns(&mut self) -> Option<i64> {
        self.created_ns = self.first(Field::Created, Self::moment);
        self.created_ns
    }

    fn moment(&self, member: &Member) -> Option<i64> {
        match member.role {
            Role::Column((_, CREATED_NS)) => nanoseconds(self.raw(member)),
            _ => moment(self.raw(member)),
        }
    }

    /// As for Python's own records: `created` minus `relativeCreated`, which wavers around half a millisecond.
    fn started_ms(&mut self, created_ns: i64) -> Option<i64> {
        let elapsed_ns = self.first(Field::RelativeCreated, |reader, member| {
            milliseconds(reader.raw(member))
        })?;
        let started_ns = created_ns.saturating_sub(elapsed_ns);
        Some(started_ns.saturating_add(500_000).div_euclid(1_000_000))
    }

    /// The traceback; Loguru puts it behind the formatted record.
    fn exc_text(&self) -> Option<Cow<'t, str>> {
        let text = self.optional_text(Field::ExcText)?;
        let member = self.members.best(Field::ExcText)?;
        let behind = self.members.list[member].role == Role::Column((Field::ExcText, LOGURU_TEXT));
        match text.find(PYTHON_TRACEBACK) {
            // From the start of its line: that of a group is marked there.
            Some(at) if behind => {
                let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
                Some(Cow::Owned(text[line..].to_owned()))
            }
            _ => Some(text),
        }
    }

    /// A message that is no text is its JSON.
    fn message(&self) -> Cow<'t, str> {
        let mut message = self.name(Field::Message);
        let member = self.members.best(Field::Message);
        let role = member.map(|index| self.members.list[index].role);
        if role == Some(Role::Column((Field::Message, DOCKER_LOG))) && message.ends_with('\n') {
            message.to_mut().pop();
        }
        message
    }

    /// The JSON object of all that is no field; nothing when all is.
    fn put_extra(&mut self, out: &mut String) {
        out.clear();
        out.shrink_to(KEPT_BYTES);
        out.push('{');
        self.hoisted = self.members.hoisted(self.text);
        self.put_members(0..self.members.list.len(), 1, out);
        if let Some(Range { start, end }) = self.hoisted {
            self.put_members(start + 1..end, 1, out);
        }
        if out.len() == 1 {
            out.clear();
        } else {
            out.push('}');
        }
    }

    /// Adds those of a run of members that are extra fields to an object that has begun there.
    fn put_members(&self, run: Range<usize>, begun: usize, out: &mut String) {
        for index in self.members.siblings(run) {
            let before = out.len();
            if before > begun {
                out.push(',');
            }
            let comma = out.len();
            self.put_member(index, &self.members.list[index], out);
            if out.len() == comma {
                out.truncate(before);
            }
        }
    }

    /// Adds a member if it is an extra field.
    fn put_member(&self, index: usize, member: &Member, out: &mut String) {
        let key = member.key.of(self.text);
        let gelf = self.members.dialect == Dialect::Gelf;
        match member.role {
            Role::Nothing => {}
            Role::Column((field, _)) if self.is_told(index, member, field) => {}
            Role::Opened(_) if self.hoisted.as_ref().is_some_and(|run| run.start == index) => {}
            Role::Opened(end) if end > index + 1 => {
                let before = out.len();
                put_key(key, member.key_form, out);
                out.push('{');
                let inside = out.len();
                self.put_members(index + 1..end, inside, out);
                if out.len() == inside {
                    out.truncate(before);
                } else {
                    out.push('}');
                }
            }
            Role::Extra if self.is_own_extra(key, member) => {
                let raw = member.value.span.of(self.text);
                put_raw(raw[1..raw.len() - 1].trim(), member.value.form, out);
            }
            Role::Extra if self.is_place(index, key, member) => {}
            // It says only that this is GELF.
            Role::Extra if gelf && key == "version" => {}
            Role::Extra | Role::Column(_) | Role::Opened(_) => {
                let key = if gelf {
                    self.members.gelf_extra(key)
                } else {
                    key
                };
                put_key(key, member.key_form, out);
                put_value(self.text, &member.value, out);
            }
        }
    }

    /// Whether the record says what this member of a field says: it is the one that was taken, or says the same.
    fn is_told(&self, index: usize, member: &Member, field: Field) -> bool {
        let best = self.members.best(field);
        if best == Some(index) {
            return self.told_in_part != best;
        }
        if field == Field::Created {
            return self.created_ns.is_some() && self.moment(member) == self.created_ns;
        }
        best.is_some_and(|best| self.raw(&self.members.list[best]) == self.raw(member))
    }

    /// Whether it says only where the record was in the store that it was read from: the `id` before all else and the `cursor` behind it.
    fn is_place(&self, index: usize, key: &str, member: &Member) -> bool {
        let list = &self.members.list;
        let is_id =
            |member: &Member| member.key.of(self.text) == "id" && member.value.kind == Kind::Number;
        self.members.dialect == Dialect::Logstore
            && list
                .get(1)
                .is_some_and(|second| second.key.of(self.text) == "created_ns")
            && is_id(&list[0])
            && (index == 0
                || index == list.len() - 1 && key == "cursor" && member.value.kind == Kind::Text)
    }

    /// Whether it holds the extra fields of a record that logstore itself has written.
    fn is_own_extra(&self, key: &str, member: &Member) -> bool {
        self.members.dialect == Dialect::Logstore
            && key == "extra"
            && member.value.kind == Kind::Object
    }
}

/// A whole number, also as languages with no other numbers than floats write it: `40.0`.
fn whole(text: &str) -> Option<i64> {
    // There is no -0 among whole numbers.
    let float = || {
        text.trim_end_matches('0')
            .strip_suffix('.')
            .filter(|whole| *whole != "-0")
    };
    text.parse().ok().or_else(|| float()?.parse().ok())
}
