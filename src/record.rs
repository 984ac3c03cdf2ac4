//! What a log record is: the place that logged, who logged, and what was said.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use crate::level::Level;
use crate::query::RecordKey;
use crate::time::now_ns;

/// A place in a program that logs. Records from one place share one `Site`.
///
/// An empty text and `None` mean the same: the client did not say.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Site {
    /// The logger's name, dots making a hierarchy: `myapp.area2`.
    pub name: String,
    /// Python's `levelno`.
    pub level: Level,
    /// Python's `levelname`: what the client calls that number, custom names included.
    pub level_name: String,
    /// The source file as the client knows it.
    pub pathname: String,
    /// The line in that file.
    pub lineno: Option<i64>,
    /// The function that logged.
    pub func_name: String,
    /// The file's name when it is not what [`Site::filename`] derives from `pathname`.
    pub other_filename: Option<String>,
    /// The module's name when it is not what [`Site::module`] derives from the file's name.
    pub other_module: Option<String>,
}

impl Site {
    /// A site of this logger and level whose place in the source is unknown.
    #[must_use]
    pub fn new(name: impl Into<String>, level: Level) -> Self {
        Site {
            name: name.into(),
            level,
            level_name: level.to_string(),
            pathname: String::new(),
            lineno: None,
            func_name: String::new(),
            other_filename: None,
            other_module: None,
        }
    }

    /// The same site at this place in the source.
    #[must_use]
    pub fn at(mut self, pathname: impl Into<String>, lineno: u32, func: impl Into<String>) -> Self {
        self.pathname = pathname.into();
        self.lineno = Some(lineno.into());
        self.func_name = func.into();
        self
    }

    /// Python's `filename`: the last part of `pathname`, unless the client said otherwise.
    #[must_use]
    pub fn filename(&self) -> &str {
        self.other_filename
            .as_deref()
            .unwrap_or_else(|| filename_of(&self.pathname))
    }

    /// How many bytes its texts have.
    pub(crate) fn text_bytes(&self) -> usize {
        let Site {
            name,
            level_name,
            pathname,
            func_name,
            other_filename,
            other_module,
            ..
        } = self;
        let other = [other_filename, other_module]
            .into_iter()
            .flatten()
            .map(String::len);
        name.len() + level_name.len() + pathname.len() + func_name.len() + other.sum::<usize>()
    }

    /// Python's `module`: the filename without its extension, unless the client said otherwise.
    #[must_use]
    pub fn module(&self) -> &str {
        self.other_module
            .as_deref()
            .unwrap_or_else(|| module_of(self.filename()))
    }
}

/// The last part of a path, of POSIX or of Windows, as Python's `os.path.basename` gives it.
pub(crate) fn filename_of(pathname: &str) -> &str {
    pathname.rsplit(['/', '\\']).next().unwrap_or(pathname)
}

/// A file's name without its last extension; a name that only begins with a dot keeps it.
pub(crate) fn module_of(filename: &str) -> &str {
    match filename.rfind('.') {
        Some(dot) if dot > 0 => &filename[..dot],
        _ => filename,
    }
}

/// The value of a key in the extra fields: the key itself, or else what its dots lead to in nested objects.
pub(crate) fn extra_at<'a>(extra: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    extra.get(key).or_else(|| {
        key.match_indices('.')
            .find_map(|(dot, _)| match extra.get(&key[..dot]) {
                Some(Value::Object(inner)) => extra_at(inner, &key[dot + 1..]),
                _ => None,
            })
    })
}

/// Who logged: a thread of a process on a host. Records of one thread share one `Origin`.
///
/// An empty text and `None` mean the same: the client did not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The machine's name.
    pub hostname: String,
    /// The process id.
    pub process: Option<i64>,
    /// Python's `processName`.
    pub process_name: String,
    /// The thread's identifier, as Python's `threading.get_ident()` gives it.
    pub thread: Option<i64>,
    /// Python's `threadName`.
    pub thread_name: String,
    /// When the process began to log, in milliseconds since the Unix epoch: `created` minus
    /// `relativeCreated`. It tells two runs that were given one process id apart.
    pub started_ms: Option<i64>,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Origin>>> = const { RefCell::new(None) };
}

impl Origin {
    /// How many bytes its texts have.
    pub(crate) fn text_bytes(&self) -> usize {
        self.hostname.len() + self.process_name.len() + self.thread_name.len()
    }

    /// This thread of this process on this host.
    #[must_use]
    pub fn current() -> Arc<Origin> {
        CURRENT.with_borrow_mut(|current| {
            Arc::clone(current.get_or_insert_with(|| Arc::new(Origin::of_this_thread())))
        })
    }

    fn of_this_thread() -> Origin {
        static STARTED_MS: OnceLock<i64> = OnceLock::new();
        let thread = std::thread::current();
        // `ThreadId` shows its number only through Debug: "ThreadId(7)".
        let number: String = format!("{:?}", thread.id())
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        Origin {
            hostname: machine_name().to_owned(),
            process: Some(std::process::id().into()),
            process_name: std::env::args_os()
                .next()
                .map(|program| filename_of(&program.to_string_lossy()).to_owned())
                .unwrap_or_default(),
            thread: number.parse().ok(),
            thread_name: thread.name().unwrap_or_default().to_owned(),
            started_ms: Some(*STARTED_MS.get_or_init(|| now_ns() / 1_000_000)),
        }
    }
}

