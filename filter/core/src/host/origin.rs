//! Where a browser's page came from.

use super::{lower_case, normalize};

/// Scheme, host and port of a web origin (RFC 6454, section 7), or `None` for `null` and everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Lower case.
    scheme: String,
    /// Normalised.
    host: String,
    /// As written, without the colon; empty when absent or the scheme's own.
    port: String,
}

impl Origin {
    /// Reads one serialised origin. Lists, paths and user names are refused.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let (scheme, authority) = text.split_once("://")?;
        let scheme = lower_case(scheme).into_owned();
        if !is_scheme(&scheme) {
            return None;
        }
        let host = normalize(authority.as_bytes())?.into_owned();
        let port = port(&scheme, authority).to_owned();
        Some(Self { scheme, host, port })
    }

    /// Whether a page of this origin came over HTTP from the host and port of `authority`, an `:authority` value. TLS may
    /// end in front of us, so either scheme does, and a port that is not written is that of the origin's scheme.
    pub(crate) fn is_web_page_of(&self, authority: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(authority) else {
            return false;
        };
        matches!(self.scheme.as_str(), "http" | "https")
            && self.port == port(&self.scheme, text)
            && super::normalize(authority).is_some_and(|host| host == self.host)
    }
}

/// The port of `authority` as it is written, or nothing where it is absent or the scheme's own.
fn port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    match authority.rsplit_once(':') {
        Some((_, port)) if port.ends_with(']') => "",
        Some((_, port)) if matches!((scheme, port), ("http", "80") | ("https", "443")) => "",
        Some((_, port)) => port,
        None => "",
    }
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::Origin;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn origins_are_equal_whatever_the_spelling_of_scheme_host_and_default_port() {
        let same = |a: &str, b: &str| Origin::parse(a.as_bytes()) == Origin::parse(b.as_bytes());
        assert!(same(
            "https://App.example.com",
            "HTTPS://app.example.com:443"
        ));
        assert!(same("http://[::1]:80", "http://[0::1]"));
        assert!(!same("http://a", "https://a"));
        assert!(!same("http://a:8080", "http://a"));
    }

    #[test]
    fn a_page_is_of_a_host_only_at_the_same_port() {
        let is_of = |origin: &str, authority: &str| {
            Origin::parse(origin.as_bytes())
                .unwrap()
                .is_web_page_of(authority.as_bytes())
        };
        for (origin, authority) in [
            ("http://localhost:8001", "localhost:8001"),
            ("HTTP://LocalHost.:8001", "LOCALHOST:8001"),
            ("https://localhost:8001", "localhost:8001"),
            ("http://[0::1]:8001", "[::1]:8001"),
            ("http://[::1]", "[0::1]"),
            ("https://mcp.example.com", "mcp.example.com"),
            ("https://mcp.example.com:443", "mcp.example.com."),
            ("https://mcp.example.com", "mcp.example.com:443"),
            ("http://mcp.example.com:80", "mcp.example.com"),
            ("http://mcp.example.com", "mcp.example.com:"),
        ] {
            assert!(is_of(origin, authority), "{origin} {authority}");
        }
        for (origin, authority) in [
            ("http://127.0.0.1:9", "127.0.0.1:8001"),
            ("http://127.0.0.1", "127.0.0.1:8001"),
            ("https://localhost", "localhost:8001"),
            ("http://localhost:8001", "localhost"),
            ("http://localhost:8001", "127.0.0.1:8001"),
            ("http://[::1]:9", "[::1]:8001"),
            ("http://[::1]", "[::1]:8001"),
            ("http://localhost", "localhost:443"),
            ("https://localhost", "localhost:80"),
            ("ftp://localhost:8001", "localhost:8001"),
            ("http://localhost:8001", "u@localhost:8001"),
            ("http://localhost", ""),
        ] {
            assert!(!is_of(origin, authority), "{origin} {authority}");
        }
        let page = Origin::parse(b"http://localhost").unwrap();
        assert!(!page.is_web_page_of(b"localhost\xff"));
    }

    #[test]
    fn what_is_no_single_origin_is_none() {
        let odd: [&[u8]; 12] = [
            b"",
            b"null",
            b"http://",
            b"http:a",
            b"://a",
            b"http://a/",
            b"http://a/b",
            b"http://u@a",
            b"http://a, http://b",
            b"http://a b",
            b"http://a\xff",
            b"1http://a",
        ];
        for origin in odd {
            assert_eq!(Origin::parse(origin), None, "{}", origin.escape_ascii());
        }
    }
}
