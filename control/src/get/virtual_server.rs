//! One MCPVirtualServer.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Serialize;

use super::reference::Reference;
use super::standing::Standing;
use crate::api::McpVirtualServerStatus;
use crate::index::NOT_SERVED;
use crate::manifests::Object;
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

/// What this very run says of each.
pub(super) fn found() -> (Standing, Selection) {
    let (ready, reason) = (Readiness::False, Reason::Unsupported);
    let standing = Standing::found(ready, reason, NOT_SERVED.to_owned(), &[]);
    (standing, Selection::default())
}
