//! Syslog messages become records: RFC 5424, RFC 3164, and text without any header.
//!
//! | of a message | in the record |
//! | --- | --- |
//! | severity | level; ALERT and EMERGENCY keep their names |
//! | facility | extra field `facility`, by its name |
//! | time | `created`; without one the time of arrival |
//! | HOSTNAME | host name; else that of the connection |
//! | APP-NAME, or the name in the tag | logger name |
//! | PROCID, or the number in the tag | process; what is no number is the extra field `procid` |
//! | MSGID | extra field `msgid` |
//! | STRUCTURED-DATA | extra field `structured_data`: an object of objects |
//! | Cisco's counters, a zone that only the sender knows | extra fields `sequence`, `timezone` |
//!
//! What cannot be read as a header belongs to the message, so that no text is lost. JSON behind `@cee:` is left as the text it is.

mod header;
mod priority;
mod rfc3164;
mod rfc5424;
mod stamp;
mod structured;
#[cfg(test)]
mod tests;

use self::header::{Header, without_mark};
use self::priority::Priority;
use self::stamp::Clock;
use self::structured::Param;
use super::escape::put_json_string;
use super::intern::{Interner, OriginKey, SiteKey};
use super::record::WireRecord;
use super::text::text;
use super::{Context, MAX_FRAME_LIMIT};
use crate::batch::{Batch, Texts};
use crate::error::WireError;
use crate::time::LocalTimes;

/// How much memory a buffer keeps from an unusually large message.
const KEPT_BYTES: usize = 64 << 10;

/// Decodes syslog messages. Keep one for many messages: it remembers sites and origins and reuses its memory.
#[derive(Debug, Default)]
pub struct SyslogDecoder {
    interner: Interner,
    local: LocalTimes,
    params: Vec<Param>,
    /// The JSON of the extra fields.
    extra: String,
}

impl SyslogDecoder {
    /// A decoder that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes one message, without its framing, and adds the record to the batch. Times without an offset are local ones.
    ///
    /// # Errors
    ///
    /// [`WireError::Message`] when it is empty, [`WireError::RecordTooLarge`], and [`WireError::FrameTooLong`] for more than
    /// [`MAX_FRAME_LIMIT`] bytes. No record is added then; another message may follow.
    pub fn decode(
        &mut self,
        message: &[u8],
        context: &Context<'_>,
        batch: &mut Batch,
    ) -> Result<(), WireError> {
        if message.len() > MAX_FRAME_LIMIT {
            return Err(WireError::FrameTooLong {
                claimed: message.len() as u64,
                limit: MAX_FRAME_LIMIT,
            });
        }
        let message = without_end(message);
        let message = without_mark(message);
        if message.is_empty() {
            return Err(WireError::Message {
                protocol: "syslog",
                reason: "the message is empty".into(),
            });
        }
        self.params.clear();
        let mut clock = Clock {
            now_ns: context.now_ns,
            local: &mut self.local,
        };
        let (priority, header) = if let Some((priority, behind)) = Priority::split(message) {
            let header = rfc5424::parse(behind, &mut clock, &mut self.params);
            let header = header.unwrap_or_else(|| rfc3164::parse(behind, &mut clock));
            (priority, header)
        } else {
            let header = Header {
                message,
                ..Header::default()
            };
            (Priority::DEFAULT, header)
        };
        let process = number_of(header.procid);
        self.put_extra(priority, &header, process);
        let (level, level_name) = priority.level();
        let record = WireRecord {
            created_ns: header.created_ns,
            site: SiteKey {
                name: header.app_name,
                level,
                level_name: level_name.as_bytes(),
                ..SiteKey::default()
            },
            origin: OriginKey {
                hostname: header.hostname,
                process,
                ..OriginKey::default()
            },
            texts: Texts {
                message: &text(header.message),
                extra: Some(&self.extra),
                ..Texts::default()
            },
        };
        record.put(&mut self.interner, context, batch)
    }

    /// Writes the JSON object of what has no place of its own.
    fn put_extra(&mut self, priority: Priority, header: &Header<'_>, process: Option<i64>) {
        let out = &mut self.extra;
        out.clear();
        out.shrink_to(KEPT_BYTES);
        out.push_str("{\"facility\":\"");
        out.push_str(priority.facility());
        out.push('"');
        let procid = if process.is_some() {
            b""
        } else {
            header.procid
        };
        for (key, value) in [
            (",\"msgid\":", header.msgid),
            (",\"procid\":", procid),
            (",\"sequence\":", header.sequence),
            (",\"timezone\":", header.timezone),
        ] {
            if !value.is_empty() {
                out.push_str(key);
                put_json_string(&text(value), out);
            }
        }
        if !self.params.is_empty() {
            out.push_str(",\"structured_data\":");
            structured::put(header.structured_data, &self.params, out);
        }
        out.push('}');
    }
}

/// The message without the NUL of Python, or the line feed of others.
fn without_end(mut message: &[u8]) -> &[u8] {
    while let Some((b'\0' | b'\n' | b'\r', before)) = message.split_last() {
        message = before;
    }
    message
}

/// The number of a process; `None` when the text is none, or when it would be shown differently.
fn number_of(procid: &[u8]) -> Option<i64> {
    match procid {
        b"0" => Some(0),
        [b'1'..=b'9', ..] => str::from_utf8(procid).ok()?.parse().ok(),
        _ => None,
    }
}
