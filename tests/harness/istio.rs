//! Istio's control plane, and its agent with a stock Envoy: what a gateway consists of.
//!
//! Both are as released. Their settings leave out what only Istio's own build of Envoy has.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::authority::{Authority, Identity};
use crate::caller::{Protocol, Request};
use crate::component;
use crate::gateway::temporary_folder;
use crate::kubernetes::Kubernetes;
use crate::loopback_proxy::LoopbackProxy;
use crate::port::Port;
use crate::process::{Process, command};
use crate::registry::Registry;
use crate::wait::until;

/// What either says: the waiting for its start is no news.
const LOG: &str = "default:info,krt:warn,kube:warn,klog:warn";

/// Longer takes no start on a busy machine.
const START: Duration = Duration::from_secs(60);

/// The program pilot-discovery. Ends when dropped.
#[derive(Debug)]
pub struct Istiod {
    // Ended before its folder goes: fields are dropped in order.
    process: Process,
    ports: IstiodPorts,
    folder: TempDir,
    // Of istiod's own certificate, and of those of the proxies.
    authority: Authority,
    issuers: Option<Issuers>,
}

/// How istiod gets the keys of tokens' issuers, where it cannot by itself.
#[derive(Debug)]
pub struct Issuers {
    /// By which it finds them.
    proxy: LoopbackProxy,
    /// The certificates of the authority that it trusts, in a file.
    authority: PathBuf,
    /// More of istiod's own settings.
    settings: Vec<(&'static str, &'static str)>,
}

impl Issuers {
    /// For whose certificates this authority vouches.
    pub async fn of(authority: &Authority) -> Self {
        Self {
            proxy: LoopbackProxy::start().await,
            authority: authority.file(),
            settings: Vec::new(),
        }
    }

    /// With a setting of istiod's, by the name of its environment variable.
    #[must_use]
    pub fn setting(mut self, name: &'static str, value: &'static str) -> Self {
        self.settings.push((name, value));
        self
    }
}

/// Where istiod listens.
#[derive(Debug)]
struct IstiodPorts {
    xds: Port,
    http: Port,
    monitoring: Port,
}

impl IstiodPorts {
    fn hold() -> Self {
        Self {
            xds: Port::hold(),
            http: Port::hold(),
            monitoring: Port::hold(),
        }
    }
}

impl Istiod {
    /// Starts it and waits until it is ready. The cluster must have its kinds and the mesh's settings.
    pub async fn start(kubernetes: &Kubernetes, issuers: Option<Issuers>) -> Self {
        let folder = temporary_folder("istiod");
        let ports = IstiodPorts::hold();
        let authority = Authority::new();
        authority
            .server("istiod.istio-system.svc")
            .write(folder.path());
        let own = (folder.path(), &*authority.file());
        let process = Self::run(kubernetes, own, &ports, issuers.as_ref()).await;
        Self {
            process,
            ports,
            folder,
            authority,
            issuers,
        }
    }

    /// Ends it at once.
    pub async fn kill(&self) {
        self.process.signal(Signal::KILL);
        self.process.ended().await;
    }

    /// Starts another after [`Istiod::kill`], where the last one listened.
    pub async fn start_again(&mut self, kubernetes: &Kubernetes) {
        let own = (self.folder.path(), &*self.authority.file());
        self.process = Self::run(kubernetes, own, &self.ports, self.issuers.as_ref()).await;
    }

