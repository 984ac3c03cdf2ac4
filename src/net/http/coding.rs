//! Whether an answer is packed for its client, and packing it.

use std::io::Write as _;
use std::net::SocketAddr;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::{ACCEPT_ENCODING, HeaderMap};

/// Shorter bodies are sent as they are: they fit into a packet or two anyway.
const LEAST_BYTES: usize = 4 << 10;

/// How a body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    /// What a client takes.
    pub(super) fn taken(headers: &HeaderMap) -> Self {
        let accepted = headers.get(ACCEPT_ENCODING);
        let accepted = accepted.and_then(|value| value.to_str().ok());
        if accepted.is_some_and(takes_gzip) {
            Coding::Gzip
        } else {
            Coding::Identity
        }
    }

    /// What is best for an answer that is packed for this client alone: on this machine it takes longer to pack it than to send it.
    pub(super) fn worthwhile(peer: SocketAddr, headers: &HeaderMap) -> Self {
        if peer.ip().to_canonical().is_loopback() {
            Coding::Identity
        } else {
            Coding::taken(headers)
        }
    }

    /// The body, packed quickly rather than well; `None`: it is to be sent as it is. It takes milliseconds for each megabyte: this is for
    /// threads that may read.
    pub(super) fn packed(self, body: &[u8]) -> Option<Vec<u8>> {
        if self == Coding::Identity || body.len() < LEAST_BYTES {
            return None;
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        // A vector takes everything.
        let packed = gzip.write_all(body).and_then(|()| gzip.finish());
        packed.ok().filter(|packed| packed.len() < body.len())
    }
}

/// Whether `Accept-Encoding` names gzip, other than to refuse it (`;q=0`).
fn takes_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let quality = quality.trim().trim_start_matches("q=");
        name.trim().eq_ignore_ascii_case("gzip") && quality.parse() != Ok(0.0)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn answers_are_packed_for_other_machines_that_take_it() {
        for (peer, accepted, expected) in [
            ("192.0.2.7:1", "gzip", Coding::Gzip),
            ("[2001:db8::7]:1", "br, GZip;q=0.5", Coding::Gzip),
            ("[::ffff:192.0.2.7]:1", "gzip", Coding::Gzip),
            ("192.0.2.7:1", "gzip;q=0", Coding::Identity),
            ("192.0.2.7:1", "br, zstd", Coding::Identity),
            ("127.0.0.1:1", "gzip", Coding::Identity),
            ("127.9.9.9:1", "gzip", Coding::Identity),
            ("[::1]:1", "gzip", Coding::Identity),
            ("[::ffff:127.0.0.1]:1", "gzip", Coding::Identity),
        ] {
            let value = HeaderValue::from_static(accepted);
            let headers = [(ACCEPT_ENCODING, value)].into_iter().collect();
            let coding = Coding::worthwhile(peer.parse().unwrap(), &headers);
            assert_eq!(coding, expected, "{peer} {accepted}");
        }
        let peer = "192.0.2.7:1".parse().unwrap();
        assert_eq!(
            Coding::worthwhile(peer, &HeaderMap::new()),
            Coding::Identity
        );
    }

    #[test]
    fn what_is_short_or_gets_no_shorter_is_not_packed() {
        let text = b"{\"message\":\"again\"}".repeat(1000);
        let packed = Coding::Gzip.packed(&text).unwrap();
        let mut unpacked = Vec::new();
        GzDecoder::new(&packed[..])
            .read_to_end(&mut unpacked)
            .unwrap();
        assert!(unpacked == text && packed.len() < 1000);
        assert_eq!(Coding::Identity.packed(&text), None);
        assert_eq!(Coding::Gzip.packed(&text[..LEAST_BYTES - 1]), None);
        assert_eq!(Coding::Gzip.packed(&packed.repeat(1)), None);
    }
}
