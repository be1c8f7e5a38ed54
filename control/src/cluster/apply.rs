//! Writes to the apiserver.

use std::time::Duration;

use futures::future::try_join_all;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::Status;
use serde_json::Value;
use tokio::time::timeout;

use super::action::Action;
use crate::labels::{PART_OF, PROGRAM, PROJECT};
use crate::object::ObjectName;
use crate::printable::printable;
use crate::resource::{ObjectKey, api_resource};

/// Under which control's fields are its own.
pub(super) const FIELD_MANAGER: &str = PROGRAM;

/// How long the apiserver may take for one write.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why something is not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotWritten {
    #[error("{object} is not written: {}", words(.cause))]
    Api {
        object: String,
        cause: Box<kube::Error>,
    },
    #[error("{0} is not written: the apiserver does not answer")]
    NoAnswer(String),
    #[error("an object without kind or name: {0}")]
    Malformed(String),
}

impl NotWritten {
    /// Whether what was to be written is not there any more, or nothing of its kind.
    pub(super) fn is_gone(&self) -> bool {
        self.refusal().is_some_and(|status| status.code == 404)
    }

    /// Whether it is an object that the apiserver does not find, by its name, and not the kind.
    pub(super) fn is_of_no_object(&self) -> bool {
        self.is_gone()
            && self.refusal().is_some_and(|status| {
                let details = status.details.as_ref();
                details.is_some_and(|details| !details.name.is_empty())
            })
    }

    fn refusal(&self) -> Option<&Status> {
        match self {
            Self::Api { cause, .. } => match cause.as_ref() {
                kube::Error::Api(status) => Some(status),
                _ => None,
            },
            Self::NoAnswer(_) | Self::Malformed(_) => None,
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

    /// Does all of it, in order, as far as it goes. What is made in a row is made at the same time, and what is deleted
    /// likewise: istiod is to hear of a pair and of the end of the last one without a pause between.
    pub(super) async fn all(&self, actions: &[Action]) -> Result<(), NotWritten> {
        for step in actions.chunk_by(Action::goes_with) {
            try_join_all(step.iter().map(|action| self.one(action))).await?;
        }
        Ok(())
    }

    async fn one(&self, action: &Action) -> Result<(), NotWritten> {
        match action {
            Action::Apply(object) => self.object(object).await,
            Action::Prune(known, patch) => self.merge(known, patch).await,
            Action::Delete(known) => self.delete(known).await,
        }
    }

    async fn object(&self, object: &Value) -> Result<(), NotWritten> {
        let (api, name) = self.place(object)?;
        let (parameters, patch) = (parameters(), Patch::Apply(object));
        let written = api.patch(&name.name, &parameters, &patch);
        in_time(written, kind(object), &name).await
    }

    /// Whether the definition of this name is this project's.
    pub(super) async fn defines(&self, definition: &str) -> Result<bool, NotWritten> {
        let definitions: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let object = || format!("the status of what {definition} defines");
        let read = timeout(PATIENCE, definitions.get_metadata_opt(definition)).await;
        let read = read.map_err(|_| NotWritten::NoAnswer(object()))?;
        let read = read.map_err(|cause| NotWritten::Api {
            object: object(),
            cause: Box::new(cause),
        })?;
        let labels = read.and_then(|definition| definition.metadata.labels);
        Ok(labels.is_some_and(|labels| labels.get(PART_OF).is_some_and(|part| part == PROJECT)))
    }

    /// Writes the status that stands in `object`.
    pub(super) async fn status(&self, object: &Value) -> Result<(), NotWritten> {
        let (api, name) = self.place(object)?;
        let (parameters, patch) = (parameters(), Patch::Apply(object));
        let written = api.patch_status(&name.name, &parameters, &patch);
        in_time(written, kind(object), &name).await
    }

    async fn merge(&self, known: &ObjectKey, patch: &Value) -> Result<(), NotWritten> {
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let (api, patch) = (self.api(known), Patch::Merge(patch));
        let written = api.patch(&known.name.name, &parameters, &patch);
        in_time(written, known.kind, &known.name).await
    }

    async fn delete(&self, known: &ObjectKey) -> Result<(), NotWritten> {
        let (api, parameters) = (self.api(known), DeleteParams::default());
        let deleted = api.delete(&known.name.name, &parameters);
        match in_time(deleted, known.kind, &known.name).await {
            Err(error) if error.is_gone() => Ok(()),
            outcome => outcome,
        }
    }

    fn api(&self, known: &ObjectKey) -> Api<DynamicObject> {
        let resource = api_resource(known.version, known.kind);
        Api::namespaced_with(self.client.clone(), &known.name.namespace, &resource)
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

/// Waits for a write of the object of this kind and name, and no longer than is any use.
async fn in_time<T>(
    write: impl Future<Output = Result<T, kube::Error>>,
    kind: &str,
    name: &ObjectName,
) -> Result<(), NotWritten> {
    let object = || format!("{kind} {name}");
    match timeout(PATIENCE, write).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(cause)) => Err(NotWritten::Api {
            object: object(),
            cause: Box::new(cause),
        }),
        Err(_) => Err(NotWritten::NoAnswer(object())),
    }
}

fn kind(object: &Value) -> &str {
    let kind = object.get("kind").and_then(Value::as_str);
    kind.unwrap_or_default()
}

/// The apiserver's own, where it has said any.
fn words(cause: &kube::Error) -> String {
    match cause {
        kube::Error::Api(status) if !status.message.is_empty() => printable(&status.message),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use serde_json::json;
    use tokio::time::Instant;

    use super::*;
    use crate::attach::{Attach, Attachment};

    #[tokio::test(start_paused = true)]
    async fn an_apiserver_that_never_answers_is_waited_for_ten_seconds() {
        let deaf = Router::new().fallback(std::future::pending::<()>);
        let apply = Apply::new(Client::new(deaf, "mcp-system"));
        let object = json!({
            "apiVersion": Attach::WasmPlugin.version(),
            "kind": Attach::WasmPlugin.kind(),
            "metadata": {"namespace": "infra", "name": "route"},
        });
        let known = Attachment {
            attach: Attach::WasmPlugin,
            name: ObjectName {
                namespace: "infra".to_owned(),
                name: "route".to_owned(),
            },
        };
        let push = |action| {
            let apply = apply.clone();
            async move { apply.all(&[action]).await }
        };
        let begun = Instant::now();
        let writes = async {
            [
                push(Action::Apply(object.clone())).await,
                push(Action::Prune(known.key(), json!({}))).await,
                push(Action::Delete(known.key())).await,
                apply.status(&object).await,
            ]
        };
        let outcomes = timeout(PATIENCE * 5, writes).await.expect("they end");
        for outcome in outcomes {
            let error = outcome.expect_err("nobody answers").to_string();
            let told = "WasmPlugin infra/route is not written: the apiserver does not answer";
            assert_eq!(error, told);
        }
        assert_eq!(begun.elapsed().as_secs(), 40);
    }
}
