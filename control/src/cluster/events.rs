//! Says what is news: in the log, and by an event on the object that it is about.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use serde_json::Value;
use tokio::task::JoinSet;

use super::apply::FIELD_MANAGER;
use super::notices::Notice;
use super::objects::{Known, Objects};
use super::status::Wish;
use crate::manifests::Identity;
use crate::verdict::{Readiness, Reason};

/// The longest note of an event.
const LONGEST_NOTE: usize = 1024;

/// See the module.
pub(super) struct Events {
    client: Client,
    /// What was told last of each object, by reason, and by whom. A recorder counts what it has told of an object for the
    /// same reason, and tells its first note again whatever the next one is.
    recorders: BTreeMap<(Identity, String), (Option<String>, Recorder)>,
    /// They end with this: who leads no more writes nothing.
    writers: JoinSet<()>,
    /// How each condition `Ready` stands, as far as people know already.
    told: BTreeMap<Identity, (Readiness, Reason)>,
    /// What there was to be told last of other objects. No status remembers it for the control that leads next.
    notices: BTreeSet<Notice>,
}

impl Events {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            recorders: BTreeMap::new(),
            writers: JoinSet::new(),
            told: BTreeMap::new(),
            notices: BTreeSet::new(),
        }
    }

    /// Objects that are gone are not told of any more.
    pub(super) fn retain(&mut self, objects: &Objects) {
        self.told
            .retain(|identity, _| objects.find(identity).is_some());
        self.recorders
            .retain(|(identity, _), _| objects.find(identity).is_some());
    }

    /// An object is gone: one that comes back under its name is another.
    pub(super) fn gone(&mut self, identity: &Identity) {
        self.told.remove(identity);
    }

    /// The condition `Ready` of an object that is known.
    pub(super) fn stands(&mut self, identity: &Identity, ready: &Wish, known: &Known) {
        let now = (ready.status, ready.reason);
        let before = self.told.insert(identity.clone(), now);
        let is_known = before.is_some_and(|before| before == now)
            || before.is_none() && is_said(known.status.as_ref(), ready);
        if is_known {
            return;
        }
        let Wish {
            status,
            reason,
            message,
            ..
        } = ready;
        let is_bad = *status == Readiness::False && *reason != Reason::Disabled;
        if is_bad {
            tracing::warn!("{identity}: Ready={status} {reason}: {message}");
        } else {
            tracing::info!("{identity}: Ready={status} {reason}: {message}");
        }
        if *status == Readiness::Unknown && *reason == Reason::Pending {
            return;
        }
        let is_warning = is_bad || *status == Readiness::Unknown;
        self.publish(event(is_warning, *reason, message), identity, known);
    }

    /// All that there is to be told now of objects without a status.
    pub(super) fn notices(&mut self, now: BTreeSet<Notice>, objects: &Objects) {
        let before = std::mem::take(&mut self.notices);
        for notice in now.difference(&before) {
            let Notice {
                identity,
                reason,
                message,
                is_fault,
            } = notice;
            tracing::warn!("{identity}: {reason}: {message}");
            if let (true, Some(known)) = (*is_fault, objects.find(identity)) {
                self.publish(event(true, *reason, message), identity, known);
            }
        }
        self.notices = now;
    }

    fn publish(&mut self, event: Event, identity: &Identity, known: &Known) {
        let namespace = &identity.name.namespace;
        let reference = ObjectReference {
            api_version: known.version.clone(),
            kind: Some(identity.kind.as_str().to_owned()),
            namespace: (!namespace.is_empty()).then(|| namespace.clone()),
            name: Some(identity.name.name.clone()),
            uid: known.uid.clone(),
            ..ObjectReference::default()
        };
        let recorder = self.recorder(identity, &event);
        while self.writers.try_join_next().is_some() {}
        self.writers.spawn(async move {
            if let Err(error) = recorder.publish(&event, &reference).await {
                tracing::debug!("no event: {error}");
            }
        });
    }

    /// Whoever has told the same before, or a new one.
    fn recorder(&mut self, identity: &Identity, event: &Event) -> Recorder {
        let key = (identity.clone(), event.reason.clone());
        if let Some((note, recorder)) = self.recorders.get(&key)
            && *note == event.note
        {
            return recorder.clone();
        }
        let reporter = Reporter {
            controller: FIELD_MANAGER.to_owned(),
            instance: None,
        };
        let recorder = Recorder::new(self.client.clone(), reporter);
        self.recorders
            .insert(key, (event.note.clone(), recorder.clone()));
        recorder
    }
}

fn event(is_warning: bool, reason: Reason, message: &str) -> Event {
    Event {
        type_: match is_warning {
            true => EventType::Warning,
            false => EventType::Normal,
        },
        reason: reason.to_string(),
        note: Some(shortened(message)),
        action: "Reconcile".to_owned(),
        secondary: None,
    }
}

/// Whether a status says already what is to be told.
fn is_said(status: Option<&Value>, ready: &Wish) -> bool {
    let conditions = status.and_then(|status| status.get("conditions")?.as_array());
    conditions.into_iter().flatten().any(|condition| {
        let is = |member: &str, value: &str| {
            condition.get(member).and_then(Value::as_str) == Some(value)
        };
        is("type", ready.kind)
            && is("status", &ready.status.to_string())
            && is("reason", ready.reason.as_str())
    })
}

fn shortened(message: &str) -> String {
    let end = message.floor_char_boundary(LONGEST_NOTE);
    message.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
