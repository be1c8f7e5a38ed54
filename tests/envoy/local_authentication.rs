//! The guide's policy of the gateway in local mode: Envoy verifies tokens of an issuer of the tests' own.

use std::time::Duration;

use harness::authority::Authority;
use harness::caller::{Protocol, Request};
use harness::gateway::{Gateway, Role};
use harness::issuer::Issuer;
use harness::jwt;
use harness::manifests::{Manifests, Server, gateway_policy};
use harness::message::Reply;
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::{Value, json};

/// What the guide's policy answers to who has no token.
const UNAUTHORIZED: &str = "{\n  \"error\": \"Unauthorized\",\n  \"message\": \"Access denied: Authentication required.\"\n}\n";
const CHALLENGE: &str = "Bearer resource_metadata=http://mcp.127-0-0-1.sslip.io:8001/.well-known/oauth-protected-resource/mcp";

/// Longer takes no change, however busy the machine is.
const LATE: Duration = Duration::from_secs(60);

in_both_roles! {
    async fn the_guides_policy_lets_in_who_has_a_token_of_its_issuer(role) {
        let (issuer, server) = (Issuer::start().await, server().await);
        let gateway = Gateway::start(role, &manifests(&server).file("policy.yaml", &gateway_policy(issuer.url()))).await;
        for protocol in harness::caller::PROTOCOLS {
            let anonymous = Client::new(gateway.address(), protocol);
            let with = |bearer: String| anonymous.clone().header("authorization", bearer);
            assert_refused(&anonymous.call("first_echo", json!({})).await);
            assert_refused(&with(format!("Bearer {}", jwt::expired())).call("first_echo", json!({})).await);
            assert_refused(&with(format!("Bearer {}", jwt::good())).call("first_echo", json!({})).await);
            assert_refused(&with(forged(&issuer)).call("first_echo", json!({})).await);
            let mut ada = with(issuer.bearer("ada"));
            assert_eq!(ada.initialize("2025-11-25", json!({})).await.status, 200);
            assert!(!ada.list("tools/list", "tools").await.is_empty());
            ada.call("first_echo", json!({"a": 1})).await.result();
            // The token is the gateway's, not the server's.
            assert_eq!(server.call_from(ada.mark()).header("authorization"), None);
        }
    }

    async fn a_query_and_another_host_of_the_endpoint_open_nothing(role) {
        let (issuer, server) = (Issuer::start().await, server().await);
        let gateway = Gateway::start(role, &manifests(&server).file("policy.yaml", &gateway_policy(issuer.url()))).await;
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
        let bearer = issuer.bearer("ada");
        let token = bearer.trim_start_matches("Bearer ");
        for query in ["x=/.well-known".to_owned(), format!("access_token={token}")] {
            let request = Request::post(call.clone()).path(&format!("/mcp?{query}"));
            assert_refused(&request.send(gateway.address(), Protocol::Http1).await);
        }
        for host in ["127.0.0.1", "mcp.127-0-0-1.sslip.io", "LOCALHOST:8001"] {
            let request = Request::post(call.clone()).host(host);
            assert_refused(&request.send(gateway.address(), Protocol::Http1).await);
        }
    }

    async fn who_has_no_token_is_told_where_to_get_one(role) {
        let (issuer, server) = (Issuer::start().await, server().await);
        let gateway = Gateway::start(role, &manifests(&server).file("policy.yaml", &gateway_policy(issuer.url()))).await;
        let document = Request::bare("GET").path("/.well-known/oauth-protected-resource/mcp");
        let reply = document.send(gateway.address(), Protocol::Http1).await;
        assert_eq!(reply.status, 200, "{}", reply.shown());
        let told: Value = serde_json::from_str(reply.text()).unwrap();
        assert_eq!(told["authorization_servers"], json!([issuer.url()]));
        assert_eq!(told["bearer_methods_supported"], json!(["header"]));
        assert!(told["resource"].as_str().unwrap().ends_with("/mcp"), "{told}");
    }

    async fn a_policy_comes_and_goes_while_a_client_is_there(role) {
        let (issuer, server) = (Issuer::start().await, server().await);
        let gateway = Gateway::start(role, &manifests(&server)).await;
        let anonymous = Client::connected(gateway.address(), Protocol::Http1).await;
        let status = || async { anonymous.call("first_echo", json!({})).await.status };
        assert_eq!(status().await, 200);
        gateway.write("policy.yaml", &gateway_policy(issuer.url()));
        until("the policy holds", LATE, || async { (status().await == 401).then_some(()) }).await;
        let ada = Client::new(gateway.address(), Protocol::Http1).header("authorization", issuer.bearer("ada"));
        until("tokens are taken", LATE, || async {
            (ada.call("first_echo", json!({})).await.status == 200).then_some(())
        }).await;
        gateway.remove("policy.yaml");
        until("the policy is gone", LATE, || async { (status().await == 200).then_some(()) }).await;
    }
}

