//! What belongs to sessions of clients: their one stream, and what they are subscribed to.
//!
//! Servers speak unasked to a session on streams of their own, one for each. They are asked for while the client has a
//! stream on which it could hear.

mod session;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::HeaderValue;

use crate::caller::Caller;
use crate::held::Inbox;
use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::relay::{Heard, Relays};
use crate::room::{Full, Permit, Room, RoomBounds};
use crate::settings::{Bounds, Settings};
use crate::share::Share;
use crate::subscribe::Spoken;
use crate::uris::Uri;
use crate::watch::Member;
use session::{Session, Stream};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Sessions(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    relays: Relays,
    bounds: Bounds,
    /// For sessions.
    room: Room,
    /// By `Mcp-Session-Id`.
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    sessions: HashMap<HeaderValue, Session>,
    /// Rises with each use.
    clock: u64,
}

/// A place for a session.
enum Found {
    /// It has one.
    Own,
    Free(Permit),
    /// That of this session, which nobody would miss as much.
    Of(HeaderValue),
}

/// A session's stream, until it is dropped.
#[derive(Debug)]
pub(crate) struct Attachment {
    sessions: Sessions,
    session: HeaderValue,
    member: Arc<Member>,
}

impl Sessions {
    /// No session is known.
    pub(crate) fn new(relays: Relays, settings: &Settings, metrics: &Metrics) -> Self {
        let bounds = settings.bounds;
        let bounds_of_room = RoomBounds {
            all: bounds.sessions,
            each: bounds.per_client,
        };
        Self(Arc::new(Shared {
            relays,
            bounds,
            room: Room::new("sessions with subscriptions", bounds_of_room, metrics),
            known: Mutex::default(),
        }))
    }

    /// From now on this is the stream of the caller's session; a former one ends.
    pub(crate) fn attach(
        &self,
        (caller, share): (&Caller, &Share),
        member: Arc<Member>,
        inbox: Inbox,
    ) -> Option<Attachment> {
        let session = caller.session()?.clone();
        let stream = Stream::new(caller.clone(), (inbox, member.clone()));
        self.with(|known| {
            // Its place is that of its stream: who finds none is not refused.
            let permit = known.make_room(&session, share, &self.0.room).ok();
            let entry = known.session(&session, permit.flatten());
            entry.attach(stream, &self.0.relays);
        });
        let sessions = self.clone();
        Some(Attachment {
            sessions,
            session,
            member,
        })
    }

    /// Whether one more subscription may be asked for. Nobody is forgotten for it yet: its server may refuse it.
    ///
    /// # Errors
    /// When there are too many.
    pub(crate) fn room(
        &self,
        (session, share): (&HeaderValue, &Share),
        uri: &Uri,
    ) -> Result<(), Refusal> {
        self.with(|known| {
            known.subscribes(session, uri, self.0.bounds)?;
            let room = &self.0.room;
            let found = known.find_room(session, share, room);
            found.map(drop).map_err(|full| room.refuse(full))
        })
    }

    /// A server tells the session of this resource from now on. Says when it is heard, if it is not yet and somebody would
    /// hear.
    ///
    /// # Errors
    /// When others have taken the room that there was when the server was asked. It tells in vain then.
    pub(crate) fn subscribed(
        &self,
        (session, share): (&HeaderValue, &Share),
        server: Spoken,
        uri: Uri,
    ) -> Result<Option<Heard>, Refusal> {
        self.with(|known| {
            known.subscribes(session, &uri, self.0.bounds)?;
            let room = &self.0.room;
            let made = known.make_room(session, share, room);
            let permit = made.map_err(|full| room.refuse(full))?;
            let entry = known.session(session, permit);
            Ok(entry.subscribe(server, uri, &self.0.relays))
        })
    }

