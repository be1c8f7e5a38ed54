//! Follows objects of an apiserver, each scope in a task of its own.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, PostParams};
use kube::core::ApiResource;
use kube::runtime::utils::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, discovery};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::impatient::impatient;
use super::metrics::Metrics;
use super::objects::{Change, Resource, Scope, name};
use crate::args::AuthPolicies;
use crate::attach::Attach;
use crate::crds::AUTH_POLICIES;
use crate::manifests::Kind;
use crate::resource::group_version_kind;

/// Changes that wait to be taken; beyond them the watches wait.
const QUEUE: usize = 256;

/// Between two looks for a kind that the apiserver does not serve.
const ABSENT: Duration = Duration::from_secs(5);

/// So often in a row a kind must not be served before that is believed: an apiserver that has just started does not serve
/// at once what it has.
const DOUBTS: u32 = 3;
/// Between two of those looks.
const DOUBT: Duration = Duration::from_millis(500);

/// Between two looks while the apiserver does not answer.
const RETRY: Duration = Duration::from_secs(1);

/// See the module. All end when it is dropped.
pub(super) struct Watches {
    client: Client,
    metrics: Arc<Metrics>,
    running: BTreeMap<Scope, Running>,
    teller: mpsc::Sender<(Scope, Change)>,
    told: mpsc::Receiver<(Scope, Change)>,
}

/// A task that ends when it is dropped.
#[derive(Debug)]
struct Running(AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl std::fmt::Debug for Watches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watches")
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}

impl Watches {
    /// Follows nothing yet. Must be used within a tokio runtime.
    pub(super) fn new(client: Client, metrics: Arc<Metrics>) -> Self {
        let (teller, told) = mpsc::channel(QUEUE);
        Self {
            client: impatient(client),
            metrics,
            running: BTreeMap::new(),
            teller,
            told,
        }
    }

    /// Follows exactly these.
    pub(super) fn follow(&mut self, scopes: impl IntoIterator<Item = Scope>) {
        let mut before = std::mem::take(&mut self.running);
        for scope in scopes {
            let running = before
                .remove(&scope)
                .unwrap_or_else(|| self.start(scope.clone()));
            self.running.insert(scope, running);
        }
    }

