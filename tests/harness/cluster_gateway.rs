//! A gateway in a cluster without istiod: a stock Envoy on loopback that runs the filter's two parts.
//!
//! What istiod would do is done here, with the same objects: clusters and routes from ServiceEntries and HTTPRoutes, the
//! filter from WasmPlugins, whose configuration goes the way through protobuf, and statuses of routes. Before there are
//! WasmPlugins, the filter is not there, as in Istio.

mod envoy;
mod policy;
mod protobuf;
mod routes;
mod view;
mod watched;

use std::net::SocketAddr;
use std::sync::Arc;

use kube::Client;
use mcp_control::object::ObjectName;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::kubernetes::Kubernetes;
use crate::manifests::platform;
use crate::port::Port;
use crate::runtime;
use envoy::Envoy;
use policy::Policy;
use view::View;
use watched::Objects;

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct ClusterGateway {
    envoy: Arc<Envoy>,
    port: Port,
    paused: watch::Sender<bool>,
    policy: watch::Sender<Option<Policy>>,
    tasks: [AbortHandle; 2],
}

impl ClusterGateway {
    /// Applies the Gateway `gateway-system/<name>` with all that stands once for it, and starts it. The cluster must have the
    /// kinds.
    pub async fn start(kubernetes: &Kubernetes, name: &str) -> Self {
        let port = Port::hold();
        kubernetes.apply(&platform(name, port.address())).await;
        let gateway = ObjectName {
            namespace: "gateway-system".to_owned(),
            name: name.to_owned(),
        };
        let envoy = Arc::new(Envoy::start(&port).await);
        let objects = Arc::new(watch::Sender::new(Objects::new()));
        let paused = watch::Sender::new(false);
        let policy = watch::Sender::new(None);
        let serving = Serving {
            client: kubernetes.client(),
            gateway,
            envoy: Arc::clone(&envoy),
            objects: objects.subscribe(),
            paused: paused.subscribe(),
            policy: policy.subscribe(),
        };
        let following = runtime::spawn(watched::follow(kubernetes.client(), objects));
        let serving = runtime::spawn(serving.run());
        Self {
            envoy,
            port,
            paused,
            policy,
            tasks: [following, serving].map(|task| task.abort_handle()),
        }
    }

    /// Where it listens: its `privateHost`.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Its URL for MCP clients, under the public host `localhost`.
    pub fn url(&self) -> String {
        format!("http://localhost:{}/mcp", self.port.number())
    }

    /// Hands nothing over to Envoy from now on, as an istiod that is down.
    pub fn pause(&self) {
        self.paused.send_replace(true);
    }

    /// Goes on after [`ClusterGateway::pause`].
    pub fn resume(&self) {
        self.paused.send_replace(false);
    }

    /// From now on, what has passed by the filter is refused where its host ends so, by the AuthorizationPolicy of this
    /// namespace and name.
    pub fn forbid(&self, suffix: &str, (namespace, name): (&str, &str)) {
        self.policy.send_replace(Some(Policy {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            suffix: suffix.to_owned(),
        }));
    }

    /// Takes the policy of [`ClusterGateway::forbid`] out.
    pub fn permit(&self) {
        self.policy.send_replace(None);
    }

    /// Ends its Envoy at once.
    pub fn kill(&self) {
        self.envoy.kill();
    }

    /// Starts another Envoy after [`ClusterGateway::kill`] at the same address, with all that the last one served.
    pub async fn start_again(&self) {
        self.envoy.start_again().await;
    }
}

impl Drop for ClusterGateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.envoy.log());
        }
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What is done all the while.
struct Serving {
    client: Client,
    gateway: ObjectName,
    envoy: Arc<Envoy>,
    objects: watch::Receiver<Objects>,
    paused: watch::Receiver<bool>,
    policy: watch::Receiver<Option<Policy>>,
}

impl Serving {
    /// Hands over what has changed, over and over, until it is aborted.
    async fn run(mut self) {
        loop {
            if !*self.paused.borrow_and_update() {
                let objects = self.objects.borrow_and_update().clone();
                let view = View::of(&objects, &self.gateway);
                let policy = self.policy.borrow_and_update().clone();
                self.envoy.hand_over(&view, policy.as_ref()).await;
                routes::accept(&self.client, &objects, &self.gateway).await;
            }
            let changed = tokio::select! {
                changed = self.objects.changed() => changed,
                changed = self.paused.changed() => changed,
                changed = self.policy.changed() => changed,
            };
            if changed.is_err() {
                return;
            }
        }
    }
}
