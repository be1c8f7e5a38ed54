use std::cell::Cell;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::identity::Identity;
use crate::slots::{
    MemorySlots, Owner, UpstreamKey, UpstreamSession, forget_upstream_session,
    insert_upstream_session, upstream_session,
};
use crate::version::ProtocolVersion;

const NOW_MS: u64 = 1_790_000_000_000;
const TICK_MS: u64 = 1_000;
const LIFETIME_MS: u64 = 24 * 60 * 60 * 1000;

fn limits(session_slots: u32) -> Limits {
    Limits {
        session_slots,
        ..Limits::default()
    }
}

/// Of a client's session, or of an identity that has this number.
fn key(number: u32, of_identity: bool) -> UpstreamKey {
    let owner = if of_identity {
        Owner::Identity(Identity::of_token("issuer", number.to_string()))
    } else {
        let mut unique = [0; 16];
        unique[..4].copy_from_slice(&number.to_le_bytes());
        Owner::Session(unique)
    };
    UpstreamKey::of(&owner, "test/github", &[3; 32])
}

fn insert(slots: &mut dyn SharedSlots, limits: &Limits, key: &UpstreamKey, now_ms: u64) {
    let session = UpstreamSession {
        id: b"x".to_vec(),
        version: ProtocolVersion::V2025_06_18,
    };
    insert_upstream_session(slots, limits, key, (&session, now_ms));
}

fn count(slots: &mut dyn SharedSlots, limits: &Limits, now_ms: u64) -> Option<u64> {
    count_upstream_sessions(slots, limits, LIFETIME_MS, now_ms)
}

/// Shared data that counts what it is asked.
#[derive(Default)]
struct Counting {
    slots: MemorySlots,
    loads: Cell<u32>,
    stores: u32,
}

impl SharedSlots for Counting {
    fn load(&self, key: &str) -> Option<Slot> {
        self.loads.set(self.loads.get() + 1);
        self.slots.load(key)
    }

    fn store(&mut self, key: &str, value: &[u8], version: Option<u32>) -> bool {
        self.stores += 1;
        self.slots.store(key, value, version)
    }
}

#[test]
fn sessions_of_clients_and_of_identities_are_counted() {
    let (slots, limits) = (&mut MemorySlots::new(), limits(64));
    assert_eq!(count(slots, &limits, NOW_MS), Some(0));
    for number in 0..3 {
        insert(slots, &limits, &key(number, false), NOW_MS);
    }
    for number in 0..2 {
        insert(slots, &limits, &key(number, true), NOW_MS);
    }
    assert_eq!(count(slots, &limits, NOW_MS + TICK_MS), Some(5));
}

#[test]
fn an_ended_session_counts_no_more_and_its_slot_serves_another() {
    let (slots, limits) = (&mut MemorySlots::new(), limits(64));
    insert(slots, &limits, &key(1, false), NOW_MS);
    forget_upstream_session(slots, &limits, &key(1, false), b"x");
    assert_eq!(count(slots, &limits, NOW_MS), Some(0));
    insert(slots, &limits, &key(1, false), NOW_MS);
    assert_eq!(count(slots, &limits, NOW_MS + TICK_MS), Some(1));
}

#[test]
fn a_session_that_nobody_has_used_for_its_lifetime_counts_no_more() {
    let (slots, limits) = (&mut MemorySlots::new(), limits(64));
    for number in 0..2 {
        insert(slots, &limits, &key(number, false), NOW_MS);
    }
    let later = NOW_MS + LIFETIME_MS - 1;
    assert_eq!(count(slots, &limits, later), Some(2));
    assert!(upstream_session(slots, &limits, &key(1, false), later).is_some());
    assert_eq!(count(slots, &limits, later + TICK_MS), Some(1));
}

#[test]
fn one_worker_of_all_goes_on_in_a_second() {
    let (slots, limits) = (&mut Counting::default(), limits(64));
    for worker in 0..8 {
        assert_eq!(count(slots, &limits, NOW_MS + worker * 100), Some(0));
    }
    assert_eq!(slots.stores, 1);
    count(slots, &limits, NOW_MS + PAUSE_MS);
    assert_eq!(slots.stores, 2);
}

#[test]
fn what_one_worker_has_counted_every_worker_tells() {
    let (slots, limits) = (&mut MemorySlots::new(), limits(64));
    insert(slots, &limits, &key(1, false), NOW_MS);
    assert_eq!(count(slots, &limits, NOW_MS), Some(1));
    assert_eq!(count(slots, &limits, NOW_MS + 1), Some(1));
}

#[test]
fn a_clock_that_was_set_back_stops_no_sweep() {
    let (slots, limits) = (&mut MemorySlots::new(), limits(64));
    count(slots, &limits, NOW_MS);
    insert(slots, &limits, &key(1, false), NOW_MS);
    assert_eq!(count(slots, &limits, NOW_MS - LIFETIME_MS), Some(1));
}

#[test]
fn without_sessions_a_step_costs_a_look_at_each_page() {
    let (slots, limits) = (&mut Counting::default(), Limits::default());
    count(slots, &limits, NOW_MS);
    assert_eq!((slots.loads.get(), slots.stores), (1 + 2 * 8, 1));
}

