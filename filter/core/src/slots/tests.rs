use mcp_filter_config::Limits;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::context::{SharedSlots, Slot};
use crate::identity::Identity;
use crate::log_level::LogLevel;
use crate::session_id::tests::session;
use crate::version::ProtocolVersion;

const NOW_MS: u64 = 1_790_000_000_000;
const CREDENTIAL: [u8; 32] = [3; 32];

fn limits(session_slots: u32, ended_slots: u32) -> Limits {
    Limits {
        session_slots,
        ended_slots,
        ..Limits::default()
    }
}

fn key(session_random: u8) -> UpstreamKey {
    UpstreamKey::of(
        &Owner::of(&session(session_random)),
        "test/github",
        &CREDENTIAL,
    )
}

fn upstream(id: &str) -> UpstreamSession {
    UpstreamSession {
        id: id.as_bytes().to_vec(),
        version: ProtocolVersion::V2025_06_18,
    }
}

fn insert(slots: &mut dyn SharedSlots, key: &UpstreamKey, id: &str, now_ms: u64) -> Inserted {
    insert_upstream_session(slots, &limits(64, 64), key, (&upstream(id), now_ms))
}

fn load(slots: &mut dyn SharedSlots, key: &UpstreamKey, now_ms: u64) -> Option<UpstreamSession> {
    upstream_session(slots, &limits(64, 64), key, now_ms)
}

#[test]
fn an_upstream_session_is_found_by_its_key_alone() {
    let slots = &mut MemorySlots::new();
    assert_eq!(load(slots, &key(1), NOW_MS), None);
    assert_eq!(insert(slots, &key(1), "one", NOW_MS), Inserted::Stored);
    assert_eq!(load(slots, &key(1), NOW_MS), Some(upstream("one")));
    let someone = Owner::Identity(Identity::of_token("issuer", "grace"));
    let others = [
        key(2),
        UpstreamKey::of(&Owner::of(&session(1)), "test/slack", &CREDENTIAL),
        UpstreamKey::of(&Owner::of(&session(1)), "test/github", &[4; 32]),
        UpstreamKey::of(&someone, "test/github", &CREDENTIAL),
    ];
    for other in others {
        assert_eq!(load(slots, &other, NOW_MS), None);
    }
}

#[test]
fn the_first_session_of_a_key_wins() {
    let slots = &mut MemorySlots::new();
    insert(slots, &key(1), "first", NOW_MS);
    assert_eq!(
        insert(slots, &key(1), "second", NOW_MS),
        Inserted::Lost(upstream("first"))
    );
    assert_eq!(load(slots, &key(1), NOW_MS), Some(upstream("first")));
}

#[test]
fn a_session_is_forgotten_only_while_it_is_that_one() {
    let slots = &mut MemorySlots::new();
    insert(slots, &key(1), "new", NOW_MS);
    forget_upstream_session(slots, &limits(64, 64), &key(1), b"old");
    assert_eq!(load(slots, &key(1), NOW_MS), Some(upstream("new")));
    forget_upstream_session(slots, &limits(64, 64), &key(1), b"new");
    assert_eq!(load(slots, &key(1), NOW_MS), None);
    assert_eq!(insert(slots, &key(1), "newer", NOW_MS), Inserted::Stored);
}

#[test]
fn an_entry_behind_a_freed_slot_is_still_found() {
    let slots = &mut MemorySlots::new();
    let limits = limits(8, 8);
    for random in 0..8 {
        insert_upstream_session(slots, &limits, &key(random), (&upstream("x"), NOW_MS));
    }
    for gone in 0..7 {
        forget_upstream_session(slots, &limits, &key(gone), b"x");
    }
    assert!(upstream_session(slots, &limits, &key(7), NOW_MS).is_some());
}

#[test]
fn memory_is_bounded_and_the_oldest_makes_room() {
    let slots = &mut MemorySlots::new();
    let limits = limits(8, 8);
    for (age, random) in (0..200).enumerate() {
        let now_ms = NOW_MS + age as u64;
        assert_eq!(
            insert_upstream_session(slots, &limits, &key(random), (&upstream("x"), now_ms)),
            Inserted::Stored
        );
        // Eight slots, and one for which of them are written.
        assert!(slots.len() <= 9);
    }
    for random in 0..200 {
        let found = upstream_session(slots, &limits, &key(random), NOW_MS).is_some();
        assert_eq!(found, random >= 192, "{random}");
    }
}

