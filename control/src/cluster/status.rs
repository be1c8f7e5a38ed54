//! What is written into the status of registrations, extensions, virtual servers and policies.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::{
    AuthPolicyStatus, McpGatewayExtensionStatus, McpServerRegistrationStatus, McpServerStatus,
    McpVirtualServerStatus,
};
use crate::manifests::{Identity, Kind};
use crate::selection::Selection;
use crate::verdict::{Readiness, Reason, Verdict};

/// The longest `message` of a condition.
const LONGEST_MESSAGE: usize = 32_768;

/// How many names are listed that something is the matter with: a status is no catalog.
const MOST_NAMES: usize = 200;

/// What is known of a registration beside its verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// What discovery negotiated.
    pub(super) protocol_version: Option<String>,
    /// When its lists were news last.
    pub(super) discovered: Option<Timestamp>,
    /// Whether every gateway that it reaches is known to serve it.
    pub(super) is_programmed: bool,
}

/// One condition as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) kind: &'static str,
    pub(super) status: Readiness,
    pub(super) reason: Reason,
    pub(super) message: String,
}

impl Wish {
    pub(super) fn new(
        kind: &'static str,
        status: Readiness,
        reason: Reason,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            status,
            reason,
            message: message.into(),
        }
    }
}

/// Writes statuses for one object.
#[derive(Clone, Debug)]
pub(super) struct Writer<'a> {
    pub(super) identity: &'a Identity,
    /// The version in which it was read.
    pub(super) version: Option<&'a str>,
    /// Its `metadata.generation`.
    pub(super) generation: Option<i64>,
    /// Its status as it is.
    pub(super) before: Option<&'a Value>,
    pub(super) now: Timestamp,
}

impl Writer<'_> {
    /// The object to be applied for a registration; `None` where its status is as it shall be.
    pub(super) fn registration(&self, verdict: &Verdict, facts: &Facts) -> Option<Value> {
        let wishes = conditions(verdict, facts);
        if self.identity.kind == Kind::McpServer {
            return self.changed(|before: &McpServerStatus| McpServerStatus {
                conditions: self.conditions(&wishes, &before.conditions),
                discovered_tools: count(verdict.tools),
            });
        }
        self.changed(
            |before: &McpServerRegistrationStatus| McpServerRegistrationStatus {
                conditions: self.conditions(&wishes, &before.conditions),
                discovered_tools: count(verdict.tools),
                discovered_prompts: count(verdict.prompts),
                discovered_resources: count(verdict.resources),
                protocol_version: facts.protocol_version.clone(),
                last_discovered: facts
                    .discovered
                    .map(whole_seconds)
                    .or_else(|| before.last_discovered.clone()),
                conflicts: verdict.conflicts.iter().take(MOST_NAMES).cloned().collect(),
                observed_generation: self.generation,
            },
        )
    }

    /// The same for a MCPGatewayExtension.
    pub(super) fn extension(&self, wishes: &[Wish]) -> Option<Value> {
        self.changed(
            |before: &McpGatewayExtensionStatus| McpGatewayExtensionStatus {
                conditions: self.conditions(wishes, &before.conditions),
                observed_generation: self.generation,
            },
        )
    }

    /// The same for a MCPVirtualServer.
    pub(super) fn virtual_server(&self, ready: &Wish, selection: &Selection) -> Option<Value> {
        let unmatched = selection.unmatched.iter().take(MOST_NAMES);
        self.changed(|before: &McpVirtualServerStatus| McpVirtualServerStatus {
            conditions: self.conditions(std::slice::from_ref(ready), &before.conditions),
            tools: count(selection.tools),
            unmatched: unmatched.cloned().collect(),
            observed_generation: self.generation,
        })
    }

    /// The same for an AuthPolicy.
    pub(super) fn auth_policy(&self, wishes: &[Wish]) -> Option<Value> {
        self.changed(|before: &AuthPolicyStatus| AuthPolicyStatus {
            conditions: self.conditions(wishes, &before.conditions),
            observed_generation: self.generation,
        })
    }

    fn changed<S: DeserializeOwned + Serialize + Default + PartialEq>(
        &self,
        status: impl FnOnce(&S) -> S,
    ) -> Option<Value> {
        let before: S = self
            .before
            .cloned()
            .and_then(|status| serde_json::from_value(status).ok())
            .unwrap_or_default();
        let status = status(&before);
        if status == before {
            return None;
        }
        let name = &self.identity.name;
        Some(json!({
            "apiVersion": self.version,
            "kind": self.identity.kind.as_str(),
            "metadata": {"namespace": name.namespace, "name": name.name},
            "status": status,
        }))
    }

    fn conditions(&self, wishes: &[Wish], before: &[Condition]) -> Vec<Condition> {
        let one = |wish: &Wish| {
            let status = wish.status.to_string();
            let same = before
                .iter()
                .find(|known| known.type_ == wish.kind && known.status == status);
            Condition {
                type_: wish.kind.to_owned(),
                status,
                reason: wish.reason.as_str().to_owned(),
                message: cut(&wish.message),
                last_transition_time: same.map_or_else(
                    || whole_seconds(self.now),
                    |known| known.last_transition_time.clone(),
                ),
                observed_generation: self.generation,
            }
        };
        wishes.iter().map(one).collect()
    }
}