    async fn run(
        kubernetes: &Kubernetes,
        (folder, authority): (&Path, &Path),
        ports: &IstiodPorts,
        issuers: Option<&Issuers>,
    ) -> Process {
        let istiod = command(&component::istio().join("pilot-discovery"));
        let mut istiod = in_folder(istiod, folder);
        istiod
            .envs([("POD_NAME", "istiod-0"), ("POD_NAMESPACE", "istio-system")])
            .envs([("REVISION", "default"), ("CLUSTER_ID", "Kubernetes")])
            .env("PILOT_ENABLE_METADATA_EXCHANGE", "false")
            .env("PILOT_ENABLE_ALPN_FILTER", "false")
            .env("PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER", "false")
            .envs([
                ("INJECTION_WEBHOOK_CONFIG_NAME", ""),
                ("VALIDATION_WEBHOOK_CONFIG_NAME", ""),
            ]);
        if let Some(issuers) = issuers {
            istiod
                .envs(["HTTP_PROXY", "HTTPS_PROXY"].map(|name| (name, issuers.proxy.url())))
                .env("SSL_CERT_FILE", &issuers.authority)
                .envs(issuers.settings.iter().copied());
        }
        istiod
            .args(["discovery", "--registries", "Kubernetes"])
            .args(["--namespace", "istio-system", "--kubeconfig"])
            .arg(kubernetes.kubeconfig())
            .args(["--secureGRPCAddr", &ports.xds.address().to_string()])
            .args(["--httpAddr", &ports.http.address().to_string()])
            .args(["--grpcAddr", "", "--httpsAddr", ""])
            .arg("--caCertFile")
            .arg(authority)
            .arg("--tlsCertFile")
            .arg(folder.join("tls.crt"))
            .arg("--tlsKeyFile")
            .arg(folder.join("tls.key"))
            .args(["--monitoringAddr", &ports.monitoring.address().to_string()])
            .args(["--ctrlz_port", "0", "--log_output_level", LOG]);
        let process = Process::start("istiod", istiod).await;
        until_answers(&process, ports.http.address(), "/ready").await;
        process
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

/// Whether [`Proxy::start`] can write where the agent keeps modules. If not, fails with what to do.
pub async fn check_data() {
    let mut check = command(&component::istio_data());
    check
        .arg("--check")
        .arg(component::istio().join("pilot-agent"));
    let output = check.output().await.expect("a command that starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The workload that a proxy is.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'a> {
    /// Name of the Gateway.
    pub gateway: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Of its Pod, by which istiod knows it.
    pub address: &'a str,
}

impl Workload<'_> {
    /// Of its Pods and of its service account, as Istio names them.
    fn name(&self) -> String {
        format!("{}-istio", self.gateway)
    }

    /// By which istiod knows it: without, it gives it no certificates.
    fn identity(&self, istiod: &Istiod) -> Identity {
        istiod.authority.workload(self.namespace, &self.name())
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let name = self.name();
        let labels = json!({"gateway.networking.k8s.io/gateway-name": self.gateway});
        vec![
            ("INSTANCE_IP", self.address.to_owned()),
            ("POD_NAME", format!("{name}-0")),
            ("POD_NAMESPACE", self.namespace.to_owned()),
            ("SERVICE_ACCOUNT", name.clone()),
            ("ISTIO_META_WORKLOAD_NAME", name),
            ("ISTIO_META_CLUSTER_ID", "Kubernetes".to_owned()),
            ("ISTIO_META_MESH_ID", "cluster.local".to_owned()),
            ("ISTIO_META_NODE_NAME", "node-1".to_owned()),
            ("ISTIO_METAJSON_LABELS", labels.to_string()),
            ("TRUST_DOMAIN", "cluster.local".to_owned()),
            ("JWT_POLICY", "none".to_owned()),
            ("PILOT_CERT_PROVIDER", "istiod".to_owned()),
        ]
    }
}

/// The program pilot-agent and the Envoy that it starts. Ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    // Ended before its folder goes: fields are dropped in order.
    process: Process,
    ports: ProxyPorts,
    _folder: TempDir,
}

/// Where the agent and its Envoy listen, but for the Gateway's listeners.
#[derive(Debug)]
struct ProxyPorts {
    admin: Port,
    status: Port,
    envoy_status: Port,
    prometheus: Port,
}

impl ProxyPorts {
    fn hold() -> Self {
        Self {
            admin: Port::hold(),
            status: Port::hold(),
            envoy_status: Port::hold(),
            prometheus: Port::hold(),
        }
    }
}

impl Proxy {
    /// Starts it and waits until Envoy runs. It knows how `registry` is spoken with, and no login.
    pub async fn start(istiod: &Istiod, workload: Workload<'_>, registry: &Registry) -> Self {
        let folder = temporary_folder("proxy");
        let ports = ProxyPorts::hold();
        let mut agent = in_folder(command(&component::istio_data()), folder.path());
        agent.arg(component::istio().join("pilot-agent"));
        agent
            .envs(workload.environment())
            .env("FILE_MOUNTED_CERTS", "true")
            .envs([trust(registry)])
            .env("PEER_METADATA_DISCOVERY", "false")
            .env("ENVOY_STATUS_PORT", ports.envoy_status.number().to_string())
            .env(
                "ENVOY_PROMETHEUS_PORT",
                ports.prometheus.number().to_string(),
            )
            .env(
                "PROXY_CONFIG",
                proxy_config(istiod, &ports, &workload.identity(istiod), folder.path()),
            )
            .args(["proxy", "router", "--concurrency", "2"])
            .args([
                "--domain",
                &format!("{}.svc.cluster.local", workload.namespace),
            ])
            .args([
                "--log_output_level",
                LOG,
                "--proxyLogLevel",
                "warning,wasm:info",
            ])
            .arg("--templateFile")
            .arg(bootstrap(folder.path()));
        let process = Process::start("pilot-agent", agent).await;
        until_answers(&process, ports.admin.address(), "/server_info").await;
        Self {
            process,
            ports,
            _folder: folder,
        }
    }

    /// Ends both at once.
    pub async fn kill(&self) {
        self.process.signal(Signal::KILL);
        self.process.ended().await;
    }

