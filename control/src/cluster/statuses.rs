//! Writes what users are told: statuses, and events when one changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::sleep;

use super::apply::{Apply, FIELD_MANAGER};
use super::model::Model;
use super::objects::{Change, Known, Objects, name};
use super::status::{Facts, Writer};
use super::{extensions, standing};
use crate::manifests::{Identity, Kind};
use crate::verdict::{Readiness, Reason, Verdict};

/// Writes at a time.
const AT_ONCE: usize = 8;

/// Before another try to write.
const RETRY: Duration = Duration::from_secs(2);

/// The longest note of an event.
const LONGEST_NOTE: usize = 1024;

/// See the module.
pub(super) struct Statuses {
    apply: Apply,
    recorder: Recorder,
    permits: Arc<Semaphore>,
    /// What was written and not seen back yet.
    sent: BTreeMap<Identity, Value>,
    /// What people know already.
    told: BTreeMap<Identity, (Readiness, Reason)>,
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
        let reporter = Reporter {
            controller: FIELD_MANAGER.to_owned(),
            instance: None,
        };
        let (teller, failures) = mpsc::unbounded_channel();
        Self {
            apply: Apply::new(client.clone()),
            recorder: Recorder::new(client, reporter),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            sent: BTreeMap::new(),
            told: BTreeMap::new(),
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
                self.told.remove(&identity);
            }
            Change::Listed(_) | Change::NotServed | Change::Forbidden => {
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

    /// Writes all that differ from what is there.
    pub(super) fn write(&mut self, model: &Model, objects: &Objects) {
        let now = Timestamp::now();
        self.told
            .retain(|identity, _| objects.find(identity).is_some());
        for standing in model.standings() {
            self.registration(
                &standing.identity(),
                &standing.verdict,
                &standing.facts,
                (objects, now),
            );
        }
        for (identity, reason) in objects.unreadable() {
            if matches!(identity.kind, Kind::McpServer | Kind::McpServerRegistration) {
                let verdict = standing::unreadable(&identity, reason);
                self.registration(&identity, &verdict, &Facts::default(), (objects, now));
            }
        }
        for (identity, wishes) in extensions::wishes(model, objects) {
            let Some(known) = objects.find(&identity) else {
                continue;
            };
            let before = self.sent.get(&identity).or(known.status.as_ref());
            let writer = Writer {
                identity: &identity,
                generation: known.generation,
                before,
                now,
            };
            if let Some(object) = writer.extension(&wishes) {
                self.send(identity, object);
            }
        }
    }

    fn registration(
        &mut self,
        identity: &Identity,
        verdict: &Verdict,
        facts: &Facts,
        (objects, now): (&Objects, Timestamp),
    ) {
        let Some(known) = objects.find(identity) else {
            return;
        };
        self.tell(identity, verdict, known);
        let before = self.sent.get(identity).or(known.status.as_ref());
        let writer = Writer {
            identity,
            generation: known.generation,
            before,
            now,
        };
        if let Some(object) = writer.registration(verdict, facts) {
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
        tokio::spawn(async move {
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

    /// Says what is news, in the log and by an event.
    fn tell(&mut self, identity: &Identity, verdict: &Verdict, known: &Known) {
        let now = (verdict.ready, verdict.reason);
        let before = self.told.insert(identity.clone(), now);
        let is_known = before.is_some_and(|before| before == now)
            || before.is_none() && stands(known.status.as_ref(), verdict);
        if is_known {
            return;
        }
        let Verdict {
            ready,
            reason,
            message,
            ..
        } = verdict;
        let is_bad = *ready == Readiness::False && *reason != Reason::Disabled;
        if is_bad {
            tracing::warn!("{identity}: Ready={ready} {reason}: {message}");
        } else {
            tracing::info!("{identity}: Ready={ready} {reason}: {message}");
        }
        if *ready == Readiness::Unknown && *reason == Reason::Pending {
            return;
        }
        let event = Event {
            type_: if is_bad || *ready == Readiness::Unknown {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: reason.to_string(),
            note: Some(shortened(message)),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        let reference = ObjectReference {
            api_version: identity
                .kind
                .api_versions()
                .first()
                .map(|v| (*v).to_owned()),
            kind: Some(identity.kind.as_str().to_owned()),
            namespace: Some(identity.name.namespace.clone()),
            name: Some(identity.name.name.clone()),
            uid: known.uid.clone(),
            ..ObjectReference::default()
        };
        let recorder = self.recorder.clone();
        tokio::spawn(async move {
            if let Err(error) = recorder.publish(&event, &reference).await {
                tracing::debug!("no event: {error}");
            }
        });
    }

    /// What could not be written is written again.
    pub(super) fn forget(&mut self, identity: &Identity) {
        self.sent.remove(identity);
    }
}

/// Whether a status says already what is to be told.
fn stands(status: Option<&Value>, verdict: &Verdict) -> bool {
    let conditions = status.and_then(|status| status.get("conditions")?.as_array());
    conditions.into_iter().flatten().any(|condition| {
        let is = |member: &str, value: &str| {
            condition.get(member).and_then(Value::as_str) == Some(value)
        };
        is("type", "Ready")
            && is("status", &verdict.ready.to_string())
            && is("reason", verdict.reason.as_str())
    })
}

fn shortened(message: &str) -> String {
    let end = message.floor_char_boundary(LONGEST_NOTE);
    message.get(..end).unwrap_or_default().to_owned()
}
