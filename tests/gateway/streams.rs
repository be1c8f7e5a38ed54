//! `mcp-streams` beside a gateway of Istio, as `wasmplugin/streams` has it: what it adds while it is there.

use std::net::SocketAddr;
use std::time::Duration;

use harness::caller::{Open, Request};
use harness::component;
use harness::install::rendered;
use harness::manifests::Server;
use harness::port::Port;
use harness::process::{Process, command};
use harness::script::{Answer, Script, Tool};
use harness::sessions::Client;
use harness::stateless::{ask, meta, request};
use harness::upstream::Upstream;
use harness::wait::{until, within};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::managed::{CONSEQUENCE, EVERY_WORKER, Managed};

const NAMESPACE: &str = "gateway-system";

/// Where it listens. Not the gateway's address, or istiod would take the gateway's proxy for it.
const ADDRESS: &str = "127.0.0.31";

/// Longer takes no event, on a busy machine.
const SOON: Duration = Duration::from_secs(30);

tests! {
    async fn clients_hear_of_changes_and_are_asked_back_while_it_is_there_and_call_on_when_it_has_gone() {
        let managed = Managed::start().await;
        let upstream = Upstream::start(script()).await;
        managed.kubernetes.apply(&Server::new("echo", upstream.address()).yaml()).await;
        managed.until_ready("echo", "True", "Ready").await;
        assert!(!is_announced(&managed).await, "nobody has asked for it");
        let streams = Streams::start(&managed).await;
        until_announced(&managed).await;

        let mut client = managed.client();
        client.initialize("2025-11-25", json!({})).await;
        let get = || client.stamped(Request::bare("GET").header("accept", "text/event-stream"));
        let mut held = get().open(client.address, client.protocol).await;
        assert_eq!(held.status, 200);
        let wanted = json!({"notifications": {"toolsListChanged": true}});
        let listening = request(&managed.client(), "subscriptions/listen", &wanted);
        let mut listening = listening.open(client.address, client.protocol).await;
        assert_eq!(listening.status, 200);
        assert_eq!(method(&mut listening).await, "notifications/subscriptions/acknowledged");
        managed.kubernetes.apply(&Server::new("later", upstream.address()).yaml()).await;
        for stream in [&mut held, &mut listening] {
            assert_eq!(method(stream).await, "notifications/tools/list_changed");
        }
        assert_is_asked_back(&managed.client()).await;

        streams.process.signal(Signal::KILL);
        streams.process.ended().await;
        assert_eq!(get().send(client.address, client.protocol).await.status, 405);
        client.call("echo_greet", json!({})).await.result();
    }
}

/// A server of sessions, one of whose tools asks the user.
fn script() -> Script {
    let ask = Answer::Ask {
        id: "7",
        method: "elicitation/create",
        params: r#"{"message":"Who?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}}}}"#,
    };
    let tools = vec![Tool::new("greet", Answer::Echo), Tool::new("ask", ask)];
    Script::with_tools(tools).with_sessions()
}

/// It, started as a kubelet would start it, and control is told.
struct Streams {
    process: Process,
    // The port that it has, for as long.
    _port: Port,
}

impl Streams {
    /// With all that `wasmplugin/streams` has, and the wish of the gateway's extension.
    async fn start(managed: &Managed) -> Self {
        let port = Port::hold();
        let mut arguments = Vec::new();
        for mut object in rendered(&managed.kubernetes, "wasmplugin/streams").await {
            if object["kind"] == "Deployment" {
                let container = &object["spec"]["template"]["spec"]["containers"][0];
                arguments = container["args"].as_array().unwrap().clone();
                continue;
            }
            object["metadata"]["namespace"] = NAMESPACE.into();
            managed.kubernetes.submit(object).await.unwrap();
        }
        let arguments = arguments
            .iter()
            .map(|argument| here(argument.as_str().unwrap(), &port, managed.address()));
        let mut program = command(&component::program_of_image("mcp-streams"));
        program.args(arguments).env_clear();
        let process = Process::start("mcp-streams", program).await;
        for object in [endpoint_for_control(), endpoint_for_istiod(&port)] {
            managed.kubernetes.submit(object).await.unwrap();
        }
        let wish = json!({"spec": {"httpRouteManagement": "Enabled"}});
        managed
            .run(&format!("kubectl patch mcpgatewayextension mcp-gateway -n {NAMESPACE} --type merge -p '{wish}'"))
            .await;
        Self {
            process,
            _port: port,
        }
    }
}

/// An argument of the Deployment's, with the addresses of this machine.
fn here(argument: &str, port: &Port, gateway: SocketAddr) -> String {
    match argument.split_once('=') {
        Some(("--listen", _)) => format!("--listen={ADDRESS}:{}", port.number()),
        Some(("--gateway", _)) => format!("--gateway=http://{gateway}"),
        _ => argument.to_owned(),
    }
}

/// What Kubernetes makes of the Service, but for the address: an EndpointSlice refuses loopback. Of names istiod makes no
/// endpoints, and control asks whether somebody is ready.
fn endpoint_for_control() -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "mcp-streams-0",
            "namespace": NAMESPACE,
            "labels": {"mcp.kuadrant.io/streams": "true", "kubernetes.io/service-name": "mcp-streams"},
        },
        "addressType": "FQDN",
        "ports": [{"name": "http", "port": 8080}],
        "endpoints": [{"addresses": ["mcp-streams.example"], "conditions": {"ready": true}}],
    })
}

/// The Service's endpoint, which istiod finds by its labels.
fn endpoint_for_istiod(port: &Port) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "WorkloadEntry",
        "metadata": {"name": "mcp-streams-0", "namespace": NAMESPACE},
        "spec": {
            "address": ADDRESS,
            "labels": {"app.kubernetes.io/name": "mcp-streams", "app.kubernetes.io/instance": "mcp-gateway"},
            "ports": {"http": port.number()},
        },
    })
}

/// Waits until all workers of the gateway say so.
async fn until_announced(managed: &Managed) {
    until("changes are announced", CONSEQUENCE, || async {
        for _ in 0..EVERY_WORKER {
            if !is_announced(managed).await {
                return None;
            }
        }
        Some(())
    })
    .await;
}

/// Whether the gateway says that it will tell of changes.
async fn is_announced(managed: &Managed) -> bool {
    let answer = managed.client().initialize("2025-11-25", json!({})).await;
    answer.result()["capabilities"]["tools"]["listChanged"] == true
}

/// The method of the next message.
async fn method(stream: &mut Open) -> Value {
    let event = within("an event", SOON, stream.event()).await;
    event.expect("an event before the end")["method"].clone()
}

/// A client of 2026-07-28 is asked by a server of sessions, in its own way.
async fn assert_is_asked_back(client: &Client) {
    let mut call = json!({
        "name": "echo_ask",
        "arguments": {},
        "_meta": meta(&json!({"elicitation": {}})),
    });
    let asked = ask(client, "tools/call", &call).await.result();
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let questions = asked["inputRequests"].as_object().unwrap();
    let answer = json!({"action": "accept", "content": {"name": "Grace"}});
    let answers = questions.keys().map(|key| (key.clone(), answer.clone()));
    call["inputResponses"] = Value::Object(answers.collect());
    call["requestState"] = asked["requestState"].clone();
    let result = ask(client, "tools/call", &call).await.result();
    assert_eq!(
        result["structuredContent"]["answer"]["result"], answer,
        "{result}"
    );
}
