//! The roles of the install: control asks for all that they grant, and for nothing else.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use harness::control::{Control, NAMESPACE};
use harness::deployment::Deployment;
use harness::kubectl::shell;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use serde_json::{Value, json};

use crate::keys;
use crate::poison::policies;
use crate::virtual_servers::virtual_server;
use crate::world::{World, assert_says, object, registration};

/// What a user is told to run whose namespace is closed.
const OPEN_SECRETS: &str = "kubectl apply -n mcp-test -k wasmplugin/install/secrets";

const AUTHORITY: &str = include_str!("../../control/src/index/tests/authority.pem");

/// Group, resource with its subresource, and verb.
type Permission = (String, String, String);

tests! {
    async fn control_asks_for_all_that_its_roles_grant_and_for_nothing_else() {
        let world = World::start().await;
        world.kubernetes.define(&policies()).await;
        let roles = install(&world).await;
        let account = Deployment::installed().await.account();
        let kubeconfig = world.kubernetes.kubeconfig_of(NAMESPACE, account).await;
        let control = Control::start(&kubeconfig, "one", &[]).await;
        let tools = vec![Tool::new("greet", Answer::Echo)];
        let upstream = Upstream::start(Script::with_tools(tools)).await;
        let server = Server::new("echo", upstream.address()).credential("Bearer token");
        world.apply(&server).await;
        pin(&world, upstream.address()).await;
        for (name, secret, reason) in [
            ("echo", "echo-token", "CredentialNotFound"),
            ("pinned", "authority", "CertificateInvalid"),
        ] {
            let told = world.until_ready(name, "False", reason).await;
            let secret = format!("Secret mcp-test/{secret} cannot be read");
            assert_says(&told, &[&secret, "no Secret of namespace mcp-test can", OPEN_SECRETS]);
        }
        open_secrets(&world).await;
        for name in ["echo", "pinned"] {
            world.until_ready(name, "True", "Ready").await;
        }
        // The same event twice is one that is counted.
        for _ in 0..2 {
            for (state, status, reason) in [("Disabled", "False", "Disabled"), ("Enabled", "True", "Ready")] {
                world.kubernetes.edit(&registration("echo"), json!({"spec": {"state": state}})).await;
                world.until_ready("echo", status, reason).await;
            }
        }
        world.kubernetes.submit(older()).await.unwrap();
        let is_told = |object: &Value| object["status"]["conditions"][0]["reason"].as_str().map(drop);
        world.kubernetes.until_object("the older kind has a status", &older(), is_told).await;
        world.kubernetes.submit(virtual_server("few", &["echo_greet"])).await.unwrap();
        world.kubernetes.until_object("the virtual server has a status", &virtual_server("few", &[]), is_told).await;
        let extension = json!({
            "apiVersion": "mcp.kuadrant.io/v1",
            "kind": "MCPGatewayExtension",
            "metadata": {"name": "mcp-gateway", "namespace": "gateway-system"},
        });
        let extensions = world.kubernetes.list("mcp.kuadrant.io/v1", "MCPGatewayExtension").await;
        assert_eq!(extensions[0]["metadata"]["name"], extension["metadata"]["name"]);
        let plugins = world.plugins().await;
        world.kubernetes.delete(&extension).await;
        for plugin in &plugins {
            let is_gone = |object: &Value| object.is_null().then_some(());
            world.kubernetes.until_object("a plugin goes", plugin, is_gone).await;
        }
        control.stop().await;
        keys::age(&world, &[40 * 24]).await;
        let control = Control::start(&kubeconfig, "two", &[]).await;
        let is_rotated = |secret: &Value| (keys::of(secret).len() == 2).then_some(());
        world.kubernetes.until_object("the keys are rotated", &keys::secret(), is_rotated).await;
        control.stop().await;

        let events = world.kubernetes.asked_by(NAMESPACE, account);
        let refused: Vec<_> = events
            .iter()
            .filter(|event| event["responseStatus"]["code"] == 403)
            .map(asked)
            .collect();
        let secrets = |verb: &str| (String::new(), "secrets".to_owned(), verb.to_owned());
        assert!(
            refused.iter().flatten().all(|one| *one == secrets("list") || *one == secrets("watch")),
            "but for Secrets before they were opened: {refused:?}"
        );
        let asked: BTreeSet<_> = events.iter().flat_map(|event| asked(event).into_iter().chain(made(event))).collect();
        let granted: BTreeSet<_> = roles.iter().flat_map(granted).collect();
        let unused: Vec<_> = granted.difference(&asked).collect();
        let beyond: Vec<_> = asked.difference(&granted).collect();
        assert!(unused.is_empty() && beyond.is_empty(), "granted in vain: {unused:?}; asked beyond: {beyond:?}");
    }
}

