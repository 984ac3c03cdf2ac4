//! Who may come in over HTTP: the bearer of a token, and no page in somebody's browser.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use hyper::Version;
use hyper::header::{AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use ring::hmac;
use subtle::ConstantTimeEq;

use crate::error::ServerError;
use crate::record::machine_name;

/// The tokens of which a request has to bring one.
#[derive(Debug, Clone)]
pub struct Tokens(Vec<String>);

impl Tokens {
    /// Reads a file with a token a line. Blank lines and those that begin with `#` do not count.
    ///
    /// # Errors
    ///
    /// [`ServerError::Tokens`] when the file cannot be read or has no token.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ServerError> {
        let path = path.as_ref();
        let failed = |reason: String| ServerError::Tokens {
            path: path.to_owned(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let lines = text.lines().map(str::trim);
        let tokens: Vec<String> = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect();
        if tokens.is_empty() {
            return Err(failed(
                "it has no token; put one on a line of its own".into(),
            ));
        }
        Ok(Tokens(tokens))
    }

    fn has(&self, token: &[u8]) -> bool {
        is_among(self.0.iter().map(String::as_str), token)
    }

    /// Whether one of these counts: a browser may have several, of other paths or domains.
    fn has_session<'s>(&self, mut given: impl Iterator<Item = &'s [u8]>) -> bool {
        let sessions: Vec<String> = self.0.iter().map(|token| session_of(token)).collect();
        given.any(|session| is_among(sessions.iter().map(String::as_str), session))
    }
}

/// All are compared, each in constant time.
fn is_among<'k>(known: impl Iterator<Item = &'k str>, given: &[u8]) -> bool {
    let found = known.map(|known| known.as_bytes().ct_eq(given));
    found.fold(false, |found, same| found | bool::from(same))
}

/// What a browser keeps of a token: good for reading alone, and only as long as the token is. The token cannot be found from it.
fn session_of(token: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
    let tag = hmac::sign(&key, b"logstore session");
    tag.as_ref().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes everything");
        hex
    })
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    /// What holds no records: the page's own files.
    Nothing,
    /// Answers.
    Reading,
    /// Records to be stored, and whatever else there is.
    All,
}

/// A request as far as it decides who comes in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit<'r> {
    pub(super) version: Version,
    /// The host in its target, where it has one, which goes before that of the header.
    pub(super) authority: Option<&'r str>,
    pub(super) headers: &'r HeaderMap,
    pub(super) wants: Wants,
    pub(super) channel: Channel,
}

/// What a request came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Plain,
    Tls,
}

/// The rules for requests.
#[derive(Debug)]
pub(super) struct Access {
    tokens: Option<Tokens>,
    /// We listen on this machine alone, where nobody but its own programs and the pages in its browsers can reach us.
    loopback_only: bool,
    /// The name of the cookie that a session is in. Browsers keep one cookie of a name for all ports of a host.
    session_cookie: String,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It brought no token.
    Token,
    /// It brought a token that does not count.
    OtherToken,
    /// It came from a page of another site.
    Origin,
    /// It was meant for a host of another name, as when a site's name is bent to this machine.
    Host,
    /// It names no host, or two (RFC 9112, 3.2).
    Unclear,
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

impl Access {
    /// Of a server that listens there.
    pub(super) fn new(tokens: Option<Tokens>, address: SocketAddr) -> Self {
        Access {
            tokens,
            loopback_only: address.ip().to_canonical().is_loopback(),
            session_cookie: format!("logstore-session-{}", address.port()),
        }
    }

    /// The name of the cookie that a session is in.
    pub(super) fn session_cookie(&self) -> &str {
        &self.session_cookie
    }

    pub(super) fn check(&self, visit: Visit<'_>) -> Result<(), Refused> {
        self.check_place(visit)?;
        let (Some(tokens), headers) = (&self.tokens, visit.headers) else {
            return Ok(());
        };
        let is_let_in = match visit.wants {
            Wants::Nothing => true,
            Wants::Reading => {
                bearer(headers).is_some_and(|token| tokens.has(token))
                    || tokens.has_session(self.sessions(headers))
            }
            Wants::All => bearer(headers).is_some_and(|token| tokens.has(token)),
        };
        match bearer(headers) {
            _ if is_let_in => Ok(()),
            Some(_) => Err(Refused::OtherToken),
            None => Err(Refused::Token),
        }
    }

    /// The session for the token that a request brought; `None` when none is wanted here.
    pub(super) fn session(&self, headers: &HeaderMap) -> Option<String> {
        self.tokens.as_ref()?;
        let token = str::from_utf8(bearer(headers)?).ok()?;
        Some(session_of(token))
    }

