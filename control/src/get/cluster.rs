//! What a cluster has.

use std::error::Error;
use std::time::Duration;

use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, TypeMeta};
use kube::{Client, Config};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::attachment;
use super::extension::Extension;
use super::fault::Fault;
use super::listing::{Listing, Objects};
use super::registration::{Registration, written, written_older};
use super::standing::Standing;
use super::tool::Tool;
use super::virtual_server::{self, VirtualServer};
use crate::api::McpGatewayExtensionStatus;
use crate::args::GetArgs;
use crate::attach::Attach;
use crate::labels::{COMPONENT, PART_OF, PROJECT};
use crate::manifests::{Identity, Kind, Object};
use crate::object::ObjectName;
use crate::resource::api_resource;
use crate::verdict;

/// A cluster that is there takes a connection within this time.
const CONNECT: Duration = Duration::from_secs(10);

/// And is never silent for longer.
const SILENCE: Duration = Duration::from_secs(30);

/// Why nothing is known of the cluster.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClusterError {
    #[error(
        "no cluster is known: {0}: set KUBECONFIG, or name a folder with manifests: mcp-control get DIR"
    )]
    Config(#[from] kube::config::InferConfigError),
    #[error("the cluster cannot be spoken with: {}: correct what KUBECONFIG names", innermost(.0))]
    Client(kube::Error),
    #[error("{kind} cannot be listed {scope}: {}: {}", innermost(.cause), advice(.cause))]
    List {
        kind: String,
        scope: String,
        cause: Box<kube::Error>,
    },
    #[error(
        "the cluster has none of the kinds MCPServerRegistration, MCPServer and MCPGatewayExtension: install them \
         (docs/kubernetes.md), or name another cluster by KUBECONFIG"
    )]
    NotInstalled,
}

impl ClusterError {
    fn is_forbidden(&self) -> bool {
        match self {
            Self::List { cause, .. } => code(cause) == Some(403),
            _ => false,
        }
    }
}

/// See the module. Kinds that are not installed are told.
pub(super) async fn listing(args: &GetArgs) -> Result<Listing, ClusterError> {
    let mut config = Config::infer().await?;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    let client = Client::try_from(config).map_err(ClusterError::Client)?;
    let cluster = Cluster {
        client,
        namespace: args.namespace.as_deref(),
    };
    cluster.listing(args).await
}

struct Cluster<'a> {
    client: Client,
    namespace: Option<&'a str>,
}