#[test]
fn a_session_in_use_outlives_younger_ones_that_are_not() {
    let slots = &mut MemorySlots::new();
    let limits = limits(8, 8);
    let minutes = |minutes: u64| NOW_MS + minutes * 60_000;
    for random in 0..8 {
        insert_upstream_session(
            slots,
            &limits,
            &key(random),
            (&upstream("x"), minutes(random.into())),
        );
    }
    assert!(upstream_session(slots, &limits, &key(0), minutes(10)).is_some());
    insert_upstream_session(slots, &limits, &key(100), (&upstream("x"), minutes(11)));
    assert!(upstream_session(slots, &limits, &key(0), minutes(11)).is_some());
    assert!(upstream_session(slots, &limits, &key(1), minutes(11)).is_none());
}

#[test]
fn three_thousand_sessions_fit_into_the_slots_of_the_default() {
    let slots = &mut MemorySlots::new();
    let limits = Limits::default();
    let key =
        |number: u32| UpstreamKey::of(&Owner::of(&session(1)), &number.to_string(), &CREDENTIAL);
    for number in 0..3000 {
        insert_upstream_session(slots, &limits, &key(number), (&upstream("x"), NOW_MS));
    }
    let lost = (0..3000)
        .filter(|number| upstream_session(slots, &limits, &key(*number), NOW_MS).is_none())
        .count();
    assert!(lost <= 3, "{lost} lost");
}

#[test]
fn a_session_id_past_the_bound_is_not_stored() {
    let slots = &mut MemorySlots::new();
    assert_eq!(
        insert(slots, &key(1), &"x".repeat(1025), NOW_MS),
        Inserted::NotStored
    );
    assert_eq!(
        insert(slots, &key(1), &"x".repeat(1024), NOW_MS),
        Inserted::Stored
    );
}

#[test]
fn an_ended_session_is_ended_and_no_other_is() {
    let slots = &mut MemorySlots::new();
    let limits = limits(64, 64);
    assert!(!is_ended(slots, &limits, &session(1)));
    end(slots, &limits, &session(1), NOW_MS);
    end(slots, &limits, &session(1), NOW_MS + 1);
    assert!(is_ended(slots, &limits, &session(1)));
    assert!(!is_ended(slots, &limits, &session(2)));
}

#[test]
fn a_large_cancellation_is_remembered_without_its_words() {
    let (slots, limits) = (&mut MemorySlots::new(), Limits::default());
    let call = CallKey::in_session(&session(1), b"7");
    for (length, remembered) in [(1024, 1024), (1025, 0)] {
        cancel(slots, &limits, &call, (&vec![b'x'; length], NOW_MS));
        let known = cancellation(slots, &limits, &call).unwrap();
        assert_eq!(
            (known.at_ms, known.notification.len()),
            (NOW_MS, remembered)
        );
    }
}

#[test]
fn a_cancelled_call_tells_when_it_was_cancelled_last() {
    let slots = &mut MemorySlots::new();
    let limits = limits(64, 64);
    let call = CallKey::in_session(&session(1), b"7");
    cancel(slots, &limits, &call, (b"first", NOW_MS));
    cancel(slots, &limits, &call, (b"last", NOW_MS + 5));
    let known = cancellation(slots, &limits, &call).unwrap();
    assert_eq!(
        (known.at_ms, known.notification.as_slice()),
        (NOW_MS + 5, b"last".as_slice())
    );
    for other in [
        CallKey::in_session(&session(1), b"\"7\""),
        CallKey::in_session(&session(2), b"7"),
    ] {
        assert_eq!(cancellation(slots, &limits, &other), None);
    }
}

#[test]
fn a_nonce_is_good_once_while_its_signature_could_be() {
    let slots = &mut MemorySlots::new();
    assert!(is_first_use(slots, &[1; 16], NOW_MS));
    assert!(!is_first_use(slots, &[1; 16], NOW_MS + 119_999));
    assert!(is_first_use(slots, &[2; 16], NOW_MS));
    assert!(is_first_use(slots, &[1; 16], NOW_MS + 120_000));
}

#[test]
fn kinds_of_entries_do_not_meet() {
    let slots = &mut MemorySlots::new();
    let limits = limits(64, 64);
    end(slots, &limits, &session(1), NOW_MS);
    assert_eq!(
        cancellation(slots, &limits, &CallKey::in_session(&session(1), b"")),
        None
    );
    assert_eq!(load(slots, &key(1), NOW_MS), None);
}

