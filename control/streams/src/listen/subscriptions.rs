//! Updates of resources for a subscription of a client without a session.
//!
//! Where a server has sessions, one is opened for the subscription, in which it is subscribed, and ended with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use futures::{StreamExt as _, stream};
use http::header::HeaderValue;
use mcp_filter_core::Era;
use tokio::time::sleep;

use super::request::ListenRequest;
use crate::caller::Caller;
use crate::gateway::{Gateway, Purpose};
use crate::held::Inbox;
use crate::relay::{self, Audience, Relay, Source, may_be_heard};
use crate::state::State;
use crate::subscribe::{Spoken, taken};
use crate::tasks::Tasks;
use crate::uris::{Uri, Uris};
use crate::watch::Member;

/// How many subscriptions of one client are asked for at a time.
const AT_ONCE: usize = 8;
/// How long it waits for servers that are slow to take subscriptions. Those that have not are left out.
const PATIENCE_TO_ASK: Duration = Duration::from_secs(3);
/// How long the acknowledgement waits for servers that are slow to be heard.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a subscription hears of, until it is dropped.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    _relays: Vec<Relay>,
    _session: Option<OwnSession>,
}

/// A session that was opened here.
#[derive(Debug)]
struct OwnSession {
    gateway: Gateway,
    caller: Caller,
    tasks: Tasks,
}

impl Drop for OwnSession {
    fn drop(&mut self) {
        let (gateway, caller) = (self.gateway.clone(), self.caller.clone());
        (self.tasks).spawn(async move { gateway.close_session(&caller).await });
    }
}

impl Subscriptions {
    /// Asks for what `request` wants, and leaves in it what is honoured.
    pub(super) async fn open(
        caller: &Caller,
        request: &mut ListenRequest,
        to: (Inbox, Arc<Member>),
        state: &State,
    ) -> Self {
        let wanted = std::mem::take(&mut request.uris);
        if wanted.is_empty() {
            return Self::default();
        }
        let gateway = &state.gateway;
        let in_session = match gateway.open_session(caller, "{}").await {
            Ok(in_session) => in_session,
            Err(error) => {
                tracing::warn!(%error, "resources were not subscribed to");
                return Self::default();
            }
        };
        let session = OwnSession {
            gateway: gateway.clone(),
            caller: in_session.clone(),
            tasks: state.tasks.clone(),
        };
        let servers = ask(gateway, &in_session, wanted).await;
        let started = servers.into_iter().map(|((server, is_stateless), uris)| {
            let (caller, era) = match is_stateless {
                true => (caller.clone(), Era::Stateless),
                false => (in_session.clone(), Era::Sessions),
            };
            let source = Source {
                caller,
                server,
                era,
                uris: Arc::new(Mutex::new(uris.clone())),
                meta: request.meta.clone(),
                audience: Audience::Subscription,
            };
            let (relay, heard) = state.relays.start(source, to.clone());
            async move {
                // Who is late may be heard yet.
                may_be_heard(heard, PATIENCE).await.then_some((relay, uris))
            }
        });
        let started = join_all(started).await.into_iter().flatten();
        let (relays, honoured): (Vec<Relay>, Vec<Uris>) = started.unzip();
        request.uris = honoured.iter().flat_map(Uris::iter).cloned().collect();
        Self {
            _relays: relays,
            _session: Some(session),
        }
    }
}

/// Subscribes to each resource: those of which a server tells, by server, and whether that is one without sessions.
async fn ask(
    gateway: &Gateway,
    caller: &Caller,
    wanted: Uris,
) -> BTreeMap<(HeaderValue, bool), Uris> {
    let wanted: Vec<(usize, Uri)> = wanted.iter().cloned().enumerate().collect();
    let questions = stream::iter(wanted).map(|(place, uri)| {
        let (gateway, caller) = (gateway.clone(), caller.clone());
        async move {
            let server = subscribe(&gateway, &caller, &uri).await?;
            Some((place, server, uri))
        }
    });
    let answers = questions.buffer_unordered(AT_ONCE);
    let in_time = answers.take_until(Box::pin(sleep(PATIENCE_TO_ASK)));
    let answers: Vec<Option<(usize, Spoken, Uri)>> = in_time.collect().await;
    let mut answers: Vec<_> = answers.into_iter().flatten().collect();
    answers.sort_by_key(|(place, ..)| *place);
    let mut servers: BTreeMap<(HeaderValue, bool), Uris> = BTreeMap::new();
    for (_, (server, era), uri) in answers {
        let key = (server, era == Era::Stateless);
        servers.entry(key).or_default().insert(uri);
    }
    servers
}

/// The server that tells of this resource.
async fn subscribe(gateway: &Gateway, caller: &Caller, uri: &Uri) -> Option<Spoken> {
    let asked = gateway
        .post(caller, &Purpose::Call, relay::subscribe(uri))
        .await;
    let (_, server) = taken(asked.ok()?).await?;
    server
}
