//! Which names of tools every client can give to its model.

/// The longest that the APIs of some models take.
const LONGEST: usize = 64;

/// What a portable name is, for people.
pub(super) const RULE: &str = "at most 64 characters, of A-Z a-z 0-9 _ - alone";

/// Whether it is one.
///
/// MCP 2025-11-25, server/tools, Tool Names, allows up to 128 characters, and dots; the APIs of several models do not, and
/// some clients leave out or refuse what these would not take.
pub(super) fn is_portable(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    name.len() <= LONGEST && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::is_portable;

    #[test]
    fn a_portable_name_has_64_letters_digits_underscores_and_hyphens_at_most() {
        let longest = "x".repeat(64);
        for name in ["github_get_me", "A-z_09", &longest] {
            assert!(is_portable(name), "{name}");
        }
        let longer = "x".repeat(65);
        for name in ["a.b", "a/b", "a b", "é", "a:b", "a\n", &longer] {
            assert!(!is_portable(name), "{name}");
        }
    }
}