    /// The process pilot-agent, whose log holds Envoy's, too.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// What Envoy's admin interface answers.
    pub async fn ask_envoy(&self, path: &str) -> String {
        let reply = admin(path)
            .send(self.ports.admin.address(), Protocol::Http1)
            .await;
        assert_eq!(reply.status, 200, "{}", reply.shown());
        reply.text().to_owned()
    }

    /// A number of Envoy's statistics; 0 before there is one.
    pub async fn statistic(&self, name: &str) -> u64 {
        let told = self.ask_envoy(&format!("/stats?filter=^{name}$")).await;
        let number = told.trim().rsplit_once(": ");
        number.map_or(0, |(_, number)| number.parse().expect("a number"))
    }

    /// The names of the HTTP filters of the listener on `port`, in order; none where there is no such listener.
    pub async fn filters(&self, port: u16) -> Vec<String> {
        let dump = self
            .ask_envoy("/config_dump?resource=dynamic_listeners")
            .await;
        let dump: Value = serde_json::from_str(&dump).expect("a config dump");
        let listeners = dump["configs"].as_array().cloned().unwrap_or_default();
        listeners
            .iter()
            .map(|listener| &listener["active_state"]["listener"])
            .filter(|listener| listener["address"]["socket_address"]["port_value"] == port)
            .flat_map(|listener| names(&listener["filter_chains"][0]["filters"]))
            .collect()
    }
}

/// What has the agent speak with a registry.
fn trust(registry: &Registry) -> (&'static str, String) {
    match registry.guard() {
        Some(guard) => ("SSL_CERT_FILE", guard.authority.display().to_string()),
        None => ("WASM_INSECURE_REGISTRIES", registry.authority()),
    }
}

/// The names of the HTTP filters of a filter chain's connection manager.
fn names(filters: &Value) -> Vec<String> {
    let filters = filters.as_array().into_iter().flatten();
    filters
        .filter_map(|filter| filter["typed_config"]["http_filters"].as_array())
        .flatten()
        .filter_map(|filter| filter["name"].as_str())
        .map(str::to_owned)
        .collect()
}

/// One of Istio's programs, in its own folder and with nothing of this environment, all of which it might read.
fn in_folder(mut command: Command, folder: &Path) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.current_dir(folder).env_clear();
    command.env("PATH", path).env("HOME", folder);
    command
}

/// The status port is the one thing here that listens on all interfaces: the agent cannot do otherwise.
fn proxy_config(istiod: &Istiod, ports: &ProxyPorts, identity: &Identity, folder: &Path) -> String {
    let [certificate, key] = identity.write(folder);
    json!({
        "discoveryAddress": istiod.ports.xds.address().to_string(),
        "controlPlaneAuthPolicy": "MUTUAL_TLS",
        "proxyMetadata": {
            "ISTIO_META_TLS_CLIENT_ROOT_CERT": istiod.authority.file(),
            "ISTIO_META_TLS_CLIENT_CERT_CHAIN": certificate,
            "ISTIO_META_TLS_CLIENT_KEY": key,
        },
        "binaryPath": envoy(folder),
        "configPath": folder.join("etc/istio/proxy"),
        "statusPort": ports.status.number(),
        "proxyAdminPort": ports.admin.number(),
        "terminationDrainDuration": "1s",
        // Of a listener that has changed. By default 45 seconds.
        "drainDuration": "10s",
    })
    .to_string()
}

/// Starts Envoy so that it ends with the agent, however that ends.
fn envoy(folder: &Path) -> PathBuf {
    let envoy = component::envoy();
    let script = format!(
        "#!/bin/sh\nexec setpriv --pdeathsig TERM -- '{}' \"$@\"\n",
        envoy.display()
    );
    let path = folder.join("envoy");
    fs::write(&path, script).expect("a file");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("a file that can be run");
    path
}

/// Istio's own template, but for listeners on all interfaces.
fn bootstrap(folder: &Path) -> PathBuf {
    let template = component::istio().join("envoy_bootstrap.json");
    let template = fs::read_to_string(template).expect("the template");
    assert!(template.contains("{{ .wildcard }}"), "{template}");
    let own = folder.join("envoy_bootstrap.json");
    fs::write(
        &own,
        template.replace("{{ .wildcard }}", "{{ .localhost }}"),
    )
    .expect("a file");
    own
}

fn admin(path: &str) -> Request {
    Request::bare("GET").path(path)
}

async fn until_answers(process: &Process, address: SocketAddr, path: &str) {
    let what = format!("{path} is answered with 200");
    until(&what, START, || async {
        assert!(crate::proc::runs(process.pid()), "{}", process.log());
        let answer = admin(path).try_open(address, Protocol::Http1).await.ok()?;
        (answer.status == 200).then_some(())
    })
    .await;
}
