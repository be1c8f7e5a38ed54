//! Objects of a small cluster, and what is found in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use mcp_filter_config::{PluginConfig, SessionKey, Sessions, Stats, Telemetry};
use serde_json::Value;

use super::{Gaps, Model};
use crate::cluster::objects::Objects;
use crate::discovery::{Event, Outcome};
use crate::object::ObjectName;
use crate::offer::{Definition, Offer};
use crate::render::Keys;

/// Two gateways; server `github` is attached to both, `gitlab` to the second alone.
pub(in crate::cluster) const OBJECTS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: one, namespace: infra}
spec: {gatewayClassName: istio, listeners: [{name: mcp, port: 8080, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: two, namespace: infra}
spec: {gatewayClassName: istio, listeners: [{name: mcp, port: 8080, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]}
---
apiVersion: mcp.kuadrant.io/v1
kind: MCPGatewayExtension
metadata: {name: one, namespace: infra}
spec: {publicHost: one.example.com, targetRef: {name: one, sectionName: mcp}}
---
apiVersion: mcp.kuadrant.io/v1
kind: MCPGatewayExtension
metadata: {name: two, namespace: infra}
spec: {publicHost: two.example.com, targetRef: {name: two, sectionName: mcp}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: servers, namespace: team}
spec: {hosts: [servers.example.com], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}
";

const SERVER: &str = "
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME, namespace: team}
spec:
  hostnames: [NAME.mcp.local]
  parentRefs: PARENTS
  rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: servers.example.com, port: 80}]}]
status: {parents: STATUS}
---
apiVersion: mcp.kuadrant.io/v1
kind: MCPServerRegistration
metadata: {name: NAME, namespace: team}
spec: {prefix: NAME_, targetRef: {name: NAME}}
";

pub(in crate::cluster) fn server(name: &str, gateways: &[&str]) -> String {
    let parent = |gateway: &&str| format!("{{name: {gateway}, namespace: infra}}");
    let parents: Vec<_> = gateways.iter().map(parent).collect();
    let statuses: Vec<_> = parents
        .iter()
        .map(|parent| {
            format!(
                "{{parentRef: {parent}, controllerName: istio.io/gateway-controller, conditions: [{{type: Accepted, \
                 status: 'True', reason: Accepted, message: '', lastTransitionTime: '2026-01-01T00:00:00Z'}}]}}"
            )
        })
        .collect();
    SERVER
        .replace("NAME", name)
        .replace("PARENTS", &format!("[{}]", parents.join(", ")))
        .replace("STATUS", &format!("[{}]", statuses.join(", ")))
}

pub(in crate::cluster) fn objects(manifests: &str) -> Objects {
    let documents: Vec<Value> = serde_saphyr::from_multiple(manifests).unwrap();
    Objects::of(documents)
}

pub(in crate::cluster) fn both() -> Objects {
    let servers = [
        server("github", &["one", "two"]),
        server("gitlab", &["two"]),
    ];
    objects(&[OBJECTS, &servers.concat()].concat())
}

pub(in crate::cluster) fn name(namespace: &str, name: &str) -> ObjectName {
    ObjectName {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

pub(in crate::cluster) fn event(server: &str, outcome: Outcome) -> Event {
    Event {
        name: name("team", server),
        outcome,
    }
}

pub(in crate::cluster) fn found(server: &str, tool: &str) -> Event {
    let definition = Definition::new(tool, format!(r#"{{"name":"{tool}","inputSchema":{{}}}}"#));
    let offer = Offer {
        protocol_version: "2025-06-18".to_owned(),
        tools: vec![definition],
        ..Offer::default()
    };
    event(server, Outcome::Found(Arc::new(offer)))
}

pub(in crate::cluster) fn read(
    model: &mut Model,
    objects: &Objects,
    pushed: Option<&PluginConfig>,
) {
    model.read(objects, &Gaps::default(), |_| pushed.cloned());
    model.render().unwrap();
}

pub(in crate::cluster) fn model() -> Model {
    let key = SessionKey {
        id: 1,
        secret: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
    };
    let sessions = Sessions {
        keys: vec![key],
        ..Sessions::default()
    };
    let keys = Keys {
        sessions,
        ..Keys::default()
    };
    let telemetry = Telemetry {
        stats: Stats::Tools,
        filter_state: true,
    };
    Model::new(keys, BTreeMap::new(), telemetry)
}

/// All gateways serve what they shall.
pub(in crate::cluster) fn see_live(model: &mut Model) {
    for gateway in model.gateways.values_mut() {
        gateway.is_seen_live(gateway.shall_serve());
    }
}
