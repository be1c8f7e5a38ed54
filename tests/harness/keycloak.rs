//! Keycloak, with the realm of the examples: users log in there by its forms.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::authority::Authority;
use crate::clients::{Login, Visit};
use crate::component;
use crate::gateway::temporary_folder;
use crate::github::token;
use crate::port::Port;
use crate::process::{Process, command};

/// Says its address, so no name server is asked for it.
pub const HOST: &str = "keycloak.127-0-0-1.sslip.io";

/// It takes 20 seconds, on a busy machine three times as long.
const START: Duration = Duration::from_secs(150);

/// A realm, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Realm {
    /// That of the examples, as it is.
    Mcp,
    /// The same, but its tokens last one second.
    Brief,
}

impl Realm {
    fn name(self) -> &'static str {
        match self {
            Self::Mcp => "mcp",
            Self::Brief => "brief",
        }
    }
}

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct Keycloak {
    // Ended before its folder goes: fields are dropped in order.
    process: Process,
    port: Port,
    authority: Authority,
    _home: TempDir,
}

impl Keycloak {
    /// Starts one and waits until it serves both realms, by TLS.
    pub async fn start() -> Self {
        let (port, authority) = (Port::hold(), Authority::new());
        let home = temporary_folder("keycloak");
        authority.server(HOST).write(home.path());
        import(home.path());
        let mut program = command(&component::file("../scripts/toolchain/keycloak"));
        program
            .arg(component::keycloak())
            .arg(home.path())
            .arg(port.number().to_string());
        let process = Process::start("Keycloak", program).await;
        let serves = |line: &str| line.contains("Listening on").then_some(());
        process
            .line_within(START, (0, "that it listens"), serves)
            .await;
        Self {
            process,
            port,
            authority,
            _home: home,
        }
    }

    /// The issuer of the tokens of this realm.
    pub fn issuer(&self, realm: Realm) -> String {
        format!(
            "https://{HOST}:{}/realms/{}",
            self.port.number(),
            realm.name()
        )
    }

    /// The steps of a client that logs in and calls, at the gateway with this origin.
    pub fn login(&self, gateway: &str) -> Vec<String> {
        let issuer = self.issuer(Realm::Mcp);
        let path = "/realms/mcp";
        let host = issuer.strip_suffix(path).expect("the realm's path");
        vec![
            format!("POST {gateway}/mcp 401"),
            format!("GET {gateway}/.well-known/oauth-protected-resource/mcp 200"),
            format!("GET {host}/.well-known/oauth-authorization-server{path} 200"),
            format!("POST {issuer}/clients-registrations/openid-connect 201"),
            format!("GET {issuer}/protocol/openid-connect/auth 200"),
            format!("POST {issuer}/login-actions/authenticate 302"),
            format!("POST {issuer}/login-actions/consent 302"),
            format!("POST {issuer}/protocol/openid-connect/token 200"),
            format!("POST {gateway}/mcp 200"),
        ]
    }

    /// Who vouches for its certificate.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

/// A user of the realm, whose password is the name, with the PAT made from a letter.
pub fn user(name: &str, letter: char) -> Login<'_> {
    let visit = Visit {
        headers: json!({"x-github-pat": token(letter)}),
        tool: "github_get_me",
        arguments: json!({}),
    };
    Login {
        user: name,
        password: Some(name),
        scope: None,
        calls: 1,
        refreshes: 0,
        visit,
    }
}

/// Puts the realms where Keycloak looks for them when it starts.
fn import(home: &Path) {
    let folder = home.join("data/import");
    fs::create_dir_all(&folder).expect("a folder");
    let example = component::file("../examples/github/keycloak/mcp-realm.json");
    let example = fs::read_to_string(example).expect("the realm of the examples");
    let mut brief: Value = serde_json::from_str(&example).expect("a realm in JSON");
    brief["realm"] = json!(Realm::Brief.name());
    brief["accessTokenLifespan"] = json!(1);
    for (realm, text) in [(Realm::Mcp, example), (Realm::Brief, brief.to_string())] {
        let file = folder.join(format!("{}-realm.json", realm.name()));
        fs::write(file, text).expect("a realm written");
    }
}
