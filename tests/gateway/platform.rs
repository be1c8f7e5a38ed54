//! What every gateway here stands on: a cluster with Istio, a registry that has the filter, and GitHub's own server.

use std::fs;
use std::net::SocketAddr;

use harness::authority::Authority;
use harness::component;
use harness::github::GitHub;
use harness::istio::{Issuers, Istiod, Proxy, Workload, check_data};
use harness::kubernetes::Kubernetes;
use harness::port::Port;
use harness::process::Process;
use harness::registry::Registry;
use harness::terminator::Terminator;

use crate::manifests::{Ports, own};

/// The gateway of the examples.
const GATEWAY: Workload<'_> = Workload {
    gateway: "mcp-gateway",
    namespace: "gateway-system",
    address: "127.0.0.1",
};

/// The filter's image in the registry.
pub(crate) const IMAGE: &str = "mcp/filter";

/// What the guides call GitHub's server.
pub(crate) const SERVER_HOST: &str = "api.githubcopilot.com";

/// See the module.
pub(crate) struct Platform {
    // What talks to another ends before it: fields are dropped in order.
    pub(crate) istiod: Istiod,
    /// GitHub's server as the guides name it, with TLS.
    pub(crate) server: Terminator,
    pub(crate) github: GitHub,
    pub(crate) kubernetes: Kubernetes,
    pub(crate) registry: Registry,
    /// The filter's image, as a WasmPlugin names it.
    pub(crate) image: String,
    pub(crate) authority: Authority,
    port: Port,
    tls_port: Port,
}

impl Platform {
    /// Without a Gateway, with these toolsets of GitHub's.
    pub(crate) async fn start(toolsets: &str) -> Self {
        let own = (Authority::new(), Registry::start().await);
        Self::of(toolsets, own, None).await
    }

    /// The same, and Istio gets the keys of issuers in this way.
    pub(crate) async fn asking(issuers: Issuers) -> Self {
        let own = (Authority::new(), Registry::start().await);
        Self::of("default", own, Some(issuers)).await
    }

    /// The same with a registry that speaks TLS and wants a login.
    pub(crate) async fn guarded() -> Self {
        let authority = Authority::new();
        let registry = Registry::guarded(&authority).await;
        Self::of("default", (authority, registry), None).await
    }

    async fn of(
        toolsets: &str,
        (authority, registry): (Authority, Registry),
        issuers: Option<Issuers>,
    ) -> Self {
        check_data().await;
        let github = GitHub::offering(toolsets).await;
        let identity = authority.server(SERVER_HOST);
        let server = Terminator::start(github.address(), &identity).await;
        let (port, tls_port) = (Port::hold(), Port::hold());
        let filter = component::image("mcp-filter");
        let ports = ports(&port, &tls_port, &github);
        let (kubernetes, image) = tokio::join!(cluster(ports), registry.push(IMAGE, &filter));
        Self {
            istiod: Istiod::start(&kubernetes, issuers).await,
            server,
            github,
            kubernetes,
            registry,
            image: format!("oci://{image}"),
            authority,
            port,
            tls_port,
        }
    }

    /// The Gateway's proxy.
    pub(crate) async fn start_proxy(&self) -> Proxy {
        Proxy::start(&self.istiod, GATEWAY, &self.registry).await
    }

    /// Where clients reach the Gateway's listeners without TLS.
    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Where clients reach those with TLS.
    pub(crate) fn tls_address(&self) -> SocketAddr {
        self.tls_port.address()
    }

    /// The ports that manifests name.
    pub(crate) fn ports(&self) -> Ports {
        ports(&self.port, &self.tls_port, &self.github)
    }

    /// What the processes have said, those of the gateway's own among them.
    pub(crate) fn logs<'a>(&'a self, own: impl IntoIterator<Item = &'a Process>) -> String {
        let shared = [self.istiod.process(), self.registry.process()];
        let all = own.into_iter().chain(shared);
        let logs: Vec<_> = all.map(Process::log).collect();
        logs.join("\n")
    }
}

fn ports(port: &Port, tls_port: &Port, github: &GitHub) -> Ports {
    Ports {
        gateway: port.number(),
        gateway_tls: tls_port.number(),
        server: github.address().port(),
    }
}

/// A cluster with Istio's kinds and all that the user's own objects stand on.
async fn cluster(ports: Ports) -> Kubernetes {
    let kubernetes = Kubernetes::start().await;
    kubernetes.define(&component::kinds().join("\n---\n")).await;
    let namespaces = component::file("../examples/github/platform/namespaces.yaml");
    kubernetes
        .apply(&fs::read_to_string(namespaces).unwrap())
        .await;
    kubernetes
        .apply(&own("cluster.yaml", &ports.placeholders()))
        .await;
    kubernetes
}
