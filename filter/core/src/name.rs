//! Names of tools and prompts, as the server and as the client knows them.

/// The name by which clients know a tool or prompt: the server's prefix and the server's own name, nothing between.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FederatedName(String);

impl FederatedName {
    /// Puts `prefix`, which may be empty, before the server's own name.
    pub fn join(prefix: &str, own_name: &str) -> Self {
        Self([prefix, own_name].concat())
    }

    /// The server's own name, where `federated` begins with its `prefix` and something follows.
    pub fn own_name<'a>(prefix: &str, federated: &'a str) -> Option<&'a str> {
        federated
            .strip_prefix(prefix)
            .filter(|own_name| !own_name.is_empty())
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The whole name.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Whether `prefix` may stand before names: it needs no escape in JSON and none in a header.
pub(crate) fn is_prefix(prefix: &str) -> bool {
    prefix.len() <= LONGEST_PREFIX
        && prefix
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/'))
}

/// In bytes.
pub(crate) const LONGEST_PREFIX: usize = 128;

#[cfg(test)]
mod tests {
    use super::{FederatedName, LONGEST_PREFIX, is_prefix};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_name_survives_joining_and_splitting() {
        for (prefix, own) in [
            ("github_", "get_me"),
            ("", "get_me"),
            ("a", "a"),
            ("g_", "é \"x\""),
        ] {
            let federated = FederatedName::join(prefix, own);
            assert_eq!(
                FederatedName::own_name(prefix, federated.as_str()),
                Some(own)
            );
        }
        assert_eq!(
            FederatedName::join("github_", "get_me").into_string(),
            "github_get_me"
        );
    }

    #[test]
    fn a_name_that_is_another_servers_or_nothing_but_the_prefix_has_no_own_name() {
        assert_eq!(FederatedName::own_name("github_", "slack_post"), None);
        assert_eq!(FederatedName::own_name("github_", "github_"), None);
        assert_eq!(FederatedName::own_name("", ""), None);
    }

    #[test]
    fn a_prefix_needs_no_escape() {
        for prefix in ["", "github_", "A-b.c/9"] {
            assert!(is_prefix(prefix), "{prefix}");
        }
        for prefix in ["a b", "a\"", "a\\", "é", "a\n"] {
            assert!(!is_prefix(prefix), "{prefix}");
        }
        assert!(!is_prefix(&"a".repeat(LONGEST_PREFIX + 1)));
    }
}
