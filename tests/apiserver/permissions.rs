//! The roles of the install: control asks for all that they grant, and for nothing else.

use std::net::SocketAddr;

use harness::component;
use harness::control::{Control, NAMESPACE};
use harness::deployment::Deployment;
use harness::install::{OPEN_SECRETS, grant, open_secrets, rendered};
use harness::kubectl::shell;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::{Value, json};

use crate::auth_policies;
use crate::keys;
use crate::poison::policies;
use crate::rights::{Grant, Request};
use crate::virtual_servers::virtual_server;
use crate::world::{CONSEQUENCE, World, assert_says, namespace, object, registration};

const AUTHORITY: &str = include_str!("../../control/src/index/tests/authority.pem");

tests! {
    async fn control_asks_for_all_that_its_roles_grant_and_for_nothing_else() {
        let world = World::start().await;
        let mut roles = grant(&world.kubernetes, &["wasmplugin/install"]).await;
        roles.push(role_of_secrets(&world).await);
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
        open_secrets(&world.kubernetes).await;
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
        let mut again = extension.clone();
        again["spec"] = world.kubernetes.read(&extension).await["spec"].clone();
        world.kubernetes.delete(&extension).await;
        for plugin in &plugins {
            let is_gone = |object: &Value| object.is_null().then_some(());
            world.kubernetes.until_object("a plugin goes", plugin, is_gone).await;
        }
        control.stop().await;
        keys::age(&world, &[40 * 24]).await;
        // The first control has looked for their definition in vain, the second one lists them.
        auth_policies::define(&world).await;
        let control = Control::start(&kubeconfig, "two", &[]).await;
        control.until_watching().await;
        world.kubernetes.submit(again).await.unwrap();
        auth_policies::see_one_through(&world).await;
        let is_rotated = |secret: &Value| (keys::of(secret).len() == 2).then_some(());
        world.kubernetes.until_object("the keys are rotated", &keys::secret(), is_rotated).await;
        control.stop().await;

        let events = world.kubernetes.asked_by(NAMESPACE, account);
        let refused: Vec<_> = refused(&events);
        assert!(
            refused.iter().all(|one| one.follows_secrets("mcp-test")),
            "but for Secrets before they were opened: {refused:?}"
        );
        assert_exact(&roles, &events);
    }

    async fn with_all_secrets_open_no_namespace_has_to_be() {
        let world = World::start().await;
        world.kubernetes.define(&policies()).await;
        let roles = grant(&world.kubernetes, &["wasmplugin/install", "wasmplugin/install/all-secrets"]).await;
        let account = Deployment::installed().await.account();
        let kubeconfig = world.kubernetes.kubeconfig_of(NAMESPACE, account).await;
        let _control = Control::start(&kubeconfig, "one", &[]).await;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        world.apply(&Server::new("echo", upstream.address()).credential("Bearer token")).await;
        world.until_ready("echo", "True", "Ready").await;
        let events = world.kubernetes.asked_by(NAMESPACE, account);
        let refused = refused(&events);
        assert!(refused.is_empty(), "{refused:?}");
        let asked: Vec<_> = events.iter().flat_map(Request::of).collect();
        let granted = roles.iter().filter(|role| role["metadata"]["name"] == "mcp-control-secrets");
        let unused: Vec<_> = granted.flat_map(Grant::of).filter(|grant| !asked.iter().any(|one| grant.allows(one))).collect();
        assert!(unused.is_empty(), "granted in vain: {unused:?}");
    }

    async fn envoy_filters_are_asked_for_where_control_attaches_by_them_and_all_that_is_granted_for_them_is_used() {
        let world = World::start().await;
        world.kubernetes.define(&component::kinds_named(&["EnvoyFilter"]).join("\n---\n")).await;
        let roles = grant(&world.kubernetes, &["wasmplugin/install-envoyfilter"]).await;
        let account = Deployment::installed().await.account();
        let kubeconfig = world.kubernetes.kubeconfig_of(NAMESPACE, account).await;
        let _control = Control::start(&kubeconfig, "one", &["--attach=envoyfilter"]).await;
        let mut filter = object("networking.istio.io/v1alpha3", "EnvoyFilter", "mcp-hold-mcp-gateway");
        filter["metadata"]["namespace"] = "gateway-system".into();
        let is_there = |object: &Value| object["spec"].is_object().then(|| object.clone());
        let made = world.kubernetes.until_object("the EnvoyFilter is made", &filter, is_there).await;
        world.kubernetes.edit(&filter, json!({"spec": {"priority": 7}})).await;
        let is_back = |object: &Value| (object["spec"] == made["spec"]).then_some(());
        world.kubernetes.until_object("it is as it was", &filter, is_back).await;
        let extensions = world.kubernetes.list("mcp.kuadrant.io/v1", "MCPGatewayExtension").await;
        for mut extension in extensions {
            extension["apiVersion"] = "mcp.kuadrant.io/v1".into();
            extension["kind"] = "MCPGatewayExtension".into();
            world.kubernetes.delete(&extension).await;
        }
        let is_gone = |object: &Value| object.is_null().then_some(());
        world.kubernetes.until_object("it goes with the extension", &filter, is_gone).await;
        let granted = roles.iter().filter(|role| role["metadata"]["name"] == "mcp-control-envoyfilters");
        let granted: Vec<_> = granted.flat_map(Grant::of).collect();
        until("all that is granted is asked for", CONSEQUENCE, || async {
            let events = world.kubernetes.asked_by(NAMESPACE, account);
            let asked: Vec<_> = events.iter().flat_map(Request::of).collect();
            granted.iter().all(|grant| asked.iter().any(|one| grant.allows(one))).then_some(())
        }).await;
        let refused = refused(&world.kubernetes.asked_by(NAMESPACE, account));
        assert!(refused.is_empty(), "{refused:?}");
    }

    async fn what_the_roles_do_not_grant_is_forbidden_to_control() {
        let world = World::start().await;
        grant(&world.kubernetes, &["wasmplugin/install"]).await;
        namespace(&world, "mcp-closed").await;
        open_secrets(&world.kubernetes).await;
        let account = Deployment::installed().await.account();
        for line in [
            "get secrets --all-namespaces",
            "get secrets --namespace mcp-closed",
            "get secrets --namespace mcp-system",
            "get secret other --namespace mcp-system",
            "get secret mcp-control-keys --namespace mcp-test",
            "delete secret mcp-control-keys --namespace mcp-system",
            "delete lease mcp-control --namespace mcp-system",
            "get lease other --namespace kube-system",
            "get customresourcedefinition wasmplugins.extensions.istio.io",
            "delete customresourcedefinition mcpserverregistrations.mcp.kuadrant.io",
            "get configmaps --namespace mcp-test",
            "get pods --namespace mcp-system",
            "create deployment other --image other --namespace mcp-system",
            "create namespace other",
            "annotate gateway.gateway.networking.k8s.io mcp-gateway a=b --namespace gateway-system",
            "delete mcpgatewayextension mcp-gateway --namespace gateway-system",
            "create clusterrolebinding other --clusterrole cluster-admin --user other",
        ] {
            let asked = format!("kubectl {line} --as system:serviceaccount:{NAMESPACE}:{account}");
            let ended = shell(&world.kubernetes, &asked).await;
            let is_forbidden = ended.err.contains("Forbidden") || ended.err.contains("forbidden");
            assert!(!ended.well && is_forbidden, "{line}: {} {}", ended.out, ended.err);
        }
    }
}

