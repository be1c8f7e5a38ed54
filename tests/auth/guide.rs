//! What the newer guide applies, file by file, to a gateway in local mode that stands before GitHub's own server.

use std::time::Duration;

use harness::caller::{Protocol, Request};
use harness::gateway::{Gateway, Role};
use harness::github::{GitHub, token};
use harness::keycloak::{Keycloak, Realm};
use harness::manifests::{Manifests, gateway_policy};
use harness::message::Reply;
use harness::sessions::Client;
use harness::wait::until;
use serde_json::json;

/// A manifest of the examples: its name and its text.
macro_rules! example {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../examples/github/", $name)),
        )
    };
}

/// What the guide takes for granted, and its part 1. These say nothing of where the server is.
const PART_1: [(&str, &str); 6] = [
    example!("platform/namespaces.yaml"),
    example!("platform/gateway.yaml"),
    example!("platform/extension.yaml"),
    example!("part-1/step-3-http-route.yaml"),
    example!("part-1/step-4-secret.yaml"),
    example!("part-1/step-5-registration.yaml"),
];
const SERVICE_ENTRY: &str = example!("part-1/step-1-service-entry.yaml").1;
const DESTINATION_RULE: &str = example!("part-1/step-2-destination-rule.yaml").1;
const STEP_9: &str = example!("part-2/step-9-route-policy.yaml").1;

const GATEWAY: &str = "http://mcp.127-0-0-1.sslip.io:8001";

/// Longer takes no change, however busy the machine is.
const LATE: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug)]
pub(crate) struct Guide {
    pub(crate) gateway: Gateway,
    pub(crate) github: GitHub,
}

impl Guide {
    /// Its part 1, on a gateway that trusts Keycloak's certificate.
    pub(crate) async fn start(role: Role, keycloak: &Keycloak) -> Self {
        let github = GitHub::start().await;
        let port = github.address().port();
        let files = PART_1.map(|(name, text)| (name.rsplit('/').next().unwrap_or(name), text));
        let manifests = Manifests::of(files)
            .file("step-1-service-entry.yaml", &leading_here(port))
            .file("step-2-destination-rule.yaml", &without_tls())
            .trust(keycloak.authority());
        let pat = token('d');
        let gateway = Gateway::start_with(role, &manifests, &[("GITHUB_PAT", &pat)]).await;
        Self { gateway, github }
    }

    /// Where its clients find the gateway.
    pub(crate) fn origin(&self) -> String {
        GATEWAY.replace("8001", &self.gateway.address().port().to_string())
    }

    /// Its endpoint.
    pub(crate) fn url(&self) -> String {
        format!("{}/mcp", self.origin())
    }

    /// Step 8, for the issuer of this realm. Who has no token is refused from now on.
    pub(crate) async fn apply_step_8(&self, keycloak: &Keycloak, realm: Realm) {
        let policy = gateway_policy(&keycloak.issuer(realm));
        let policy = replaced(&policy, GATEWAY, &self.origin());
        self.gateway.write("step-8-gateway-policy.yaml", &policy);
        until("who has no token is refused", LATE, || async {
            (self.anonymous().await.status == 401).then_some(())
        })
        .await;
    }

    /// Step 9. Who sends no PAT is refused from now on.
    pub(crate) fn apply_step_9(&self) {
        self.gateway.write("step-9-route-policy.yaml", STEP_9);
    }

    /// The last two lines of the guide.
    pub(crate) async fn delete_part_2(&self) {
        self.gateway.remove("step-8-gateway-policy.yaml");
        self.gateway.remove("step-9-route-policy.yaml");
        until("nobody is refused", LATE, || async {
            let reply = self.get_me().await;
            (reply.status == 200).then_some(())
        })
        .await;
    }

    /// The answer to who asks for tools and has no token.
    pub(crate) async fn anonymous(&self) -> Reply {
        let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        let request = Request::post(list.to_string());
        request.send(self.gateway.address(), Protocol::Http1).await
    }

    /// The answer to who calls and has neither token nor PAT.
    pub(crate) async fn get_me(&self) -> Reply {
        let client = Client::new(self.gateway.address(), Protocol::Http1);
        client.call("github_get_me", json!({})).await
    }

    /// Lists are everybody's, and GitHub's server refuses calls, for they have no credential.
    pub(crate) async fn assert_is_part_1(&self) {
        let listed = self.anonymous().await;
        assert_eq!(listed.status, 200, "{}", listed.shown());
        assert!(
            listed.text().contains("\"github_get_me\""),
            "{}",
            listed.shown()
        );
        let called = self.get_me().await;
        let error = called.message()["error"]["message"].to_string();
        let is_the_servers = error.contains("mcp-test/github") && error.contains("401");
        assert!(is_the_servers, "{}", called.shown());
    }
}

/// The ServiceEntry of step 1, with the server on this machine, which speaks no TLS.
fn leading_here(port: u16) -> String {
    let entry = replaced(
        SERVICE_ENTRY,
        "    name: https\n    protocol: HTTPS\n",
        "    name: http\n    protocol: HTTP\n",
    );
    let endpoints =
        format!("STATIC\n  endpoints:\n  - address: 127.0.0.1\n    ports:\n      http: {port}\n");
    replaced(&entry, "DNS\n", &endpoints)
}

/// The DestinationRule of step 2 for such a server.
fn without_tls() -> String {
    let (rule, _) = DESTINATION_RULE
        .split_once("    tls:\n")
        .expect("settings of TLS");
    rule.to_owned()
}

fn replaced(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{text}");
    text.replace(old, new)
}
