//! An OCI registry: the one of the distribution project.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::authority::{Authority, Identity};
use crate::component;
use crate::gateway::temporary_folder;
use crate::port::Port;
use crate::process::{Process, command};

/// See the module. Ends when dropped, with all that it holds.
#[derive(Debug)]
pub struct Registry {
    // Ended before its folder goes: fields are dropped in order.
    process: Process,
    port: Port,
    folder: TempDir,
    identity: Option<Identity>,
    guard: Option<Guard>,
}

/// What lets a client into a registry that speaks TLS and wants a login.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The user who may read and write.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// Docker's `config.json` with both.
    pub logins: PathBuf,
    /// The file with the certificate of the authority.
    pub authority: PathBuf,
}

impl Registry {
    /// Starts an empty one.
    pub async fn start() -> Self {
        Self::empty(None).await
    }

    /// Starts an empty one that speaks TLS, and wants a login, which is its own choice.
    pub async fn guarded(authority: &Authority) -> Self {
        let identity = authority.server("registry.example.com");
        let mut registry = Self::empty(Some(identity)).await;
        let login = registry.process.line("its login", |line| {
            let word = |name: &str| {
                let (_, rest) = line.split_once(&format!("{name}="))?;
                Some(rest.split_whitespace().next()?.trim_matches('"').to_owned())
            };
            line.contains("htpasswd").then_some(())?;
            Some((word("user")?, word("password")?))
        });
        let (user, password) = login.await;
        let pair = STANDARD.encode(format!("{user}:{password}"));
        let logins = json!({"auths": {registry.authority(): {"auth": pair}}});
        let file = registry.folder.path().join("config.json");
        fs::write(&file, logins.to_string()).unwrap();
        registry.guard = Some(Guard {
            user,
            password,
            logins: file,
            authority: authority.file(),
        });
        registry
    }

    async fn empty(identity: Option<Identity>) -> Self {
        let (port, folder) = (Port::hold(), temporary_folder("registry"));
        Self {
            process: run(&port, folder.path(), identity.as_ref()).await,
            port,
            folder,
            identity,
            guard: None,
        }
    }

    /// What lets a client in, where it takes that.
    pub fn guard(&self) -> Option<&Guard> {
        self.guard.as_ref()
    }

    /// Ends it at once.
    pub async fn kill(&self) {
        self.process.signal(Signal::KILL);
        self.process.ended().await;
    }

    /// Starts another after [`Registry::kill`], in its place and with what it held.
    pub async fn start_again(&mut self) {
        self.process = run(&self.port, self.folder.path(), self.identity.as_ref()).await;
    }

    /// `ADDR:PORT`, as it stands in names of images.
    pub fn authority(&self) -> String {
        self.port.address().to_string()
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Pushes an image in the form of OCI's image layout, and gives its name with its digest.
    pub async fn push(&self, name: &str, layout: &Path) -> String {
        let mut push = self.crane("push");
        push.arg(layout)
            .arg(format!("{}/{name}:tests", self.authority()));
        finish("crane push", push).await.trim().to_owned()
    }

    /// An image like another in it, with one annotation more, or another value of it. Gives its name with its digest.
    pub async fn annotated(&self, image: &str, key: &str, value: &str) -> String {
        let mut mutate = self.crane("mutate");
        mutate.args([image, "--annotation"]);
        // Several values stand in quotes.
        mutate.arg(format!("\"{key}={value}\""));
        finish("crane mutate", mutate).await.trim().to_owned()
    }

    /// Takes away an image that has this name with its digest.
    pub async fn delete(&self, image: &str) {
        let mut delete = self.crane("delete");
        delete.arg(image);
        finish("crane delete", delete).await;
    }

    fn crane(&self, verb: &str) -> Command {
        let mut crane = command(&component::crane());
        crane.arg(verb);
        match &self.guard {
            Some(guard) => crane
                .env("DOCKER_CONFIG", self.folder.path())
                .env("SSL_CERT_FILE", &guard.authority),
            None => crane.arg("--insecure"),
        };
        crane
    }
}

async fn run(port: &Port, folder: &Path, identity: Option<&Identity>) -> Process {
    let mut config = json!({
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": folder.join("data")}, "delete": {"enabled": true}},
        "http": {"addr": port.address().to_string()},
    });
    if let Some(identity) = identity {
        let [certificate, key] = identity.write(folder);
        config["http"]["tls"] = json!({"certificate": certificate, "key": key});
        // Where there is no such file, it makes a user of its own.
        // Istio's agent lets itself be asked for a login only in the name of an address.
        let realm = "https://registry.example.com";
        config["auth"] = json!({"htpasswd": {"realm": realm, "path": folder.join("htpasswd")}});
    }
    let file = folder.join("config.yaml");
    // JSON is YAML.
    fs::write(&file, config.to_string()).unwrap();
    let mut registry = command(&component::registry());
    registry.arg("serve").arg(&file).env_clear();
    let process = Process::start("registry", registry).await;
    let is_serving = |line: &str| line.contains("listening on ").then_some(());
    process.line("that it serves", is_serving).await;
    process
}

/// What a command prints that ends by itself, and well.
async fn finish(name: &str, mut command: Command) -> String {
    let output = command.output().await.expect("a command that starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}
