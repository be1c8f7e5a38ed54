//! What a caller may not call is not listed for that caller, in local mode with tokens of an issuer of the tests' own.

use std::collections::BTreeSet;

use harness::caller::Protocol;
use harness::gateway::{Gateway, Role};
use harness::issuer::Issuer;
use harness::manifests::{Manifests, Server};
use harness::script::{Answer, Script, Tool};
use harness::sessions::Client;
use harness::upstream::Upstream;
use serde_json::{Value, json};

/// Who may use the gateway: whoever has a token.
fn of_the_gateway(issuer: &Issuer) -> String {
    format!(
        "apiVersion: kuadrant.io/v1\nkind: AuthPolicy\nmetadata: {{name: gateway, namespace: gateway-system}}\nspec:\n  \
         targetRef: {{group: gateway.networking.k8s.io, kind: Gateway, name: mcp-gateway, sectionName: mcp}}\n  rules:\n    \
         authentication: {{idp: {{jwt: {{issuerUrl: '{}'}}}}}}\n",
        issuer.url()
    )
}

/// Who may use a server: whoever satisfies this predicate.
fn of_the_route(route: &str, predicate: &str) -> String {
    format!(
        "apiVersion: kuadrant.io/v1\nkind: AuthPolicy\nmetadata: {{name: {route}, namespace: mcp-test}}\nspec:\n  \
         targetRef: {{group: gateway.networking.k8s.io, kind: HTTPRoute, name: {route}}}\n  rules:\n    \
         authorization: {{may: {{patternMatching: {{patterns: [{{predicate: {}}}]}}}}}}\n",
        json!(predicate)
    )
}

