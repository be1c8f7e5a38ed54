//! Writes to the apiserver.

use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use super::plugins::Action;
use crate::labels::PROGRAM;
use crate::object::ObjectName;
use crate::resource::{WASM_PLUGIN, WASM_PLUGIN_VERSION, api_resource};

/// Under which control's fields are its own.
pub(super) const FIELD_MANAGER: &str = PROGRAM;

/// Why something is not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotWritten {
    #[error("{object} is not written: {cause}")]
    Api {
        object: String,
        cause: Box<kube::Error>,
    },
    #[error("an object without kind or name: {0}")]
    Malformed(String),
}

impl NotWritten {
    /// Whether what was to be written is not there any more.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::Api { cause, .. } => {
                matches!(cause.as_ref(), kube::Error::Api(status) if status.code == 404)
            }
            Self::Malformed(_) => false,
        }
    }
}

/// See the module.
#[derive(Clone)]
pub(super) struct Apply {
    client: Client,
}

impl std::fmt::Debug for Apply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Apply").finish_non_exhaustive()
    }
}

impl Apply {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Does all of it, in order, as far as it goes.
    pub(super) async fn all(&self, actions: &[Action]) -> Result<(), NotWritten> {
        for action in actions {
            match action {
                Action::Apply(object) => self.object(object).await?,
                Action::Prune(name, patch) => self.merge(name, patch).await?,
                Action::Delete(name) => self.delete(name).await?,
            }
        }
        Ok(())
    }

    async fn object(&self, object: &Value) -> Result<(), NotWritten> {
        let (api, name) = self.place(object)?;
        let written = api
            .patch(&name.name, &parameters(), &Patch::Apply(object))
            .await;
        written
            .map(|_| ())
            .map_err(|cause| not_written(object, &name, cause))
    }

    /// Writes the status that stands in `object`.
    pub(super) async fn status(&self, object: &Value) -> Result<(), NotWritten> {
        let (api, name) = self.place(object)?;
        let written = api
            .patch_status(&name.name, &parameters(), &Patch::Apply(object))
            .await;
        written
            .map(|_| ())
            .map_err(|cause| not_written(object, &name, cause))
    }

    async fn merge(&self, name: &ObjectName, patch: &Value) -> Result<(), NotWritten> {
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let plugins = self.wasm_plugins(name);
        let written = plugins
            .patch(&name.name, &parameters, &Patch::Merge(patch))
            .await;
        written
            .map(|_| ())
            .map_err(|cause| not_written(&wasm_plugin(), name, cause))
    }

    async fn delete(&self, name: &ObjectName) -> Result<(), NotWritten> {
        let api = self.wasm_plugins(name);
        match api.delete(&name.name, &DeleteParams::default()).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(cause) => Err(not_written(&wasm_plugin(), name, cause)),
        }
    }

    fn wasm_plugins(&self, name: &ObjectName) -> Api<DynamicObject> {
        let resource = api_resource(WASM_PLUGIN_VERSION, WASM_PLUGIN);
        Api::namespaced_with(self.client.clone(), &name.namespace, &resource)
    }

    /// Where the like of an object are, and its name.
    fn place(&self, object: &Value) -> Result<(Api<DynamicObject>, ObjectName), NotWritten> {
        let text = |place: &str| object.pointer(place).and_then(Value::as_str);
        let malformed = || NotWritten::Malformed(object.to_string());
        let version = text("/apiVersion").ok_or_else(malformed)?;
        let kind = text("/kind").ok_or_else(malformed)?;
        let name = ObjectName {
            namespace: text("/metadata/namespace")
                .ok_or_else(malformed)?
                .to_owned(),
            name: text("/metadata/name").ok_or_else(malformed)?.to_owned(),
        };
        let resource = api_resource(version, kind);
        let api = Api::namespaced_with(self.client.clone(), &name.namespace, &resource);
        Ok((api, name))
    }
}

/// What control owns, it owns alone: a field that another has taken is taken back.
fn parameters() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).force()
}

fn wasm_plugin() -> Value {
    json!({"kind": WASM_PLUGIN})
}

fn not_written(object: &Value, name: &ObjectName, cause: kube::Error) -> NotWritten {
    let kind = object.get("kind").and_then(Value::as_str);
    NotWritten::Api {
        object: format!("{} {name}", kind.unwrap_or_default()),
        cause: Box::new(cause),
    }
}