/// What was forbidden.
fn refused(events: &[Value]) -> Vec<Request> {
    let refused = events
        .iter()
        .filter(|event| event["responseStatus"]["code"] == 403);
    refused.flat_map(Request::of).collect()
}

/// Asserts that all that was asked for is granted, and all that is granted was asked for, down to namespaces and names.
fn assert_exact(roles: &[Value], events: &[Value]) {
    let asked = events.iter().flat_map(Request::of);
    let asked: Vec<_> = asked.filter(|one| !one.is_own_review()).collect();
    let granted: Vec<_> = roles.iter().flat_map(Grant::of).collect();
    let unused = granted
        .iter()
        .filter(|grant| !asked.iter().any(|one| grant.allows(one)));
    let unused: Vec<_> = unused.collect();
    let beyond = asked
        .iter()
        .filter(|one| !granted.iter().any(|grant| grant.allows(one)));
    let beyond: Vec<_> = beyond.collect();
    assert!(
        unused.is_empty() && beyond.is_empty(),
        "granted in vain: {unused:?}; asked beyond: {beyond:?}"
    );
}

/// The role that [`open_secrets`] makes.
async fn role_of_secrets(world: &World) -> Value {
    let objects = rendered(&world.kubernetes, "wasmplugin/install/secrets").await;
    let mut roles = objects
        .into_iter()
        .filter(|object| object["kind"] == "Role");
    let mut role = roles.next().expect("a role");
    role["metadata"]["namespace"] = "mcp-test".into();
    role
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
