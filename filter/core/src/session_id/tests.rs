#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::slots::MemorySlots;

pub(crate) const NOW_MS: u64 = 1_790_000_000_000;

fn statement() -> Statement {
    Statement {
        version: ProtocolVersion::V2025_06_18,
        capabilities: ClientCapabilities::from_json(br#"{"sampling":{},"elicitation":{}}"#),
        identity: Identity::of_token("https://issuer", "alice"),
    }
}

pub(crate) fn keys(ids: &[u8]) -> SessionKeys {
    SessionKeys::new(ids.iter().map(|id| (*id, [*id; 32])), 3600)
}

/// Lends a context in which all random bytes are `random`.
pub(crate) fn lend<T>(random: u8, callback: impl FnOnce(&mut Context<'_>) -> T) -> T {
    let mut fill = |bytes: &mut [u8]| bytes.fill(random);
    callback(&mut Context {
        now_ms: NOW_MS,
        random: &mut fill,
        claims: &mut |_| crate::Claims::NONE,
        slots: &mut MemorySlots::new(),
    })
}

fn minted(keys: &SessionKeys, random: u8) -> Vec<u8> {
    lend(random, |context| mint(keys, &statement(), context)).unwrap()
}

/// A session that differs from those of other `random`.
pub(crate) fn session(random: u8) -> Session {
    let keys = keys(&[1]);
    verify(&minted(&keys, random), &keys, &statement().identity, NOW_MS).unwrap()
}

fn verified(id: &[u8], now_ms: u64) -> Result<Session, InvalidSession> {
    verify(id, &keys(&[1]), &statement().identity, now_ms)
}

#[test]
fn an_id_tells_what_was_put_into_it() {
    let session = session(9);
    assert_eq!(session.version(), statement().version);
    assert_eq!(session.capabilities(), statement().capabilities);
    assert_eq!(session.unique(), &[9; 16]);
    assert_eq!(session.issued_seconds(), NOW_MS / 1000);
}

#[test]
fn an_id_is_visible_ascii_and_names_no_identity() {
    let id = minted(&keys(&[1]), 9);
    assert!(id.iter().all(u8::is_ascii_graphic));
    assert_eq!(id.len(), TEXT_BYTES);
}

#[test]
fn every_changed_character_is_refused() {
    let keys = keys(&[1]);
    let id = minted(&keys, 9);
    let verified = |id: &[u8]| verify(id, &keys, &statement().identity, NOW_MS);
    verified(&id).unwrap();
    for at in 0..id.len() {
        for bit in 0..8 {
            let mut changed = id.clone();
            changed[at] ^= 1 << bit;
            assert!(verified(&changed).is_err(), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn an_id_that_was_good_is_good_for_nobody_else_and_for_no_longer() {
    let keys = keys(&[1]);
    let id = minted(&keys, 9);
    let own = statement().identity;
    assert!(verify(&id, &keys, &own, NOW_MS).is_ok());
    assert_eq!(
        verify(&id, &keys, &Identity::of_token("a", "b"), NOW_MS),
        Err(InvalidSession::OtherIdentity)
    );
    let end_ms = NOW_MS + keys.ttl_seconds() * 1000;
    assert_eq!(
        verify(&id, &keys, &own, end_ms),
        Err(InvalidSession::Expired)
    );
    assert!(verify(&id, &keys, &own, NOW_MS).is_ok());
}

#[test]
fn what_is_no_id_is_malformed() {
    let id = minted(&keys(&[1]), 9);
    let longer = [id.as_slice(), b"A"].concat();
    let padded = [&id[..id.len() - 1], b"="].concat();
    for odd in [
        b"" as &[u8],
        b"null",
        &id[..id.len() - 1],
        &longer,
        &padded,
        &[0xff; TEXT_BYTES],
    ] {
        assert_eq!(
            verified(odd, NOW_MS),
            Err(InvalidSession::Malformed),
            "{}",
            odd.escape_ascii()
        );
    }
}

#[test]
fn another_key_of_the_same_id_did_not_sign_it() {
    let id = minted(&keys(&[1]), 9);
    let others = SessionKeys::new([(1, [7; 32])], 3600);
    assert_eq!(
        verify(&id, &others, &statement().identity, NOW_MS),
        Err(InvalidSession::Forged)
    );
}

#[test]
fn an_id_outlives_a_rotation_and_ends_with_its_key() {
    let id = minted(&keys(&[1]), 9);
    let identity = statement().identity;
    assert!(verify(&id, &keys(&[2, 1]), &identity, NOW_MS).is_ok());
    assert_eq!(
        verify(&id, &keys(&[2]), &identity, NOW_MS),
        Err(InvalidSession::UnknownKey)
    );
    assert!(verify(&minted(&keys(&[2, 1]), 9), &keys(&[2]), &identity, NOW_MS).is_ok());
}

#[test]
fn another_identity_has_no_part_in_it() {
    let id = minted(&keys(&[1]), 9);
    for other in [
        Identity::ANONYMOUS,
        Identity::of_token("https://issuer", "bob"),
    ] {
        assert_eq!(
            verify(&id, &keys(&[1]), &other, NOW_MS),
            Err(InvalidSession::OtherIdentity)
        );
    }
}

#[test]
fn an_id_is_good_for_its_lifetime_and_not_before_its_issue() {
    let id = minted(&keys(&[1]), 9);
    let second = 1000;
    assert!(verified(&id, NOW_MS + 3599 * second).is_ok());
    assert_eq!(
        verified(&id, NOW_MS + 3600 * second),
        Err(InvalidSession::Expired)
    );
    assert!(verified(&id, NOW_MS - CLOCK_SKEW_SECONDS * second).is_ok());
    assert_eq!(
        verified(&id, NOW_MS - (CLOCK_SKEW_SECONDS + 1) * second),
        Err(InvalidSession::FromTheFuture)
    );
    assert!(verified(&id, u64::MAX).is_err());
    assert!(verified(&id, 0).is_err());
}

#[test]
fn without_a_key_nothing_is_minted() {
    assert_eq!(
        lend(9, |context| mint(
            &SessionKeys::default(),
            &statement(),
            context
        )),
        None
    );
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_stated_survives(
            unique in any::<[u8; 16]>(),
            now_ms in 0_u64..1 << 49,
            bits in 0_u8..128,
            version in prop::sample::select(vec![
                ProtocolVersion::V2025_03_26, ProtocolVersion::V2025_06_18, ProtocolVersion::V2025_11_25,
            ]),
            subject in ".{0,20}",
        ) {
            let statement = Statement {
                version,
                capabilities: ClientCapabilities::from_bits(bits),
                identity: Identity::of_token("issuer", &subject),
            };
            let keys = keys(&[3, 4]);
            let mut fill = |bytes: &mut [u8]| bytes.copy_from_slice(&unique);
            let slots = &mut MemorySlots::new();
            let token = &mut |_: &[Vec<String>]| crate::Claims::NONE;
            let mut context = Context { now_ms, random: &mut fill, claims: token, slots };
            let id = mint(&keys, &statement, &mut context).unwrap();
            let session = verify(&id, &keys, &statement.identity, now_ms).unwrap();
            prop_assert_eq!(session.unique(), &unique);
            prop_assert_eq!(session.issued_seconds(), now_ms / 1000);
            prop_assert_eq!(session.version(), version);
            prop_assert_eq!(session.capabilities(), statement.capabilities);
        }

        #[test]
        fn invented_ids_are_refused(id in prop::collection::vec(any::<u8>(), 0..120), text in "[A-Za-z0-9_-]{76}") {
            prop_assert!(verified(&id, NOW_MS).is_err());
            prop_assert!(verified(text.as_bytes(), NOW_MS).is_err());
        }
    }
}
