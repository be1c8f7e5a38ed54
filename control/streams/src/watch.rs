//! Watches the catalog for all streams that are held: it is asked for, since nothing tells.
//!
//! Streams of one endpoint and virtual server are a group, whatever query a client writes behind the path. Twice a second
//! the gateway is asked for each group, on behalf of one member, turn by turn. What a member sees depends on its claims
//! too, so its digests are its own: when those of one have changed, all others of its group are asked for, and each is
//! asked for once a minute in any case, by which the member's ticket is renewed, and its stream ended when its client may
//! no longer have it: when the gateway has said so twice in a row, some seconds apart.

mod group;
mod turns;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;
use http::header::HeaderValue;
use mcp_filter_core::host;
use tokio::sync::watch;

use crate::caller::Caller;
use crate::catalog::Catalog;
use crate::doubt::Doubt;
use crate::gateway::Gateway;
use crate::settings::Settings;
use turns::Turns;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Watch(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    gateway: Gateway,
    settings: Settings,
    groups: Mutex<HashMap<Key, Turns<Arc<Member>>>>,
    next: AtomicU64,
}

/// What the members of one group have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    /// As the filter compares hosts, [`host::normalize`]: each spelling more would be one more group.
    host: Vec<u8>,
    /// Without a query: it changes no list, and each one more would be one more group that is asked for.
    path: String,
    virtual_server: Option<HeaderValue>,
}

impl Key {
    fn of(caller: &Caller) -> Self {
        let authority = caller.authority().as_bytes();
        let host = match host::normalize(authority) {
            Some(host) => host.into_owned().into_bytes(),
            // No endpoint has it.
            None => authority.to_ascii_lowercase(),
        };
        Self {
            host,
            path: caller.path().path().to_owned(),
            virtual_server: caller.virtual_server().cloned(),
        }
    }
}

/// What is known of a stream's client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may have its stream, and its lists are these.
    Good(Catalog),
    /// Its stream ends.
    Ended,
}

/// A stream of a group.
#[derive(Debug)]
pub(crate) struct Member {
    number: u64,
    caller: Caller,
    standing: watch::Sender<Standing>,
    /// What the gateway has said against it.
    doubt: Mutex<Doubt<StatusCode>>,
}

/// A stream's place in its group, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    watch: Watch,
    key: Key,
    member: Arc<Member>,
    standing: watch::Receiver<Standing>,
}

impl Member {
    /// Ends the stream.
    pub(crate) fn end(&self) {
        self.standing.send_replace(Standing::Ended);
    }

    /// Whether the lists have changed by that.
    fn tell(&self, catalog: Catalog) -> bool {
        self.doubt().clear();
        self.standing.send_if_modified(|standing| {
            let changes = matches!(standing, Standing::Good(former) if *former != catalog);
            if changes {
                *standing = Standing::Good(catalog);
            }
            changes
        })
    }

    /// Whether a verdict that was given now holds, of which `least` is asked for.
    fn holds(&self, verdict: StatusCode, least: Duration) -> bool {
        self.doubt().holds(verdict, Instant::now(), least)
    }

    fn doubt(&self) -> MutexGuard<'_, Doubt<StatusCode>> {
        self.doubt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// What is shared with the group.
    pub(crate) fn member(&self) -> &Arc<Member> {
        &self.member
    }

    /// What is known now; [`Self::changed`] tells of what comes after.
    pub(crate) fn standing(&mut self) -> Standing {
        *self.standing.borrow_and_update()
    }

    /// Ready when more is known. May be dropped and asked again.
    pub(crate) async fn changed(&mut self) {
        // The sender is held by the member, and so by this place.
        let _ = self.standing.changed().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.watch.leave(&self.key, &self.member);
    }
}

impl Watch {
    /// Nobody listens yet.
    pub(crate) fn new(gateway: Gateway, settings: &Settings) -> Self {
        Self(Arc::new(Shared {
            gateway,
            settings: settings.clone(),
            groups: Mutex::default(),
            next: AtomicU64::new(0),
        }))
    }

