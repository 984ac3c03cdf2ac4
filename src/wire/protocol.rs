//! Which protocol a connection speaks, told by its first byte.

use std::fmt;
use std::str::FromStr;

/// What clients may speak on the one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Python's `SocketHandler`: frames of pickles.
    Python,
    /// A JSON object a line, or GELF, whose objects end in NUL: a message's own keys tell which.
    Json,
    /// RFC 5424 or RFC 3164, a message a line, ended by NUL, or behind its length (RFC 6587).
    Syslog,
    /// HTTP/1.1.
    Http,
    /// TLS, with any of the others inside.
    Tls,
}

impl Protocol {
    /// All protocols that can be named, in the order in which help shows them.
    pub const ALL: [Protocol; 4] = [
        Protocol::Python,
        Protocol::Json,
        Protocol::Syslog,
        Protocol::Http,
    ];

    /// The protocol of a stream that begins with this byte; `None` when none does.
    ///
    /// The first byte of a Python frame's length is at most 16, since no frame is longer than 256 MiB.
    #[must_use]
    pub fn of_first_byte(byte: u8) -> Option<Protocol> {
        Some(match byte {
            0..=8 | 11..=12 | 14..=16 => Protocol::Python,
            0x16 => Protocol::Tls,
            b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n' => Protocol::Json,
            b'<' | b'1'..=b'9' => Protocol::Syslog,
            // What the methods of HTTP begin with.
            b'C' | b'D' | b'G' | b'H' | b'O' | b'P' | b'T' => Protocol::Http,
            _ => return None,
        })
    }

    /// The protocol of a stream or a datagram that begins with these bytes. Before JSON and syslog a byte order mark may stand.
    #[must_use]
    pub fn of_beginning(bytes: &[u8]) -> Option<Protocol> {
        match bytes {
            [0xEF, 0xBB, 0xBF, first, ..] => Protocol::of_first_byte(*first)
                .filter(|protocol| matches!(protocol, Protocol::Json | Protocol::Syslog)),
            bytes => Protocol::of_first_byte(*bytes.first()?),
        }
    }

    /// What it is called on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Python => "python",
            Protocol::Json => "json",
            Protocol::Syslog => "syslog",
            Protocol::Http => "http",
            Protocol::Tls => "tls",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown protocol {0:?}; use python, json, syslog or http")]
pub struct ParseProtocolError(pub String);

impl FromStr for Protocol {
    type Err = ParseProtocolError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = |protocol: &Protocol| text.eq_ignore_ascii_case(protocol.name());
        let found = Protocol::ALL.into_iter().find(named);
        found.ok_or_else(|| ParseProtocolError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells() {
        for (stream, protocol) in [
            (&b"\0\0\x02\x10"[..], Some(Protocol::Python)),
            (b"\x10\0\0\0", Some(Protocol::Python)),
            (b"{\"a\":1}\n", Some(Protocol::Json)),
            (b"[{}]", Some(Protocol::Json)),
            (b"<14>1 - ", Some(Protocol::Syslog)),
            (b"52 <14>1 - ", Some(Protocol::Syslog)),
            (b"POST /ingest HTTP/1.1\r\n", Some(Protocol::Http)),
            (b"\x16\x03\x01", Some(Protocol::Tls)),
            (b"\x80\x02}", None),
            (b"hello", None),
            (b"SSH-2.0-x", None),
        ] {
            assert_eq!(Protocol::of_first_byte(stream[0]), protocol, "{stream:?}");
            assert_eq!(Protocol::of_beginning(stream), protocol, "{stream:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_nothing_before_text() {
        let marked = |text: &[u8]| Protocol::of_beginning(&[b"\xEF\xBB\xBF", text].concat());
        assert_eq!(marked(b"{\"a\":1}\n"), Some(Protocol::Json));
        assert_eq!(marked(b"<14>m"), Some(Protocol::Syslog));
        for other in [&b""[..], b"\0", b"GET ", b"hello"] {
            assert_eq!(marked(other), None);
        }
        assert_eq!(Protocol::of_beginning("\u{ff01}".as_bytes()), None);
        assert_eq!(Protocol::of_beginning(b""), None);
    }

    #[test]
    fn every_name_is_read() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.to_string().to_uppercase().parse(), Ok(protocol));
        }
        let error = "gopher".parse::<Protocol>().unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown protocol \"gopher\"; use python, json, syslog or http"
        );
    }
}
