//! A gateway of Istio whose plugins `mcp-control run` makes: nothing but what the guide applies makes it serve MCP.

use std::time::Duration;

use harness::authority::Authority;
use harness::caller::Protocol;
use harness::component;
use harness::control::{Control, NAMESPACE};
use harness::deployment::Deployment;
use harness::github::{login, token};
use harness::install::{grant, open_secrets};
use harness::istio::{Issuers, Proxy};
use harness::kubectl::{Ended, shell};
use harness::sessions::Client;
use harness::wait::until;
use mcp_control::labels::{MANAGED_BY, PROGRAM};
use serde_json::{Value, json};

use crate::manifests::{example, own};
use crate::platform::Platform;

/// Where clients connect, by the listeners of the examples' Gateway.
pub(crate) const HOST: &str = "mcp.127-0-0-1.sslip.io";

/// The Secret of the gateway's namespace with the registry's login, by the name of the guide.
pub(crate) const PULL_SECRET: &str = "mcp-registry";

/// What is answered whoever asks.
pub(crate) const PING: &str = r#"{"jsonrpc": "2.0", "id": 1, "method": "ping"}"#;

/// Longer waits no command that waits for nobody, on a busy machine.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(10);

/// Longer takes nothing that follows from an object.
pub(crate) const CONSEQUENCE: Duration = Duration::from_secs(120);

/// So many connections, one after the other, do not all meet one of Envoy's two workers.
pub(crate) const EVERY_WORKER: usize = 20;

/// See the module. Each test has one of its own.
pub(crate) struct Managed {
    // What talks to another ends before it: fields are dropped in order.
    control: Option<Control>,
    pub(crate) proxy: Proxy,
    platform: Platform,
    /// By what control is told to attach the filter.
    attach: &'static str,
}

impl std::ops::Deref for Managed {
    type Target = Platform;

    fn deref(&self) -> &Platform {
        &self.platform
    }
}

impl Managed {
    /// With what the guide finds: Istio, the Gateway, and control as it is installed, under its own account. GitHub's server
    /// offers what it does by itself.
    pub(crate) async fn start() -> Self {
        Self::before("default").await
    }

    /// The same before these toolsets of GitHub's.
    pub(crate) async fn before(toolsets: &str) -> Self {
        Self::on(Platform::start(toolsets).await, "wasmplugin").await
    }

    /// The same as [`Managed::start`] where Istio gets the keys of issuers for whose certificates this authority vouches.
    pub(crate) async fn trusting(issuers: &Authority) -> Self {
        Self::asking(Issuers::of(issuers).await).await
    }

    /// The same where Istio gets the keys of issuers in this way.
    pub(crate) async fn asking(issuers: Issuers) -> Self {
        Self::on(Platform::asking(issuers).await, "wasmplugin").await
    }

    /// The same as [`Managed::start`] where control attaches the filter by EnvoyFilters, and may.
    pub(crate) async fn by_envoy_filter() -> Self {
        Self::on(Platform::start("default").await, "envoyfilter").await
    }

    /// The same as [`Managed::start`] with control that is to give the gateway an image which the registry has not got.
    pub(crate) async fn without_image() -> Self {
        let mut platform = Platform::start("default").await;
        platform.image = absent(&platform.image);
        Self::on(platform, "wasmplugin").await
    }

    /// The same with a registry that speaks TLS and wants a login, which control has, and the gateway has not.
    pub(crate) async fn guarded() -> Self {
        Self::on(Platform::guarded().await, "wasmplugin").await
    }

    /// With what a cluster has before anything of this project: Istio, and the workload of a Gateway.
    pub(crate) async fn bare() -> Self {
        let platform = Platform::start("default").await;
        Self {
            control: None,
            proxy: platform.start_proxy().await,
            platform,
            attach: "wasmplugin",
        }
    }