/// What a verdict is in conditions.
pub(super) fn conditions(verdict: &Verdict, facts: &Facts) -> Vec<Wish> {
    let is_refused = verdict.ready == Readiness::False && is_the_authors(verdict.reason);
    let accepted = if is_refused {
        Wish::new(
            "Accepted",
            Readiness::False,
            verdict.reason,
            verdict.message.clone(),
        )
    } else {
        Wish::new("Accepted", Readiness::True, Reason::Accepted, "")
    };
    let programmed = match (facts.is_programmed, verdict.ready) {
        (true, _) => Wish::new("Programmed", Readiness::True, Reason::Programmed, ""),
        (false, Readiness::False) => Wish::new(
            "Programmed",
            Readiness::False,
            verdict.reason,
            "it is not served",
        ),
        (false, _) => Wish::new(
            "Programmed",
            Readiness::Unknown,
            Reason::Pending,
            "it is not known to be served yet",
        ),
    };
    let fields = &verdict.unsupported;
    let unsupported = (!fields.is_empty()).then(|| unsupported(fields));
    [ready(verdict), accepted, programmed]
        .into_iter()
        .chain(unsupported)
        .collect()
}

/// The condition `Ready` of a verdict.
pub(super) fn ready(verdict: &Verdict) -> Wish {
    Wish::new(
        "Ready",
        verdict.ready,
        verdict.reason,
        verdict.message.clone(),
    )
}

/// The condition for fields that have no effect.
pub(super) fn unsupported(fields: &[String]) -> Wish {
    let message = format!("without effect here: {}", fields.join(", "));
    Wish::new("Unsupported", Readiness::True, Reason::Unsupported, message)
}

/// Whether the objects have to be changed for it, not a server or a gateway.
fn is_the_authors(reason: Reason) -> bool {
    match reason {
        Reason::PrefixConflict
        | Reason::TargetNotFound
        | Reason::TargetUnsupported
        | Reason::NotAttached
        | Reason::CredentialNotFound
        | Reason::CredentialNotLabelled
        | Reason::CredentialKeyMissing
        | Reason::CredentialPlaceholder
        | Reason::CertificateInvalid
        | Reason::PolicyUnsupported
        | Reason::NoGatewayExtension
        | Reason::ListenerConflict
        | Reason::Conflicted
        | Reason::Invalid => true,
        Reason::Ready
        | Reason::Accepted
        | Reason::Programmed
        | Reason::Enforced
        | Reason::NotProgrammed
        | Reason::Pending
        | Reason::Disabled
        | Reason::NameConflict
        | Reason::NamesNotPortable
        | Reason::UpstreamUnreachable
        | Reason::UpstreamRefused
        | Reason::ProtocolError
        | Reason::CatalogTooLarge
        | Reason::GatewayUnreachable
        | Reason::PushRefused
        | Reason::WasmPluginNotFound
        | Reason::WasmPluginConflict
        | Reason::ImageUnusable
        | Reason::ImageKept
        | Reason::DiscoveryRefused
        | Reason::Overridden
        | Reason::IssuerUnreachable
        | Reason::AudienceNotChecked
        | Reason::TokensNotVerified
        | Reason::Unsupported => false,
    }
}

fn count(count: Option<usize>) -> Option<i32> {
    count.and_then(|count| i32::try_from(count).ok())
}

/// As the apiserver keeps times.
fn whole_seconds(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

fn cut(message: &str) -> String {
    let end = message.floor_char_boundary(LONGEST_MESSAGE);
    message.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
