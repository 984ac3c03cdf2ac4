//! Bodies of requests: read to their end and unpacked, within bounds.

use std::io::{self, Read};
use std::rc::Rc;
use std::time::Duration;

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, EXPECT};
use hyper::{Request, StatusCode};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout, timeout_at};

use super::PORTION_BYTES;
use super::answer::Refusal;
use crate::net::shared::{Held, Shared};

/// How long a client may be silent in the middle of a body.
const SILENCE: Duration = Duration::from_secs(30);

/// How long, and how much of, the rest of a body is read that nobody wants.
const PASS_OVER_TIMEOUT: Duration = Duration::from_secs(2);
const PASS_OVER_BYTES: usize = 64 << 20;

/// The largest window of zstd that is unpacked, as a power of two: 8 MiB, as its specification asks of every decoder.
const ZSTD_WINDOW: u32 = 23;

/// How it is known whether a body is packed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Packing {
    /// The head says so.
    Declared,
    /// The first bytes tell. Senders of GELF name two encodings and mean one, or name none.
    Told,
}

/// Reads a request's body. It is counted for as long as what comes with it is kept.
///
/// # Errors
///
/// 413 when it is longer than the limit, packed or unpacked; 415 for an encoding that is not known; 408 for a client that stops
/// sending; 400 for what is not what its encoding says.
pub(super) async fn read_body(
    shared: &Rc<Shared>,
    request: &mut Request<Incoming>,
    packing: Packing,
) -> Result<(Vec<u8>, Held), Refusal> {
    let limit = shared.rules.frame_limit;
    let encoding = request
        .headers()
        .get(CONTENT_ENCODING)
        .map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    let declared = match packing {
        Packing::Declared => Some(Encoding::of(encoding.as_deref().unwrap_or("identity"))?),
        Packing::Told => None,
    };
    // Now it is told to go on.
    request.headers_mut().remove(EXPECT);
    let body = request.body_mut();
    let too_long = || {
        let reason = format!(
            "a body has at most {limit} bytes, also unpacked; --frame-limit sets the limit"
        );
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, reason)
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_long());
    }
    let too_much = || Refusal::later("too much is being received at the same time");
    let mut held = Held::new(shared);
    let mut bytes = Vec::new();
    let deadline = Instant::now() + shared.rules.message_timeout;
    loop {
        let silent = deadline.min(Instant::now() + SILENCE);
        let frame = timeout_at(silent, body.frame()).await;
        let frame = frame.map_err(|_| {
            Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not come to its end",
            )
        })?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| Refusal::bad(&error))?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        if bytes.len() + data.len() > limit {
            return Err(too_long());
        }
        shared.counters.add_bytes(data.len());
        bytes.extend_from_slice(data);
        held.set(bytes.len()).map_err(|_| too_much())?;
    }
    let told = Encoding::told(&bytes);
    let encoding = declared.unwrap_or(told);
    if let (Encoding::Identity, Encoding::Gzip) = (encoding, told) {
        return Err(Refusal::bad(
            &"the body is packed with gzip, which the header Content-Encoding: gzip has to say",
        ));
    }
    let corrupt = |error| {
        let name = encoding.name();
        Refusal::bad(&format!("the body cannot be unpacked as {name}: {error}"))
    };
    let Some(mut packed) = encoding.unpacker(&bytes).map_err(corrupt)? else {
        return Ok((bytes, held));
    };
    let mut unpacked = Vec::new();
    loop {
        let mut portion = packed.by_ref().take(PORTION_BYTES as u64);
        if portion.read_to_end(&mut unpacked).map_err(corrupt)? == 0 {
            break;
        }
        if unpacked.len() > limit {
            return Err(too_long());
        }
        held.set(bytes.len() + unpacked.len())
            .map_err(|_| too_much())?;
        yield_now().await;
    }
    held.set(unpacked.len()).map_err(|_| too_much())?;
    drop(packed);
    Ok((unpacked, held))
}

/// Reads what is left of the body of a request that is refused, for a while: a client that is still sending would find its connection
/// reset, and not see the answer.
pub(super) async fn pass_over(request: &mut Request<Incoming>) {
    // Who asks before it sends is told in time.
    if request.headers().contains_key(EXPECT) {
        return;
    }
    let body = request.body_mut();
    let mut bytes = 0;
    let passed = async {
        while bytes < PASS_OVER_BYTES
            && let Some(Ok(frame)) = body.frame().await
        {
            bytes += frame.data_ref().map_or(0, Bytes::len);
        }
    };
    let _ = timeout(PASS_OVER_TIMEOUT, passed).await;
}

/// How a body is packed.
#[derive(Debug, Clone, Copy)]
enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Zstd,
}

impl Encoding {
    /// By its first bytes; no text and no protobuf begins with them.
    fn told(body: &[u8]) -> Self {
        match body {
            [0x1F, 0x8B, ..] => Encoding::Gzip,
            // The first byte of RFC 1950 with the usual window.
            [0x78, ..] => Encoding::Deflate,
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Encoding::Zstd,
            _ => Encoding::Identity,
        }
    }

    /// Gives a body's bytes as they were before they were packed; `None`: they are not.
    fn unpacker(self, body: &[u8]) -> io::Result<Option<Box<dyn Read + '_>>> {
        Ok(Some(match self {
            Encoding::Identity => return Ok(None),
            Encoding::Gzip => Box::new(MultiGzDecoder::new(body)),
            Encoding::Deflate => Box::new(ZlibDecoder::new(body)),
            Encoding::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(body)?;
                decoder.window_log_max(ZSTD_WINDOW)?;
                Box::new(decoder)
            }
        }))
    }

    fn name(self) -> &'static str {
        match self {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
            Encoding::Deflate => "deflate",
            Encoding::Zstd => "zstd",
        }
    }

    fn of(name: &str) -> Result<Self, Refusal> {
        Ok(match name {
            // Loki's clients name snappy, but it is part of their format.
            "" | "identity" | "snappy" => Encoding::Identity,
            "gzip" | "x-gzip" => Encoding::Gzip,
            "deflate" => Encoding::Deflate,
            "zstd" => Encoding::Zstd,
            other => {
                let reason =
                    format!("Content-Encoding {other:?} is not known; use gzip, deflate or zstd");
                return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
            }
        })
    }
}
