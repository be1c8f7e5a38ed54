//! The keys of session ids, and when which of them is in force.
//!
//! ```text
//! key 1  accepted, mints                             | accepted | gone
//! key 2                       made, accepted         | mints, accepted
//!        ^ from               ^ from + PERIOD        ^ from of key 2
//!                             |<------ SPREAD ------>|<- SPREAD + TTL ->|
//! ```
//! A new key is accepted everywhere before the first id is minted with it, and an old one as long as an id may live that
//! was minted with it, also where each of both is learnt late by up to `SPREAD`: so a rotation ends no session.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use mcp_filter_config::{SessionKey, Sessions};
use serde::{Deserialize, Serialize};

/// A key of 32 random bytes.
pub(super) type Bytes = [u8; 32];

/// For how long a key mints.
const PERIOD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What it takes at most until every gateway has what is in force: a minute, with a day's reserve for control or a gateway
/// that is down.
const SPREAD: SignedDuration = SignedDuration::from_hours(24);

/// See the module. In the order of their making; never empty.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Key>", into = "Vec<Key>")]
pub(super) struct SessionKeys(Vec<Key>);

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    id: u8,
    /// 32 bytes in base64.
    secret: String,
    /// Since when ids are minted with it.
    from: Timestamp,
}

/// No key can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one key or more, each of 32 bytes in base64 and with an id of its own")]
pub(super) struct Unusable;

impl std::fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids = self.0.iter().map(|key| key.id);
        f.debug_list().entries(ids).finish()
    }
}

impl TryFrom<Vec<Key>> for SessionKeys {
    type Error = Unusable;

    fn try_from(keys: Vec<Key>) -> Result<Self, Unusable> {
        let is_key = |key: &Key| {
            let bytes = STANDARD.decode(&key.secret);
            bytes.is_ok_and(|bytes| bytes.len() == size_of::<Bytes>())
        };
        let mut ids: Vec<_> = keys.iter().map(|key| key.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let is_usable = !keys.is_empty() && ids.len() == keys.len() && keys.iter().all(is_key);
        is_usable.then_some(Self(keys)).ok_or(Unusable)
    }
}

impl From<SessionKeys> for Vec<Key> {
    fn from(keys: SessionKeys) -> Self {
        keys.0
    }
}

impl SessionKeys {
    /// The first, which mints at once.
    pub(super) fn first(secret: &Bytes, now: Timestamp) -> Self {
        Self(vec![Key::new(1, secret, now)])
    }

    /// With a new key, where one is due, and without those that no living id was minted with.
    pub(super) fn rotated(&self, secret: &Bytes, now: Timestamp) -> Option<Self> {
        let newest = self.0.last()?;
        if now < newest.from.saturating_add(PERIOD).ok()? {
            return None;
        }
        let mut keys: Vec<_> = self.living(now).cloned().collect();
        let id = newest.id.checked_add(1).unwrap_or(1);
        keys.retain(|key| key.id != id);
        let from = now.saturating_add(SPREAD).ok()?;
        keys.push(Key::new(id, secret, from));
        Some(Self(keys))
    }

    /// What filters are given now: the first mints, all are accepted.
    pub(super) fn in_force(&self, now: Timestamp) -> Vec<SessionKey> {
        let mut living: Vec<_> = self.living(now).collect();
        // The newest of those that mint is first, the others come as they are: the sort is stable. A clock that was set
        // back leaves the oldest.
        let minting = living.iter().rfind(|key| key.from <= now).map(|key| key.id);
        living.sort_by_key(|key| Some(key.id) != minting);
        let given = living.into_iter().map(|key| SessionKey {
            id: key.id,
            secret: key.secret.clone(),
        });
        given.collect()
    }