    async fn on(platform: Platform, attach: &'static str) -> Self {
        let kubernetes = &platform.kubernetes;
        kubernetes
            .define(&component::own_kinds().join("\n---\n"))
            .await;
        let system =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        kubernetes.submit(system).await.unwrap();
        grant(kubernetes, &[install(attach)]).await;
        open_secrets(kubernetes).await;
        let proxy = platform.start_proxy().await;
        let mut managed = Self {
            control: None,
            proxy,
            platform,
            attach,
        };
        let folder = "examples/github/platform";
        managed
            .run(&format!(
                "kubectl apply -f {folder}/namespaces.yaml -f {folder}"
            ))
            .await;
        managed.start_control().await;
        managed
    }

    /// Starts control.
    pub(crate) async fn start_control(&mut self) {
        self.control = Some(self.new_control("mcp-controller-0", &[]).await);
    }

    /// Another image and another control, with these arguments more, as a Deployment changes its Pod: that one is ready
    /// before the one that runs is asked to end.
    pub(crate) async fn hand_over(&mut self, pod: &str, image: &str, arguments: &[&str]) {
        image.clone_into(&mut self.platform.image);
        let next = self.new_control(pod, arguments).await;
        next.until_watching().await;
        if let Some(last) = self.control.replace(next) {
            assert!(last.stop().await.success());
        }
    }

    async fn new_control(&self, pod: &str, arguments: &[&str]) -> Control {
        let account = Deployment::installed().await.account();
        let kubeconfig = self.kubernetes.kubeconfig_of(NAMESPACE, account).await;
        let address = self.address();
        let mut own = vec![
            format!("--image={}", self.image),
            format!("--gateway-address=gateway-system/mcp-gateway={address}"),
            "--image-check=required".to_owned(),
            format!("--attach={}", self.attach),
        ];
        own.extend(match self.registry.guard() {
            None => vec![format!("--registry-http={}", self.registry.authority())],
            Some(guard) => vec![
                format!("--registry-login={}", guard.logins.display()),
                format!("--registry-ca={}", guard.authority.display()),
                format!("--image-pull-secret={PULL_SECRET}"),
            ],
        });
        let own = own.iter().map(String::as_str);
        let all: Vec<_> = own.chain(arguments.iter().copied()).collect();
        Control::start(&kubeconfig, pod, &all).await
    }

    /// Ends control at once.
    pub(crate) async fn kill_control(&mut self) {
        if let Some(control) = self.control.take() {
            control.kill().await;
        }
    }

    /// Another control in place of the one that runs, which gives the gateway this image.
    pub(crate) async fn roll(&mut self, image: &str) {
        self.kill_control().await;
        image.clone_into(&mut self.platform.image);
        self.start_control().await;
    }

    /// Another control in place of the one that runs, which attaches the filter so.
    pub(crate) async fn attach_by(&mut self, attach: &'static str) {
        self.kill_control().await;
        grant(&self.kubernetes, &[install(attach)]).await;
        self.attach = attach;
        self.start_control().await;
    }

    /// Starts istiod again after it was killed.
    pub(crate) async fn start_istiod_again(&mut self) {
        let Platform {
            istiod, kubernetes, ..
        } = &mut self.platform;
        istiod.start_again(kubernetes).await;
    }

    /// Starts the registry again after it was killed.
    pub(crate) async fn start_registry_again(&mut self) {
        self.platform.registry.start_again().await;
    }

    /// Another gateway's workload in place of the one that runs, which it ends at once.
    pub(crate) async fn restart_proxy(&mut self) {
        self.proxy.kill().await;
        self.proxy = self.start_proxy().await;
    }

    /// The image that the gateway is given.
    pub(crate) fn image(&self) -> String {
        self.image.clone()
    }

    /// The WasmPlugins in a phase.
    pub(crate) async fn plugins(&self, phase: &str) -> Vec<Value> {
        let (version, kind) = ("extensions.istio.io/v1alpha1", "WasmPlugin");
        let mut plugins = self.kubernetes.list(version, kind).await;
        plugins.retain(|plugin| plugin["spec"]["phase"] == phase);
        for plugin in &mut plugins {
            plugin["apiVersion"] = version.into();
            plugin["kind"] = kind.into();
        }
        plugins
    }