    /// The sessions that a request brought.
    fn sessions<'r>(&self, headers: &'r HeaderMap) -> impl Iterator<Item = &'r [u8]> {
        let cookies = headers.get_all(COOKIE).iter();
        let cookies = cookies.flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
        cookies.filter_map(|cookie| {
            let name = self.session_cookie.as_bytes();
            cookie.trim_ascii().strip_prefix(name)?.strip_prefix(b"=")
        })
    }

    /// Whether a request names us, and comes from no page of another site.
    fn check_place(&self, visit: Visit<'_>) -> Result<(), Refused> {
        let headers = visit.headers;
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        // HTTP/1.0, which health checks speak, knows no Host.
        let hosts = headers.get_all(HOST).iter().count();
        if hosts > 1 || hosts == 0 && visit.version != Version::HTTP_10 {
            return Err(Refused::Unclear);
        }
        let own_name = if self.loopback_only { "localhost" } else { "" };
        let host = visit.authority.or_else(|| text(HOST)).unwrap_or(own_name);
        // Browsers can be told any address for the name of a site, but not for an address, and name no origin when they only read. Inside
        // of TLS our certificate is not that site's.
        let from_page = headers.contains_key(ORIGIN) || headers.contains_key(SEC_FETCH_SITE);
        let bent = if self.loopback_only {
            !is_loopback_name(host) && (visit.wants == Wants::All || !is_own_name(host))
        } else {
            (from_page || visit.wants != Wants::All)
                && self.tokens.is_none()
                && visit.channel == Channel::Plain
                && !is_address(host)
                && !is_loopback_name(host)
                && !is_own_name(host)
        };
        if bent {
            return Err(Refused::Host);
        }
        if let Some(origin) = text(ORIGIN) {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            if authority != Some(host) {
                return Err(Refused::Origin);
            }
        }
        // A link from elsewhere may lead to the page, but nobody's script may read.
        let is_link = visit.wants == Wants::Nothing && text(SEC_FETCH_MODE) == Some("navigate");
        if text(SEC_FETCH_SITE).is_some_and(|site| !matches!(site, "same-origin" | "none"))
            && !is_link
        {
            return Err(Refused::Origin);
        }
        Ok(())
    }
}

/// The token that a request brought.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let given = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes)?;
    let (scheme, token) = given.split_at_checked(7)?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"bearer ");
    is_bearer.then_some(token.trim_ascii())
}

