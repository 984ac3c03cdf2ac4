//! The page's own files, which are part of the program. They hold no records.

mod script;

use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, HeaderMap, HeaderName,
    HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use xxhash_rust::xxh3::xxh3_64;

use super::answer::{Body, empty, respond};
use super::coding::Coding;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const ICON: &str = "image/svg+xml";

/// A file as it is sent.
struct File {
    path: &'static str,
    kind: &'static str,
    bytes: Bytes,
    packed: Bytes,
    etag: HeaderValue,
}

static FILES: LazyLock<[File; 4]> = LazyLock::new(|| {
    let html = include_bytes!("../../../../web/index.html");
    let style = include_bytes!("../../../../web/style.css");
    let icon = include_bytes!("../../../../web/icon.svg");
    [
        File::new("/", HTML, &html[..]),
        File::new("/assets/main.js", SCRIPT, script::script().into_bytes()),
        File::new("/assets/style.css", STYLE, &style[..]),
        File::new("/assets/icon.svg", ICON, &icon[..]),
    ]
});

/// What the page may do: run and show what comes from here, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl File {
    fn new(path: &'static str, kind: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        // A vector takes everything.
        let written = packer.write_all(&bytes).and_then(|()| packer.finish());
        // Weak: it is the same whether the file is packed or not.
        let etag = format!("W/\"{:016x}\"", xxh3_64(&bytes));
        File {
            path,
            kind,
            packed: written.unwrap_or_default().into(),
            etag: HeaderValue::try_from(etag).expect("it is ASCII"),
            bytes,
        }
    }
}

fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

/// Whether there is a file at a path.
pub(super) fn has(path: &str) -> bool {
    find(path).is_some()
}

/// The answer for the file at a path; `None` when there is none.
pub(super) fn serve(path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let file = find(path)?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let known = text(IF_NONE_MATCH).unwrap_or_default();
    let is_known = known.split(',').any(|tag| file.etag == tag.trim());
    let takes_gzip = Coding::taken(headers) == Coding::Gzip;
    let mut response = if is_known {
        empty(StatusCode::NOT_MODIFIED)
    } else if takes_gzip && !file.packed.is_empty() {
        let mut response = respond(StatusCode::OK, file.kind, file.packed.clone());
        let gzip = HeaderValue::from_static("gzip");
        response.headers_mut().insert(CONTENT_ENCODING, gzip);
        response
    } else {
        respond(StatusCode::OK, file.kind, file.bytes.clone())
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, file.etag.clone());
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

#[cfg(test)]
mod tests {
    use hyper::header::ACCEPT_ENCODING;

    use super::script::MODULES;
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
        let modules = MODULES.iter().map(|module| format!("{}.js", module.name));
        let others = ["index.html", "style.css", "icon.svg"].map(str::to_owned);
        let mut served: Vec<String> = modules.chain(others).collect();
        served.sort();
        assert_eq!(served, names);
        let packed: usize = FILES.iter().map(|file| file.packed.len()).sum();
        assert!(packed < 60 << 10, "{packed} bytes");
    }

    #[test]
    fn there_is_nothing_but_the_files() {
        for path in [
            "/index.html",
            "/assets/",
            "/assets/index.html",
            "/assets/api.js",
            "/assets/../Cargo.toml",
        ] {
            assert!(served(path, &[]).is_none(), "{path}");
        }
    }
}
