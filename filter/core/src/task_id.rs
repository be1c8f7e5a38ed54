//! Ids of servers' tasks as clients see them: sealed, so that a request about a task finds the server that has it, from
//! any worker and any replica, and only where its owner sends it.
//!
//! MCP 2025-11-25, basic/utilities/tasks: ids are unique for each server alone, and belong to who has created the task.

use crate::seal::{Bound, text_length};
use crate::sealed_id::ServerDigest;
use crate::session_id::SessionKeys;
use crate::slots::Owner;

const FORMAT: u8 = 2;
/// Longest original id, tool name and upstream session id, in bytes.
pub const LONGEST_PART: usize = 512;
/// Longest text that [`TaskId::open`] looks at.
const LONGEST_TEXT: usize = text_length(8 + 8 + 2 + 2 + 3 * LONGEST_PART);

/// What a task's id shown to a client stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskId {
    /// Who has the task.
    pub server: ServerDigest,
    /// The tool that was called, by the server's own name: whoever may not call it may not ask for its tasks. Empty
    /// where that is not known.
    pub tool: String,
    /// The server's own id as it wrote it: a JSON token with its quotes.
    pub original: Vec<u8>,
    /// Its session in which the task was created; empty where it has none.
    pub upstream_session: Vec<u8>,
    /// Digest of the credential that the session at the server was opened with.
    pub credential: [u8; 8],
}

impl TaskId {
    /// Text for a JSON string or a header that needs no escape, or `None` when a part is too long or there is no key.
    /// One task is always named alike.
    pub fn seal(&self, keys: &SessionKeys, owner: &Owner) -> Option<String> {
        let owner = owner_bytes(owner);
        bound(&owner).seal(keys, &self.to_bytes()?)
    }

    /// The opposite of [`TaskId::seal`]; `None` for whatever was not sealed for this owner.
    pub fn open(text: &str, keys: &SessionKeys, owner: &Owner) -> Option<Self> {
        if text.len() > LONGEST_TEXT {
            return None;
        }
        let owner = owner_bytes(owner);
        Self::from_bytes(&bound(&owner).open(keys, text)?)
    }

