//! How an object stands, by its conditions.

use k8s_openapi::apimachinery::pkg::apis::meta::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Serialize, Serializer};

use crate::verdict::{Readiness, Reason};

const READY: &str = "Ready";
const UNSUPPORTED: &str = "Unsupported";

/// See the module. Reason and message are those of the condition `Ready`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Standing {
    #[serde(serialize_with = "readiness")]
    pub(super) ready: Readiness,
    pub(super) reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) message: String,
    pub(super) conditions: Vec<Condition>,
}

/// A condition. Of a folder it has no times and no generations.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) observed_generation: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_transition_time: Option<Time>,
}

impl Condition {
    fn new(kind: &str, status: Readiness, reason: Reason, message: String) -> Self {
        Self {
            kind: kind.to_owned(),
            status: status.to_string(),
            reason: reason.to_string(),
            message,
            observed_generation: None,
            last_transition_time: None,
        }
    }
}

impl From<v1::Condition> for Condition {
    fn from(condition: v1::Condition) -> Self {
        Self {
            kind: condition.type_,
            status: condition.status,
            reason: condition.reason,
            message: condition.message,
            observed_generation: condition.observed_generation,
            last_transition_time: Some(condition.last_transition_time),
        }
    }
}

impl Standing {
    /// As control has written it into a status.
    pub(super) fn written(conditions: Vec<v1::Condition>) -> Self {
        let conditions: Vec<_> = conditions.into_iter().map(Condition::from).collect();
        let ready = conditions.iter().find(|condition| condition.kind == READY);
        match ready.cloned() {
            Some(ready) => Self {
                ready: match ready.status.as_str() {
                    "True" => Readiness::True,
                    "False" => Readiness::False,
                    _ => Readiness::Unknown,
                },
                reason: ready.reason,
                message: ready.message,
                conditions,
            },
            None => Self {
                ready: Readiness::Unknown,
                reason: Reason::Pending.to_string(),
                message: "no control has written its status yet; where that lasts, see whether mcp-control runs"
                    .to_owned(),
                conditions,
            },
        }
    }

    /// As a run of this program has found it, with fields that have no effect.
    pub(super) fn found(
        ready: Readiness,
        reason: Reason,
        message: String,
        unsupported: &[String],
    ) -> Self {
        let mut conditions = vec![Condition::new(READY, ready, reason, message.clone())];
        if !unsupported.is_empty() {
            let message = format!("without effect here: {}", unsupported.join(", "));
            let (status, reason) = (Readiness::True, Reason::Unsupported);
            conditions.push(Condition::new(UNSUPPORTED, status, reason, message));
        }
        Self {
            ready,
            reason: reason.to_string(),
            message,
            conditions,
        }
    }

    /// Reason and message of all that is not as the author of the object wants it. `generation` is the object's.
    pub(super) fn faults(&self, generation: Option<i64>) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let is_fine = self.ready == Readiness::True && self.reason == Reason::Ready.as_str();
        if !is_fine {
            faults.push((self.reason.clone(), self.message.clone()));
        }
        if let (Some(read), Some(written)) = (self.generation_of_ready(), generation)
            && read < written
        {
            let message = format!(
                "its status is of generation {read}, the object of {written}; where that lasts, see whether mcp-control runs"
            );
            faults.push((Reason::Pending.to_string(), message));
        }
        let unsupported = self
            .conditions
            .iter()
            .filter(|condition| condition.kind == UNSUPPORTED && condition.status == "True");
        faults.extend(unsupported.map(|known| (known.reason.clone(), known.message.clone())));
        faults
    }

    fn generation_of_ready(&self) -> Option<i64> {
        let mut conditions = self.conditions.iter();
        conditions
            .find(|condition| condition.kind == READY)?
            .observed_generation
    }
}

fn readiness<S: Serializer>(readiness: &Readiness, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(readiness)
}