/// Whether the host of a request's `Host` is this machine by a name that nobody else can give it.
fn is_loopback_name(host: &str) -> bool {
    let name = without_port(host);
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether it is what this machine calls itself.
fn is_own_name(host: &str) -> bool {
    let name = without_port(host);
    !name.is_empty() && name.eq_ignore_ascii_case(machine_name())
}

fn is_address(host: &str) -> bool {
    without_port(host).parse::<IpAddr>().is_ok()
}

/// The name without its port.
fn without_port(host: &str) -> &str {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    // The dot of the root.
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LOOPBACK: SocketAddr = at(Ipv4Addr::LOCALHOST);
    const ANYWHERE: SocketAddr = at(Ipv4Addr::UNSPECIFIED);

    const fn at(address: Ipv4Addr) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(address), 9020)
    }

    fn check(access: &Access, headers: &[(&'static str, &str)]) -> Result<(), Refused> {
        check_for(Wants::All, access, headers)
    }

    fn check_for(
        wants: Wants,
        access: &Access,
        headers: &[(&'static str, &str)],
    ) -> Result<(), Refused> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        access.check(Visit {
            wants,
            ..visit(&headers.collect())
        })
    }

    fn visit(headers: &HeaderMap) -> Visit<'_> {
        Visit {
            version: Version::HTTP_11,
            authority: None,
            headers,
            wants: Wants::All,
            channel: Channel::Plain,
        }
    }

    #[test]
    fn pages_of_other_sites_and_bent_names_are_kept_out() {
        let access = Access::new(None, LOOPBACK);
        for host in [
            "localhost",
            "LOCALHOST:9020",
            "localhost.:9020",
            "127.0.0.1:9020",
            "[::1]:9020",
            "127.8.8.8",
        ] {
            assert_eq!(check(&access, &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example:9020",
            "[::2]:1",
            "localhost.evil",
        ] {
            assert_eq!(
                check(&access, &[("host", host)]),
                Err(Refused::Host),
                "{host}"
            );
        }
        let from = |origin| check(&access, &[("host", "localhost:9020"), ("origin", origin)]);
        assert_eq!(from("http://localhost:9020"), Ok(()));
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost:9021",
            "localhost:9020",
        ] {
            assert_eq!(from(origin), Err(Refused::Origin), "{origin}");
        }
        for (site, expected) in [
            ("same-origin", Ok(())),
            ("none", Ok(())),
            ("cross-site", Err(Refused::Origin)),
            ("same-site", Err(Refused::Origin)),
        ] {
            let headers = [("host", "localhost"), ("sec-fetch-site", site)];
            assert_eq!(check(&access, &headers), expected, "{site}");
        }
    }

    #[test]
    fn a_request_names_one_host_and_that_in_its_target_counts() {
        let access = Access::new(None, LOOPBACK);
        assert_eq!(check(&access, &[]), Err(Refused::Unclear));
        let mut two = HeaderMap::new();
        for host in ["localhost", "evil.example"] {
            two.append(HOST, HeaderValue::from_static(host));
        }
        let unclear = access.check(visit(&two));
        assert_eq!(unclear, Err(Refused::Unclear));
        let none = HeaderMap::new();
        let old = Visit {
            version: Version::HTTP_10,
            ..visit(&none)
        };
        assert_eq!(access.check(old), Ok(()));
        let one = HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost"))]);
        let target = |authority| {
            access.check(Visit {
                authority: Some(authority),
                ..visit(&one)
            })
        };
        assert_eq!(target("localhost:9020"), Ok(()));
        assert_eq!(target("evil.example"), Err(Refused::Host));
    }

    #[test]
    fn a_token_has_to_be_the_whole_of_one_that_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens");
        std::fs::write(&path, "# of the batch jobs\nfirst-token\n\n  second \n").unwrap();
        let access = Access::new(Some(Tokens::read(&path).unwrap()), ANYWHERE);
        let with = |given| {
            check(
                &access,
                &[("host", "logs.example"), ("authorization", given)],
            )
        };
        for given in [
            "Bearer first-token",
            "bearer second",
            "BEARER  first-token ",
        ] {
            assert_eq!(with(given), Ok(()), "{given}");
        }
        for given in [
            "Bearer first-toke",
            "Bearer first-token2",
            "Bearer # of the batch jobs",
        ] {
            assert_eq!(with(given), Err(Refused::OtherToken), "{given}");
        }
        for given in ["Basic first-token", "Bearer"] {
            assert_eq!(with(given), Err(Refused::Token), "{given}");
        }
        let without = check(&access, &[("host", "logs.example")]);
        assert_eq!(without, Err(Refused::Token));

        std::fs::write(&path, "# none\n").unwrap();
        let error = Tokens::read(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("it has no token; put one on a line of its own"),
            "{error}"
        );
    }
    #[test]
    fn a_session_reads_for_as_long_as_its_token_counts() {
        let tokens = |tokens: &[&str]| {
            let tokens = tokens.iter().map(ToString::to_string).collect();
            Access::new(Some(Tokens(tokens)), ANYWHERE)
        };
        let access = tokens(&["other", "sesame"]);
        let with = HeaderMap::from_iter([(AUTHORIZATION, "Bearer sesame".parse().unwrap())]);
        let session = access.session(&with).unwrap();
        assert!(!session.contains("sesame"));
        let name = access.session_cookie();
        assert_eq!(name, "logstore-session-9020");
        // Those of another port and of another path.
        let cookie = format!("logstore-session-90201=a; {name}=b; {name}={session}");
        let headers = [("host", "logs.example"), ("cookie", cookie.as_str())];
        assert_eq!(check_for(Wants::Reading, &access, &headers), Ok(()));
        assert_eq!(
            check_for(Wants::All, &access, &headers),
            Err(Refused::Token)
        );
        let later = tokens(&["other"]);
        let gone = check_for(Wants::Reading, &later, &headers);
        assert_eq!(gone, Err(Refused::Token));
        let wrong = [
            ("host", "logs.example"),
            ("cookie", "logstore-session-9020=sesame"),
        ];
        let refused = check_for(Wants::Reading, &access, &wrong);
        assert_eq!(refused, Err(Refused::Token));
        let bare = [("host", "logs.example")];
        assert_eq!(check_for(Wants::Nothing, &access, &bare), Ok(()));
    }

    #[test]
    fn a_bent_name_reads_nothing_where_nobody_proves_anything() {
        let access = Access::new(None, ANYWHERE);
        let named = [("host", "evil.example:9020")];
        for wants in [Wants::Nothing, Wants::Reading] {
            assert_eq!(check_for(wants, &access, &named), Err(Refused::Host));
            for host in ["192.0.2.7:9020", "localhost:9020", machine_name()] {
                let own = check_for(wants, &access, &[("host", host)]);
                assert_eq!(own, Ok(()), "{host}");
            }
        }
        // Programs that send records name whatever they were told.
        assert_eq!(check(&access, &named), Ok(()));
    }

    #[test]
    fn this_machines_own_name_is_for_reading() {
        let access = Access::new(None, LOOPBACK);
        let named = [("host", machine_name())];
        assert_eq!(check_for(Wants::Reading, &access, &named), Ok(()));
        let sends = check(&access, &named).is_ok();
        assert_eq!(sends, is_loopback_name(machine_name()));
    }

    #[test]
    fn a_link_from_elsewhere_leads_to_the_page_alone() {
        let access = Access::new(None, LOOPBACK);
        let link = [
            ("host", "localhost"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
        ];
        assert_eq!(check_for(Wants::Nothing, &access, &link), Ok(()));
        for wants in [Wants::Reading, Wants::All] {
            assert_eq!(check_for(wants, &access, &link), Err(Refused::Origin));
        }
    }
}