    fn to_bytes(&self) -> Option<Vec<u8>> {
        let parts = [self.tool.as_bytes(), &self.original, &self.upstream_session];
        let is_long = |part: &&[u8]| part.len() > LONGEST_PART;
        if parts.iter().any(is_long) {
            return None;
        }
        let mut bytes = [*self.server.as_bytes(), self.credential].concat();
        let [tool, original, session] = parts;
        for part in [tool, original] {
            bytes.extend(u16::try_from(part.len()).ok()?.to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes.extend_from_slice(session);
        Some(bytes)
    }

    fn from_bytes(plain: &[u8]) -> Option<Self> {
        let (server, rest) = plain.split_first_chunk()?;
        let (credential, rest) = rest.split_first_chunk()?;
        let (tool, rest) = part(rest)?;
        let (original, upstream_session) = part(rest)?;
        Some(Self {
            server: ServerDigest::from_bytes(*server),
            tool: String::from_utf8(tool.to_vec()).ok()?,
            original: original.to_vec(),
            upstream_session: upstream_session.to_vec(),
            credential: *credential,
        })
    }
}

fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

fn bound(owner: &[u8]) -> Bound<'_> {
    Bound {
        format: FORMAT,
        owner,
    }
}

/// The first byte tells the kind, and so the length.
fn owner_bytes(owner: &Owner) -> Vec<u8> {
    match owner {
        Owner::Session(unique) => [&[0], unique.as_slice()].concat(),
        Owner::Identity(identity) => [&[1], identity.as_bytes().as_slice()].concat(),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::{LONGEST_PART, LONGEST_TEXT, TaskId};
    use crate::identity::Identity;
    use crate::sealed_id::{SealedId, ServerDigest};
    use crate::session_id::tests::{keys, session};
    use crate::slots::Owner;

    fn id(tool: &str, original: &[u8], upstream_session: &[u8]) -> TaskId {
        TaskId {
            server: ServerDigest::of("test/github"),
            tool: tool.to_owned(),
            original: original.to_vec(),
            upstream_session: upstream_session.to_vec(),
            credential: [3; 8],
        }
    }

    fn owner() -> Owner {
        Owner::of(&session(9))
    }

    #[test]
    fn an_id_comes_back_whole_and_is_always_spelled_alike() {
        for id in [
            id("t", b"\"7\"", b"s"),
            id("", b"\"\"", b""),
            id("\u{e9}", b"7", b"s"),
        ] {
            let text = id.seal(&keys(&[1]), &owner()).unwrap();
            assert_eq!(id.seal(&keys(&[1]), &owner()).unwrap(), text);
            assert_eq!(TaskId::open(&text, &keys(&[1]), &owner()), Some(id));
        }
    }

    #[test]
    fn the_text_suits_a_header_and_shows_nothing() {
        let original = b"\"786512e2-9e0d-44bd-8f29-789f320fe840\"";
        let text = id("research", original, original).seal(&keys(&[1]), &owner());
        let text = text.unwrap();
        assert!(text.len() < 256, "{}", text.len());
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(text.bytes().all(is_plain));
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
        assert!(
            !bytes
                .windows(6)
                .any(|window| window == b"786512" || window == b"resear")
        );
    }

    #[test]
    fn an_id_is_its_owners_alone() {
        let grace = Owner::Identity(Identity::of_token("issuer", "grace"));
        let ada = Owner::Identity(Identity::of_token("issuer", "ada"));
        let nobody = Owner::Identity(Identity::ANONYMOUS);
        let owners = [owner(), Owner::of(&session(8)), grace, ada, nobody];
        for (place, owner) in owners.iter().enumerate() {
            let text = id("t", b"7", b"u").seal(&keys(&[1]), owner).unwrap();
            for (other, candidate) in owners.iter().enumerate() {
                let opened = TaskId::open(&text, &keys(&[1]), candidate);
                assert_eq!(opened.is_some(), place == other);
            }
        }
    }

    #[test]
    fn every_changed_bit_is_refused() {
        let text = id("t", b"7", b"u").seal(&keys(&[1]), &owner()).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                let changed = URL_SAFE_NO_PAD.encode(changed);
                assert_eq!(TaskId::open(&changed, &keys(&[1]), &owner()), None);
            }
        }
    }

    #[test]
    fn no_request_of_a_server_is_taken_for_a_task_nor_a_task_for_a_request() {
        let task = id("", b"7", b"u").seal(&keys(&[1]), &owner()).unwrap();
        assert_eq!(SealedId::open(&task, &keys(&[1]), &session(9)), None);
        let request = SealedId {
            server: ServerDigest::of("test/github"),
            original: b"7".to_vec(),
            upstream_session: b"u".to_vec(),
        };
        let request = request.seal(&keys(&[1]), &session(9)).unwrap();
        assert_eq!(TaskId::open(&request, &keys(&[1]), &owner()), None);
    }

    #[test]
    fn an_id_outlives_a_rotation_and_ends_with_its_key() {
        let text = id("t", b"7", b"u").seal(&keys(&[1]), &owner()).unwrap();
        assert!(TaskId::open(&text, &keys(&[2, 1]), &owner()).is_some());
        assert_eq!(TaskId::open(&text, &keys(&[2]), &owner()), None);
    }

    #[test]
    fn parts_are_bounded() {
        let longest = vec![b'1'; LONGEST_PART];
        let name = "n".repeat(LONGEST_PART);
        let whole = id(&name, &longest, &longest);
        let text = whole.seal(&keys(&[1]), &owner()).unwrap();
        assert!(text.len() <= LONGEST_TEXT);
        assert_eq!(TaskId::open(&text, &keys(&[1]), &owner()), Some(whole));
        let longer = vec![b'1'; LONGEST_PART + 1];
        let name = "n".repeat(LONGEST_PART + 1);
        for long in [
            id(&name, b"", b""),
            id("", &longer, b""),
            id("", b"", &longer),
        ] {
            assert_eq!(long.seal(&keys(&[1]), &owner()), None);
        }
    }

    #[test]
    fn what_was_never_sealed_opens_nothing() {
        for odd in [
            "",
            "AgE",
            "7",
            "\u{e9}",
            &"A".repeat(60),
            &"A".repeat(100_000),
        ] {
            assert_eq!(TaskId::open(odd, &keys(&[1]), &owner()), None);
        }
    }
}