#[test]
fn thousands_of_sessions_are_counted_in_bounded_steps() {
    let (slots, limits) = (&mut Counting::default(), Limits::default());
    for number in 0..3000 {
        insert(slots, &limits, &key(number, false), NOW_MS);
    }
    let found = (0..3000)
        .filter(|number| upstream_session(slots, &limits, &key(*number, false), NOW_MS).is_some())
        .count();
    let mut totals = Vec::new();
    for step in 0..3 {
        slots.loads.set(0);
        totals.push(count(slots, &limits, NOW_MS + step * TICK_MS));
        assert!(slots.loads.get() <= LOOKS + 1, "{}", slots.loads.get());
    }
    assert_eq!(totals, [None, None, Some(found as u64)]);
}

#[test]
fn a_sweep_goes_on_where_fewer_slots_are_configured() {
    let (slots, many) = (&mut MemorySlots::new(), Limits::default());
    for number in 0..3000 {
        insert(slots, &many, &key(number, false), NOW_MS);
    }
    assert_eq!(count(slots, &many, NOW_MS), None);
    let few = limits(8);
    assert!(count(slots, &few, NOW_MS + TICK_MS).is_some());
    let counted = count(slots, &few, NOW_MS + 2 * TICK_MS);
    assert!(counted.is_some_and(|counted| counted <= 16), "{counted:?}");
}

#[test]
fn what_is_of_another_format_counts_as_absent() {
    let (slots, limits) = (&mut MemorySlots::new(), limits(64));
    insert(slots, &limits, &key(1, false), NOW_MS);
    for bytes in [&[][..], &[1; 9], &[9; 40]] {
        slots.store(KEY, bytes, None);
        assert_eq!(count(slots, &limits, NOW_MS), Some(1), "{bytes:?}");
    }
    slots.store("mcp.v1.s.w0", &[0xff; 7], None);
    assert_eq!(count(slots, &limits, NOW_MS + TICK_MS), Some(0));
    insert(slots, &limits, &key(2, false), NOW_MS);
    assert_eq!(count(slots, &limits, NOW_MS + 2 * TICK_MS), Some(1));
}

/// Shared data that another worker writes just before each write under `key`.
struct Contended {
    slots: MemorySlots,
    key: &'static str,
    rounds: u32,
}

impl SharedSlots for Contended {
    fn load(&self, key: &str) -> Option<Slot> {
        self.slots.load(key)
    }

    fn store(&mut self, key: &str, value: &[u8], version: Option<u32>) -> bool {
        if key == self.key && self.rounds > 0 {
            self.rounds -= 1;
            let rival = self.slots.load(key).map(|slot| slot.value);
            self.slots.store(key, &rival.unwrap_or_default(), None);
        }
        self.slots.store(key, value, version)
    }
}

#[test]
fn a_step_that_another_worker_has_made_meanwhile_is_dropped() {
    let limits = limits(64);
    let mut slots = Contended {
        slots: MemorySlots::new(),
        key: KEY,
        rounds: 0,
    };
    assert_eq!(count(&mut slots, &limits, NOW_MS), Some(0));
    insert(&mut slots, &limits, &key(1, false), NOW_MS);
    slots.rounds = 1;
    assert_eq!(count(&mut slots, &limits, NOW_MS + TICK_MS), Some(0));
    assert_eq!(count(&mut slots, &limits, NOW_MS + TICK_MS), Some(1));
}

#[test]
fn a_session_that_could_not_be_noted_is_once_it_is_used_again() {
    let limits = limits(64);
    let mut slots = Contended {
        slots: MemorySlots::new(),
        key: "mcp.v1.s.w0",
        rounds: 100,
    };
    insert(&mut slots, &limits, &key(1, false), NOW_MS);
    assert_eq!(count(&mut slots, &limits, NOW_MS), Some(0));
    slots.rounds = 3;
    let later = NOW_MS + 300_000;
    assert!(upstream_session(&mut slots, &limits, &key(1, false), later).is_some());
    assert_eq!(count(&mut slots, &limits, later), Some(1));
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        /// Of whatever was opened and ended while a sweep ran, the one after the next tells what can be found.
        #[test]
        fn a_sweep_counts_what_can_be_found(
            session_slots in 8_u32..4000,
            changes in prop::collection::vec((0_u32..4000, any::<bool>(), 0_u8..4), 0..3000),
        ) {
            let (slots, limits) = (&mut MemorySlots::new(), limits(session_slots));
            let mut now_ms = NOW_MS;
            for (number, of_identity, change) in changes {
                let key = key(number, of_identity);
                match change {
                    0 => forget_upstream_session(slots, &limits, &key, b"x"),
                    1 => { count(slots, &limits, now_ms); }
                    _ => insert(slots, &limits, &key, now_ms),
                }
                now_ms += 10;
            }
            let mut found = 0;
            for of_identity in [false, true] {
                for number in 0..4000 {
                    let key = key(number, of_identity);
                    found += u64::from(upstream_session(slots, &limits, &key, now_ms).is_some());
                }
            }
            let mut counted = None;
            // At most 8000 slots and 8 pages, twice.
            for _ in 0..2 * 8 + 1 {
                now_ms += TICK_MS;
                counted = count(slots, &limits, now_ms);
            }
            prop_assert_eq!(counted, Some(found));
        }
    }
}
