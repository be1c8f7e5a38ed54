//! Host names as they are compared: without case, port and trailing dot.

mod origin;

pub use origin::Origin;

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest host name in bytes (RFC 1035, section 2.3.4).
const LONGEST_NAME: usize = 253;

/// The comparable form of an `:authority` or `Host` value, or `None` where it is no host with an optional port.
///
/// Names are lower case without the root's trailing dot, IPv6 literals stand in brackets in their canonical form.
///
/// RFC 9110, section 7.2; RFC 3986, section 3.2.
pub fn normalize(authority: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(authority).ok()?;
    if let Some(rest) = text.strip_prefix('[') {
        let (literal, port) = rest.split_once(']')?;
        let address: Ipv6Addr = literal.parse().ok()?;
        return is_port_suffix(port).then(|| Cow::Owned(format!("[{address}]")));
    }
    let (name, port) = text
        .find(':')
        .and_then(|at| text.split_at_checked(at))
        .unwrap_or((text, ""));
    let name = name.strip_suffix('.').unwrap_or(name);
    if !is_port_suffix(port) || !is_name(name) {
        return None;
    }
    Some(lower_case(name))
}

/// The comparable form of a host in the configuration: no port, IPv6 literals with or without brackets.
pub(crate) fn normalize_configured(host: &str) -> Option<String> {
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        return Some(format!("[{address}]"));
    }
    let has_port = if host.starts_with('[') {
        !host.ends_with(']')
    } else {
        host.contains(':')
    };
    if has_port {
        None
    } else {
        normalize(host.as_bytes()).map(Cow::into_owned)
    }
}

/// A form that every spelling of a host shares which any Envoy could take for that host, however broken it is.
///
/// Wider than [`normalize`] on purpose: it decides what is refused.
pub(crate) fn loosely(authority: &[u8]) -> Vec<u8> {
    if let Some(exact) = normalize(authority) {
        return exact.into_owned().into_bytes();
    }
    let mut host = authority.trim_ascii();
    if let Some(at) = host.iter().rposition(|byte| *byte == b'@') {
        host = host.get(at + 1..).unwrap_or_default();
    }
    let end = match host.first() {
        Some(b'[') => host.iter().position(|byte| *byte == b']').map(|at| at + 1),
        _ => host.iter().position(|byte| *byte == b':'),
    };
    let end = end.unwrap_or(host.len());
    host = host.get(..end).unwrap_or_default();
    while let Some(shorter) = host.strip_suffix(b".") {
        host = shorter;
    }
    host.to_ascii_lowercase()
}

fn is_port_suffix(text: &str) -> bool {
    match text.strip_prefix(':') {
        None => text.is_empty(),
        Some(digits) => digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    // What looks like an IPv4 address but is none would be read as one by some and as a name by others.
    let numeric = name
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    name.len() <= LONGEST_NAME
        && name.split('.').all(label)
        && (!numeric || name.parse::<Ipv4Addr>().is_ok())
}

fn lower_case(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{loosely, normalize, normalize_configured};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn case_port_and_trailing_dot_do_not_count() {
        for spelling in [
            "mcp.example.com",
            "MCP.Example.COM",
            "mcp.example.com.",
            "mcp.example.com:8001",
            "mcp.example.com.:80",
            "mcp.example.com:",
        ] {
            assert_eq!(
                normalize(spelling.as_bytes()).as_deref(),
                Some("mcp.example.com"),
                "{spelling}"
            );
        }
    }

    #[test]
    fn an_ipv6_literal_takes_its_canonical_form() {
        for spelling in ["[::1]", "[::1]:8001", "[0:0:0:0:0:0:0:1]", "[0000::0001]:"] {
            assert_eq!(
                normalize(spelling.as_bytes()).as_deref(),
                Some("[::1]"),
                "{spelling}"
            );
        }
        assert_eq!(normalize_configured("::1").as_deref(), Some("[::1]"));
        assert_eq!(normalize_configured("[0::1]").as_deref(), Some("[::1]"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let odd: [&[u8]; 18] = [
            b"",
            b".",
            b":80",
            b"a..b",
            b"a b",
            b"a:b",
            b"a:1:2",
            b"a:123456",
            b"user@a",
            b"a/b",
            b"a\xff",
            b"[::1",
            b"::1",
            b"[::1]x",
            b"[fe80::1%eth0]",
            b"1.2.3",
            b"1.2.3.256",
            b"a_.1",
        ];
        for authority in odd {
            assert_eq!(normalize(authority), None, "{}", authority.escape_ascii());
        }
        assert_eq!(normalize(&[b'a'; 254]), None);
        assert_eq!(
            normalize(format!("{}.com", "a".repeat(64)).as_bytes()),
            None
        );
    }

    #[test]
    fn a_configured_host_has_no_port() {
        for host in ["a:80", "[::1]:80", "", "*.a", "a b"] {
            assert_eq!(normalize_configured(host), None, "{host}");
        }
        assert_eq!(
            normalize_configured("127.0.0.1").as_deref(),
            Some("127.0.0.1")
        );
    }

    #[test]
    fn broken_spellings_of_a_host_share_a_loose_form() {
        let broken: [&[u8]; 9] = [
            b"github.mcp.local",
            b"GITHUB.mcp.local.:443",
            b"github.mcp.local..",
            b"github.mcp.local:80:80",
            b"github.mcp.local:x",
            b"u@github.mcp.local",
            b"u:p@GitHub.mcp.local:1",
            b" github.mcp.local ",
            b"github.mcp.local:",
        ];
        for authority in broken {
            assert_eq!(
                loosely(authority),
                b"github.mcp.local",
                "{}",
                authority.escape_ascii()
            );
        }
        assert_eq!(loosely(b"[::1]x:80"), b"[::1]");
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod properties {
    use proptest::prelude::*;

    use super::{loosely, normalize};

    proptest! {
        #[test]
        fn normalising_twice_is_normalising_once(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Some(host) = normalize(&bytes) {
                let twice = normalize(host.as_bytes());
                prop_assert_eq!(twice.as_deref(), Some(&*host));
            }
        }

        #[test]
        fn every_spelling_of_a_name_is_that_name(
            name in "[a-z][a-z0-9-]{0,10}(\\.[a-z][a-z0-9_-]{0,10}){0,3}",
            upper in any::<u64>(),
            dot in any::<bool>(),
            port in proptest::option::of(0_u16..),
        ) {
            let mut spelling: String = name
                .chars()
                .enumerate()
                .map(|(at, letter)| if upper >> (at % 64) & 1 == 1 { letter.to_ascii_uppercase() } else { letter })
                .collect();
            spelling.extend(dot.then_some('.'));
            if let Some(port) = port {
                spelling.push_str(&format!(":{port}"));
            }
            let normal = normalize(spelling.as_bytes());
            prop_assert_eq!(normal.as_deref(), Some(name.as_str()));
            prop_assert_eq!(loosely(spelling.as_bytes()), name.as_bytes());
        }

        #[test]
        fn no_authority_makes_the_loose_form_fail(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Some(host) = normalize(&bytes) {
                prop_assert_eq!(loosely(&bytes), host.as_bytes());
            }
        }
    }
}
