//! Records of the `log` and `tracing` crates, for programs that use their macros.

#[cfg(feature = "log")]
mod attach;
#[cfg(feature = "log")]
mod log;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(feature = "log")]
pub use attach::{AttachedHandler, client_attach_socket_handler};
#[cfg(feature = "log")]
pub use log::LogBridge;
#[cfg(feature = "tracing")]
pub use tracing::TracingBridge;

use serde_json::{Map, Number, Value};

use crate::level::Level;
use crate::record::Site;

/// Whether what is logged comes from logstore itself, or from what its threads use: it must not come back to them.
fn is_own(target: &str) -> bool {
    target == "logstore"
        || target.starts_with("logstore::")
        || std::thread::current()
            .name()
            .is_some_and(|name| name.starts_with("logstore-"))
}

/// A place in Rust code. A target's `::` becomes the `.` of a logger's hierarchy; the module keeps it.
fn site(
    target: &str,
    level: Level,
    file: Option<&str>,
    line: Option<u32>,
    module_path: Option<&str>,
) -> Site {
    Site {
        pathname: file.unwrap_or_default().to_owned(),
        lineno: line.map(i64::from),
        other_module: module_path.map(str::to_owned),
        ..Site::new(target.replace("::", "."), level)
    }
}

/// Adds an extra field. One of that name that is there already stays; the new one's name gets a `_`.
fn put(fields: &mut Map<String, Value>, key: &str, value: Value) {
    let mut key = key.to_owned();
    while fields.contains_key(&key) {
        key.push('_');
    }
    fields.insert(key, value);
}

/// A number as JSON has it; text for those that it does not have.
fn float(value: f64) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => "NaN".into(),
        None if value > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

/// An integer, as text when it has more than 64 bits.
fn integer(value: impl TryInto<i64> + TryInto<u64> + ToString + Copy) -> Value {
    let signed: Result<i64, _> = value.try_into();
    let unsigned: Result<u64, _> = value.try_into();
    match (signed, unsigned) {
        (Ok(value), _) => value.into(),
        (_, Ok(value)) => value.into(),
        _ => value.to_string().into(),
    }
}