impl Cluster<'_> {
    async fn listing(&self, args: &GetArgs) -> Result<Listing, ClusterError> {
        let (mut objects, mut faults) = (Objects::default(), Vec::new());
        let mut is_installed = false;
        for kind in [
            Kind::McpServerRegistration,
            Kind::McpServer,
            Kind::McpGatewayExtension,
            Kind::McpVirtualServer,
        ] {
            let found = match self.objects(kind).await {
                // Nothing is served by them: who may not know them may know the rest.
                Err(error) if error.is_forbidden() && kind == Kind::McpVirtualServer => {
                    tracing::warn!("they are left out: {error}");
                    continue;
                }
                found => found?,
            };
            let Some(found) = found else {
                tracing::warn!("the cluster has no kind {}: not installed", kind.as_str());
                continue;
            };
            is_installed = true;
            for object in found {
                match read(kind, object) {
                    Ok(Read::Registration(one)) => objects.registrations.push(*one),
                    Ok(Read::Extension(one)) => objects.extensions.push(*one),
                    Ok(Read::VirtualServer(one)) => objects.virtual_servers.push(*one),
                    Err(fault) => faults.push(*fault),
                }
            }
        }
        if !is_installed {
            return Err(ClusterError::NotInstalled);
        }
        let tools = match args.tools || args.output.is_some() {
            true => self.tools(args, &mut faults).await?,
            false => None,
        };
        Ok(Listing::new(objects, tools, faults))
    }

    async fn objects(&self, kind: Kind) -> Result<Option<Vec<DynamicObject>>, ClusterError> {
        let everything = ListParams::default();
        for version in kind.api_versions() {
            let objects = self.list((version, kind.as_str()), &everything, self.namespace);
            if let Some(objects) = objects.await? {
                return Ok(Some(objects));
            }
        }
        Ok(None)
    }

    /// `None` where the kind is not there.
    async fn list(
        &self,
        (version, kind): (&str, &str),
        wanted: &ListParams,
        namespace: Option<&str>,
    ) -> Result<Option<Vec<DynamicObject>>, ClusterError> {
        let resource = api_resource(version, kind);
        let client = self.client.clone();
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        match api.list(wanted).await {
            Ok(list) => {
                let objects = list.items.into_iter();
                Ok(Some(objects.map(|one| typed(one, &resource)).collect()))
            }
            Err(cause) if code(&cause) == Some(404) => Ok(None),
            Err(cause) => Err(ClusterError::List {
                kind: kind.to_owned(),
                scope: namespace.map_or_else(
                    || "in all namespaces".to_owned(),
                    |namespace| format!("in namespace {namespace}"),
                ),
                cause: Box::new(cause),
            }),
        }
    }

    /// Those of all gateways; a server's gateway may stand in any namespace. `None` where this user may not know them.
    async fn tools(
        &self,
        args: &GetArgs,
        faults: &mut Vec<Fault>,
    ) -> Result<Option<Vec<Tool>>, ClusterError> {
        let mut tools = None;
        for attach in Attach::ALL {
            let Some(objects) = self.attachments(args, attach).await? else {
                continue;
            };
            let tools: &mut Vec<_> = tools.get_or_insert_default();
            for object in &objects {
                match attachment::served(attach, object) {
                    Ok(served) => tools.extend(served),
                    Err(fault) => faults.push(*fault),
                }
            }
        }
        Ok(tools)
    }

    /// The objects of a kind into which control puts all that a gateway serves. `None` where this user may not know them,
    /// and either has not asked, or control needs a right of its own to make them.
    async fn attachments(
        &self,
        args: &GetArgs,
        attach: Attach,
    ) -> Result<Option<Vec<DynamicObject>>, ClusterError> {
        let kind = (attach.version(), attach.kind());
        let whole = format!("{PART_OF}={PROJECT},{COMPONENT}={}", attach.whole());
        let wanted = ListParams::default().labels(&whole);
        match self.list(kind, &wanted, None).await {
            Ok(Some(objects)) => Ok(Some(objects)),
            Ok(None) => {
                if attach == Attach::WasmPlugin {
                    tracing::warn!(
                        "the cluster has no kind WasmPlugin, so it serves no tools: install Istio"
                    );
                }
                Ok(Some(Vec::new()))
            }
            Err(error)
                if error.is_forbidden() && (!args.tools || attach == Attach::EnvoyFilter) =>
            {
                tracing::warn!("the tools in them are left out: {error}");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// What an object is.
pub(super) enum Read {
    Registration(Box<Registration>),
    Extension(Box<Extension>),
    VirtualServer(Box<VirtualServer>),
}

/// An object with its status.
pub(super) fn read(kind: Kind, mut object: DynamicObject) -> Result<Read, Box<Fault>> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let name = ObjectName {
        namespace: text(&object.metadata.namespace),
        name: text(&object.metadata.name),
    };
    let fault = |error: String| {
        let name = name.clone();
        let told = verdict::Fault::unreadable(&error);
        Box::new(Fault::new(
            Identity { kind, name }.into(),
            told.reason.as_str(),
            told.message,
        ))
    };
    let status = object
        .data
        .as_object_mut()
        .and_then(|data| data.remove("status"));
    let value = serde_json::to_value(&object).map_err(|error| fault(error.to_string()))?;
    let object = Object::from_api(kind, value).map_err(|error| fault(error.to_string()))?;
    let read = match kind {
        Kind::McpGatewayExtension => {
            let status: McpGatewayExtensionStatus = of_status(status).map_err(&fault)?;
            let extension = Extension::new(&object, Standing::written(status.conditions));
            extension.map(|extension| Read::Extension(Box::new(extension)))
        }
        Kind::McpVirtualServer => {
            let status = virtual_server::written(of_status(status).map_err(&fault)?);
            let server = VirtualServer::new(&object, status);
            server.map(|server| Read::VirtualServer(Box::new(server)))
        }
        Kind::McpServer => {
            let status = written_older(of_status(status).map_err(&fault)?);
            Registration::new(&object, status).map(|one| Read::Registration(Box::new(one)))
        }
        _ => {
            let status = written(of_status(status).map_err(&fault)?);
            Registration::new(&object, status).map(|one| Read::Registration(Box::new(one)))
        }
    };
    read.ok_or_else(|| fault("it is of another kind".to_owned()))
}

fn of_status<S: DeserializeOwned + Default>(status: Option<Value>) -> Result<S, String> {
    match status {
        None | Some(Value::Null) => Ok(S::default()),
        Some(status) => {
            serde_path_to_error::deserialize(status).map_err(|error| format!("status.{error}"))
        }
    }
}

/// Items of a list do not always say what they are.
fn typed(mut object: DynamicObject, resource: &ApiResource) -> DynamicObject {
    object.types = Some(TypeMeta {
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
    });
    object
}

fn code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// What to do about it.
fn advice(error: &kube::Error) -> &'static str {
    match code(error) {
        Some(401) => "log in again, or correct the credential in what KUBECONFIG names",
        Some(403) => "ask for the right to list them, or name a namespace of yours by -n NAMESPACE",
        Some(_) => "try again; where that does not help, see what the apiserver logs",
        None => "see whether the cluster that KUBECONFIG names is there",
    }
}

/// What all errors around it are about.
fn innermost(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut innermost: &dyn Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}
