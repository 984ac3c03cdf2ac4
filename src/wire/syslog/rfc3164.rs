//! Headers of RFC 3164, which describes what was found in the wild: `Nov 22 16:20:25 host tag[pid]: message`, and its many relatives.

use super::header::{Header, without_mark, without_space, word};
use super::stamp::{Clock, Stamp};

/// The longest name that a tag may have.
const MAX_TAG_BYTES: usize = 128;

/// Reads what stands behind the priority: all of it is the message when there is no time, and no `word[123]: ` either.
pub(super) fn parse<'a>(text: &'a [u8], clock: &mut Clock<'_>) -> Header<'a> {
    timed(text, clock).unwrap_or_else(|| untimed(text))
}

/// Reads a header with a time; without one nothing tells a host or a tag from the words of a message.
fn timed<'a>(text: &'a [u8], clock: &mut Clock<'_>) -> Option<Header<'a>> {
    let mut header = Header::default();
    // The syslog driver of Docker puts a space first.
    let text = text.trim_ascii_start();
    let rest = cisco(text, &mut header);
    // Cisco's signs for a clock that is not set, or not by NTP.
    let clear = rest.strip_prefix(b"*").or(rest.strip_prefix(b"."));
    let (mut stamp, rest) = Stamp::bsd(clear.unwrap_or(rest)).or_else(|| Stamp::iso(rest))?;
    let (zone, mut rest) = zone(rest);
    match zone {
        b"UTC" | b"GMT" => stamp.ahead_s = Some(0),
        zone => header.timezone = zone,
    }
    header.created_ns = Some(stamp.moment(clock)?);
    if let Some(behind) = without_space(rest).strip_prefix(b": ") {
        rest = behind;
    } else {
        rest = rest.strip_prefix(b" ")?;
        let (host, behind) = word(rest);
        if is_host(host) && !behind.is_empty() && tag(rest).is_none() {
            header.hostname = host;
            // Cisco's firewalls set their host apart by a colon.
            rest = behind.strip_prefix(b": ").unwrap_or(behind);
        }
    }
    if let Some((tag, behind)) = tag(rest) {
        (header.app_name, header.procid) = (tag.name, tag.procid);
        rest = without_space(behind);
    }
    header.message = without_mark(rest);
    Some(header)
}

/// What has no time is all message, also the host and the tag that it may have; only `word[123]: ` can be nothing else than a tag.
fn untimed(text: &[u8]) -> Header<'_> {
    let mut header = Header::default();
    let mut rest = without_mark(text);
    if let Some((tag, behind)) = tag(rest)
        && is_number(tag.procid)
        && rest[..rest.len() - behind.len()].ends_with(b":")
        && let Some(behind) = behind.strip_prefix(b" ")
    {
        (header.app_name, header.procid) = (tag.name, tag.procid);
        rest = behind;
    }
    header.message = rest;
    header
}

/// Takes `29: `, `29: 000123: ` or `29: router1: ` off a text.
fn cisco<'a>(text: &'a [u8], header: &mut Header<'a>) -> &'a [u8] {
    let mut rest = text;
    for _ in 0..3 {
        let (item, behind) = word(rest);
        match item.strip_suffix(b":") {
            Some(counter) if is_number(counter) => {
                header.sequence = &text[..text.len() - behind.len() - 2];
            }
            Some(host)
                if !header.sequence.is_empty() && header.hostname.is_empty() && is_host(host) =>
            {
                header.hostname = host;
            }
            _ => break,
        }
        rest = behind;
    }
    rest
}

/// Takes ` CET` off a text that goes on with a colon.
fn zone(text: &[u8]) -> (&[u8], &[u8]) {
    if let Some(behind) = text.strip_prefix(b" ") {
        let letters = behind.iter().take_while(|byte| byte.is_ascii_uppercase());
        let (zone, rest) = behind.split_at(letters.count());
        if (3..=5).contains(&zone.len()) && rest.starts_with(b": %") {
            return (zone, rest);
        }
    }
    (&[], text)
}

/// The name of a program, and its process in brackets.
struct Tag<'a> {
    name: &'a [u8],
    procid: &'a [u8],
}

/// Takes `name: `, `name[pid]:` or `name[123] ` off a text. A name that nothing sets apart is left in the message, and so is
/// `@cee:`, which announces JSON.
fn tag(text: &[u8]) -> Option<(Tag<'_>, &[u8])> {
    let (word, _) = word(text);
    if matches!(word, [] | [b'@' | b'[' | b':', ..]) {
        return None;
    }
    let (name, procid, len) = if let Some(open) = memchr::memchr(b'[', word) {
        let close = open + memchr::memchr(b']', &word[open..])?;
        let procid = &word[open + 1..close];
        match word.get(close + 1) {
            Some(b':') if !procid.is_empty() => (&word[..open], procid, close + 2),
            None if is_number(procid) => (&word[..open], procid, close + 1),
            _ => return None,
        }
    } else {
        (word.strip_suffix(b":")?, &word[..0], word.len())
    };
    let of_name = |byte: &u8| byte.is_ascii_graphic() && !b"\"'{}<>]=,;".contains(byte);
    let sound = name.len() <= MAX_TAG_BYTES && name.iter().all(of_name);
    sound.then_some((Tag { name, procid }, &text[len..]))
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// Whether this may be a name or an address of a host.
fn is_host(word: &[u8]) -> bool {
    let of_host = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'/' | b'%')
    };
    word.iter().all(of_host) && word.iter().any(u8::is_ascii_alphanumeric)
}
