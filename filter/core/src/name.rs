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