    /// The EnvoyFilters that control has made.
    pub(crate) async fn envoy_filters(&self) -> Vec<Value> {
        let (version, kind) = ("networking.istio.io/v1alpha3", "EnvoyFilter");
        let mut filters = self.kubernetes.list(version, kind).await;
        filters.retain(|filter| filter["metadata"]["labels"][MANAGED_BY] == PROGRAM);
        for filter in &mut filters {
            filter["apiVersion"] = version.into();
            filter["kind"] = kind.into();
        }
        filters
    }

    /// Runs a command line of a user, which must end well. Gives what it prints.
    pub(crate) async fn run(&self, line: &str) -> String {
        let ended = self.try_run(line).await;
        assert!(ended.well, "{line}: {}", ended.err);
        ended.out
    }

    /// Waits until all workers of its Envoy serve.
    pub(crate) async fn until_serving(&self) {
        until("the gateway serves", CONSEQUENCE, || async {
            for _ in 0..EVERY_WORKER {
                if self.status().await? != 200 {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }

    /// The same whether it ends well or not.
    pub(crate) async fn try_run(&self, line: &str) -> Ended {
        shell(&self.kubernetes, line).await
    }

    /// Applies a manifest of the guides as they say: by a shell, which puts the token in.
    pub(crate) async fn apply(&self, name: &str) {
        let text = example(name);
        let token = token('l');
        self.run(&format!(
            "export GITHUB_PAT={token}\nkubectl apply -f - <<EOF\n{text}EOF"
        ))
        .await;
    }

    /// Says where the server of a ServiceEntry of the guides is on this machine, and leaves all else as it is.
    pub(crate) async fn lead_here(&self, entry: &str) {
        let port = self.server.address().port();
        let here =
            json!({"spec": {"endpoints": [{"address": "127.0.0.1", "ports": {"https": port}}]}});
        self.run(&format!(
            "kubectl patch serviceentry {entry} -n mcp-test --type merge -p '{here}'"
        ))
        .await;
    }

    /// Has the gateway trust the certificate of the server, as if a public authority had signed it.
    pub(crate) async fn trust(&self) {
        let file = self.authority.file().display().to_string();
        let trust = own("trust.yaml", &[("${AUTHORITY}", file)]);
        self.kubernetes.apply(&trust).await;
    }

    /// Waits until a registration is Ready, or why it is not. Gives it.
    pub(crate) async fn until_ready(&self, name: &str, status: &str, reason: &str) -> Value {
        let kind = ("mcp.kuadrant.io/v1", "MCPServerRegistration");
        self.until_condition(kind, name, (status, reason)).await
    }

    /// The same of a registration of this version and kind.
    pub(crate) async fn until_condition(
        &self,
        (version, kind): (&str, &str),
        name: &str,
        (status, reason): (&str, &str),
    ) -> Value {
        let registration = json!({
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name, "namespace": "mcp-test"},
        });
        let wanted = |object: &Value| {
            let ready = ready(object)?;
            let is_wanted = ready["status"] == status && ready["reason"] == reason;
            is_wanted.then(|| object.clone())
        };
        let what = format!("{name} is Ready={status} {reason}");
        self.kubernetes
            .until_object(&what, &registration, wanted)
            .await
    }

    /// Waits until the MCPGatewayExtension is Ready, or why it is not, with these words among others. Gives all.
    pub(crate) async fn until_extension(&self, status: &str, reason: &str, words: &str) -> String {
        self.until_extensions("Ready", [status, reason, words])
            .await
    }

    /// Waits until the gateway serves what it was given, or does not.
    pub(crate) async fn until_programmed(&self, status: &str, reason: &str) -> String {
        self.until_extensions("Programmed", [status, reason, ""])
            .await
    }

    async fn until_extensions(&self, kind: &str, [status, reason, words]: [&str; 3]) -> String {
        let extension = json!({
            "apiVersion": "mcp.kuadrant.io/v1",
            "kind": "MCPGatewayExtension",
            "metadata": {"name": "mcp-gateway", "namespace": "gateway-system"},
        });
        let what = format!("the MCPGatewayExtension is {kind}={status} {reason}");
        let wanted = |object: &Value| {
            let conditions = object["status"]["conditions"].as_array()?;
            let mut conditions = conditions.iter();
            let told = conditions.find(|condition| condition["type"] == kind)?;
            let message = told["message"].as_str()?;
            let is_wanted = told["status"] == status && told["reason"] == reason;
            (is_wanted && message.contains(words)).then(|| message.to_owned())
        };
        self.kubernetes
            .until_object(&what, &extension, wanted)
            .await
    }

    /// A client without session and token.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address(), Protocol::Http1).naming(HOST)
    }

    /// The status with which the gateway answers a ping, over a connection of its own.
    pub(crate) async fn status(&self) -> Option<u16> {
        let client = self.client();
        let ping = client.post(PING);
        let answer = ping.try_open(client.address, client.protocol).await;
        Some(answer.ok()?.status)
    }

    /// The tools that the server itself lists.
    pub(crate) async fn offered(&self) -> Vec<String> {
        let bearer = format!("Bearer {}", token('l'));
        let direct = Client::new(self.github.address(), Protocol::Http1);
        let direct = direct.header("authorization", bearer);
        direct.list("tools/list", "tools").await
    }

    /// Waits until the gateway lists tools. Gives them.
    pub(crate) async fn until_listed(&self) -> Vec<String> {
        until("the gateway lists tools", CONSEQUENCE, || async {
            if self.status().await? != 200 {
                return None;
            }
            let listed = self.client().list("tools/list", "tools").await;
            (!listed.is_empty()).then_some(listed)
        })
        .await
    }

    /// Waits until the gateway lists no tools.
    pub(crate) async fn until_none_listed(&self) {
        until("the tools are gone", CONSEQUENCE, || async {
            let listed = self.client().list("tools/list", "tools").await;
            listed.is_empty().then_some(())
        })
        .await;
    }

    /// The log of control alone.
    pub(crate) fn told(&self) -> Vec<String> {
        let control = self.control.as_ref().expect("control runs");
        control.process().lines()
    }

    /// Waits until control's log has a line with these words in this order, as `grep` finds it with `.*` between them.
    pub(crate) async fn until_told(&self, words: &[&str]) {
        let control = self.control.as_ref().expect("control runs");
        let found = |line: &str| {
            let mut words = words.iter();
            let rest = words.try_fold(line, |rest, word| Some(rest.split_once(word)?.1));
            rest.map(drop)
        };
        control.process().line(&words.join("...")[..], found).await;
    }
}

/// An image of the same name that no registry has.
pub(crate) fn absent(image: &str) -> String {
    let (name, _) = image.split_once('@').expect("a digest");
    format!("{name}@sha256:{}", "0".repeat(64))
}

/// The folder that installs control so that it attaches the filter by this.
fn install(attach: &str) -> &'static str {
    match attach {
        "envoyfilter" => "wasmplugin/install-envoyfilter",
        _ => "wasmplugin/install",
    }
}

/// Who GitHub's server says that the owner of a token is.
pub(crate) async fn login_of(managed: &Managed, letter: char) -> Option<String> {
    let client = managed.client().header("x-github-pat", token(letter));
    let reply = client.call("github_get_me", json!({})).await;
    let text = reply.message()["result"]["content"][0]["text"].clone();
    let me: Value = serde_json::from_str(text.as_str()?).ok()?;
    me["login"].as_str().map(str::to_owned)
}

/// Waits until the policy of the route holds: the owner of a token acts as himself.
pub(crate) async fn until_login(managed: &Managed, letter: char) {
    until("the policy holds", CONSEQUENCE, || async {
        (login_of(managed, letter).await? == login(&token(letter))).then_some(())
    })
    .await;
}

/// The condition `Ready` of a registration.
pub(crate) fn ready(registration: &Value) -> Option<&Value> {
    let conditions = registration["status"]["conditions"].as_array()?;
    conditions
        .iter()
        .find(|condition| condition["type"] == "Ready")
}

impl Drop for Managed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let control = self.control.iter().map(Control::process);
            eprintln!("{}", self.logs(control.chain([self.proxy.process()])));
        }
    }
}
