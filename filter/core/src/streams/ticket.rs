use crate::seal::{Bound, text_length};
use crate::session_id::SessionKeys;

/// Owner and format are those of no other purpose of [`Bound`].
const BOUND: Bound<'static> = Bound {
    format: 3,
    owner: b"mcp-streams",
};
const BYTES: usize = 8;
/// From its issue on. A stream that is held gets new ones.
const GOOD_FOR_MS: u64 = 60 * 60 * 1000;

/// By which `mcp-streams` is known. It carries no authority but that: who asks is found out anew on each inner leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// When it is good no more, in milliseconds since the Unix epoch.
    expires_ms: u64,
}

impl Ticket {
    /// One that is issued now.
    pub(crate) fn new(now_ms: u64) -> Self {
        Self {
            expires_ms: now_ms.saturating_add(GOOD_FOR_MS),
        }
    }

    /// Text for a header; `None` without a key.
    pub(crate) fn seal(self, keys: &SessionKeys) -> Option<String> {
        BOUND.seal(keys, &self.expires_ms.to_be_bytes())
    }

    /// Whether `text` is one that is good now.
    pub(crate) fn is_good(text: &[u8], keys: &SessionKeys, now_ms: u64) -> bool {
        Self::open(text, keys).is_some_and(|ticket| now_ms < ticket.expires_ms)
    }

    fn open(text: &[u8], keys: &SessionKeys) -> Option<Self> {
        if text.len() > text_length(BYTES) {
            return None;
        }
        let plain = BOUND.open(keys, str::from_utf8(text).ok()?)?;
        let expires_ms = u64::from_be_bytes(plain.try_into().ok()?);
        Some(Self { expires_ms })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::sealed_id::{SealedId, ServerDigest};
    use crate::session_id::tests::{keys, session};

    const NOW_MS: u64 = 1_790_000_000_000;

    fn is_good(text: &str, ids: &[u8], now_ms: u64) -> bool {
        Ticket::is_good(text.as_bytes(), &keys(ids), now_ms)
    }

    #[test]
    fn a_ticket_is_good_for_an_hour() {
        let ticket = Ticket::new(NOW_MS).seal(&keys(&[1])).unwrap();
        assert!(is_good(&ticket, &[1], NOW_MS));
        assert!(is_good(&ticket, &[1], NOW_MS + 3_599_999));
        assert!(!is_good(&ticket, &[1], NOW_MS + 3_600_000));
    }

    #[test]
    fn a_ticket_outlives_a_rotation_and_ends_with_its_key() {
        let ticket = Ticket::new(NOW_MS).seal(&keys(&[1])).unwrap();
        assert!(is_good(&ticket, &[2, 1], NOW_MS));
        assert!(!is_good(&ticket, &[2], NOW_MS));
        assert_eq!(Ticket::new(NOW_MS).seal(&keys(&[])), None);
    }

    #[test]
    fn nothing_else_is_a_ticket() {
        let ticket = Ticket::new(NOW_MS).seal(&keys(&[1])).unwrap();
        let id = SealedId {
            server: ServerDigest::of(super::super::NAME),
            original: Vec::new(),
            upstream_session: Vec::new(),
        };
        let sealed = id.seal(&keys(&[1]), &session(9)).unwrap();
        let other_format = Bound { format: 1, ..BOUND };
        let other_format = other_format.seal(&keys(&[1]), &[0xff; BYTES]).unwrap();
        let short = BOUND.seal(&keys(&[1]), &[0xff; BYTES - 1]).unwrap();
        let cut = &ticket[1..];
        for text in ["", "AQE", cut, &sealed, &other_format, &short, "\u{e9}"] {
            assert!(!is_good(text, &[1], NOW_MS), "{text}");
        }
        assert!(!is_good(&format!("{ticket}A"), &[1], NOW_MS));
    }

    #[test]
    fn every_changed_character_is_refused() {
        let ticket = Ticket::new(NOW_MS).seal(&keys(&[1])).unwrap();
        for at in 0..ticket.len() {
            let mut changed = ticket.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(!is_good(&changed, &[1], NOW_MS), "character {at}");
        }
    }
}
