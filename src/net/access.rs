//! Who may come in over HTTP: the bearer of a token, and no page in somebody's browser.

use std::net::IpAddr;
use std::path::Path;

use hyper::Version;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use subtle::ConstantTimeEq;

use crate::error::ServerError;

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
        // All are compared, each in constant time.
        let found = self.0.iter().map(|known| known.as_bytes().ct_eq(token));
        found.fold(false, |found, same| found | bool::from(same))
    }
}

/// The rules for requests.
#[derive(Debug)]
pub(super) struct Access {
    tokens: Option<Tokens>,
    /// We listen on this machine alone, where nobody but its own programs and the pages in its browsers can reach us.
    loopback_only: bool,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It brought no token that counts.
    Token,
    /// It came from a page of another site.
    Origin,
    /// It was meant for a host of another name, as when a site's name is bent to this machine.
    Host,
    /// It names no host, or two (RFC 9112, 3.2).
    Unclear,
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Access {
    pub(super) fn new(tokens: Option<Tokens>, address: IpAddr) -> Self {
        Access {
            tokens,
            loopback_only: address.to_canonical().is_loopback(),
        }
    }

    /// Of a request with these headers; `authority` is the host in its target, where it has one, which goes before that of the header.
    pub(super) fn check(
        &self,
        version: Version,
        authority: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<(), Refused> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        // HTTP/1.0, which health checks speak, knows no Host.
        let hosts = headers.get_all(HOST).iter().count();
        if hosts > 1 || hosts == 0 && version != Version::HTTP_10 {
            return Err(Refused::Unclear);
        }
        let own_name = if self.loopback_only { "localhost" } else { "" };
        let host = authority.or_else(|| text(HOST)).unwrap_or(own_name);
        // Only browsers name an origin. They can be told any address for the name of a site, but not for an address.
        let from_page = headers.contains_key(ORIGIN) || headers.contains_key(SEC_FETCH_SITE);
        let bent = if self.loopback_only {
            !is_loopback_name(host)
        } else {
            from_page && self.tokens.is_none() && !is_address(host) && !is_loopback_name(host)
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
        if text(SEC_FETCH_SITE).is_some_and(|site| !matches!(site, "same-origin" | "none")) {
            return Err(Refused::Origin);
        }
        let Some(tokens) = &self.tokens else {
            return Ok(());
        };
        let given = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let token = given.and_then(|given| {
            let (scheme, token) = given.split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
        });
        match token {
            Some(token) if tokens.has(token.trim_ascii()) => Ok(()),
            _ => Err(Refused::Token),
        }
    }
}

/// Whether the host of a request's `Host` is this machine by a name that nobody else can give it.
fn is_loopback_name(host: &str) -> bool {
    let name = without_port(host);
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

fn is_address(host: &str) -> bool {
    without_port(host).parse::<IpAddr>().is_ok()
}

fn without_port(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const ANYWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

    fn check(access: &Access, headers: &[(&'static str, &str)]) -> Result<(), Refused> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        access.check(Version::HTTP_11, None, &headers.collect())
    }

    #[test]
    fn pages_of_other_sites_and_bent_names_are_kept_out() {
        let access = Access::new(None, LOOPBACK);
        for host in [
            "localhost",
            "LOCALHOST:9020",
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
        let unclear = access.check(Version::HTTP_11, None, &two);
        assert_eq!(unclear, Err(Refused::Unclear));
        let none = HeaderMap::new();
        assert_eq!(access.check(Version::HTTP_10, None, &none), Ok(()));
        let one = HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost"))]);
        let target = |authority| access.check(Version::HTTP_11, Some(authority), &one);
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
            "Basic first-token",
            "Bearer",
            "Bearer # of the batch jobs",
        ] {
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
}