    /// Those of which an id may live.
    fn living(&self, now: Timestamp) -> impl Iterator<Item = &Key> {
        let ttl = Sessions::default().ttl_seconds;
        let ttl = SignedDuration::from_secs(i64::try_from(ttl).unwrap_or(i64::MAX));
        let late = SPREAD.saturating_add(ttl);
        let successors = self.0.iter().skip(1).map(Some).chain([None]);
        let keys = self.0.iter().zip(successors);
        keys.filter_map(move |(key, successor)| {
            let end = successor.and_then(|next| next.from.saturating_add(late).ok());
            end.is_none_or(|end| now < end).then_some(key)
        })
    }
}

impl Key {
    fn new(id: u8, secret: &Bytes, from: Timestamp) -> Self {
        Self {
            id,
            secret: STANDARD.encode(secret),
            from,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn start() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn ids(keys: &SessionKeys, now: Timestamp) -> Vec<u8> {
        keys.in_force(now).iter().map(|key| key.id).collect()
    }

    #[test]
    fn a_key_mints_for_a_month() {
        let keys = SessionKeys::first(&[1; 32], start());
        assert_eq!(ids(&keys, start()), [1]);
        assert_eq!(keys.rotated(&[2; 32], start() + PERIOD - HOUR), None);
        assert!(keys.rotated(&[2; 32], start() + PERIOD).is_some());
    }

    #[test]
    fn a_new_key_is_accepted_before_it_mints_and_the_old_one_as_long_as_its_ids_live() {
        let made = start() + PERIOD;
        let keys = SessionKeys::first(&[1; 32], start());
        let keys = keys.rotated(&[2; 32], made).unwrap();
        assert_eq!(ids(&keys, made), [1, 2]);
        assert_eq!(ids(&keys, made + SPREAD - HOUR / 60), [1, 2]);
        assert_eq!(ids(&keys, made + SPREAD), [2, 1]);
        let end = made + SPREAD + SPREAD + HOUR * 24;
        assert_eq!(ids(&keys, end - HOUR / 60), [2, 1]);
        assert_eq!(ids(&keys, end), [2]);
    }

    #[test]
    fn a_key_that_is_long_overdue_is_followed_by_one_alone() {
        let late = start() + PERIOD * 5;
        let keys = SessionKeys::first(&[1; 32], start());
        let keys = keys.rotated(&[2; 32], late).unwrap();
        assert_eq!(ids(&keys, late), [1, 2], "an id of the old one may be new");
        assert_eq!(keys.rotated(&[3; 32], late), None);
        let next = keys.rotated(&[3; 32], late + SPREAD + PERIOD).unwrap();
        assert_eq!(ids(&next, late + SPREAD + PERIOD), [2, 3]);
    }

    #[test]
    fn a_clock_that_is_set_back_leaves_a_key_that_mints() {
        let keys = SessionKeys::first(&[1; 32], start());
        assert_eq!(ids(&keys, start() - HOUR), [1]);
    }

    #[test]
    fn keys_are_numbered_in_a_circle() {
        let mut keys = SessionKeys::first(&[1; 32], start());
        let mut now = start();
        for _ in 0..600 {
            now += PERIOD + SPREAD;
            keys = keys.rotated(&[2; 32], now).unwrap();
            assert_eq!(keys.in_force(now).len(), 2);
        }
    }

    #[test]
    fn keys_that_are_kept_can_be_read() {
        let keys = SessionKeys::first(&[7; 32], start());
        let keys = keys.rotated(&[8; 32], start() + PERIOD).unwrap();
        let text = serde_json::to_string(&keys).unwrap();
        assert_eq!(serde_json::from_str::<SessionKeys>(&text).unwrap(), keys);
        assert!(!format!("{keys:?}").contains(&STANDARD.encode([7; 32])));
    }

    #[test]
    fn unusable_keys_are_refused() {
        let key = |id: u8, secret: &str| {
            format!(r#"{{"id":{id},"secret":"{secret}","from":"2026-01-01T00:00:00Z"}}"#)
        };
        let whole = STANDARD.encode([0; 32]);
        for keys in [
            String::new(),
            key(1, "c2hvcnQ="),
            [key(1, &whole), key(1, &whole)].join(","),
        ] {
            let text = format!("[{keys}]");
            assert!(
                serde_json::from_str::<SessionKeys>(&text).is_err(),
                "{text}"
            );
        }
        let one = format!("[{}]", key(1, &whole));
        assert!(serde_json::from_str::<SessionKeys>(&one).is_ok());
    }
}
