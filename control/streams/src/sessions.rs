//! What belongs to sessions of clients: their one stream, and what they are subscribed to.
//!
//! Servers speak unasked to a session on streams of their own, one for each. They are asked for while the client has a
//! stream on which it could hear.

mod session;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::HeaderValue;

use crate::caller::Caller;
use crate::gateway::Gateway;
use crate::held::Inbox;
use crate::refusal::Refusal;
use crate::relay::{Heard, Pauses};
use crate::settings::{Bounds, Settings};
use crate::subscribe::Spoken;
use crate::uris::Uri;
use crate::watch::Member;
use session::{Session, Stream};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Sessions(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    gateway: Gateway,
    bounds: Bounds,
    pauses: Pauses,
    /// By `Mcp-Session-Id`.
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    sessions: HashMap<HeaderValue, Session>,
    /// Rises with each use.
    clock: u64,
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
    pub(crate) fn new(gateway: Gateway, settings: &Settings) -> Self {
        Self(Arc::new(Shared {
            gateway,
            bounds: settings.bounds,
            pauses: Pauses::new(settings),
            known: Mutex::default(),
        }))
    }

    /// From now on this is the stream of the caller's session; a former one ends.
    pub(crate) fn attach(
        &self,
        caller: &Caller,
        member: Arc<Member>,
        inbox: Inbox,
    ) -> Option<Attachment> {
        let session = caller.session()?.clone();
        let stream = Stream::new(caller.clone(), (inbox, member.clone()));
        self.with(|known| {
            known.make_room(&session, self.0.bounds.sessions);
            let entry = known.session(&session);
            entry.attach(stream, &self.0.gateway, self.0.pauses);
        });
        let sessions = self.clone();
        Some(Attachment {
            sessions,
            session,
            member,
        })
    }

    /// Whether one more subscription may be asked for.
    ///
    /// # Errors
    /// When there are too many.
    pub(crate) fn room(&self, session: &HeaderValue, uri: &Uri) -> Result<(), Refusal> {
        self.with(|known| known.room(session, uri, self.0.bounds))
    }

    /// A server tells the session of this resource from now on. Says when it is heard, if it is not yet and somebody would
    /// hear.
    ///
    /// # Errors
    /// When others have taken the room that there was when the server was asked. It tells in vain then.
    pub(crate) fn subscribed(
        &self,
        session: &HeaderValue,
        server: Spoken,
        uri: Uri,
    ) -> Result<Option<Heard>, Refusal> {
        self.with(|known| {
            known.room(session, &uri, self.0.bounds)?;
            let entry = known.session(session);
            Ok(entry.subscribe(server, uri, (&self.0.gateway, self.0.pauses)))
        })
    }

    /// It tells no more.
    pub(crate) fn unsubscribed(&self, session: &HeaderValue, server: &HeaderValue, uri: &Uri) {
        self.with(|known| {
            if let Some(entry) = known.sessions.get_mut(session) {
                entry.unsubscribe(server, uri, (&self.0.gateway, self.0.pauses));
            }
            known.forget_if_idle(session);
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        act(&mut self.0.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Known {
    fn session(&mut self, id: &HeaderValue) -> &mut Session {
        self.clock += 1;
        let session = self.sessions.entry(id.clone()).or_default();
        session.used = self.clock;
        session
    }

    /// See [`Sessions::room`].
    fn room(&mut self, id: &HeaderValue, uri: &Uri, bounds: Bounds) -> Result<(), Refusal> {
        let Bounds {
            subscriptions,
            sessions,
            ..
        } = bounds;
        let (what, most) = if !self.make_room(id, sessions) {
            ("sessions with subscriptions", sessions)
        } else if self.sessions.get(id).is_some_and(|known| {
            !known.is_subscribed(uri) && known.subscriptions() >= subscriptions
        }) {
            ("subscriptions of one session", subscriptions)
        } else {
            return Ok(());
        };
        Err(Refusal::TooMany { what, most })
    }

    /// Whether this session is known or may become so: of those without a stream, the one that was not used for longest is
    /// forgotten where it must be.
    fn make_room(&mut self, id: &HeaderValue, most: usize) -> bool {
        if self.sessions.len() < most || self.sessions.contains_key(id) {
            return true;
        }
        let idle = self
            .sessions
            .iter()
            .filter(|(_, session)| !session.has_stream());
        let oldest = idle.min_by_key(|(_, session)| session.used);
        let Some(oldest) = oldest.map(|(id, _)| id.clone()) else {
            return false;
        };
        self.sessions.remove(&oldest).is_some()
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

    fn id(text: &'static str) -> HeaderValue {
        HeaderValue::from_static(text)
    }

    fn uri(text: &str) -> Uri {
        let token = serde_json::value::to_raw_value(text).unwrap();
        Uri::read(&token).unwrap()
    }

    #[tokio::test]
    async fn room_that_others_have_taken_meanwhile_is_not_taken_twice() {
        let mut settings = Settings::new("http://127.0.0.1:9".parse().unwrap());
        settings.bounds.subscriptions = 1;
        let sessions = Sessions::new(Gateway::new(&settings), &settings);
        let (one, server) = (id("s"), (id("a/b"), mcp_filter_core::Era::Sessions));
        assert!(
            sessions.room(&one, &uri("a:1")).is_ok() && sessions.room(&one, &uri("a:2")).is_ok()
        );
        assert!(
            sessions
                .subscribed(&one, server.clone(), uri("a:1"))
                .is_ok()
        );
        let refused = sessions.subscribed(&one, server, uri("a:2")).unwrap_err();
        assert!(
            matches!(refused, Refusal::TooMany { most: 1, .. }),
            "{refused:?}"
        );
    }

    #[test]
    fn the_session_that_was_not_used_for_longest_is_forgotten_first() {
        let mut known = Known::default();
        for name in ["a", "b", "a"] {
            known.session(&id(name));
        }
        assert!(known.make_room(&id("b"), 2) && known.sessions.len() == 2);
        assert!(known.make_room(&id("c"), 2));
        assert!(known.sessions.contains_key(&id("a")) && known.sessions.len() == 1);
        known.forget_if_idle(&id("a"));
        assert!(known.sessions.is_empty());
    }
}
