//! Views that servers show beside their tools' results (MCP Apps): named by tools, and listed or not.

use harness::caller::Protocol::Http1;
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::script::{Eras, Script, Tool};
use harness::sessions::Client;
use harness::stateless::{ask, meta};
use harness::upstream::{Received, Upstream};
use serde_json::{Value, json};

/// Before two servers whose tools name one view, which neither lists. `one` has sessions and is the older, `two` has none.
struct Scene {
    gateway: Gateway,
    one: Upstream,
    two: Upstream,
}

const TOOL: &str = r#"{"name":"chart" ,"inputSchema":{"type":"object"},"_meta":{"ui/resourceUri":"ui:\/\/view","ui":{"resourceUri":"ui://view","visibility":["app"]},"n":1.0e5}}"#;
/// How clients know the view of `two`.
const OTHER: &str = "ui://mcp-test.two/view";

impl Scene {
    async fn new(role: Role) -> Self {
        let script = |listed: &str| Script {
            apps: true,
            resources: vec![format!(r#"{{"uri":"{listed}","name":"r"}}"#)],
            ..Script::with_tools(vec![Tool::defined("chart", TOOL)])
        };
        let one = Upstream::start(script("file:///one").with_sessions()).await;
        let two = Script {
            eras: Eras::Stateless,
            ..script("file:///two")
        };
        let two = Upstream::start(two).await;
        let manifests = Manifests::gateway()
            .server(&Server::new("one", one.address()))
            .server(&Server::new("two", two.address()));
        let gateway = Gateway::start(role, &manifests).await;
        Self { gateway, one, two }
    }

    async fn host(&self) -> Client {
        Client::with_capabilities(self.gateway.address(), Http1, shows_views()).await
    }

    /// The only request of this method that a server has had from a client.
    fn only(server: &Upstream, client: &Client, method: &str) -> Received {
        let mut received = server.received_from(client.mark());
        received.retain(|request| request.rpc_method() == method);
        assert_eq!(received.len(), 1, "{method}: {received:?}");
        received.remove(0)
    }
}

fn shows_views() -> Value {
    json!({"extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}})
}

fn declared(body: &[u8]) -> Value {
    let body: Value = serde_json::from_slice(body).unwrap();
    let params = &body["params"];
    let stateless = &params["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    let declared = if stateless.is_null() {
        &params["capabilities"]
    } else {
        stateless
    };
    declared.clone()
}

in_both_roles! {
    async fn tools_name_views_in_their_servers_bytes_unless_an_older_server_has_the_uri(role) {
        let scene = Scene::new(role).await;
        let tools = scene.host().await.list("tools/list", "tools").await;
        let of_two = TOOL.replace("chart", "two_chart").replace("ui:\\/\\/view", OTHER).replace("ui://view", OTHER);
        assert_eq!(tools, [TOOL.replace("chart", "one_chart"), of_two]);
    }

    async fn a_client_of_sessions_reads_each_view_from_its_server(role) {
        let scene = Scene::new(role).await;
        for (uri, server) in [("ui://view", &scene.one), (OTHER, &scene.two)] {
            let host = scene.host().await;
            let read = host.request("resources/read", &json!({"uri": uri})).await.result();
            assert_eq!(read["echo"]["uri"], "ui://view", "{read}");
            Scene::only(server, &host, "resources/read");
        }
        let host = scene.host().await;
        host.request("resources/read", &json!({"uri": "ui://else"})).await.assert_error(200, -32002, &json!(1));
    }

    async fn a_client_without_sessions_reads_each_view_from_its_server(role) {
        let scene = Scene::new(role).await;
        for (uri, server) in [("ui://view", &scene.one), (OTHER, &scene.two)] {
            let host = Client::new(scene.gateway.address(), Http1);
            let params = json!({"uri": uri, "_meta": meta(&shows_views())});
            let read = ask(&host, "resources/read", &params).await.result();
            assert_eq!(read["echo"]["uri"], "ui://view", "{read}");
            let read = Scene::only(server, &host, "resources/read");
            assert_eq!(read.header("x-mcp-resourceuri"), Some("ui://view"));
        }
    }

    async fn servers_and_clients_are_told_that_the_others_know_views(role) {
        let scene = Scene::new(role).await;
        let mut host = Client::new(scene.gateway.address(), Http1);
        let announced = host.initialize("2025-11-25", shows_views()).await.result();
        let extensions = json!({"io.modelcontextprotocol/ui": {}});
        assert_eq!(announced["capabilities"]["extensions"], extensions, "{announced}");
        for tool in ["one_chart", "two_chart"] {
            host.call(tool, json!({})).await.result();
        }
        // What control declares is more.
        let mut openings = scene.one.received();
        openings.retain(|request| request.rpc_method() == "initialize");
        assert!(openings.iter().any(|opening| declared(&opening.body) == shows_views()), "{openings:?}");
        let call = Scene::only(&scene.two, &host, "tools/call");
        assert_eq!(declared(&call.body), shows_views());
        let discovered = ask(&Client::new(scene.gateway.address(), Http1), "server/discover", &json!({})).await.result();
        let told = &discovered["capabilities"]["extensions"]["io.modelcontextprotocol/ui"];
        assert_eq!(told, &json!({}), "{discovered}");
    }
    async fn what_a_server_without_sessions_alone_announces_is_announced(role) {
        let script = Script { eras: Eras::Stateless, apps: true, ..Script::with_tools(vec![Tool::defined("chart", TOOL)]) };
        let server = Upstream::start(script).await;
        let gateway = Gateway::start(role, &Manifests::gateway().server(&Server::new("one", server.address()))).await;
        let announced = Client::new(gateway.address(), Http1).initialize("2025-11-25", shows_views()).await.result();
        let extensions = json!({"io.modelcontextprotocol/ui": {}});
        assert_eq!(announced["capabilities"]["extensions"], extensions, "{announced}");
    }
}
