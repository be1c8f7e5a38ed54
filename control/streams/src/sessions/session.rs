//! One session.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::HeaderValue;
use mcp_filter_core::Era;

use crate::caller::Caller;
use crate::held::Inbox;
use crate::relay::{Audience, Heard, Relay, Relays, Source};
use crate::room::Permit;
use crate::subscribe::Spoken;
use crate::uris::{Uri, Uris};
use crate::watch::Member;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Session {
    stream: Option<Stream>,
    servers: BTreeMap<HeaderValue, Subscribed>,
    /// Its place among those that are known.
    pub(super) permit: Option<Permit>,
    /// When it was used last, as its owner counts.
    pub(super) used: u64,
}

/// What a session has asked of one server.
#[derive(Debug)]
struct Subscribed {
    era: Era,
    /// Not empty, but while it is changed. Shared with the relay.
    uris: Arc<Mutex<Uris>>,
}

/// The stream on which a session hears.
#[derive(Debug)]
pub(super) struct Stream {
    caller: Caller,
    inbox: Inbox,
    member: Arc<Member>,
    relays: BTreeMap<HeaderValue, Relay>,
}

impl Subscribed {
    fn with<T>(&self, act: impl FnOnce(&mut Uris) -> T) -> T {
        act(&mut self.uris.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Stream {
    pub(super) fn new(caller: Caller, (inbox, member): (Inbox, Arc<Member>)) -> Self {
        let relays = BTreeMap::new();
        Self {
            caller,
            inbox,
            member,
            relays,
        }
    }

    /// Begins to hear a server, anew where it is heard.
    fn hear(&mut self, server: &HeaderValue, subscribed: &Subscribed, relays: &Relays) -> Heard {
        let source = Source {
            caller: self.caller.clone(),
            server: server.clone(),
            era: subscribed.era,
            uris: subscribed.uris.clone(),
            meta: None,
            audience: Audience::Session,
        };
        let to = (self.inbox.clone(), self.member.clone());
        let (relay, heard) = relays.start(source, to);
        self.relays.insert(server.clone(), relay);
        heard
    }
}

impl Session {
    pub(super) fn has_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// Nothing would be lost with it.
    pub(super) fn is_idle(&self) -> bool {
        self.stream.is_none() && self.servers.is_empty()
    }

    /// How many resources it is subscribed to.
    pub(super) fn subscriptions(&self) -> usize {
        let counts = self.servers.values();
        counts.map(|one| one.with(|uris| uris.len())).sum()
    }

    /// How long their URIs are together, as they are written.
    pub(super) fn uri_bytes(&self) -> usize {
        let lengths = self.servers.values();
        lengths.map(|one| one.with(|uris| uris.bytes())).sum()
    }

    /// Whether this is one of them.
    pub(super) fn is_subscribed(&self, uri: &Uri) -> bool {
        self.servers
            .values()
            .any(|one| one.with(|uris| uris.contains(uri)))
    }

    /// Hears on this stream from now on, and on a former one no more.
    pub(super) fn attach(&mut self, mut stream: Stream, relays: &Relays) {
        for (server, subscribed) in &self.servers {
            // Nobody waits for it.
            drop(stream.hear(server, subscribed, relays));
        }
        if let Some(former) = self.stream.replace(stream) {
            former.member.end();
        }
    }

    /// The stream of this member is gone.
    pub(super) fn detach(&mut self, member: &Arc<Member>) {
        self.stream
            .take_if(|stream| Arc::ptr_eq(&stream.member, member));
    }

    /// See [`super::Sessions::subscribed`].
    pub(super) fn subscribe(
        &mut self,
        (server, era): Spoken,
        uri: Uri,
        relays: &Relays,
    ) -> Option<Heard> {
        let entry = self.servers.entry(server.clone());
        let subscribed = entry.or_insert_with(|| Subscribed {
            era,
            uris: Arc::default(),
        });
        let is_new = subscribed.with(|uris| uris.insert(uri));
        let turns = std::mem::replace(&mut subscribed.era, era) != era;
        let stream = self.stream.as_mut()?;
        let is_heard = stream.relays.get(&server).is_some_and(Relay::goes_on);
        // A server without sessions is told in the request for its stream what it is to tell of.
        let again = turns || !is_heard || (is_new && era == Era::Stateless);
        again.then(|| stream.hear(&server, subscribed, relays))
    }

    /// See [`super::Sessions::unsubscribed`].
    pub(super) fn unsubscribe(&mut self, server: &HeaderValue, uri: &Uri, relays: &Relays) {
        let Some(subscribed) = self.servers.get(server) else {
            return;
        };
        let (was, is_last) = subscribed.with(|uris| (uris.remove(uri), uris.is_empty()));
        if is_last {
            self.servers.remove(server);
            if let Some(stream) = &mut self.stream {
                stream.relays.remove(server);
            }
        } else if let Some(stream) = &mut self.stream
            && was
            && subscribed.era == Era::Stateless
        {
            drop(stream.hear(server, subscribed, relays));
        }
    }
}