async fn server() -> Upstream {
    let tools = ["read", "write"].map(|name| Tool::new(name, Answer::Echo));
    Upstream::start(Script {
        prompts: vec![r#"{"name":"greet"}"#.to_owned()],
        ..Script::with_tools(tools.to_vec())
    })
    .await
}

/// Two servers, `first` for whom `first` holds and `second` for whom `second` does.
async fn start(
    role: Role,
    issuer: &Issuer,
    server: &Upstream,
    [first, second]: [&str; 2],
) -> Gateway {
    let manifests = Manifests::gateway()
        .server(&Server::new("first", server.address()))
        .server(&Server::new("second", server.address()))
        .file("gateway.yaml", &of_the_gateway(issuer))
        .file("route-1.yaml", &of_the_route("first", first))
        .file("route-2.yaml", &of_the_route("second", second));
    Gateway::start(role, &manifests).await
}

fn user(gateway: &Gateway, issuer: &Issuer, name: &str, claims: Value) -> Client {
    let bearer = issuer.bearer_with(name, claims);
    Client::new(gateway.address(), Protocol::Http1).header("authorization", bearer)
}

async fn listed(client: &Client, method: &str, member: &str) -> Vec<String> {
    let items = client.list(method, member).await;
    let name = |item: &String| {
        serde_json::from_str::<Value>(item).unwrap()["name"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    items.iter().map(name).collect()
}

async fn tools(client: &Client) -> Vec<String> {
    listed(client, "tools/list", "tools").await
}

in_both_roles! {
    async fn each_of_two_users_lists_and_calls_what_the_claims_allow(role) {
        let (issuer, server) = (Issuer::start().await, server().await);
        let rules = [
            "request.headers['x-mcp-toolname'] in auth.identity.tools",
            "'staff' in auth.identity.groups",
        ];
        let gateway = start(role, &issuer, &server, rules).await;
        let ada = user(&gateway, &issuer, "ada", json!({"tools": ["read"], "groups": ["guests"]}));
        let bob = user(&gateway, &issuer, "bob", json!({"tools": [], "groups": ["staff"]}));
        assert_eq!(tools(&ada).await, ["first_read"]);
        assert_eq!(tools(&bob).await, ["second_read", "second_write"]);
        assert_eq!(listed(&ada, "prompts/list", "prompts").await, [""; 0]);
        assert_eq!(listed(&bob, "prompts/list", "prompts").await, ["second_greet"]);

        ada.call("first_read", json!({})).await.result();
        bob.call("second_write", json!({})).await.result();
        let before = server.received_from(ada.mark()).len() + server.received_from(bob.mark()).len();
        for (client, tool) in [(&ada, "first_write"), (&ada, "second_read"), (&bob, "first_read")] {
            let reply = client.call(tool, json!({})).await;
            assert_eq!(reply.status, 403, "{tool}: {}", reply.shown());
            let challenge = reply.header("www-authenticate").unwrap_or_default();
            assert!(challenge.contains("insufficient_scope"), "another token could call it: {challenge}");
        }
        let reply = ada.request("prompts/get", &json!({"name": "second_greet"})).await;
        assert_eq!(reply.status, 403, "{}", reply.shown());
        let after = server.received_from(ada.mark()).len() + server.received_from(bob.mark()).len();
        assert_eq!(before, after, "what is refused reaches no server");
    }

    async fn two_users_at_once_see_and_call_only_their_own_in_sessions_of_their_own(role) {
        let issuer = Issuer::start().await;
        let tools_of_both = ["read", "write"].map(|name| Tool::new(name, Answer::Echo));
        let server = Upstream::start(Script { sessions: true, ..Script::with_tools(tools_of_both.to_vec()) }).await;
        let rules = ["request.headers['x-mcp-toolname'] in auth.identity.tools", "'none' in auth.identity.tools"];
        let gateway = start(role, &issuer, &server, rules).await;
        let [ada, bob] = ["read", "write"].map(|tool| {
            let mut client = user(&gateway, &issuer, tool, json!({"tools": [tool]}));
            client.protocol = Protocol::Http2;
            (client, format!("first_{tool}"))
        });
        let work = async |(client, tool): &(Client, String)| {
            for _ in 0..20 {
                assert_eq!(tools(client).await, [tool.as_str()]);
                client.call(tool, json!({})).await.result();
            }
        };
        tokio::join!(work(&ada), work(&bob), work(&ada), work(&bob));
        let sessions = |client: &Client| -> BTreeSet<String> {
            let received = server.received_from(client.mark());
            let calls = received.iter().filter(|request| request.rpc_method() == "tools/call");
            calls.map(|call| call.header("mcp-session-id").expect("the server has sessions").to_owned()).collect()
        };
        let (of_ada, of_bob) = (sessions(&ada.0), sessions(&bob.0));
        assert!(!of_ada.is_empty() && !of_bob.is_empty());
        assert!(of_ada.is_disjoint(&of_bob), "{of_ada:?} {of_bob:?}");
    }

    async fn resources_templates_and_completions_are_hidden_and_refused_alike(role) {
        let issuer = Issuer::start().await;
        let server = Upstream::start(Script {
            resources: ["a", "b"].map(|name| json!({"uri": format!("file:///{name}"), "name": name}).to_string()).to_vec(),
            resource_templates: vec![r#"{"uriTemplate":"file:///{any}","name":"any"}"#.to_owned()],
            prompts: vec![r#"{"name":"greet"}"#.to_owned()],
            ..Script::with_tools(Vec::new())
        }).await;
        let rule = "request.headers['x-mcp-resourceuri'] in auth.identity.uris";
        let manifests = Manifests::gateway()
            .server(&Server::new("first", server.address()))
            .file("gateway.yaml", &of_the_gateway(&issuer))
            .file("route.yaml", &of_the_route("first", rule));
        let gateway = Gateway::start(role, &manifests).await;
        let ada = user(&gateway, &issuer, "ada", json!({"uris": ["file:///a"]}));
        assert_eq!(listed(&ada, "resources/list", "resources").await, ["a"]);
        let read = async |uri: &str| ada.request("resources/read", &json!({"uri": uri})).await.status;
        assert_eq!((read("file:///a").await, read("file:///b").await), (200, 403));
        // Some resource of it may be read.
        assert_eq!(listed(&ada, "resources/templates/list", "resourceTemplates").await, ["any"]);
        assert_eq!(listed(&ada, "prompts/list", "prompts").await, [""; 0]);
        let complete = json!({"ref": {"type": "ref/prompt", "name": "first_greet"}, "argument": {"name": "a", "value": ""}});
        assert_eq!(ada.request("completion/complete", &complete).await.status, 403);
    }

    async fn a_name_that_the_client_sends_in_a_header_of_ours_is_not_believed(role) {
        let (issuer, server) = (Issuer::start().await, server().await);
        let read = "request.headers['x-mcp-toolname'] == 'read'";
        let gateway = start(role, &issuer, &server, [read, "request.headers['x-mcp-servername'] == 'a'"]).await;
        let client = user(&gateway, &issuer, "ada", json!({}))
            .header("x-mcp-toolname", "read")
            .header("x-mcp-servername", "a");
        assert_eq!(tools(&client).await, ["first_read"]);
        client.call("first_read", json!({})).await.result();
        for tool in ["first_write", "second_read"] {
            let reply = client.call(tool, json!({})).await;
            assert_eq!(reply.status, 403, "{tool}: {}", reply.shown());
            assert_eq!(reply.header("www-authenticate"), None, "no token could call it");
        }
    }
}
