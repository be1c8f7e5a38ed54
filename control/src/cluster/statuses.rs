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

use super::apply::Apply;
use super::events::Events;
use super::model::Model;
use super::notices::notices;
use super::objects::{Change, Objects, name};
use super::standing::{self, Standing};
use super::status::{Facts, Wish, Writer, ready};
use super::{extensions, virtual_servers};
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
    teller: mpsc::UnboundedSender<Identity>,
    failures: mpsc::UnboundedReceiver<Identity>,
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
        let (teller, failures) = mpsc::unbounded_channel();
        Self {
            apply: Apply::new(client.clone()),
            events: Events::new(client),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            writers: JoinSet::new(),
            sent: BTreeMap::new(),
            teller,
            failures,
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

    /// The next status that could not be written.
    pub(super) async fn failed(&mut self) -> Identity {
        match self.failures.recv().await {
            Some(identity) => identity,
            None => std::future::pending().await,
        }
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
        let writer = Writer {
            identity,
            generation: known.generation,
            before: self.sent.get(identity).or(known.status.as_ref()),
            now,
        };
        if let Some(object) = written(&writer) {
            self.send(identity.clone(), object);
        }
    }

    fn send(&mut self, identity: Identity, object: Value) {
        let status = object.get("status").cloned().unwrap_or_default();
        self.sent.insert(identity.clone(), status);
        let (apply, permits, teller) = (
            self.apply.clone(),
            Arc::clone(&self.permits),
            self.teller.clone(),
        );
        self.writers.spawn(async move {
            let _permit = permits.acquire_owned().await;
            match apply.status(&object).await {
                Ok(()) => {}
                Err(error) if error.is_gone() => {}
                Err(error) => {
                    tracing::warn!("{error}");
                    sleep(RETRY).await;
                    // Whoever does not listen any more writes nothing either.
                    let _ = teller.send(identity);
                }
            }
        });
    }

    /// What could not be written is written again.
    pub(super) fn forget(&mut self, identity: &Identity) {
        self.sent.remove(identity);
    }
}