    /// Takes a stream of `caller` in, for whom the gateway has just told of `catalog`.
    pub(crate) fn join(&self, caller: Caller, catalog: Catalog) -> Place {
        let key = Key::of(&caller);
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let (sender, standing) = watch::channel(Standing::Good(catalog));
        let member = Arc::new(Member {
            number,
            caller,
            standing: sender,
            doubt: Mutex::default(),
        });
        let begins = self.with_groups(|groups| match groups.entry(key.clone()) {
            Entry::Occupied(mut group) => {
                group.get_mut().insert(number, member.clone());
                false
            }
            Entry::Vacant(place) => {
                place
                    .insert(Turns::default())
                    .insert(number, member.clone());
                true
            }
        });
        if begins {
            tokio::spawn(group::watch(self.clone(), key.clone()));
        }
        Place {
            watch: self.clone(),
            key,
            member,
            standing,
        }
    }

    /// Has a member asked for out of its turn, from `at` on.
    fn ask_again(&self, key: &Key, member: &Member, at: Instant) {
        self.with_groups(|groups| {
            if let Some(group) = groups.get_mut(key) {
                group.ask_again(member.number, at);
            }
        });
    }

    fn leave(&self, key: &Key, member: &Member) {
        self.with_groups(|groups| {
            if let Some(group) = groups.get_mut(key) {
                group.remove(member.number);
            }
        });
    }

    fn with_groups<T>(&self, act: impl FnOnce(&mut HashMap<Key, Turns<Arc<Member>>>) -> T) -> T {
        act(&mut self.0.groups.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::uri::PathAndQuery;

    const THEN: Catalog = Catalog {
        tools: 1,
        prompts: 1,
        resources: 1,
    };
    const NOW: Catalog = Catalog {
        tools: 2,
        prompts: 1,
        resources: 1,
    };

    fn caller(path: &'static str) -> Caller {
        let value = HeaderValue::from_static;
        let path = PathAndQuery::from_static(path);
        Caller::new(value("a"), path, value("t"), &http::HeaderMap::new())
    }

    fn watch() -> Watch {
        // Nobody is there, and nobody is asked before the test is over.
        let settings = Settings::new("http://127.0.0.1:9".parse().unwrap());
        Watch::new(Gateway::new(&settings), &settings)
    }

    #[tokio::test]
    async fn a_group_is_gone_when_its_last_stream_has_ended() {
        let watch = watch();
        let place = watch.join(caller("/a"), THEN);
        let other = watch.join(caller("/b"), THEN);
        assert_eq!(
            group::next(&watch, &place.key).map(|turn| turn.len()),
            Some(1)
        );
        let key = place.key.clone();
        drop(place);
        assert!(group::next(&watch, &key).is_none());
        assert_eq!(watch.with_groups(|groups| groups.len()), 1);
        assert!(group::next(&watch, &other.key).is_some());
    }

    #[tokio::test]
    async fn a_query_and_the_spelling_of_the_host_make_no_group() {
        let watch = watch();
        let value = HeaderValue::from_static;
        let join = |(host, path)| {
            let path = PathAndQuery::from_static(path);
            let caller = Caller::new(value(host), path, value("t"), &http::HeaderMap::new());
            watch.join(caller, THEN)
        };
        let groups = || watch.with_groups(|groups| groups.len());
        let one = [
            ("a", "/a"),
            ("A", "/a?x=1"),
            ("a:1", "/a"),
            ("a:2", "/a?x=2"),
            ("a.", "/a"),
        ];
        let _places = one.map(join);
        assert_eq!(groups(), 1);
        let _others = [("b", "/a"), ("a:x", "/a"), ("A:X", "/a")].map(join);
        assert_eq!(groups(), 3);
    }

    #[tokio::test]
    async fn a_stream_hears_of_what_is_new_and_of_its_end() {
        let mut place = watch().join(caller("/"), THEN);
        assert!(!place.member().tell(THEN));
        assert!(place.member().tell(NOW));
        place.changed().await;
        assert_eq!(place.standing(), Standing::Good(NOW));
        place.member().end();
        assert!(!place.member().tell(THEN));
        place.changed().await;
        assert_eq!(place.standing(), Standing::Ended);
    }
}
