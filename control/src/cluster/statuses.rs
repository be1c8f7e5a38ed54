//! Writes what users are told: statuses, and by [`Events`] what is news.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::Client;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::apply::{Apply, NotWritten};
use super::events::Events;
use super::model::Model;
use super::notices::notices;
use super::objects::{Change, Known, Objects, name};
use super::standing::{self, Standing};
use super::status::{Facts, Wish, Writer, ready};
use super::{auth_policies, extensions, virtual_servers};
use crate::crds::AUTH_POLICIES;
use crate::manifests::{Identity, Kind};
use crate::verdict::Verdict;

/// Writes at a time.
const AT_ONCE: usize = 8;

/// Before another try to write.
const RETRY: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Statuses {
    apply: Apply,
    events: Events,
    permits: Arc<Semaphore>,
    /// They end with this: who leads no more writes nothing.
    writers: JoinSet<()>,
    /// What was written and not seen back yet.
    sent: BTreeMap<Identity, Value>,
    /// Those that are written now. Each has one write at a time: the later of two could land first.
    busy: BTreeMap<Identity, Wait>,
    teller: mpsc::UnboundedSender<Written>,
    written: mpsc::UnboundedReceiver<Written>,
}

/// Whether a status has to be looked at again once it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Nobody,
    Another,
}

/// An end of a write.
#[derive(Debug)]
pub(super) struct Written {
    identity: Identity,
    is_done: bool,
}

impl std::fmt::Debug for Statuses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Statuses")
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

impl Statuses {
    pub(super) fn new(client: Client) -> Self {
        let (teller, written) = mpsc::unbounded_channel();
        Self {
            apply: Apply::new(client.clone()),
            events: Events::new(client),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            writers: JoinSet::new(),
            sent: BTreeMap::new(),
            busy: BTreeMap::new(),
            teller,
            written,
        }
    }

    /// Objects were seen: their statuses are what they are.
    pub(super) fn seen(&mut self, kind: Kind, change: &Change) {
        match change {
            Change::Put(object) => {
                let name = name(object);
                self.sent.remove(&Identity { kind, name });
            }
            // One that comes back under its name is another.
            Change::Gone(name) => {
                let name = name.clone();
                let identity = Identity { kind, name };
                self.sent.remove(&identity);
                self.events.gone(&identity);
            }
            Change::Listed(_) | Change::NotServed | Change::Hidden | Change::Forbidden => {
                self.sent.retain(|identity, _| identity.kind != kind);
            }
        }
    }

    /// The next write that ends.
    pub(super) async fn written(&mut self) -> Written {
        match self.written.recv().await {
            Some(written) => written,
            None => std::future::pending().await,
        }
    }

    /// Takes in that a write has ended. Whether its status has to be looked at again.
    pub(super) fn end(&mut self, written: &Written) -> bool {
        let waits = self.busy.remove(&written.identity);
        if !written.is_done {
            self.sent.remove(&written.identity);
        }
        !written.is_done || waits == Some(Wait::Another)
    }

    /// Writes all that differ from what is there, and says what is news.
    pub(super) fn write(&mut self, model: &Model, standings: &[Standing], objects: &Objects) {
        while self.writers.try_join_next().is_some() {}
        self.events.retain(objects);
        let now = (objects, Timestamp::now());
        for standing in standings {
            let (verdict, facts) = (&standing.verdict, &standing.facts);
            self.registration(&standing.identity(), verdict, facts, now);
        }
        for (identity, reason) in objects.unreadable() {
            if matches!(identity.kind, Kind::McpServer | Kind::McpServerRegistration) {
                let verdict = standing::unreadable(&identity, reason);
                self.registration(&identity, &verdict, &Facts::default(), now);
            }
        }
        for (identity, wishes) in extensions::wishes(model, objects) {
            if let Some(ready) = wishes.iter().find(|wish| wish.kind == "Ready") {
                self.update(&identity, ready, now, |writer| writer.extension(&wishes));
            }
        }
        for (identity, wishes) in auth_policies::wishes(model, objects) {
            if let Some(known) = objects.find(&identity) {
                let writer = self.writer(&identity, known, now.1);
                let written = writer.auth_policy(&wishes);
                self.send_if(identity, written);
            }
        }
        for standing in virtual_servers::standings(model, objects) {
            let virtual_servers::Standing {
                identity,
                ready,
                selection,
            } = &standing;
            self.update(identity, ready, now, |writer| {
                writer.virtual_server(ready, selection)
            });
        }
        self.events.notices(notices(model, objects), objects);
    }

    fn registration(
        &mut self,
        identity: &Identity,
        verdict: &Verdict,
        facts: &Facts,
        now: (&Objects, Timestamp),
    ) {
        self.update(identity, &ready(verdict), now, |writer| {
            writer.registration(verdict, facts)
        });
    }

    fn update(
        &mut self,
        identity: &Identity,
        ready: &Wish,
        (objects, now): (&Objects, Timestamp),
        written: impl FnOnce(&Writer<'_>) -> Option<Value>,
    ) {
        let Some(known) = objects.find(identity) else {
            return;
        };
        self.events.stands(identity, ready, known);
        let object = written(&self.writer(identity, known, now));
        self.send_if(identity.clone(), object);
    }

    fn writer<'a>(
        &'a self,
        identity: &'a Identity,
        known: &'a Known,
        now: Timestamp,
    ) -> Writer<'a> {
        Writer {
            identity,
            version: known.version.as_deref(),
            generation: known.generation,
            before: self.sent.get(identity).or(known.status.as_ref()),
            now,
        }
    }

    fn send_if(&mut self, identity: Identity, object: Option<Value>) {
        if let Some(object) = object {
            self.send(identity, object);
        }
    }

    fn send(&mut self, identity: Identity, object: Value) {
        if let Some(wait) = self.busy.get_mut(&identity) {
            *wait = Wait::Another;
            return;
        }
        let status_sent = object.get("status").cloned().unwrap_or_default();
        let kind = identity.kind;
        self.sent.insert(identity.clone(), status_sent);
        self.busy.insert(identity.clone(), Wait::Nobody);
        let (apply, permits, teller) = (
            self.apply.clone(),
            Arc::clone(&self.permits),
            self.teller.clone(),
        );
        self.writers.spawn(async move {
            let permit = permits.acquire_owned().await;
            let outcome = status(&apply, &object, kind).await;
            // Others need not wait while this one does.
            drop(permit);
            let is_done = match outcome {
                Ok(()) => true,
                Err(error) if error.is_of_no_object() => true,
                Err(error) => {
                    tracing::warn!("{error}");
                    sleep(RETRY).await;
                    false
                }
            };
            // Whoever does not listen any more writes nothing either.
            let _ = teller.send(Written { identity, is_done });
        });
    }
}

/// Writes a status. That of an AuthPolicy is written where the kind is this project's own: another's controller would
/// answer, too, and each would write over the other without end.
async fn status(apply: &Apply, object: &Value, kind: Kind) -> Result<(), NotWritten> {
    if kind == Kind::AuthPolicy && !apply.defines(AUTH_POLICIES).await? {
        return Ok(());
    }
    apply.status(object).await
}

#[cfg(test)]
mod tests;
