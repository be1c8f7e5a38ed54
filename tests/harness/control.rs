//! The program `mcp-control run`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::caller::{Protocol, Request};
use crate::component;
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
pub const LEASE_SECONDS: u64 = 6;

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
    /// Starts one that calls itself `identity`, with these arguments more.
    pub async fn start(kubeconfig: &Path, identity: &str, arguments: &[&str]) -> Self {
        let admin = Port::hold();
        let mut run = command(&component::control());
        run.arg("run")
            .args(["--namespace", NAMESPACE])
            .args(["--identity", identity])
            .args(["--image", IMAGE])
            .args(["--admin", &admin.address().to_string()])
            .args(arguments)
            .env("KUBECONFIG", kubeconfig);
        if !arguments.contains(&"--lease-seconds") {
            run.args(["--lease-seconds", &LEASE_SECONDS.to_string()]);
        }
        let name = format!("mcp-control run ({identity})");
        Self {
            process: Process::start(&name, run).await,
            admin,
        }
    }

    /// Starts one as a kubelet would start the first container of `deployment` from an image with this program, as the Pod
    /// `identity`. But for the port of its admin interface: nobody here has an address of his own.
    pub async fn start_deployed(
        deployment: &Value,
        program: &Path,
        kubeconfig: &Path,
        identity: &str,
    ) -> Self {
        let pod = &deployment["spec"]["template"]["spec"];
        assert!(pod["volumes"].is_null(), "no mounts are known here: {pod}");
        let container = &pod["containers"][0];
        let admin = Port::hold();
        let mut run = command(program);
        run.env_clear().env("KUBECONFIG", kubeconfig);
        for argument in container["args"].as_array().expect("arguments") {
            let argument = argument.as_str().expect("an argument");
            match argument.strip_prefix("--admin=") {
                Some(_) => run.arg(format!("--admin={}", admin.address())),
                None => run.arg(argument),
            };
        }
        for variable in container["env"].as_array().expect("variables") {
            let field = variable["valueFrom"]["fieldRef"]["fieldPath"].as_str();
            let value = match field {
                Some("metadata.namespace") => deployment["metadata"]["namespace"].as_str(),
                Some("metadata.name") => Some(identity),
                Some(other) => panic!("{other} is not known here"),
                None => variable["value"].as_str(),
            };
            run.env(
                variable["name"].as_str().expect("a name"),
                value.expect("a value"),
            );
        }
        let name = format!("the image's mcp-control ({identity})");
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
