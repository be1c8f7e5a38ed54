//! Host names as the Gateway API compares them.

/// Whether it is a host name in lower case, or `*.` and one. IP addresses are none.
pub(super) fn is_hostname(text: &str) -> bool {
    is_precise(text.strip_prefix("*.").unwrap_or(text))
}

/// Whether it is a host name in lower case.
pub(super) fn is_precise(text: &str) -> bool {
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // Addresses, and what looks like one and is none, which some would read so.
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_numeric = last.bytes().all(|byte| byte.is_ascii_digit());
    !is_numeric && text.len() <= 253 && text.split('.').all(label)
}

/// Whether a listener of hostname `listener` takes a route's `hostname`. A wildcard stands for one or more labels.
pub(super) fn intersects(listener: Option<&str>, hostname: &str) -> bool {
    let Some(listener) = listener.filter(|listener| !listener.is_empty()) else {
        return true;
    };
    let covers = |pattern: &str, name: &str| {
        pattern.strip_prefix('*').is_some_and(|suffix| {
            name.len() > suffix.len() && name.ends_with(suffix) && !suffix.is_empty()
        })
    };
    listener == hostname || covers(listener, hostname) || covers(hostname, listener)
}

#[cfg(test)]
mod tests {
    use super::{intersects, is_hostname};

    #[test]
    fn wildcards_stand_for_one_label_or_more() {
        assert!(intersects(Some("*.mcp.local"), "github.mcp.local"));
        assert!(intersects(Some("*.mcp.local"), "a.b.mcp.local"));
        assert!(!intersects(Some("*.mcp.local"), "mcp.local"));
        assert!(!intersects(Some("*.mcp.local"), "xmcp.local"));
        assert!(intersects(Some("a.mcp.local"), "*.mcp.local"));
        assert!(intersects(None, "anything.example"));
        assert!(!intersects(Some("a.example"), "b.example"));
    }

    #[test]
    fn host_names_are_lower_case_and_no_addresses() {
        for good in ["a", "github.mcp.local", "*.mcp.local", "a-b.c1"] {
            assert!(is_hostname(good), "{good}");
        }
        for bad in [
            "",
            "A.b",
            "a..b",
            "-a.b",
            "a b",
            "127.0.0.1",
            "127.0.0.300",
            "a.1",
            "::1",
            "*",
            "a.*.b",
            "a:80",
        ] {
            assert!(!is_hostname(bad), "{bad}");
        }
    }
}
