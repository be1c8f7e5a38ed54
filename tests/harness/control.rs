//! The program of control's image, as it is deployed: `mcp-control run`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::caller::{Protocol, Request};
use crate::component;
use crate::deployment::Deployment;
use crate::kubernetes::Kubernetes;
use crate::message::Reply;
use crate::port::Port;
use crate::process::{Process, command};
use crate::wait::until;

/// Its namespace.
pub const NAMESPACE: &str = "mcp-system";

/// The image that it names in WasmPlugins. Nobody here pulls one.
pub const IMAGE: &str = "oci://registry.example.com/mcp-filter@sha256:\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// After this time another one may lead, in seconds, unless a test says otherwise. Who cannot renew it ends.
pub const LEASE_SECONDS: u64 = 10;

/// What of the kinds of Gateway API and Istio somebody reads where there is no istiod.
const KINDS: [&str; 7] = [
    "DestinationRule",
    "Gateway",
    "GatewayClass",
    "HTTPRoute",
    "ReferenceGrant",
    "ServiceEntry",
    "WasmPlugin",
];

/// Longer takes no start on a busy machine.
const START: Duration = Duration::from_secs(60);

/// A cluster in which it can run: with the kinds and its namespace.
pub async fn cluster() -> Kubernetes {
    let kubernetes = Kubernetes::start().await;
    let kinds = [component::kinds_named(&KINDS), component::own_kinds()].concat();
    kubernetes.define(&kinds.join("\n---\n")).await;
    let system = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    kubernetes.submit(system).await.expect("a namespace");
    kubernetes
}

/// See the module. Asked to end when dropped.
#[derive(Debug)]
pub struct Control {
    process: Process,
    admin: Port,
}

impl Control {
    /// Starts one as a kubelet would start the container of the install's Deployment, in the Pod `identity`. What cannot be
    /// had here is another: the image of the filter, which no registry has, the port of the admin interface and, so that
    /// tests need not wait, the lease. Each of these and of the Deployment's arguments gives way to one of `arguments` that has its name.
    pub async fn start(kubeconfig: &Path, identity: &str, arguments: &[&str]) -> Self {
        let deployment = Deployment::installed().await;
        let admin = Port::hold();
        let usual = [
            format!("--admin={}", admin.address()),
            format!("--image={IMAGE}"),
            "--image-check=off".to_owned(),
            format!("--lease-seconds={LEASE_SECONDS}"),
        ];
        let usual = usual.iter().map(String::as_str);
        let usual: Vec<_> = usual.filter(|usual| !sets(arguments, usual)).collect();
        let own = [&usual, arguments].concat();
        let theirs = deployment.arguments();
        let theirs = theirs.filter(|argument| !sets(&own, argument));
        let mut run = command(&component::control());
        run.args(theirs)
            .args(&own)
            .env_clear()
            .envs(deployment.environment(identity))
            .env("KUBECONFIG", kubeconfig);
        let name = format!("mcp-control run ({identity})");
        Self {
            process: Process::start(&name, run).await,
            admin,
        }
    }

    /// The process, with its log.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Where its admin interface is.
    pub fn admin(&self) -> SocketAddr {
        self.admin.address()
    }

    /// What its admin interface answers.
    pub async fn ask(&self, path: &str) -> Reply {
        let request = Request::bare("GET").path(path);
        request.send(self.admin(), Protocol::Http1).await
    }

    /// Waits until it is ready, by its own word: it has read all objects, whether it leads or not.
    pub async fn until_watching(&self) {
        until("control is ready", START, || async {
            let request = Request::bare("GET").path("/readyz");
            let answer = request.try_open(self.admin(), Protocol::Http1).await.ok()?;
            (answer.status == 200).then_some(())
        })
        .await;
    }

    /// Asks it to end, as a kubelet does, and waits.
    pub async fn stop(self) -> ExitStatus {
        self.process.signal(Signal::TERM);
        self.process.ended().await
    }

    /// Ends it at once, and waits.
    pub async fn kill(self) {
        self.process.signal(Signal::KILL);
        self.process.ended().await;
    }
}

/// Whether one of `arguments` is the option of this argument: `--admin` of `--admin=[::]:8080`.
fn sets(arguments: &[&str], argument: &str) -> bool {
    fn name(argument: &str) -> &str {
        argument.split_once('=').map_or(argument, |(name, _)| name)
    }
    let mut arguments = arguments.iter();
    argument.starts_with("--") && arguments.any(|other| name(other) == name(argument))
}
