//! `mcp-control get` prints what kubectl would, and what is wrong.

use std::fs;
use std::path::Path;

use harness::component;
use harness::control::IMAGE;
use harness::gateway::temporary_folder;
use harness::manifests::{Server, platform};
use harness::port::Port;
use harness::process::command;
use harness::rendered::wasm_plugins;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use serde_json::{Value, json};

use crate::cluster::{cluster, example, namespace, object};
use crate::columns::ready;

/// How the program ended: exit status, standard output, standard error.
type Run = (i32, String, String);

async fn get(kubeconfig: &Path, arguments: &[&str]) -> Run {
    let mut get = command(&component::control());
    get.arg("get").args(arguments).env("KUBECONFIG", kubeconfig);
    let output = get.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

tests! {
    async fn the_guides_registrations_are_shown_as_kubectl_shows_them() {
        let cluster = cluster().await;
        let namespace = namespace(cluster).await;
        let mut served = ready("True", "");
        served["reason"] = "Ready".into();
        for (file, status) in [
            ("part-1/step-5-registration.yaml", json!({"conditions": [served], "discoveredTools": 41})),
            ("kagenti/step-7-mcp-server.yaml", json!({"conditions": [ready("False", "no answer within 10 s")]})),
        ] {
            let mut written: Value = serde_saphyr::from_str(&example(file)).unwrap();
            written["metadata"]["namespace"] = namespace.clone().into();
            cluster.submit(written.clone()).await.unwrap();
            cluster.write_status(&written, status).await.unwrap();
        }
        let extension = object("MCPGatewayExtension", &namespace, "new", json!({"targetRef": {"name": "g", "sectionName": "mcp"}}));
        cluster.submit(extension).await.unwrap();

        let (code, out, err) = get(&cluster.kubeconfig(), &["-n", &namespace]).await;
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        let (table, faults) = out.split_once("\n\n").unwrap();
        let lines: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        let (header, [older, newer]) = (&lines[0], &lines[1..]) else { panic!("{out}") };
        assert_eq!(header[1..], ["NAME", "PREFIX", "TARGET", "PATH", "READY", "TOOLS", "CREDENTIALS", "AGE"]);
        let shared = [&namespace, "github", "github_", "github-mcp-external", "/mcp"];
        for (line, rest) in [(older, ["False", "<none>"]), (newer, ["True", "41"])] {
            assert_eq!((&line[..5], &line[5..7]), (&shared[..], &rest[..]), "{out}");
            assert!(line[8].ends_with('s'), "it is some seconds old: {out}");
        }
        let expected = format!(
            "MCPServer {namespace}/github: Reason: no answer within 10 s\n\
             MCPGatewayExtension {namespace}/new: Pending: no control has written its status yet; where that lasts, see \
             whether mcp-control runs\n"
        );
        assert_eq!(faults, expected);
    }

    async fn a_document_has_the_whole_status() {
        let cluster = cluster().await;
        let namespace = namespace(cluster).await;
        let registration = object("MCPServerRegistration", &namespace, "a", json!({"targetRef": {"name": "r"}}));
        cluster.submit(registration.clone()).await.unwrap();
        let status = json!({
            "conditions": [ready("Unknown", "the gateway is away")],
            "discoveredTools": 3, "discoveredPrompts": 2, "discoveredResources": 1,
            "protocolVersion": "2025-11-25", "conflicts": ["x"], "observedGeneration": 1,
        });
        cluster.write_status(&registration, status.clone()).await.unwrap();
        let (code, out, err) = get(&cluster.kubeconfig(), &["-n", &namespace, "-o", "json"]).await;
        assert_eq!(code, 0, "{err}");
        let document: Value = serde_json::from_str(&out).unwrap();
        let [shown] = document["registrations"].as_array().unwrap().as_slice() else { panic!("{out}") };
        for (member, expected) in [
            ("ready", json!("Unknown")),
            ("message", json!("the gateway is away")),
            ("conditions", status["conditions"].clone()),
            ("tools", json!(3)),
            ("prompts", json!(2)),
            ("resources", json!(1)),
            ("protocolVersion", json!("2025-11-25")),
            ("conflicts", json!(["x"])),
        ] {
            assert_eq!(shown[member], expected, "{member}");
        }
        assert_eq!(document["faults"][0]["message"], "the gateway is away");
    }

    async fn the_tools_are_those_that_were_pushed() {
        let cluster = cluster().await;
        cluster.define(&component::kinds_named(&["WasmPlugin"]).join("\n---\n")).await;
        cluster.apply(&example("platform/namespaces.yaml")).await;
        let tools = vec![Tool::new("greet", Answer::Echo), Tool::new("bow", Answer::Echo)];
        let upstream = Upstream::start(Script::with_tools(tools)).await;
        let folder = temporary_folder("manifests");
        let port = Port::hold();
        let manifests = [platform("mcp-gateway", port.address()), Server::new("echo", upstream.address()).yaml()];
        fs::write(folder.path().join("all.yaml"), manifests.join("---\n")).unwrap();
        cluster.apply(&wasm_plugins(folder.path(), IMAGE).await).await;

        let (code, out, err) = get(&cluster.kubeconfig(), &["--tools"]).await;
        let expected = "NAME         SERVER          GATEWAY\n\
                        echo_bow     mcp-test/echo   gateway-system/mcp-gateway\n\
                        echo_greet   mcp-test/echo   gateway-system/mcp-gateway\n";
        assert!(code == 0 && out.starts_with(expected), "{out}{err}");
        let mut get = command(&component::control());
        get.args(["get", "--tools", "-n", "mcp-test"]).arg(folder.path());
        get.env("MCP_ENVOY", component::envoy()).env("MCP_FILTER", component::filter());
        let of_folder = get.output().await.unwrap();
        assert_eq!(String::from_utf8_lossy(&of_folder.stdout), expected, "a folder shows the same");
    }

    async fn who_may_not_read_is_told_what_to_ask_for() {
        let cluster = cluster().await;
        let namespace = namespace(cluster).await;
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "guest", "namespace": namespace}});
        cluster.submit(account).await.unwrap();
        let kubeconfig = cluster.kubeconfig_of(&namespace, "guest").await;
        let (code, out, err) = get(&kubeconfig, &[]).await;
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(err.contains("MCPServerRegistration cannot be listed in all namespaces: "), "{err}");
        assert!(err.contains("ask for the right to list them, or name a namespace of yours by -n NAMESPACE"), "{err}");
    }
}
