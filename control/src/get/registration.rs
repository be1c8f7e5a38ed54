//! One registration, of either kind.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Serialize;

use super::reference::Reference;
use super::standing::Standing;
use crate::api::{McpServerRegistrationStatus, McpServerStatus, State};
use crate::manifests::Object;
use crate::verdict::Verdict;

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Registration {
    #[serde(flatten)]
    pub(super) object: Reference,
    /// Of a folder: file and line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
    #[serde(flatten)]
    pub(super) spec: Spec,
    #[serde(flatten)]
    pub(super) standing: Standing,
    #[serde(flatten)]
    pub(super) offer: Offer,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) generation: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<Time>,
}

/// What its author wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prefix: Option<String>,
    /// Name of the HTTPRoute.
    pub(super) target: String,
    /// Namespace of the HTTPRoute, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target_namespace: Option<String>,
    pub(super) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) credential: Option<String>,
    pub(super) state: State,
}

/// What its server offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Offer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompts: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resources: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) protocol_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_discovered: Option<Time>,
    /// Names that an older registration has.
    pub(super) conflicts: Vec<String>,
}

impl Registration {
    /// How an object of a folder or of a cluster stands. `None` where it is of another kind.
    pub(super) fn new(object: &Object, (standing, offer): (Standing, Offer)) -> Option<Self> {
        let metadata = object.metadata();
        Some(Self {
            spec: Spec::of(object)?,
            object: object.identity().into(),
            place: None,
            standing,
            offer,
            generation: metadata.generation,
            created: metadata.creation_timestamp.clone(),
        })
    }
}

impl Spec {
    fn of(object: &Object) -> Option<Self> {
        let (prefix, route, path, credential, state) = match object {
            Object::McpServerRegistration(object) => {
                let spec = &object.spec;
                let credential = spec.credential_ref.as_ref();
                (
                    &spec.prefix,
                    &spec.target_ref,
                    &spec.path,
                    credential,
                    spec.state,
                )
            }
            Object::McpServer(object) => {
                let spec = &object.spec;
                let credential = spec.credential_ref.as_ref();
                let prefix = &spec.tool_prefix;
                (
                    prefix,
                    &spec.target_ref,
                    &spec.path,
                    credential,
                    State::Enabled,
                )
            }
            _ => return None,
        };
        Some(Self {
            prefix: prefix.clone(),
            target: route.name.clone(),
            target_namespace: route.namespace.clone(),
            path: path.clone(),
            credential: credential.map(|credential| credential.name.clone()),
            state,
        })
    }
}

/// What control has written of a `MCPServerRegistration`.
pub(super) fn written(status: McpServerRegistrationStatus) -> (Standing, Offer) {
    let offer = Offer {
        tools: count(status.discovered_tools),
        prompts: count(status.discovered_prompts),
        resources: count(status.discovered_resources),
        protocol_version: status.protocol_version,
        last_discovered: status.last_discovered,
        conflicts: status.conflicts,
    };
    (Standing::written(status.conditions), offer)
}

/// The same of a `MCPServer`.
pub(super) fn written_older(status: McpServerStatus) -> (Standing, Offer) {
    let offer = Offer {
        tools: count(status.discovered_tools),
        ..Offer::default()
    };
    (Standing::written(status.conditions), offer)
}

/// What this very run has found.
pub(super) fn found(verdict: Verdict, protocol_version: Option<String>) -> (Standing, Offer) {
    let standing = Standing::found(
        verdict.ready,
        verdict.reason,
        verdict.message,
        &verdict.unsupported,
    );
    let offer = Offer {
        tools: verdict.tools,
        prompts: verdict.prompts,
        resources: verdict.resources,
        protocol_version,
        last_discovered: None,
        conflicts: verdict.conflicts,
    };
    (standing, offer)
}

fn count(count: Option<i32>) -> Option<usize> {
    count.and_then(|count| usize::try_from(count).ok())
}
