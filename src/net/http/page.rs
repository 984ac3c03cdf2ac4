//! The page's own files, which are part of the program. They hold no records.

use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, HeaderMap,
    HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use xxhash_rust::xxh3::xxh3_64;

use super::answer::{Body, empty, respond};

/// A file of the folder `web`, by its name.
macro_rules! file {
    ($name:literal, $kind:expr) => {
        File {
            name: $name,
            kind: $kind,
            bytes: include_bytes!(concat!("../../../web/", $name)),
        }
    };
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const ICON: &str = "image/svg+xml";

/// All of them. `index.html` is at `/`, the others are at `/assets/NAME`.
const FILES: [File; 32] = [
    file!("api.js", SCRIPT),
    file!("around.js", SCRIPT),
    file!("brush.js", SCRIPT),
    file!("chart.js", SCRIPT),
    file!("compare.js", SCRIPT),
    file!("complete.js", SCRIPT),
    file!("detail.js", SCRIPT),
    file!("dom.js", SCRIPT),
    file!("extras.js", SCRIPT),
    file!("first.js", SCRIPT),
    file!("histogram.js", SCRIPT),
    file!("icon.svg", ICON),
    file!("index.html", HTML),
    file!("keys.js", SCRIPT),
    file!("levels.js", SCRIPT),
    file!("list.js", SCRIPT),
    file!("live.js", SCRIPT),
    file!("main.js", SCRIPT),
    file!("menus.js", SCRIPT),
    file!("names.js", SCRIPT),
    file!("notices.js", SCRIPT),
    file!("pages.js", SCRIPT),
    file!("row.js", SCRIPT),
    file!("search.js", SCRIPT),
    file!("session.js", SCRIPT),
    file!("style.css", STYLE),
    file!("tail.js", SCRIPT),
    file!("terms.js", SCRIPT),
    file!("theme.js", SCRIPT),
    file!("time.js", SCRIPT),
    file!("tree.js", SCRIPT),
    file!("view.js", SCRIPT),
];

struct File {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

/// A file as it is sent.
struct Sent {
    file: &'static File,
    packed: Vec<u8>,
    etag: HeaderValue,
}

static SENT: LazyLock<Vec<Sent>> = LazyLock::new(|| FILES.iter().map(Sent::new).collect());

/// What the page may do: run and show what comes from here, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl Sent {
    fn new(file: &'static File) -> Self {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        // A vector takes everything.
        let written = packer.write_all(file.bytes).and_then(|()| packer.finish());
        // Weak: it is the same whether the file is packed or not.
        let etag = format!("W/\"{:016x}\"", xxh3_64(file.bytes));
        Sent {
            file,
            packed: written.unwrap_or_default(),
            etag: HeaderValue::try_from(etag).expect("it is ASCII"),
        }
    }
}

fn find(path: &str) -> Option<&'static Sent> {
    let name = match path {
        "/" => "index.html",
        _ => path
            .strip_prefix("/assets/")
            .filter(|name| *name != "index.html")?,
    };
    SENT.iter().find(|sent| sent.file.name == name)
}

/// Whether there is a file at a path.
pub(super) fn has(path: &str) -> bool {
    find(path).is_some()
}

/// The answer for the file at a path; `None` when there is none.
pub(super) fn serve(path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let sent = find(path)?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let known = text(IF_NONE_MATCH).unwrap_or_default();
    let is_known = known.split(',').any(|tag| sent.etag == tag.trim());
    let takes_gzip = text(ACCEPT_ENCODING).is_some_and(takes_gzip);
    let mut response = if is_known {
        empty(StatusCode::NOT_MODIFIED)
    } else if takes_gzip && !sent.packed.is_empty() {
        let mut response = respond(StatusCode::OK, sent.file.kind, sent.packed.clone());
        let gzip = HeaderValue::from_static("gzip");
        response.headers_mut().insert(CONTENT_ENCODING, gzip);
        response
    } else {
        respond(StatusCode::OK, sent.file.kind, sent.file.bytes)
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, sent.etag.clone());
    for (name, value) in [
        (CACHE_CONTROL, "no-cache"),
        (VARY, "Accept-Encoding"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

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
    use super::*;

    fn served(path: &str, headers: &[(HeaderName, &'static str)]) -> Option<Response<Body>> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        serve(path, &headers.collect())
    }

    #[test]
    fn files_are_packed_for_whom_takes_it_and_sent_once() {
        let plain = served("/", &[]).unwrap();
        assert_eq!(plain.headers()["content-type"], HTML);
        assert!(!plain.headers().contains_key(CONTENT_ENCODING));
        let packed = served("/", &[(ACCEPT_ENCODING, "br, gzip;q=0.5")]).unwrap();
        assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
        let refused = served("/", &[(ACCEPT_ENCODING, "gzip;q=0")]).unwrap();
        assert!(!refused.headers().contains_key(CONTENT_ENCODING));
        let mut known = HeaderMap::new();
        known.insert(IF_NONE_MATCH, plain.headers()[ETAG].clone());
        let known = serve("/", &known).unwrap();
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(known.headers()[ETAG], plain.headers()[ETAG]);
    }

    #[test]
    fn every_file_of_the_folder_is_part_of_the_program_and_they_are_small() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/web");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let served: Vec<&str> = FILES.iter().map(|file| file.name).collect();
        assert_eq!(served, names);
        let packed: usize = SENT.iter().map(|sent| sent.packed.len()).sum();
        assert!(packed < 60 << 10, "{packed} bytes");
    }

    #[test]
    fn the_page_says_at_once_which_modules_it_will_need() {
        let page = std::str::from_utf8(FILES.iter().find(|file| file.kind == HTML).unwrap().bytes);
        for file in FILES.iter().filter(|file| file.kind == SCRIPT) {
            let preload = format!("rel=\"modulepreload\" href=\"/assets/{}\"", file.name);
            // The form for the token is read when it is wanted.
            let is_wanted = file.name != "session.js";
            assert_eq!(page.unwrap().contains(&preload), is_wanted, "{}", file.name);
        }
    }

    #[test]
    fn there_is_nothing_but_the_files() {
        for path in [
            "/index.html",
            "/assets/",
            "/assets/index.html",
            "/assets/../Cargo.toml",
        ] {
            assert!(served(path, &[]).is_none(), "{path}");
        }
    }
}
