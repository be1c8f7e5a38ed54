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
        let port = match authority.rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => port,
            _ => "",
        };
        let default = matches!((scheme.as_str(), port), ("http", "80") | ("https", "443"));
        Some(Self {
            scheme,
            host,
            port: if default {
                String::new()
            } else {
                port.to_owned()
            },
        })
    }

    /// Whether a page of this origin was served over HTTP from `host`, at any port.
    pub(crate) fn is_web_page_of(&self, host: &str) -> bool {
        matches!(self.scheme.as_str(), "http" | "https") && self.host == host
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