    /// It tells no more.
    pub(crate) fn unsubscribed(&self, session: &HeaderValue, server: &HeaderValue, uri: &Uri) {
        self.with(|known| {
            if let Some(entry) = known.sessions.get_mut(session) {
                entry.unsubscribe(server, uri, &self.0.relays);
            }
            known.forget_if_idle(session);
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        act(&mut self.0.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Known {
    /// The session of this id, in its place.
    fn session(&mut self, id: &HeaderValue, permit: Option<Permit>) -> &mut Session {
        self.clock += 1;
        let session = self.sessions.entry(id.clone()).or_default();
        session.used = self.clock;
        session.permit = session.permit.take().or(permit);
        session
    }

    /// Whether the session may be subscribed to this.
    fn subscribes(&self, id: &HeaderValue, uri: &Uri, bounds: Bounds) -> Result<(), Refusal> {
        let known = self.sessions.get(id);
        if known.is_some_and(|known| known.is_subscribed(uri)) {
            return Ok(());
        }
        let count = known.map_or(0, Session::subscriptions) + 1;
        let bytes = known.map_or(0, Session::uri_bytes) + uri.token().len();
        bounds.hold_uris((count, bytes), " of one session")
    }

    /// A place for this session, where it has none yet: somebody is forgotten where it must be.
    fn make_room(
        &mut self,
        id: &HeaderValue,
        share: &Share,
        room: &Room,
    ) -> Result<Option<Permit>, Full> {
        loop {
            match self.find_room(id, share, room)? {
                Found::Own => return Ok(None),
                Found::Free(permit) => return Ok(Some(permit)),
                Found::Of(oldest) => drop(self.sessions.remove(&oldest)),
            }
        }
    }

    /// Where there is a place for this session: of those without a stream, the one that was not used for longest makes room.
    fn find_room(&self, id: &HeaderValue, share: &Share, room: &Room) -> Result<Found, Full> {
        let has_place = |known: &Session| known.permit.is_some();
        if self.sessions.get(id).is_some_and(has_place) {
            return Ok(Found::Own);
        }
        let full = match room.try_enter(share) {
            Ok(permit) => return Ok(Found::Free(permit)),
            Err(full) => full,
        };
        let eases = |known: &Session| {
            let permit = known.permit.as_ref().filter(|_| !known.has_stream());
            permit.is_some_and(|permit| full.is_eased(share, permit.share()))
        };
        let idle = self.sessions.iter().filter(|(_, known)| eases(known));
        let oldest = idle.min_by_key(|(_, known)| known.used);
        oldest.map(|(id, _)| Found::Of(id.clone())).ok_or(full)
    }

    fn forget_if_idle(&mut self, id: &HeaderValue) {
        if self.sessions.get(id).is_some_and(Session::is_idle) {
            self.sessions.remove(id);
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.sessions.with(|known| {
            if let Some(session) = known.sessions.get_mut(&self.session) {
                session.detach(&self.member);
            }
            known.forget_if_idle(&self.session);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::Gateway;

    fn id(text: &'static str) -> HeaderValue {
        HeaderValue::from_static(text)
    }

    fn uri(text: &str) -> Uri {
        let token = serde_json::value::to_raw_value(text).unwrap();
        Uri::read(&token).unwrap()
    }

    fn sessions(change: impl FnOnce(&mut Settings)) -> Sessions {
        let mut settings = Settings::new("http://127.0.0.1:9".parse().unwrap());
        change(&mut settings);
        let metrics = Metrics::new();
        let relays = Relays::new(Gateway::new(&settings), &settings, &metrics);
        Sessions::new(relays, &settings, &metrics)
    }

    #[tokio::test]
    async fn who_may_ask_takes_no_place_before_a_server_has_answered() {
        let sessions = sessions(|settings| settings.bounds.sessions = std::num::NonZeroUsize::MIN);
        let (former, later, alice) = (id("s"), id("t"), Share::Named(id("alice")));
        let server = (id("a/b"), mcp_filter_core::Era::Sessions);
        let known = || sessions.with(|known| names(known).join(","));
        let subscribed = |session| {
            let to = (session, &alice);
            sessions.subscribed(to, server.clone(), uri("a:1")).is_ok()
        };
        assert!(subscribed(&former));
        assert!(sessions.room((&later, &alice), &uri("a:1")).is_ok());
        assert_eq!(known(), "s");
        assert!(subscribed(&later));
        assert_eq!(known(), "t");
    }

    #[tokio::test]
    async fn room_that_others_have_taken_meanwhile_is_not_taken_twice() {
        let sessions = sessions(|settings| settings.bounds.subscriptions = 1);
        let (session, server) = (id("s"), (id("a/b"), mcp_filter_core::Era::Sessions));
        let one = (&session, &Share::Nobody);
        for text in ["a:1", "a:2"] {
            assert!(sessions.room(one, &uri(text)).is_ok());
        }
        assert!(sessions.subscribed(one, server.clone(), uri("a:1")).is_ok());
        let refused = sessions.subscribed(one, server, uri("a:2")).unwrap_err();
        assert!(
            matches!(refused, Refusal::TooMany { most: 1, .. }),
            "{refused:?}"
        );
    }

    #[tokio::test]
    async fn the_uris_of_a_session_are_bounded_by_their_bytes() {
        let sessions = sessions(|settings| settings.bounds.uris = 2 * r#""a:1""#.len());
        let (session, server) = (id("s"), (id("a/b"), mcp_filter_core::Era::Sessions));
        let one = (&session, &Share::Nobody);
        for text in ["a:1", "a:2", "a:1"] {
            assert!(sessions.subscribed(one, server.clone(), uri(text)).is_ok());
        }
        let other = (id("a/c"), mcp_filter_core::Era::Sessions);
        let refused = sessions.subscribed(one, other, uri("")).unwrap_err();
        assert!(
            matches!(refused, Refusal::TooMany { most: 10, .. }),
            "{refused:?}"
        );
        assert_eq!(sessions.room(one, &uri("")), Err(refused));
        sessions.unsubscribed(&session, &server.0, &uri("a:2"));
        assert!(sessions.room(one, &uri("")).is_ok());
    }

    fn room(all: usize, each: usize) -> Room {
        let bound = |most| std::num::NonZeroUsize::new(most).unwrap();
        let (all, each) = (bound(all), bound(each));
        Room::new("sessions", RoomBounds { all, each }, &Metrics::new())
    }

    fn enter(known: &mut Known, name: &'static str, (share, room): (&Share, &Room)) {
        let permit = known.make_room(&id(name), share, room).unwrap();
        known.session(&id(name), permit);
    }

    fn names(known: &Known) -> Vec<&str> {
        let mut names: Vec<&str> = known
            .sessions
            .keys()
            .filter_map(|id| id.to_str().ok())
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn the_session_that_was_not_used_for_longest_is_forgotten_first() {
        let (mut known, room) = (Known::default(), room(2, 2));
        let alice = Share::Named(id("alice"));
        for name in ["a", "b", "a"] {
            enter(&mut known, name, (&alice, &room));
        }
        assert_eq!(names(&known), ["a", "b"]);
        enter(&mut known, "c", (&alice, &room));
        assert_eq!(names(&known), ["a", "c"]);
        known.forget_if_idle(&id("a"));
        known.forget_if_idle(&id("c"));
        assert!(known.sessions.is_empty() && room.enter(&alice).is_ok());
    }

    #[test]
    fn a_client_with_its_share_of_sessions_forgets_none_of_others() {
        let (mut known, room) = (Known::default(), room(4, 1));
        let (alice, bob) = (Share::Named(id("alice")), Share::Named(id("bob")));
        enter(&mut known, "b", (&bob, &room));
        for name in ["a1", "a2"] {
            enter(&mut known, name, (&alice, &room));
        }
        assert_eq!(names(&known), ["a2", "b"]);
    }

    #[test]
    fn a_client_that_no_token_names_forgets_none_of_those_with_a_name() {
        let (mut known, room) = (Known::default(), room(2, 2));
        let alice = Share::Named(id("alice"));
        enter(&mut known, "a", (&alice, &room));
        for name in ["x", "y"] {
            enter(&mut known, name, (&Share::Shown(id(name)), &room));
        }
        assert_eq!(names(&known), ["a", "y"]);
    }
}
