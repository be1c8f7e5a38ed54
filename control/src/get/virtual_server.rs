//! One MCPVirtualServer.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Serialize;

use super::reference::Reference;
use super::standing::Standing;
use crate::api::{McpVirtualServerSpec, McpVirtualServerStatus};
use crate::manifests::Object;
use crate::render::Listed;
use crate::verdict::{Readiness, Reason};

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VirtualServer {
    #[serde(flatten)]
    pub(super) object: Reference,
    /// Of a folder: file and line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
    #[serde(flatten)]
    pub(super) standing: Standing,
    #[serde(flatten)]
    pub(super) selection: Selection,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) generation: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<Time>,
}

/// What its names come to; nothing of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Selection {
    /// How many tools there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<usize>,
    /// Names that no gateway lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unmatched: Vec<String>,
}

impl VirtualServer {
    /// How an object of a folder or of a cluster stands. `None` where it is of another kind.
    pub(super) fn new(
        object: &Object,
        (standing, selection): (Standing, Selection),
    ) -> Option<Self> {
        let Object::McpVirtualServer(server) = object else {
            return None;
        };
        Some(Self {
            object: object.identity().into(),
            place: None,
            standing,
            selection,
            generation: server.metadata.generation,
            created: server.metadata.creation_timestamp.clone(),
        })
    }
}

/// What control has written.
pub(super) fn written(status: McpVirtualServerStatus) -> (Standing, Selection) {
    let selection = Selection {
        tools: status.tools.and_then(|tools| usize::try_from(tools).ok()),
        unmatched: status.unmatched,
    };
    (Standing::written(status.conditions), selection)
}

/// What this very run says of one: which of its names are listed, where the servers were asked.
pub(super) fn found(spec: &McpVirtualServerSpec, listed: Option<&Listed>) -> (Standing, Selection) {
    let Some(listed) = listed else {
        let message = "the manifests are accepted; no gateway was started".to_owned();
        let standing = Standing::found(Readiness::Unknown, Reason::Pending, message, &[]);
        return (standing, Selection::default());
    };
    let mut seen = BTreeSet::new();
    let tools = spec.tools.iter().filter(|name| seen.insert(*name));
    let (tools, mut unmatched): (Vec<_>, Vec<_>) =
        tools.cloned().partition(|name| listed.has_tool(name));
    let prompts = spec.prompts.iter().flatten();
    unmatched.extend(prompts.filter(|name| !listed.has_prompt(name)).cloned());
    let (ready, reason) = match tools.is_empty() {
        true => (Readiness::False, Reason::TargetNotFound),
        false => (Readiness::True, Reason::Ready),
    };
    let message = match unmatched.is_empty() {
        true => String::new(),
        false => format!("not listed: {}", unmatched.join(", ")),
    };
    let selection = Selection {
        tools: Some(tools.len()),
        unmatched,
    };
    (Standing::found(ready, reason, message, &[]), selection)
}
