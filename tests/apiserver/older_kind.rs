//! An MCPServer, the kind of the older generation, which had no MCPGatewayExtension.

use harness::cluster_gateway::ClusterGateway;
use harness::manifests::Server;
use harness::message::Reply;
use harness::script::{Answer, Script, Tool};
use harness::sessions::{Client, items_of};
use harness::upstream::Upstream;
use serde_json::{Value, json};

use crate::world::{PATIENT, World, assert_says, client, condition, extension, name_of, object};

/// That of the listener: nobody names another one.
const HOST: &str = "mcp.127-0-0-1.sslip.io";

tests! {
    async fn a_server_of_the_older_kind_is_served_listed_and_called_without_an_extension() {
        let world = World::start().await;
        assert!(world.kubernetes.delete(&extension("mcp-gateway")).await);
        let gateway = world.gateway();
        let address = format!("gateway-system/mcp-gateway={}", gateway.address());
        let arguments = [PATIENT, &["--gateway-address", &address]].concat();
        let _control = world.control_with("one", &arguments).await;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        let server = Server::new("elder", upstream.address()).credential("Bearer x");
        world.apply_without_registration(&server).await;
        let mut elder = object("mcp.kagenti.com/v1alpha1", "MCPServer", "elder");
        elder["spec"] = json!({
            "targetRef": {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "elder"},
            "toolPrefix": "elder_",
            "credentialRef": {"name": "elder-token"},
        });
        world.kubernetes.submit(elder.clone()).await.unwrap();

        let told = world.until_told(&elder, "False", "CredentialNotLabelled").await;
        assert_says(&told, &["Secret mcp-test/elder-token", "mcp.kagenti.com/credential: \"true\""]);
        let secret = object("v1", "Secret", "elder-token");
        let label = json!({"metadata": {"labels": {"mcp.kagenti.com/credential": "true"}}});
        world.kubernetes.edit(&secret, label).await;
        world.until_told(&elder, "True", "Ready").await;
        assert_status(&world, &elder).await;
        assert_listed_and_called(gateway, &upstream).await;

        world.apply(&Server::new("newer", upstream.address())).await;
        let told = world.until_ready("newer", "False", "NoGatewayExtension").await;
        assert_says(&told, &["Gateway gateway-system/mcp-gateway", "kind: MCPGatewayExtension"]);
        assert!(world.kubernetes.delete(&elder).await, "nothing holds it");
        for plugin in world.plugins().await {
            let is_gone = |plugin: &Value| plugin.is_null().then_some(());
            world.kubernetes.until_object("the gateway serves no more", &plugin, is_gone).await;
        }
    }
}

/// What the status says of it, and what `kubectl get` prints.
async fn assert_status(world: &World, elder: &Value) {
    for kind in ["Ready", "Accepted", "Programmed"] {
        let what = format!("{kind} is True");
        let holds = |elder: &Value| {
            let told = condition(elder, kind)?;
            (told["status"] == "True" && told["reason"] == kind).then_some(())
        };
        world.kubernetes.until_object(&what, elder, holds).await;
    }
    assert_eq!(
        world.kubernetes.read(elder).await["status"]["discoveredTools"],
        1
    );
    let (names, cells) = world.kubernetes.table(elder).await;
    let cells = cells.as_array().unwrap();
    let cells: Vec<_> = names.iter().zip(cells).collect();
    for (name, cell) in [
        ("Prefix", json!("elder_")),
        ("Target", json!("elder")),
        ("Path", json!("/mcp")),
        ("Ready", json!("True")),
        ("Tools", json!(1)),
        ("Credentials", json!("elder-token")),
    ] {
        let mut its = cells.iter().filter(|(column, _)| *column == name);
        assert_eq!(its.next().map(|(_, cell)| *cell), Some(&cell), "{cells:?}");
    }
}

async fn assert_listed_and_called(gateway: &ClusterGateway, upstream: &Upstream) {
    let client = client(gateway);
    let listed = ask(&client, "tools/list", json!({})).await;
    let listed = items_of(&listed.message_bytes(), "tools");
    let names: Vec<_> = listed.iter().map(|tool| name_of(tool)).collect();
    assert_eq!(names, ["elder_greet"]);
    let called = ask(&client, "tools/call", json!({"name": "elder_greet"})).await;
    assert_eq!(
        called.result()["structuredContent"]["params"]["name"],
        "greet"
    );
    let call = upstream.call_from(client.mark());
    assert_eq!(call.header("authorization"), None, "it is for lists alone");
    let received = upstream.received();
    let mut asked = received
        .iter()
        .filter(|request| request.rpc_method() == "tools/list");
    assert!(asked.all(|request| request.header("authorization") == Some("Bearer x")));
}

async fn ask(client: &Client, method: &str, params: Value) -> Reply {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let request = client.post(request.to_string()).host(HOST);
    let reply = request.send(client.address, client.protocol).await;
    assert_eq!(reply.status, 200, "{}", reply.shown());
    reply
}
