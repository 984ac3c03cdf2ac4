//! Text: for people as it comes, or by a format of the user's own.

use super::RecordFormat;
use super::escape::Controls;
use super::people::{Coloring, People};
use super::template::Template;
use crate::error::QueryError;
use crate::query::{ContextRecord, Role};
use crate::record::StoredRecord;
use crate::time::Zone;

/// Records as text.
///
/// ```
/// use logstore::{Level, LogRecord, RecordFormat, Site, StoredRecord, TextFormat, Zone};
///
/// let record = LogRecord::new(Site::new("myapp", Level::INFO), "ready").with("port", 9020);
/// let mut text = TextFormat::with_format("%(levelname)-8s|%(message)s|%(port)6d", None, Zone::Utc)?;
/// let mut out = Vec::new();
/// text.write(&StoredRecord { id: 1, record }, &mut out);
/// assert_eq!(out, b"INFO    |ready|  9020\n");
/// # Ok::<(), logstore::QueryError>(())
/// ```
#[derive(Debug)]
pub struct TextFormat {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    People(People),
    Template(Template),
}

impl TextFormat {
    /// For people: time, level, logger, `host[process]`, message and extra fields on a line, traceback and stack below it.
    /// Control characters are always escaped. In an answer with context, what is no match has a `-` before its message where
    /// others have a `:`, as in `grep`, and is dimmed as a whole.
    #[must_use]
    pub fn people(zone: Zone, coloring: Coloring) -> Self {
        TextFormat {
            kind: Kind::People(People::new(zone, coloring)),
        }
    }

    /// By a format in `%`-style, as Python's `logging.Formatter(format, datefmt)` writes it, traceback and stack below.
    ///
    /// Keys are the attributes of Python's `LogRecord`, `hostname`, and the extra fields, nested ones with dots:
    /// `%(user.id)s`. What a record lacks is shown as `-`. A number's conversion takes a text too. `datefmt` is that of
    /// `strftime`, but its `%Z` is the offset, as zones have no names here; without one, `%(asctime)s` is as [`crate::asctime`] gives it.
    ///
    /// # Errors
    ///
    /// [`QueryError::Format`] when one of the two cannot be read, or the format names no field.
    pub fn with_format(
        format: &str,
        datefmt: Option<&str>,
        zone: Zone,
    ) -> Result<Self, QueryError> {
        Ok(TextFormat {
            kind: Kind::Template(Template::new(format, datefmt, zone)?),
        })
    }

    /// The console format of `dagrunner.utils.logger`.
    ///
    /// # Panics
    ///
    /// Never: the format is a constant that the tests try.
    #[must_use]
    pub fn console(zone: Zone) -> Self {
        Self::with_format(
            "%(relativeCreated)5d %(name)-15s %(levelname)-8s %(hostname)s %(process)d \
             %(asctime)s %(message)s",
            Some("%Y-%m-%dT%H:%M:%S"),
            zone,
        )
        .expect("the tests try this format")
    }

    /// The same with control characters in values as given here; a format by [`TextFormat::with_format`] escapes them unless
    /// told otherwise. The one for people ignores it.
    #[must_use]
    pub fn controls(mut self, controls: Controls) -> Self {
        if let Kind::Template(template) = &mut self.kind {
            template.controls = controls;
        }
        self
    }
}

impl RecordFormat for TextFormat {
    fn write(&mut self, record: &StoredRecord, out: &mut Vec<u8>) {
        match &mut self.kind {
            Kind::People(people) => people.write(&record.record, Role::Match, out),
            Kind::Template(template) => template.write(&record.record, out),
        }
    }

    fn write_context(&mut self, record: &ContextRecord, out: &mut Vec<u8>) {
        match &mut self.kind {
            Kind::People(people) => people.write(&record.stored.record, record.role, out),
            Kind::Template(_) => self.write(&record.stored, out),
        }
    }

    fn separator(&mut self, out: &mut Vec<u8>) {
        out.extend(b"--\n");
    }
}
