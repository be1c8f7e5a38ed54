//! npm's `oidc-provider`, at which users log in by themselves: clients register, send their users there, get tokens for
//! the resource that they name, and refresh them.

use std::net::SocketAddr;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::authority::{Authority, Identity};
use crate::caller::{Protocol, Request};
use crate::component;
use crate::gateway::temporary_folder;
use crate::message::Reply;
use crate::port::Port;
use crate::process::{Process, command};

/// Says its address, so no name server is asked for it.
pub const HOST: &str = "login.127-0-0-1.sslip.io";

/// How long after its end Envoy still takes a token, in seconds.
const ENVOYS_TOLERANCE: u32 = 60;

/// Of its issuer.
const PATH: &str = "/realms/mcp";

/// An algorithm of signatures (RFC 7518, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA with P-256.
    Es256,
    /// RSA.
    Rs256,
}

/// What a provider is to be like.
#[derive(Clone, Debug)]
pub struct Setup {
    algorithm: Algorithm,
    lifetime: u32,
    behind: u32,
    users: Value,
    identity: Option<Identity>,
    keeps_keys: bool,
}

impl Setup {
    /// Plain HTTP, RS256, and tokens for ten minutes.
    pub fn new() -> Self {
        Self {
            algorithm: Algorithm::Rs256,
            lifetime: 600,
            behind: 0,
            users: json!({}),
            identity: None,
            keeps_keys: false,
        }
    }

    /// Signs by another algorithm.
    #[must_use]
    pub fn signing(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Envoy takes its tokens for so many seconds: its clock is behind by as much as Envoy lets clocks differ.
    #[must_use]
    pub fn good_for(self, seconds: u32) -> Self {
        Self {
            lifetime: seconds,
            behind: ENVOYS_TOLERANCE,
            ..self
        }
    }

    /// The tokens of this user have these claims, too.
    #[must_use]
    pub fn user(mut self, login: &str, claims: Value) -> Self {
        self.users[login] = claims;
        self
    }

    /// Speaks TLS, with a certificate of this authority.
    #[must_use]
    pub fn tls(self, authority: &Authority) -> Self {
        Self {
            identity: Some(authority.server(HOST)),
            ..self
        }
    }

    /// Has the same keys when it is started again.
    #[must_use]
    pub fn keeping_keys(self) -> Self {
        Self {
            keeps_keys: true,
            ..self
        }
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct OidcProvider {
    // Ended before its folder goes: fields are dropped in order.
    process: Process,
    port: Port,
    admin: Port,
    setup: Setup,
    folder: TempDir,
}

impl OidcProvider {
    /// Starts one and waits until it listens.
    pub async fn start(setup: Setup) -> Self {
        let (port, admin) = (Port::hold(), Port::hold());
        let folder = temporary_folder("oidc-provider");
        Self {
            process: run(&told(&setup, [&port, &admin], &folder)).await,
            port,
            admin,
            setup,
            folder,
        }
    }

    /// Its issuer: the claim `iss` of its tokens.
    pub fn issuer(&self) -> String {
        issuer(&self.setup, &self.port)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// What it has at this path behind its issuer's, where it speaks plain HTTP.
    pub async fn get(&self, path: &str) -> Reply {
        self.ask(&format!("{PATH}{path}")).await
    }

    /// Its metadata at their place by RFC 8414, where it speaks plain HTTP.
    pub async fn metadata(&self) -> Value {
        let place = format!("/.well-known/oauth-authorization-server{PATH}");
        serde_json::from_str(self.ask(&place).await.text()).expect("metadata")
    }

    /// The value of `Authorization` with a token of this user, signed with the key of now.
    pub async fn bearer(&self, user: &str) -> String {
        let reply = self.ask_admin(&format!("/tokens/{user}")).await;
        assert_eq!(reply.status, 200, "{}", reply.shown());
        format!("Bearer {}", reply.text())
    }

    /// Signs with a new key from now on. The ones before are still published.
    pub async fn rotate_keys(&self) {
        self.order("/keys/rotate").await;
    }

    /// Has a new key from now on, and no other.
    pub async fn replace_keys(&self) {
        self.order("/keys/replace").await;
    }

    /// Answers 500 to who asks for its keys, until [`OidcProvider::publish_keys`].
    pub async fn withhold_keys(&self) {
        self.order("/keys/withhold").await;
    }

    /// Tells its keys again.
    pub async fn publish_keys(&self) {
        self.order("/keys/publish").await;
    }

    /// Ends it at once.
    pub async fn kill(&self) {
        self.process.signal(Signal::KILL);
        self.process.ended().await;
    }

    /// Starts another after [`OidcProvider::kill`], in its place. It knows nothing of the clients and tokens of the one
    /// before.
    pub async fn start_again(&mut self) {
        let ports = [&self.port, &self.admin];
        self.process = run(&told(&self.setup, ports, &self.folder)).await;
    }

    /// The process. It prints a line for each request: method, path and status.
    pub fn process(&self) -> &Process {
        &self.process
    }

    async fn order(&self, path: &str) {
        let reply = self.ask_admin(path).await;
        assert_eq!(reply.status, 204, "{path}: {}", reply.shown());
    }

    async fn ask_admin(&self, path: &str) -> Reply {
        let request = Request::bare("POST").path(path);
        request.send(self.admin.address(), Protocol::Http1).await
    }

    async fn ask(&self, path: &str) -> Reply {
        let authority = format!("{HOST}:{}", self.port.number());
        let request = Request::bare("GET").host(&authority).path(path);
        request.send(self.address(), Protocol::Http1).await
    }
}

fn issuer(setup: &Setup, port: &Port) -> String {
    let scheme = if setup.identity.is_some() {
        "https"
    } else {
        "http"
    };
    format!("{scheme}://{HOST}:{}{PATH}", port.number())
}

/// The settings, as the program takes them.
fn told(setup: &Setup, [port, admin]: [&Port; 2], folder: &TempDir) -> Value {
    let algorithm = match setup.algorithm {
        Algorithm::Es256 => "ES256",
        Algorithm::Rs256 => "RS256",
    };
    let mut told = json!({
        "issuer": issuer(setup, port),
        "port": port.number(),
        "adminPort": admin.number(),
        "algorithm": algorithm,
        "lifetime": setup.lifetime,
        "behind": setup.behind,
        "users": setup.users,
    });
    if let Some(identity) = &setup.identity {
        let [certificate, key] = identity.write(folder.path());
        told["tls"] = json!({"certificate": certificate, "key": key});
    }
    if setup.keeps_keys {
        told["keys"] = json!(folder.path().join("keys.json"));
    }
    told
}

async fn run(told: &Value) -> Process {
    let mut node = command(&component::node());
    node.arg(component::file("node/oidc-provider.mjs"))
        .arg(told.to_string())
        .env("MCP_TEST_NPM_PACKAGES", component::npm_packages());
    let process = Process::start("oidc-provider", node).await;
    process
        .line("that it listens", |line| (line == "ready").then_some(()))
        .await;
    process
}