    /// All that are followed.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &Scope> {
        self.running.keys()
    }

    /// The next change. Nothing is lost when this future is dropped.
    pub(super) async fn next(&mut self) -> (Scope, Change) {
        loop {
            match self.told.recv().await {
                Some((scope, change)) if self.running.contains_key(&scope) => {
                    return (scope, change);
                }
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    fn start(&self, scope: Scope) -> Running {
        let watch = Watch {
            client: self.client.clone(),
            scope,
            teller: self.teller.clone(),
            metrics: Arc::clone(&self.metrics),
        };
        Running(tokio::spawn(watch.run()).abort_handle())
    }
}

/// The task that follows one scope.
struct Watch {
    client: Client,
    scope: Scope,
    teller: mpsc::Sender<(Scope, Change)>,
    metrics: Arc<Metrics>,
}

impl Watch {
    /// Until nobody listens.
    async fn run(self) {
        if !self.is_granted().await {
            self.tell(Change::Forbidden).await;
            return;
        }
        let Some(resource) = self.resource().await else {
            return;
        };
        let (api, config) = self.place(&resource);
        let mut events = pin!(watcher(api, config).default_backoff());
        let mut listed = Vec::new();
        while let Some(event) = events.next().await {
            let change = match event {
                Ok(Event::Init) => {
                    listed.clear();
                    continue;
                }
                Ok(Event::InitApply(object)) => {
                    listed.push(typed(object, &resource));
                    continue;
                }
                Ok(Event::InitDone) => Change::Listed(std::mem::take(&mut listed)),
                Ok(Event::Apply(object)) => Change::Put(Box::new(typed(object, &resource))),
                Ok(Event::Delete(object)) => Change::Gone(name(&object)),
                Err(error) => {
                    self.failed(&error);
                    // Cluster-wide, what is not known is not taken for absent: control waits.
                    if !is_forbidden(&error) || self.scope.namespace.is_none() {
                        continue;
                    }
                    Change::Forbidden
                }
            };
            if !self.tell(change).await {
                return;
            }
        }
    }

    /// Whether control may follow the scope, where it does not need to: asked before, so that nothing is that is refused. As
    /// long as the apiserver does not say, control waits.
    async fn is_granted(&self) -> bool {
        let Resource::Former(attach) = self.scope.resource else {
            return true;
        };
        loop {
            match may_follow(&self.client, attach).await {
                Ok(is_granted) => return is_granted,
                Err(error) => self.failed(&error),
            }
            sleep(RETRY).await;
        }
    }

    /// What the apiserver serves, once it does. None where nobody listens any more.
    async fn resource(&self) -> Option<ApiResource> {
        let Scope { resource, .. } = self.scope;
        let mut absent = 0;
        let mut is_hidden = false;
        loop {
            let pause = match served(&self.client, resource).await {
                Ok(Some(resource)) => return Some(resource),
                Ok(None) if is_needed(resource) => {
                    if absent == 0 {
                        let scope = &self.scope;
                        tracing::warn!("{scope}: the kind is not installed; control waits for it");
                    }
                    RETRY
                }
                Ok(None) if absent < DOUBTS => DOUBT,
                Ok(None) if self.is_defined().await => {
                    if !std::mem::replace(&mut is_hidden, true) {
                        let scope = &self.scope;
                        tracing::warn!(
                            "{scope}: the kind is defined, but not served in a version that is read here ({}); \
                             control waits for it",
                            scope.resource.versions().join(", ")
                        );
                        if !self.tell(Change::Hidden).await {
                            return None;
                        }
                    }
                    RETRY
                }
                Ok(None) => {
                    is_hidden = false;
                    if !self.tell(Change::NotServed).await {
                        return None;
                    }
                    ABSENT
                }
                Err(error) => {
                    self.failed(&error);
                    absent = 0;
                    sleep(RETRY).await;
                    continue;
                }
            };
            absent += 1;
            sleep(pause).await;
        }
    }

    /// Whether the kind is defined though it is not served. Asked where going on without its objects would open something.
    async fn is_defined(&self) -> bool {
        let Resource::Manifest(Kind::AuthPolicy) = self.scope.resource else {
            return false;
        };
        let definitions: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        match definitions.get_metadata_opt(AUTH_POLICIES).await {
            Ok(found) => found.is_some(),
            Err(error) => {
                self.failed(&error);
                true
            }
        }
    }

    fn place(&self, resource: &ApiResource) -> (Api<DynamicObject>, watcher::Config) {
        let client = self.client.clone();
        let api = match &self.scope.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, resource),
            None => Api::all_with(client, resource),
        };
        let mut config = watcher::Config::default();
        if let Some(label) = self.scope.label {
            config = config.labels(&format!("{label}=true"));
        }
        if let Some(name) = &self.scope.name {
            config = config.fields(&format!("metadata.name={name}"));
        }
        (api, config)
    }

    fn failed(&self, error: &impl std::error::Error) {
        self.metrics.watch_failed(self.scope.resource.kind());
        tracing::warn!("{}: {error}", self.scope);
    }

    async fn tell(&self, change: Change) -> bool {
        self.teller.send((self.scope.clone(), change)).await.is_ok()
    }
}