tests! {
    async fn while_the_issuer_is_away_nobody_gets_in() {
        let (issuer, server) = (Issuer::silent(), server().await);
        let gateway = Gateway::start(Role::Hold, &manifests(&server).file("policy.yaml", &gateway_policy(issuer.url()))).await;
        gateway.process().line("who is away", |line| {
            let is_told = line.contains("AuthPolicy gateway-system/mcp-auth-policy: IssuerUnreachable: issuer ");
            (is_told && line.contains(issuer.url())).then_some(())
        }).await;
        let ada = Client::new(gateway.address(), Protocol::Http1).header("authorization", issuer.bearer("ada"));
        assert_refused(&ada.call("first_echo", json!({})).await);
        issuer.speak().await;
        until("the issuer is there", LATE, || async {
            (ada.call("first_echo", json!({})).await.status == 200).then_some(())
        }).await;
        gateway.process().line("that it is there", |line| {
            (line.contains("no more: ") && line.contains("IssuerUnreachable")).then_some(())
        }).await;
    }

    async fn an_issuer_with_tls_is_checked_by_the_extensions_authorities() {
        let authority = Authority::new();
        let (issuer, server) = (Issuer::with_tls(&authority).await, server().await);
        let trusting = Manifests::trusting(&authority).server(&Server::new("first", server.address()))
            .file("policy.yaml", &gateway_policy(issuer.url()));
        let gateway = Gateway::start(Role::Hold, &trusting).await;
        let ada = Client::new(gateway.address(), Protocol::Http1).header("authorization", issuer.bearer("ada"));
        ada.call("first_echo", json!({})).await.result();
        assert!(issuer.was_reached_by_tls());
    }

    async fn an_issuer_with_tls_that_nobody_vouches_for_is_not_believed() {
        let (issuer, server) = (Issuer::with_tls(&Authority::new()).await, server().await);
        let gateway = Gateway::start(Role::Hold, &manifests(&server).file("policy.yaml", &gateway_policy(issuer.url()))).await;
        let ada = Client::new(gateway.address(), Protocol::Http1).header("authorization", issuer.bearer("ada"));
        assert_refused(&ada.call("first_echo", json!({})).await);
        gateway.process().line("whose certificate it does not believe", |line| {
            (line.contains("IssuerUnreachable") && line.contains("certificate")).then_some(())
        }).await;
    }

    async fn claims_are_asked_for_by_the_gateways_policy_and_by_the_routes() {
        let (issuer, server) = (Issuer::start().await, server().await);
        let of_gateway = gateway_policy(issuer.url()).replace("    response:\n", "    authorization:\n      \
            member: {patternMatching: {patterns: [{predicate: '\"mcp\" in auth.identity.groups'}]}}\n    response:\n");
        let of_route = "apiVersion: kuadrant.io/v1\nkind: AuthPolicy\nmetadata: {name: route, namespace: mcp-test}\n\
            spec:\n  targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: first}\n  rules:\n    \
            authorization: {writer: {patternMatching: {patterns: [{predicate: \"'write' in auth.identity.scope.split(' ')\"}]}}}\n    \
            response: {success: {headers: {x-user: {plain: {expression: auth.identity.sub}}}}}\n";
        let policies = manifests(&server).file("policy.yaml", &of_gateway).file("route.yaml", of_route);
        let gateway = Gateway::start(Role::Hold, &policies).await;
        let of = |claims: Value| {
            Client::new(gateway.address(), Protocol::Http1).header("authorization", issuer.bearer_with("ada", claims))
        };
        let (groups, scope) = (json!(["mcp", "x"]), "read write");
        let stranger = of(json!({"scope": scope})).call("first_echo", json!({})).await;
        assert_eq!(stranger.status, 401, "{}", stranger.shown());
        assert!(stranger.text().contains("Access denied: Unsupported method"), "{}", stranger.shown());
        let reader = of(json!({"groups": groups, "scope": "read"})).call("first_echo", json!({})).await;
        assert_eq!(reader.status, 403, "{}", reader.shown());
        let writer = of(json!({"groups": groups, "scope": scope}));
        writer.call("first_echo", json!({})).await.result();
        assert_eq!(server.call_from(writer.mark()).header("x-user"), Some("ada"));
    }
}

async fn server() -> Upstream {
    Upstream::start(Script::standard()).await
}

fn manifests(server: &Upstream) -> Manifests {
    Manifests::gateway().server(&Server::new("first", server.address()))
}

/// A token that says it is of the issuer, and of which a byte was changed.
fn forged(issuer: &Issuer) -> String {
    let bearer = issuer.bearer("ada");
    let (signed, signature) = bearer.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    format!("{signed}.{first}{}", &signature[1..])
}

fn assert_refused(reply: &Reply) {
    assert_eq!(reply.status, 401, "{}", reply.shown());
    assert_eq!(reply.text(), UNAUTHORIZED);
    assert_eq!(reply.header("www-authenticate"), Some(CHALLENGE));
    assert_eq!(reply.header("content-type"), Some("application/json"));
}
