//! One MCPVirtualServer.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Serialize;

use super::reference::Reference;
use super::standing::Standing;
use crate::api::{McpVirtualServerSpec, McpVirtualServerStatus};
use crate::manifests::Object;
use crate::render::Listed;
use crate::selection::Selection;
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
    let selection = Selection::of(spec, &[listed]);
    let (ready, reason) = match selection.tools {
        None | Some(0) => (Readiness::False, Reason::TargetNotFound),
        Some(_) => (Readiness::True, Reason::Ready),
    };
    let message = match selection.unmatched.is_empty() {
        true => String::new(),
        false => format!("not listed: {}", selection.unmatched.join(", ")),
    };
    (Standing::found(ready, reason, message, &[]), selection)
}
