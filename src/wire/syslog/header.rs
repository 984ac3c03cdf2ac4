//! What a header says, and the pieces that headers of both kinds are made of.

/// The parts of a message behind its priority. What was not said is empty or `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) created_ns: Option<i64>,
    pub(super) hostname: &'a [u8],
    /// APP-NAME of RFC 5424, the name in the tag of RFC 3164.
    pub(super) app_name: &'a [u8],
    pub(super) procid: &'a [u8],
    pub(super) msgid: &'a [u8],
    /// The text that structured data was read from.
    pub(super) structured_data: &'a [u8],
    /// The counters that Cisco's devices put first.
    pub(super) sequence: &'a [u8],
    /// The name of a time zone that only the sender knows.
    pub(super) timezone: &'a [u8],
    pub(super) message: &'a [u8],
}

/// The text up to the first space, and what comes behind that.
pub(super) fn word(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', text) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[]),
    }
}

/// The text without a byte order mark, which RFC 5424 wants before UTF-8 and old Pythons write.
pub(super) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)
}

/// The text without the space that it begins with.
pub(super) fn without_space(text: &[u8]) -> &[u8] {
    text.strip_prefix(b" ").unwrap_or(text)
}
