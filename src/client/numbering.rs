//! A client's name and the numbers of its records, by which a server tells what is missing and what has come twice.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::batch::extra_json;
use crate::chance::chance;
use crate::record::{LogRecord, machine_name};

/// Numbers the records of one handler.
#[derive(Debug)]
pub(super) struct Numbering {
    /// As JSON.
    client: String,
    next: AtomicU64,
}

impl Numbering {
    pub(super) fn new() -> Self {
        let (machine, process) = (machine_name(), std::process::id());
        let client = format!("{machine}-{process}-{:08x}", chance() >> 32);
        Numbering {
            client: serde_json::Value::from(client).to_string(),
            next: AtomicU64::new(1),
        }
    }

    /// The extra fields of the next record, as the text of a JSON object.
    pub(super) fn extra_of(&self, record: &LogRecord) -> Option<String> {
        let extra = extra_json(record);
        if record.extra.contains_key("client") || record.extra.contains_key("seq") {
            return extra;
        }
        let seq = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = match extra {
            // In the place of the object's last brace.
            Some(mut text) => {
                text.pop();
                text.push(',');
                text
            }
            None => "{".into(),
        };
        let _ = write!(text, "\"client\":{},\"seq\":{seq}}}", self.client);
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;
    use crate::record::Site;
    use serde_json::{Value, json};

    #[test]
    fn records_are_numbered_unless_they_number_themselves() {
        let numbering = Numbering::new();
        let record = LogRecord::new(Site::new("a", Level::INFO), "");
        let fields = |record: &LogRecord| -> Value {
            serde_json::from_str(&numbering.extra_of(record).unwrap()).unwrap()
        };
        let first = fields(&record);
        assert_eq!(first["seq"], 1);
        let client = &first["client"];
        assert!(client.as_str().unwrap().starts_with(machine_name()));
        let second = fields(&record.clone().with("user", "ada"));
        assert_eq!(second, json!({"user": "ada", "client": client, "seq": 2}));
        let own = fields(&record.clone().with("client", "web"));
        assert_eq!(own, json!({"client": "web"}));
        assert_eq!(fields(&record)["seq"], 3);
    }
}
