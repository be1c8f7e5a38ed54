//! Policies as their authors may write them, well or not, in local mode.

use std::time::Duration;

use harness::caller::{Protocol, Request};
use harness::gateway::{Gateway, Role};
use harness::issuer::Issuer;
use harness::manifests::{Manifests, Server, gateway_policy};
use harness::message::Reply;
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::until;
use harness::wire::Wire;
use serde_json::{Value, json};

const RESOURCE: &str = "https://mcp.example.com/mcp";

/// Longer takes no change, however busy the machine is.
const LATE: Duration = Duration::from_secs(60);

/// A policy for what `target` says, made on this day of a month, with these rules.
fn policy(name: &str, target: &str, day: &str, rules: &str) -> String {
    let namespace = if target.contains("Gateway") {
        "gateway-system"
    } else {
        "mcp-test"
    };
    format!(
        "apiVersion: kuadrant.io/v1\nkind: AuthPolicy\nmetadata: {{name: {name}, namespace: {namespace}, \
         creationTimestamp: '2026-01-{day}T00:00:00Z'}}\nspec:\n  targetRef: {{group: gateway.networking.k8s.io, \
         {target}}}\n  rules: {rules}\n"
    )
}

/// Takes the tokens of an issuer.
fn taking(issuer: &Issuer) -> String {
    format!(
        "{{authentication: {{idp: {{jwt: {{issuerUrl: '{}'}}}}}}}}",
        issuer.url()
    )
}

const GATEWAY: &str = "kind: Gateway, name: mcp-gateway";
const ROUTE: &str = "kind: HTTPRoute, name: first";

async fn server() -> Upstream {
    Upstream::start(Script::standard()).await
}

fn manifests(server: &Upstream) -> Manifests {
    Manifests::gateway().server(&Server::new("first", server.address()))
}

fn client(gateway: &Gateway) -> Client {
    Client::new(gateway.address(), Protocol::Http1)
}

fn bearing(gateway: &Gateway, bearer: String) -> Client {
    client(gateway).header("authorization", bearer)
}

async fn call(client: &Client) -> Reply {
    client.call("first_echo", json!({})).await
}

/// Waits for a line of control's log with all of these words.
async fn told(gateway: &Gateway, words: &[&str]) {
    let is_told = |line: &str| words.iter().all(|word| line.contains(word)).then_some(());
    gateway.process().line(&words.join(" "), is_told).await;
}

in_both_roles! {
    async fn no_spelling_of_the_endpoints_path_opens_it(role) {
        let (issuer, server) = (Issuer::start().await, server().await);
        let gateway = Gateway::start(role, &manifests(&server).file("policy.yaml", &gateway_policy(issuer.url()))).await;
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "first_echo"}}).to_string();
        for path in [
            "/mcp?x=/.well-known",
            "/mcp/.well-known",
            "/.well-known/../mcp",
            "/.well-known/%2e%2e/mcp",
            "/.well-known/%2E./mcp",
            "/%2e/mcp",
            "/mcp/%2e",
            "/./mcp",
        ] {
            for method in ["POST", "GET"] {
                let request = match method {
                    "POST" => Request::post(call.clone()),
                    _ => Request::bare(method),
                };
                let reply = request.path(path).send(gateway.address(), Protocol::Http1).await;
                assert_eq!(reply.status, 401, "{method} {path}: {}", reply.shown());
            }
        }
        assert!(server.received().iter().all(|request| request.rpc_method() != "tools/call"));
    }

    async fn discovery_goes_on_under_the_gateways_policy_and_the_routes(role) {
        let (issuer, server) = (Issuer::start().await, server().await);
        let wants = "{authorization: {has: {patternMatching: {patterns: [{predicate: 'request.headers[\"x-pat\"] != \"\"'}]}}}}";
        let manifests = manifests(&server)
            .file("gateway.yaml", &policy("oidc", GATEWAY, "01", &taking(&issuer)))
            .file("route-1.yaml", &policy("first", ROUTE, "01", wants))
            .file("route-2.yaml", &policy("second", "kind: HTTPRoute, name: second", "01", wants));
        let gateway = Gateway::start(role, &manifests).await;
        gateway.write("second.yaml", &Server::new("second", server.address()).yaml());
        let ada = bearing(&gateway, issuer.bearer("ada"));
        let with_pat = ada.clone().header("x-pat", "secret");
        until("another server is served", LATE, || async {
            let reply = with_pat.call("second_echo", json!({})).await;
            reply.message().get("result").is_some().then_some(())
        }).await;
        call(&with_pat).await.result();
        for tool in ["first_echo", "second_echo"] {
            assert_eq!(ada.call(tool, json!({})).await.status, 403);
        }
    }

    async fn a_route_swaps_several_headers_and_sends_none_of_their_sources(role) {
        let server = server().await;
        let rules = "{response: {success: {headers: {\
            Authorization: {plain: {expression: '\"Bearer \" + request.headers[\"x-pat\"]'}}, \
            x-who: {plain: {expression: '\"team-\" + request.headers[\"x-team\"] + \"/\" + request.headers[\"x-pat\"]'}}, \
            x-fixed: {plain: {value: always}}}}}}";
        let gateway = Gateway::start(role, &manifests(&server).file("swap.yaml", &policy("swap", ROUTE, "01", rules))).await;
        let client = client(&gateway).header("x-pat", "secret").header("x-team", "core").header("x-fixed", "forged");
        call(&client).await.result();
        let sent = server.call_from(client.mark());
        let values = |name: &str| -> Vec<_> { sent.headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect() };
        assert_eq!(values("authorization"), ["Bearer secret"]);
        assert_eq!(values("x-who"), ["team-core/secret"]);
        assert_eq!(values("x-fixed"), ["always"]);
        assert_eq!(values("x-pat"), [""; 0]);
        assert_eq!(values("x-team"), [""; 0]);
    }
}

