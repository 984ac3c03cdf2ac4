//! Records as other clients write them: JSON lines, and syslog as rsyslog forwards it.

use logstore::{LogRecord, rfc3339_utc};
use serde_json::{Value, json};

/// As a service would write it with python-json-logger: some 300 bytes.
pub(crate) fn json_line(record: &LogRecord) -> String {
    let (site, origin) = (&*record.site, &*record.origin);
    let mut line = json!({
        "timestamp": rfc3339_utc(record.created_ns),
        "level": site.level_name,
        "name": site.name,
        "message": record.message,
        "hostname": origin.hostname,
        "process": origin.process,
        "threadName": origin.thread_name,
        "lineno": site.lineno,
        "funcName": site.func_name,
    });
    if let Value::Object(members) = &mut line {
        members.extend(record.extra.clone());
        let text = record.exc_text.clone();
        members.extend(text.map(|text| ("exc_info".into(), text.into())));
    }
    line.to_string()
}

/// By RFC 5424, with two parameters.
pub(crate) fn rfc5424(record: &LogRecord) -> String {
    let time = rfc3339_utc(record.created_ns);
    let (name, process) = (&record.site.name, record.origin.process.unwrap_or_default());
    let message = &record.message;
    format!("<30>1 {time} node7 {name} {process} - [meta sequenceId=\"7\" user=\"ada\"] {message}")
}
