//! Host names as they are compared: without case, port and trailing dot; and the `Origin` rules that stand on them.

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

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

fn lower_case(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}