#[test]
fn slots_of_another_format_count_as_free() {
    let slots = &mut MemorySlots::new();
    let limits = limits(8, 8);
    for place in 0..8 {
        slots.store(&format!("mcp.v1.s.{place}"), &[9; 100], None);
    }
    assert_eq!(upstream_session(slots, &limits, &key(1), NOW_MS), None);
    assert_eq!(
        insert_upstream_session(slots, &limits, &key(1), (&upstream("x"), NOW_MS)),
        Inserted::Stored
    );
    assert_eq!(
        upstream_session(slots, &limits, &key(1), NOW_MS),
        Some(upstream("x"))
    );
}

/// Shared data into which another worker writes the same key just before each of the first writes.
struct Contended {
    slots: MemorySlots,
    rival: Vec<u8>,
    rounds: u32,
}

impl SharedSlots for Contended {
    fn load(&self, key: &str) -> Option<Slot> {
        self.slots.load(key)
    }

    fn store(&mut self, key: &str, value: &[u8], version: Option<u32>) -> bool {
        if self.rounds > 0 {
            self.rounds -= 1;
            self.slots.store(key, &self.rival, None);
        }
        self.slots.store(key, value, version)
    }
}

/// The bytes of the slot that holds `id` for `key`.
fn slot_of(key: &UpstreamKey, id: &str) -> Vec<u8> {
    let slots = &mut MemorySlots::new();
    insert(slots, key, id, NOW_MS);
    (0..64)
        .find_map(|place| slots.load(&format!("mcp.v1.s.{place}")))
        .unwrap()
        .value
}

#[test]
fn of_two_workers_that_open_a_session_at_once_the_second_is_told_the_first_ones() {
    let rival = slot_of(&key(1), "rival");
    let slots = &mut Contended {
        slots: MemorySlots::new(),
        rival,
        rounds: 1,
    };
    assert_eq!(
        insert(slots, &key(1), "mine", NOW_MS),
        Inserted::Lost(upstream("rival"))
    );
}

#[test]
fn a_worker_that_never_gets_its_turn_gives_up() {
    // Each write meets an empty slot that was just written anew.
    let slots = &mut Contended {
        slots: MemorySlots::new(),
        rival: Vec::new(),
        rounds: 100,
    };
    assert_eq!(insert(slots, &key(1), "mine", NOW_MS), Inserted::NotStored);
}

#[test]
fn a_nonce_that_cannot_be_remembered_is_refused() {
    let slots = &mut Contended {
        slots: MemorySlots::new(),
        rival: Vec::new(),
        rounds: 100,
    };
    assert!(!is_first_use(slots, &[1; 16], NOW_MS));
}

#[test]
fn memory_slots_write_as_shared_data_does() {
    let slots = &mut MemorySlots::new();
    assert!(slots.store("a", b"1", Some(Slot::ABSENT)));
    assert!(!slots.store("a", b"2", Some(Slot::ABSENT)));
    let slot = slots.load("a").unwrap();
    assert_eq!(slot.value, b"1");
    assert!(slots.store("a", b"3", Some(slot.version)));
    assert!(!slots.store("a", b"4", Some(slot.version)));
    assert!(slots.store("a", b"5", None));
    assert_eq!(slots.load("a").unwrap().value, b"5");
}

#[test]
fn a_log_level_is_that_of_its_session_and_the_last_one_counts() {
    let slots = &mut MemorySlots::new();
    let limits = limits(64, 64);
    assert_eq!(log_level(slots, &limits, &session(1)), None);
    for (level, now_ms) in [(LogLevel::Debug, NOW_MS), (LogLevel::Emergency, NOW_MS + 1)] {
        set_log_level(slots, &limits, &session(1), (level, now_ms));
        assert_eq!(log_level(slots, &limits, &session(1)), Some(level));
    }
    assert_eq!(log_level(slots, &limits, &session(2)), None);
    assert!(!is_ended(slots, &limits, &session(1)));
}

#[test]
fn log_levels_take_no_more_slots_than_there_are() {
    let slots = &mut MemorySlots::new();
    for random in 0..100 {
        set_log_level(
            slots,
            &limits(64, 16),
            &session(random),
            (LogLevel::Info, NOW_MS),
        );
    }
    assert_eq!(slots.len(), 16);
}
