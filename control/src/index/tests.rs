mod addresses;
mod attachment;
mod audiences;
mod authentication;
mod cluster;
mod connections;
mod credentials;
mod extensions;
mod foreign;
mod gateways;
mod grants;
mod guides;
mod hosts;
mod independence;
mod older_kind;
mod policies;
mod prefixes;
mod protected_resource;
mod reasons;
mod registrations;
mod routes;
mod rules;
mod service_entries;
mod services;
mod streams;

use super::{Index, Registration, Resolved, Settings, build};
use crate::args::DEFAULT_LISTEN;
use crate::manifests::{Object, Severity, parse};
use crate::network::{Cluster, Route};
use crate::verdict::Reason;

/// A Gateway with a public listener and one for the servers' routes, and the extension that makes it serve.
const PLATFORM: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: infra}
spec:
  gatewayClassName: istio
  listeners:
  - {name: mcp, hostname: mcp.example.com, port: 8080, protocol: HTTP}
  - {name: internal, hostname: '*.mcp.local', port: 8080, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: mcp.kuadrant.io/v1
kind: MCPGatewayExtension
metadata: {name: gw, namespace: infra}
spec:
  targetRef: {name: gw, sectionName: mcp}
";

/// A server that is registered, routed to and found, all under one name.
const SERVER: &str = "
apiVersion: mcp.kuadrant.io/v1
kind: MCPServerRegistration
metadata: {name: NAME, namespace: team}
spec:
  prefix: NAME_
  targetRef: {name: NAME}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME, namespace: team}
spec:
  parentRefs:
  - {name: gw, namespace: infra}
  hostnames: [NAME.mcp.local]
  rules:
  - backendRefs: [{group: networking.istio.io, kind: Hostname, name: NAME.example, port: 80}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: NAME, namespace: team}
spec:
  hosts: [NAME.example]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: 9000}}]
";

/// Manifests as a user writes them.
#[derive(Clone, Debug)]
pub(crate) struct Manifests(String);

impl Manifests {
    /// The platform alone.
    pub(crate) fn platform() -> Self {
        Self(PLATFORM.to_owned())
    }

    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The platform and server `a`.
    pub(crate) fn one_server() -> Self {
        Self::platform().server("a")
    }

    pub(crate) fn server(self, name: &str) -> Self {
        self.with(&SERVER.replace("NAME", name))
    }

    pub(crate) fn with(self, text: &str) -> Self {
        Self(format!("{}\n---\n{text}", self.0))
    }

    /// Replaces what must stand there exactly once.
    pub(crate) fn edit(self, from: &str, to: &str) -> Self {
        assert_eq!(self.0.matches(from).count(), 1, "{from}");
        Self(self.0.replace(from, to))
    }

    pub(crate) fn objects(&self) -> Vec<Object> {
        let parsed = parse("test.yaml", &self.0);
        let is_error = |error: &&crate::manifests::ManifestError| error.severity == Severity::Error;
        assert_eq!(parsed.errors.iter().find(is_error), None, "{}", self.0);
        parsed.objects.into_iter().map(|s| s.object).collect()
    }

    pub(crate) fn index(&self) -> Index {
        self.index_by(&settings())
    }

    fn index_by(&self, settings: &Settings) -> Index {
        build(&self.objects(), settings)
    }

    /// What becomes of registration `a`.
    fn resolved(&self) -> Resolved {
        let index = self.index();
        registration(&index, "a").outcome.clone().unwrap()
    }

    /// Why registration `a` is not served.
    fn fault(&self) -> (Reason, String) {
        let index = self.index();
        let fault = registration(&index, "a").outcome.clone().unwrap_err();
        (fault.reason, fault.message)
    }

    /// The only cluster.
    fn cluster(&self) -> Cluster {
        let [cluster] = <[Cluster; 1]>::try_from(self.index().network.clusters).unwrap();
        cluster
    }

    /// The only route.
    fn route(&self) -> Route {
        let [route] = <[Route; 1]>::try_from(self.index().network.routes).unwrap();
        route
    }

    /// What is told about other objects than registrations, as it is logged.
    fn notices(&self) -> Vec<String> {
        let notices = self.index().notices;
        let told = notices.iter().map(|notice| {
            let is_accepted = if notice.accepted {
                "accepted"
            } else {
                "refused"
            };
            format!(
                "{is_accepted} {} {}: {}",
                notice.kind, notice.name, notice.fault
            )
        });
        told.collect()
    }
}

fn settings() -> Settings {
    let variables = [("PAT", "s3cret"), ("EMPTY", "")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Settings::local(DEFAULT_LISTEN, variables.into())
}

fn registration<'a>(index: &'a Index, name: &str) -> &'a Registration {
    let mut registrations = index.registrations.iter();
    registrations.find(|r| r.name.name == name).unwrap()
}

/// Reason and message of what is refused.
fn refused(reason: Reason, message: &str) -> (Reason, String) {
    (reason, message.to_owned())
}