/// This machine's own name.
#[must_use]
pub fn machine_name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| gethostname::gethostname().to_string_lossy().into_owned())
}

/// One log record, with every field of Python's `LogRecord` that travels.
///
/// `site` and `origin` repeat from record to record, so they are shared: keep the `Arc<Site>` of a place that logs often and
/// hand it to [`LogRecord::new`] again.
///
/// ```
/// use logstore::{Level, LogRecord, Site};
///
/// let site = Site::new("myapp.area2", Level::WARNING).at(file!(), line!(), "main");
/// let record = LogRecord::new(site, "Jail zesty vixen who grabbed pay from quack.")
///     .with("elapsed", 1.5);
/// assert_eq!(record.extra["elapsed"], 1.5);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LogRecord {
    /// When the record was made, in nanoseconds since the Unix epoch, UTC.
    pub created_ns: i64,
    /// The place that logged, with logger name and level.
    pub site: Arc<Site>,
    /// Who logged.
    pub origin: Arc<Origin>,
    /// The formatted message.
    pub message: String,
    /// Python's `taskName`: the asyncio task.
    pub task_name: Option<String>,
    /// The formatted traceback.
    pub exc_text: Option<String>,
    /// The formatted stack of `stack_info=True`.
    pub stack_info: Option<String>,
    /// Everything else the client sent along (`extra=` in Python).
    pub extra: Map<String, Value>,
}

impl LogRecord {
    /// A record of our own.
    pub(crate) fn own(level: Level, message: String) -> Self {
        LogRecord::new(Site::new("logstore", level), message)
    }

    /// A record of this moment and this thread.
    #[must_use]
    pub fn new(site: impl Into<Arc<Site>>, message: impl Into<String>) -> Self {
        LogRecord {
            created_ns: now_ns(),
            site: site.into(),
            origin: Origin::current(),
            message: message.into(),
            task_name: None,
            exc_text: None,
            stack_info: None,
            extra: Map::new(),
        }
    }

    /// The same record with one more extra field.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(key.into(), value.into());
        self
    }

    /// Python's `relativeCreated`: milliseconds since the process began to log.
    #[must_use]
    pub fn relative_created_ms(&self) -> Option<f64> {
        let started_ns = self.origin.started_ms?.checked_mul(1_000_000)?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a difference of years keeps microseconds"
        )]
        Some(self.created_ns.checked_sub(started_ns)? as f64 / 1e6)
    }
}

/// A record as it stands in a store, with the number that the store gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRecord {
    /// The row's number: rises in the order of arrival.
    pub id: i64,
    /// The record.
    pub record: LogRecord,
}

impl StoredRecord {
    /// Its place in time order.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        RecordKey {
            created_ns: self.record.created_ns,
            id: self.id,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dotted_key_goes_into_nested_fields() {
        let extra = json!({"user": {"id": 7, "a.b": {"c": 1}}, "x.y": 2});
        let extra = extra.as_object().unwrap();
        assert_eq!(extra_at(extra, "user.id"), Some(&json!(7)));
        assert_eq!(extra_at(extra, "x.y"), Some(&json!(2)));
        assert_eq!(extra_at(extra, "user.a.b.c"), Some(&json!(1)));
        assert_eq!(extra_at(extra, "user.name"), None);
        assert_eq!(extra_at(extra, "x.z"), None);
    }

    #[test]
    fn filename_and_module_follow_from_the_pathname() {
        for (pathname, filename, module) in [
            ("/srv/app/area2.py", "area2.py", "area2"),
            ("C:\\app\\area2.py", "area2.py", "area2"),
            ("area2", "area2", "area2"),
            ("/srv/.hidden", ".hidden", ".hidden"),
            ("/srv/archive.tar.gz", "archive.tar.gz", "archive.tar"),
            ("", "", ""),
        ] {
            let site = Site::new("a", Level::INFO).at(pathname, 1, "f");
            assert_eq!(
                (site.filename(), site.module()),
                (filename, module),
                "{pathname}"
            );
        }
    }

    #[test]
    fn what_the_client_said_of_file_and_module_wins() {
        let mut site = Site::new("a", Level::INFO).at("/srv/x.py", 1, "f");
        site.other_filename = Some("y.py".into());
        assert_eq!((site.filename(), site.module()), ("y.py", "y"));
        site.other_module = Some("z".into());
        assert_eq!(site.module(), "z");
    }

    #[test]
    fn one_thread_has_one_origin_and_another_has_another() {
        let here = Origin::current();
        assert!(Arc::ptr_eq(&here, &Origin::current()));
        let there = std::thread::Builder::new()
            .name("other".into())
            .spawn(Origin::current)
            .unwrap()
            .join()
            .unwrap();
        assert_eq!(there.thread_name, "other");
        assert_ne!(here.thread, there.thread);
        assert_eq!(here.started_ms, there.started_ms);
    }
}
