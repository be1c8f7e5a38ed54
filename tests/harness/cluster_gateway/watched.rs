//! The objects that Istio reads, as they are now.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Client, ResourceExt as _};
use mcp_control::manifests::{Object, parse};
use serde_json::Value;
use tokio::sync::watch::Sender;

/// Version and kind.
const KINDS: [(&str, &str); 13] = [
    ("v1", "Namespace"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("extensions.istio.io/v1alpha1", PLUGIN),
    ("gateway.networking.k8s.io/v1", "Gateway"),
    ("gateway.networking.k8s.io/v1", "GatewayClass"),
    ("gateway.networking.k8s.io/v1", ROUTE),
    ("gateway.networking.k8s.io/v1beta1", "ReferenceGrant"),
    ("networking.istio.io/v1", "DestinationRule"),
    ("networking.istio.io/v1", "ServiceEntry"),
    ("mcp.kuadrant.io/v1", "MCPGatewayExtension"),
    ("mcp.kuadrant.io/v1", "MCPServerRegistration"),
    ("mcp.kagenti.com/v1alpha1", "MCPServer"),
];

pub(super) const PLUGIN: &str = "WasmPlugin";
pub(super) const ROUTE: &str = "HTTPRoute";

/// By kind, namespace and name.
pub(super) type Objects = BTreeMap<(&'static str, String, String), Arc<Known>>;

/// An object, as it is stored and as control reads it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) stored: Value,
    pub(super) read: Vec<Object>,
}

/// Follows all kinds until it is dropped.
pub(super) async fn follow(client: Client, objects: Arc<Sender<Objects>>) {
    let kinds = KINDS.map(|(version, kind)| follow_kind(client.clone(), version, kind, &objects));
    futures::future::join_all(kinds).await;
}

async fn follow_kind(client: Client, version: &str, kind: &'static str, objects: &Sender<Objects>) {
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    let api: Api<DynamicObject> = Api::all_with(client, &resource);
    let mut events = watch(api, watcher::Config::default())
        .default_backoff()
        .boxed();
    let mut listed = Objects::new();
    while let Some(event) = events.next().await {
        // It is tried again.
        let Ok(event) = event else { continue };
        match event {
            Event::Init => listed.clear(),
            Event::InitApply(object) => {
                listed.extend([known(kind, object)]);
            }
            Event::InitDone => objects.send_modify(|objects| {
                objects.retain(|(other, ..), _| *other != kind);
                objects.append(&mut listed);
            }),
            Event::Apply(object) => {
                let (key, known) = known(kind, object);
                objects.send_modify(|objects| drop(objects.insert(key, known)));
            }
            Event::Delete(object) => {
                let (key, _) = known(kind, object);
                objects.send_modify(|objects| drop(objects.remove(&key)));
            }
        }
    }
}

fn known(
    kind: &'static str,
    mut object: DynamicObject,
) -> ((&'static str, String, String), Arc<Known>) {
    object.managed_fields_mut().clear();
    let key = (
        kind,
        object.namespace().unwrap_or_default(),
        object.name_any(),
    );
    let stored = serde_json::to_value(object).expect("an object in JSON");
    let parsed = match kind {
        PLUGIN => Vec::new(),
        _ => parse(kind, &stored.to_string()).objects,
    };
    let read = parsed.into_iter().map(|sourced| sourced.object).collect();
    (key, Arc::new(Known { stored, read }))
}