/// Applies what the install grants, and to whom. Gives the roles.
async fn install(world: &World) -> Vec<Value> {
    let folders = ["wasmplugin/install", "wasmplugin/install/secrets"];
    let mut roles = Vec::new();
    for (folder, is_applied) in folders.into_iter().zip([true, false]) {
        let rendered = shell(&world.kubernetes, &format!("kubectl kustomize {folder}")).await;
        assert!(rendered.well, "{}", rendered.err);
        let objects: Vec<Value> = serde_saphyr::from_multiple(&rendered.out).unwrap();
        for object in objects {
            let kind = object["kind"].as_str().unwrap();
            if is_applied && (kind == "ServiceAccount" || kind.contains("Role")) {
                world.kubernetes.submit(object.clone()).await.unwrap();
            }
            if kind == "Role" || kind == "ClusterRole" {
                roles.push(object);
            }
        }
    }
    roles
}

/// As a user does it whose namespace has registrations with credentials.
async fn open_secrets(world: &World) {
    let ended = shell(&world.kubernetes, OPEN_SECRETS).await;
    assert!(ended.well, "{}", ended.err);
}

/// Applies a server whose registration names a certificate.
async fn pin(world: &World, address: SocketAddr) {
    let mut authority = object("v1", "Secret", "authority");
    authority["metadata"]["labels"] = json!({"mcp.kuadrant.io/secret": "true"});
    authority["stringData"] = json!({"ca.crt": AUTHORITY});
    world.kubernetes.submit(authority).await.unwrap();
    world.apply(&Server::new("pinned", address)).await;
    let pinned = json!({"spec": {"caCertSecretRef": {"name": "authority"}}});
    world.kubernetes.edit(&registration("pinned"), pinned).await;
}

/// One that leads nowhere.
fn older() -> Value {
    json!({
        "apiVersion": "mcp.kagenti.com/v1alpha1",
        "kind": "MCPServer",
        "metadata": {"name": "older", "namespace": "mcp-test"},
        "spec": {"targetRef": {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "none"}},
    })
}

fn granted(role: &Value) -> Vec<Permission> {
    let texts = |value: &Value| -> Vec<String> {
        let values = value.as_array().unwrap().iter();
        values
            .map(|value| value.as_str().unwrap().to_owned())
            .collect()
    };
    let mut granted = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    granted.push((group.clone(), resource.clone(), verb));
                }
            }
        }
    }
    granted
}

/// What an event of the audit log asked for; nothing where that was no resource, such as the kinds that there are.
fn asked(event: &Value) -> Option<Permission> {
    let object = &event["objectRef"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let resource = object["resource"].as_str()?;
    let resource = match object["subresource"].as_str() {
        Some(subresource) => format!("{resource}/{subresource}"),
        None => resource.to_owned(),
    };
    Some((text(&object["apiGroup"]), resource, text(&event["verb"])))
}

/// An apply that makes the object needs the permission to create it, too.
fn made(event: &Value) -> Option<Permission> {
    let (group, resource, verb) = asked(event)?;
    let is_made = verb == "patch" && event["responseStatus"]["code"] == 201;
    is_made.then(|| (group, resource, "create".to_owned()))
}