tests! {
    async fn no_control_byte_of_a_credential_reaches_a_server() {
        let server = server().await;
        let rules = "{response: {success: {headers: {Authorization: {plain: {expression: '\"Bearer \" + request.headers[\"x-pat\"]'}}}}}}";
        let gateway = Gateway::start(Role::Hold, &manifests(&server).file("swap.yaml", &policy("swap", ROUTE, "01", rules))).await;
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "first_echo"}}).to_string();
        let mut arrived = 0;
        for value in ["a", "a\u{1}b", "a\u{0}b", "a\rb", "a\nx-injected: b", "a\r\n b", "a\u{7f}b"] {
            let mut wire = Wire::open(gateway.address()).await;
            let request = format!(
                "POST /mcp HTTP/1.1\r\nhost: localhost\r\nx-pat: {value}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            wire.send(request).await;
            let reply = wire.reply().await;
            let sent = server.received();
            arrived += sent.len();
            for call in sent.iter().filter(|request| request.rpc_method() == "tools/call") {
                let value = call.header("authorization").unwrap_or_default();
                // Envoy refuses the request, or takes the byte out, or has it end the header.
                assert!(["Bearer a", "Bearer ab", "Bearer a b"].contains(&value), "{value:?}");
            }
            assert!([200, 400].contains(&reply.status), "{value:?}: {}", reply.shown());
        }
        assert!(arrived > 0, "a credential without such bytes does");
    }

    async fn a_policy_that_targets_nothing_is_told_and_harms_nobody() {
        let server = server().await;
        let denying = "{authorization: {a: {patternMatching: {patterns: [{predicate: 'false'}]}}}}";
        for (target, what) in [
            ("kind: HTTPRoute, name: none", "HTTPRoute mcp-test/none, for which it is, does not exist"),
            ("kind: Gateway, name: none", "Gateway gateway-system/none, for which it is, does not exist"),
        ] {
            let manifests = manifests(&server).file("lost.yaml", &policy("lost", target, "01", denying));
            let gateway = Gateway::start(Role::Hold, &manifests).await;
            told(&gateway, &["TargetNotFound", what]).await;
            call(&client(&gateway)).await.result();
        }
    }

    async fn of_two_policies_for_one_target_the_older_holds_and_the_other_is_told() {
        let (old, new, server) = (Issuer::start().await, Issuer::start().await, server().await);
        let swap = |value: &str| format!("{{response: {{success: {{headers: {{x-from: {{plain: {{value: {value}}}}}}}}}}}}}");
        let manifests = manifests(&server)
            .file("1.yaml", &policy("a-new", GATEWAY, "02", &taking(&new)))
            .file("2.yaml", &policy("b-old", GATEWAY, "01", &taking(&old)))
            .file("3.yaml", &policy("c-new", ROUTE, "02", &swap("new")))
            .file("4.yaml", &policy("d-old", ROUTE, "01", &swap("old")));
        let gateway = Gateway::start(Role::Hold, &manifests).await;
        told(&gateway, &["a-new", "Conflicted", "b-old is for Gateway"]).await;
        told(&gateway, &["c-new", "Conflicted", "d-old is for HTTPRoute"]).await;
        let ada = bearing(&gateway, old.bearer("ada"));
        call(&ada).await.result();
        assert_eq!(server.call_from(ada.mark()).header("x-from"), Some("old"));
        assert_eq!(call(&bearing(&gateway, new.bearer("ada"))).await.status, 401);
    }

    async fn the_extension_says_what_is_told_of_the_resource_and_whom_tokens_are_for() {
        let (issuer, server) = (Issuer::start().await, server().await);
        let policy = policy("oidc", GATEWAY, "01", &taking(&issuer));
        let resource = format!(
            "{{resource: '{RESOURCE}', resourceName: Tools, authorizationServers: ['https://login.example.com'], \
             scopesSupported: [mcp, openid]}}"
        );
        let manifests = manifests(&server).protected_resource(&resource).file("policy.yaml", &policy);
        let gateway = Gateway::start(Role::Hold, &manifests).await;
        let document = Request::bare("GET").path("/.well-known/oauth-protected-resource/mcp");
        let reply = document.send(gateway.address(), Protocol::Http1).await;
        let document: Value = serde_json::from_str(reply.text()).unwrap();
        assert_eq!(document, json!({
            "resource": RESOURCE,
            "resource_name": "Tools",
            "authorization_servers": ["https://login.example.com"],
            "scopes_supported": ["mcp", "openid"],
            "bearer_methods_supported": ["header"],
        }));
        for (audience, status) in [
            (json!(RESOURCE), 200),
            (json!(["account", RESOURCE]), 200),
            (json!("account"), 401),
            (json!([]), 401),
        ] {
            let ada = bearing(&gateway, issuer.bearer_with("ada", json!({"aud": audience})));
            let reply = call(&ada).await;
            assert_eq!(reply.status, status, "{audience}: {}", reply.shown());
            if status == 401 {
                let challenge = "Bearer realm=\"idp\", \
                                 resource_metadata=\"https://mcp.example.com/.well-known/oauth-protected-resource/mcp\"";
                assert_eq!(reply.header("www-authenticate"), Some(challenge));
            }
        }
    }

    async fn an_audience_is_asked_for_by_a_pattern() {
        let (issuer, server) = (Issuer::start().await, server().await);
        let pattern = "authorization: {aud: {patternMatching: {patterns: [{predicate: \
                       'auth.identity.aud == \"here\" || \"here\" in auth.identity.aud'}]}}}";
        let rules = taking(&issuer).replacen('{', &format!("{{{pattern}, "), 1);
        let gateway = Gateway::start(Role::Hold, &manifests(&server).file("policy.yaml", &policy("oidc", GATEWAY, "01", &rules))).await;
        for (audience, status) in [(json!("here"), 200), (json!(["there", "here"]), 200), (json!("there"), 403), (json!(["there"]), 403)] {
            let ada = bearing(&gateway, issuer.bearer_with("ada", json!({"aud": audience})));
            let reply = call(&ada).await;
            assert_eq!(reply.status, status, "{audience}: {}", reply.shown());
        }
    }

    async fn whose_keys_envoy_has_gets_in_while_the_issuer_is_away() {
        let (issuer, server) = (Issuer::start().await, server().await);
        let gateway = Gateway::start(Role::Hold, &manifests(&server).file("policy.yaml", &policy("oidc", GATEWAY, "01", &taking(&issuer)))).await;
        call(&bearing(&gateway, issuer.bearer("ada"))).await.result();
        issuer.fall_silent();
        for user in ["ada", "bob"] {
            call(&bearing(&gateway, issuer.bearer(user))).await.result();
        }
        // Nothing that changes meanwhile takes the keys away.
        gateway.write("second.yaml", &Server::new("second", server.address()).yaml());
        let ada = bearing(&gateway, issuer.bearer("ada"));
        until("another server is served", LATE, || async {
            let reply = ada.call("second_echo", json!({})).await;
            (reply.message().get("result").is_some()).then_some(())
        }).await;
    }
}
