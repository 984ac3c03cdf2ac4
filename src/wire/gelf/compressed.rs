//! Messages compressed with gzip or zlib, as senders of GELF over UDP and HTTP do.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{GzDecoder, ZlibDecoder};

use super::error;
use crate::error::WireError;

/// How long a message may be when it is unpacked, in bytes, unless somebody knows better.
pub const DEFAULT_LIMIT: usize = 8 << 20;

/// The message in a datagram or a body: gzip and zlib are told by their first two bytes and unpacked, anything else is the message
/// itself. `limit` is the most bytes that an unpacked message may have.
///
/// # Errors
///
/// [`WireError::Message`] when it cannot be unpacked, or is longer than the limit.
pub fn decompress(datagram: &[u8], limit: usize) -> Result<Cow<'_, [u8]>, WireError> {
    let unpacked = match *datagram {
        [0x1F, 0x8B, ..] => unpack("gzip", GzDecoder::new(datagram), limit),
        // RFC 1950: deflate with a window of up to 32 KiB, and a check over both bytes. JSON begins with none of these.
        [first, second, ..]
            if first & 0x8F == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31) =>
        {
            unpack("zlib", ZlibDecoder::new(datagram), limit)
        }
        _ => return Ok(Cow::Borrowed(datagram)),
    };
    unpacked.map(Cow::Owned)
}

fn unpack(name: &str, packed: impl Read, limit: usize) -> Result<Vec<u8>, WireError> {
    let mut message = Vec::new();
    let one_more = u64::try_from(limit).map_or(u64::MAX, |limit| limit.saturating_add(1));
    packed
        .take(one_more)
        .read_to_end(&mut message)
        .map_err(|cause| error(format!("cannot unpack {name}: {cause}")))?;
    if message.len() > limit {
        return Err(error(format!(
            "the {name} message has more than {limit} bytes unpacked"
        )));
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    fn gzip(message: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(message).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(message: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(message).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_packed_message_is_unpacked_and_a_plain_one_borrowed() {
        let message = br#"{"version":"1.1","short_message":"m"}"#;
        assert!(matches!(decompress(message, 100), Ok(Cow::Borrowed(_))));
        assert_eq!(decompress(&gzip(message), 100).unwrap(), &message[..]);
        for level in 0..10 {
            assert_eq!(
                decompress(&zlib(message, level), 100).unwrap(),
                &message[..]
            );
        }
        for plain in [&b""[..], b"x", b"xy", b"\x1e\x0f"] {
            assert_eq!(decompress(plain, 100).unwrap(), plain);
        }
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let bomb = gzip(&vec![b' '; 64 << 20]);
        assert_eq!(
            decompress(&bomb, DEFAULT_LIMIT).unwrap_err().to_string(),
            "not GELF: the gzip message has more than 8388608 bytes unpacked"
        );
        let exact = vec![b' '; 1000];
        assert_eq!(decompress(&zlib(&exact, 6), 1000).unwrap(), exact);
        assert!(decompress(&zlib(&exact, 6), 999).is_err());
    }

    #[test]
    fn what_is_cut_or_damaged_is_refused() {
        let mut packed = gzip(b"{\"short_message\":\"m\"}");
        let cut = decompress(&packed[..packed.len() - 9], 100);
        assert!(
            cut.unwrap_err()
                .to_string()
                .starts_with("not GELF: cannot unpack gzip: ")
        );
        packed[12] ^= 0xFF;
        assert!(decompress(&packed, 100).is_err());
        assert!(decompress(b"\x78\x9cx", 100).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decompress(&bytes, 1000);
            let _ = decompress(&[b"\x1f\x8b\x08\x00", &bytes[..]].concat(), 1000);
            let _ = decompress(&[b"\x78\x9c", &bytes[..]].concat(), 1000);
        }
    }
}
