//! Headers of RFC 5424.

use super::header::{Header, without_mark, without_space, word};
use super::stamp::{Clock, Stamp};
use super::structured::{self, Param};

/// Reads what stands behind the priority; `None` when it is no header of version 1.
///
/// Some senders leave out the structured data, even its `-`. So what is none belongs to the message.
pub(super) fn parse<'a>(
    text: &'a [u8],
    clock: &mut Clock<'_>,
    params: &mut Vec<Param>,
) -> Option<Header<'a>> {
    let rest = text.strip_prefix(b"1 ")?;
    let (time, rest) = word(rest);
    let created_ns = if time == b"-" {
        None
    } else {
        let (stamp, b"") = Stamp::iso(time)? else {
            return None;
        };
        Some(stamp.moment(clock)?)
    };
    let (hostname, rest) = field(rest)?;
    let (app_name, rest) = field(rest)?;
    let (procid, rest) = field(rest)?;
    let (msgid, rest) = field(rest)?;
    let mut header = Header {
        created_ns,
        hostname,
        app_name,
        procid,
        msgid,
        message: rest,
        ..Header::default()
    };
    let behind = match rest {
        b"-" | [b'-', b' ', ..] => Some(&rest[1..]),
        [b'[', ..] => structured::read(rest, params),
        _ => None,
    };
    if let Some(behind) = behind {
        header.structured_data = rest;
        // One space ends the header; rsyslog's template begins the message with another.
        header.message = without_space(without_space(behind));
    }
    header.message = without_mark(header.message);
    Some(header)
}

/// The next field, empty when it is nil, and what comes behind it.
fn field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (field, rest) = word(text);
    match field {
        b"" => None,
        b"-" => Some((&[], rest)),
        field => Some((field, rest)),
    }
}
