//! One MCPGatewayExtension.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Serialize;

use super::reference::Reference;
use super::standing::Standing;
use crate::api::McpGatewayExtension;
use crate::manifests::Object;
use crate::object::ObjectName;

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Extension {
    #[serde(flatten)]
    pub(super) object: Reference,
    /// Of a folder: file and line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
    /// Namespace and name of the Gateway that it names.
    pub(super) gateway: String,
    pub(super) listener: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) public_host: Option<String>,
    #[serde(flatten)]
    pub(super) standing: Standing,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) generation: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<Time>,
}

impl Extension {
    /// How an object of a folder or of a cluster stands. `None` where it is of another kind.
    pub(super) fn new(object: &Object, standing: Standing) -> Option<Self> {
        let Object::McpGatewayExtension(extension) = object else {
            return None;
        };
        let identity = object.identity();
        Some(Self {
            gateway: gateway(extension, &identity.name).to_string(),
            object: identity.into(),
            place: None,
            listener: extension.spec.target_ref.section_name.clone(),
            public_host: extension.spec.public_host.clone(),
            standing,
            generation: extension.metadata.generation,
            created: extension.metadata.creation_timestamp.clone(),
        })
    }
}

fn gateway(extension: &McpGatewayExtension, name: &ObjectName) -> ObjectName {
    let target = &extension.spec.target_ref;
    let namespace = target.namespace.as_ref().unwrap_or(&name.namespace);
    ObjectName {
        namespace: namespace.clone(),
        name: target.name.clone(),
    }
}