/// As the apiserver serves it, in the first version that is read here.
async fn served(client: &Client, resource: Resource) -> Result<Option<ApiResource>, kube::Error> {
    for version in resource.versions() {
        let kind = group_version_kind(version, resource.kind());
        match discovery::pinned_kind(client, &kind).await {
            Ok((resource, _)) => return Ok(Some(resource)),
            Err(kube::Error::Discovery(_)) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Whether there is nothing to do without objects of the kind: were it taken for absent by mistake, all would be removed.
fn is_needed(resource: Resource) -> bool {
    match resource {
        Resource::Manifest(kind) => {
            kind.is_own() && kind != Kind::McpVirtualServer
                || matches!(kind, Kind::Gateway | Kind::HttpRoute)
        }
        Resource::Attachment(_) => true,
        Resource::Former(_) | Resource::Authentication => false,
    }
}

/// Items of a list do not always say what they are.
fn typed(mut object: DynamicObject, resource: &ApiResource) -> DynamicObject {
    object.types = Some(kube::core::TypeMeta {
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
    });
    object
}

fn is_forbidden(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => status.code == 403,
        watcher::Error::WatchError(status) => status.code == 403,
        _ => false,
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.resource.kind())?;
        if let Some(namespace) = &self.namespace {
            write!(f, " in namespace {namespace}")?;
        }
        if let Some(name) = &self.name {
            write!(f, " of name {name}")?;
        }
        Ok(())
    }
}

/// What is followed whatever the objects say: all that the index reads in a cluster, and what control writes. Secrets
/// are followed where a registration names one.
pub(super) fn always(
    attachments: &[Resource],
    policies: AuthPolicies,
) -> impl Iterator<Item = Scope> {
    let read = Kind::ALL.into_iter().filter(move |kind| {
        if *kind == Kind::AuthPolicy {
            return policies == AuthPolicies::Translate;
        }
        // Where requests end is Istio's to know.
        !matches!(
            kind,
            Kind::Secret | Kind::EndpointSlice | Kind::GatewayClass
        )
    });
    let resources = read.map(Resource::Manifest);
    let written = attachments.iter().copied();
    let written = written.chain([Resource::Authentication]);
    resources.chain(written).map(Scope::of)
}

/// The kinds of objects by which gateways run the filter, where control attaches by this one. WasmPlugins may be users', too;
/// EnvoyFilters are those of a control that has attached otherwise, and no business of one that may not read them.
pub(super) fn attachments(attach: Attach) -> [Resource; 2] {
    let filters = match attach {
        Attach::EnvoyFilter => Resource::Attachment(Attach::EnvoyFilter),
        Attach::WasmPlugin => Resource::Former(Attach::EnvoyFilter),
    };
    [Resource::Attachment(Attach::WasmPlugin), filters]
}

/// Why it is not known what control may.
#[derive(Debug, thiserror::Error)]
enum Undecided {
    #[error("whether control may {verb} them is not known, and it waits for the answer: {cause}")]
    Api {
        verb: &'static str,
        cause: Box<kube::Error>,
    },
    #[error("whether control may {verb} them is not known, and it waits for the answer: {cause}")]
    Evaluation { verb: &'static str, cause: String },
}

async fn may_follow(client: &Client, attach: Attach) -> Result<bool, Undecided> {
    Ok(may(client, attach, "list").await? && may(client, attach, "watch").await?)
}

async fn may(client: &Client, attach: Attach, verb: &'static str) -> Result<bool, Undecided> {
    let kind = group_version_kind(attach.version(), attach.kind());
    let asked = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: Some(kind.group.clone()),
                resource: Some(ApiResource::from_gvk(&kind).plural),
                verb: Some(verb.to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let review = reviews.create(&PostParams::default(), &asked).await;
    let review = review.map_err(|cause| Undecided::Api {
        verb,
        cause: Box::new(cause),
    })?;
    let status = review.status.unwrap_or_default();
    match status.evaluation_error {
        // An authorizer that cannot tell might have granted it.
        Some(cause) if !status.allowed && status.denied != Some(true) => {
            Err(Undecided::Evaluation { verb, cause })
        }
        _ => Ok(status.allowed),
    }
}

#[cfg(test)]
mod tests;
