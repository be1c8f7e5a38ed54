//! Ids of a server's requests as clients see them: sealed, so that the answer finds its way home from any worker and
//! any replica, and only in the session in which the request was made.

use sha2::{Digest as _, Sha256};

use crate::seal::{Bound, text_length};
use crate::session_id::{Session, SessionKeys};

const FORMAT: u8 = 1;
/// Longest original id and longest upstream session id, in bytes.
pub const LONGEST_PART: usize = 1024;
/// Longest text that [`SealedId::open`] looks at.
const LONGEST_TEXT: usize = text_length(8 + 2 + 2 * LONGEST_PART);

/// Names a server by what stays when servers come and go: its registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerDigest([u8; 8]);

impl ServerDigest {
    /// Its bytes.
    pub(crate) fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }

    /// The opposite of [`ServerDigest::as_bytes`].
    pub(crate) fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Of the registration `namespace/name`.
    pub fn of(name: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        Self([a, b, c, d, e, f, g, h])
    }
}

/// What an id shown to a client stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedId {
    /// Who asked.
    pub server: ServerDigest,
    /// Its own id as it wrote it: a JSON token, quotes included where it is a string. At most [`LONGEST_PART`] bytes.
    pub original: Vec<u8>,
    /// Its session in which it asked; empty where it has none. At most [`LONGEST_PART`] bytes.
    pub upstream_session: Vec<u8>,
}

impl SealedId {
    /// Text for a JSON string that needs no escape, or `None` when a part is too long or there is no key.
    pub fn seal(&self, keys: &SessionKeys, session: &Session) -> Option<String> {
        bound(session).seal(keys, &self.to_bytes()?)
    }

    /// The opposite of [`SealedId::seal`]; `None` for whatever was not sealed for this session.
    pub fn open(text: &str, keys: &SessionKeys, session: &Session) -> Option<Self> {
        if text.len() > LONGEST_TEXT {
            return None;
        }
        Self::from_bytes(&bound(session).open(keys, text)?)
    }

    fn to_bytes(&self) -> Option<Vec<u8>> {
        if self.upstream_session.len() > LONGEST_PART || self.original.len() > LONGEST_PART {
            return None;
        }
        let length = u16::try_from(self.original.len()).ok()?;
        Some(
            [
                &self.server.0,
                length.to_be_bytes().as_slice(),
                &self.original,
                &self.upstream_session,
            ]
            .concat(),
        )
    }

    fn from_bytes(plain: &[u8]) -> Option<Self> {
        let (server, rest) = plain.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (original, upstream_session) =
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        Some(Self {
            server: ServerDigest(*server),
            original: original.to_vec(),
            upstream_session: upstream_session.to_vec(),
        })
    }
}

fn bound(session: &Session) -> Bound<'_> {
    Bound {
        format: FORMAT,
        owner: session.unique(),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::{LONGEST_PART, LONGEST_TEXT, SealedId, ServerDigest};
    use crate::session_id::SessionKeys;
    use crate::session_id::tests::{keys, session};

    fn id(original: &[u8], upstream_session: &[u8]) -> SealedId {
        SealedId {
            server: ServerDigest::of("test/github"),
            original: original.to_vec(),
            upstream_session: upstream_session.to_vec(),
        }
    }

    fn seal(id: &SealedId, keys: &SessionKeys) -> Option<String> {
        id.seal(keys, &session(9))
    }

    #[test]
    fn an_id_comes_back_with_its_type() {
        for original in [&b"7"[..], b"\"7\"", b"-1.5e3", b"\"\\u0041\"", b""] {
            let id = id(original, b"upstream-session");
            let text = seal(&id, &keys(&[1])).unwrap();
            assert_eq!(SealedId::open(&text, &keys(&[1]), &session(9)), Some(id));
        }
    }

    #[test]
    fn the_text_needs_no_escape_and_shows_nothing() {
        let text = seal(&id(b"\"call-1\"", b"secret-session"), &keys(&[1])).unwrap();
        assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
        assert!(
            !bytes
                .windows(6)
                .any(|window| window == b"secret" || window == b"call-1")
        );
    }

    #[test]
    fn one_id_is_always_sealed_alike_and_no_other_is() {
        let sealed = |session_random, original: &[u8]| {
            id(original, b"u")
                .seal(&keys(&[1]), &session(session_random))
                .unwrap()
        };
        assert_eq!(sealed(9, b"7"), sealed(9, b"7"));
        assert_ne!(sealed(9, b"7"), sealed(9, b"8"));
        assert_ne!(sealed(9, b"7"), sealed(8, b"7"));
    }

    #[test]
    fn an_id_is_good_in_its_own_session_alone() {
        let text = seal(&id(b"7", b"u"), &keys(&[1])).unwrap();
        assert_eq!(SealedId::open(&text, &keys(&[1]), &session(8)), None);
    }

    #[test]
    fn every_changed_bit_is_refused() {
        let text = seal(&id(b"7", b"u"), &keys(&[1])).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                let changed = URL_SAFE_NO_PAD.encode(changed);
                assert_eq!(
                    SealedId::open(&changed, &keys(&[1]), &session(9)),
                    None,
                    "byte {at} bit {bit}"
                );
            }
        }
    }

    #[test]
    fn an_id_outlives_a_rotation_and_ends_with_its_key() {
        let text = seal(&id(b"7", b"u"), &keys(&[1])).unwrap();
        assert!(SealedId::open(&text, &keys(&[2, 1]), &session(9)).is_some());
        assert_eq!(SealedId::open(&text, &keys(&[2]), &session(9)), None);
    }

    #[test]
    fn parts_are_bounded() {
        let longest = vec![b'1'; LONGEST_PART];
        let text = seal(&id(&longest, &longest), &keys(&[1])).unwrap();
        assert!(text.len() <= LONGEST_TEXT);
        assert_eq!(
            SealedId::open(&text, &keys(&[1]), &session(9)),
            Some(id(&longest, &longest))
        );
        let longer = vec![b'1'; LONGEST_PART + 1];
        assert_eq!(seal(&id(&longer, b""), &keys(&[1])), None);
        assert_eq!(seal(&id(b"1", &longer), &keys(&[1])), None);
    }

    #[test]
    fn what_was_never_sealed_opens_nothing() {
        for odd in [
            "",
            "AQE",
            "7",
            "\u{e9}",
            &"A".repeat(60),
            &"A".repeat(100_000),
        ] {
            assert_eq!(SealedId::open(odd, &keys(&[1]), &session(9)), None);
        }
    }

    #[test]
    fn servers_have_digests_of_their_own() {
        assert_ne!(
            ServerDigest::of("test/github"),
            ServerDigest::of("test/slack")
        );
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod properties {
    use proptest::prelude::*;

    use super::{LONGEST_PART, SealedId, ServerDigest};
    use crate::session_id::tests::{keys, session};

    proptest! {
        #[test]
        fn what_is_sealed_opens(
            name in ".{0,20}",
            original in prop::collection::vec(any::<u8>(), 0..=LONGEST_PART),
            upstream_session in prop::collection::vec(any::<u8>(), 0..=LONGEST_PART),
        ) {
            let id = SealedId { server: ServerDigest::of(&name), original, upstream_session };
            let text = id.seal(&keys(&[1]), &session(9)).unwrap();
            prop_assert_eq!(SealedId::open(&text, &keys(&[1]), &session(9)), Some(id));
        }

        #[test]
        fn invented_ids_open_nothing(text in "[A-Za-z0-9_-]{0,200}") {
            prop_assert_eq!(SealedId::open(&text, &keys(&[1]), &session(9)), None);
        }
    }
}
