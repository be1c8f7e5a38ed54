//! What is installed by kubectl, and the commands of the documents.

use std::time::Duration;

use harness::document::{NOT_RUN, commands, headings};
use harness::kubectl::{Ended, shell};
use harness::kubernetes::Kubernetes;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::Value;

use crate::world::{World, until_tools};

const INSTALL: &str =
    "kubectl apply --server-side --field-manager=mcp-proxy-wasm -k wasmplugin/install";

/// What is installed, the namespace of control among it.
const FOLDER: &str = " -k wasmplugin/install";

/// How the uninstall begins. A kubelet would end the Pods then.
const END_OF_CONTROL: &str = "kubectl delete deployment -n mcp-system mcp-controller";

/// How it goes on: a Pod that still ends would make anew what is deleted then.
const END_OF_PODS: &str =
    "kubectl wait --for=delete pod -n mcp-system -l app.kubernetes.io/name=mcp-controller ";

/// Longer takes nothing that follows from a deletion.
const CONSEQUENCE: Duration = Duration::from_secs(120);

/// By whom it is not known; with the same kind, but another schema.
const FOREIGN: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: mcpservers.mcp.kagenti.com
  labels: {app.kubernetes.io/part-of: another}
spec:
  group: mcp.kagenti.com
  names: {kind: MCPServer, listKind: MCPServerList, plural: mcpservers, singular: mcpserver}
  scope: Namespaced
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

async fn well(kubernetes: &Kubernetes, line: &str) -> String {
    let ended = shell(kubernetes, line).await;
    assert!(ended.well, "{line}: {}", ended.err);
    ended.out
}

/// Kind and name of all that a folder holds, as kubectl has it.
async fn rendered(kubernetes: &Kubernetes, folder: &str) -> Vec<String> {
    let text = well(kubernetes, &format!("kubectl kustomize {folder}")).await;
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let names = objects.iter().map(|object| {
        format!(
            "{} {}",
            text(&object["kind"]),
            text(&object["metadata"]["name"])
        )
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Runs those that are not marked, as they stand.
async fn run(kubernetes: &Kubernetes, lines: &[String]) -> Vec<Ended> {
    let mut ends = Vec::new();
    for line in lines.iter().filter(|line| !line.contains(NOT_RUN)) {
        assert!(
            line.starts_with("kubectl ") || line.starts_with("mcp-control get"),
            "{line}: mark it, or have it run here"
        );
        // Nobody here ends a namespace, and the page says so.
        let wait = if line.starts_with("kubectl delete ") && line.ends_with(FOLDER) {
            " --wait=false"
        } else {
            ""
        };
        let ended = shell(kubernetes, &format!("{line}{wait}")).await;
        assert!(ended.well, "{line}: {}", ended.err);
        ends.push(ended);
    }
    ends
}

/// Whose commands are run in the order of the page; the uninstall comes last.
const SECTIONS: [&str; 4] = [
    "## Install",
    "## Credentials",
    "## See what is wrong",
    "## Upgrade",
];

const UNINSTALL: &str = "## Uninstall";

const PLUGINS: &str = "kubectl get wasmplugin -A -o name";

/// Lists all of this project's but its namespace, by name.
const INSTALLED: &str = "kubectl get crd -o name | grep -E 'mcp[.](kuadrant|kagenti)'; \
    kubectl get clusterrole,clusterrolebinding -o name | grep mcp-control; \
    kubectl get deployment,role,rolebinding,service,serviceaccount,poddisruptionbudget,networkpolicy -A -o name \
    | grep mcp-control; true";

/// What a command lists.
async fn left(kubernetes: &Kubernetes, line: &str) -> Vec<String> {
    let listed = well(kubernetes, line).await;
    listed.lines().map(str::to_owned).collect()
}

tests! {
    async fn the_commands_of_the_documents_install_upgrade_and_remove() {
        let world = World::with_gateways(&["edge"]).await;
        let kubernetes = &world.kubernetes;
        let ends = run(kubernetes, &commands("README.md", "## Kubernetes")).await;
        let shown = &ends.last().expect("commands").out;
        assert!(shown.contains("github_") && shown.starts_with("NAMESPACE"), "{shown}");
        for heading in headings("docs/kubernetes.md") {
            let lines = commands("docs/kubernetes.md", &heading);
            let is_run = [&SECTIONS, [UNINSTALL].as_slice()].concat().contains(&heading.as_str());
            let is_run = is_run || lines.iter().all(|line| line.contains(NOT_RUN));
            assert!(is_run, "{heading}: mark its commands, or have them run here");
        }
        for section in SECTIONS {
            let lines = commands("docs/kubernetes.md", section);
            assert!(!lines.is_empty(), "{section}");
            run(kubernetes, &lines).await;
        }

        let control = world.control("one").await;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        world.apply(&Server::new("echo", upstream.address()).gateways(&["edge"])).await;
        until_tools(world.gateway(), &["echo_greet"]).await;
        world.until_ready("echo", "True", "Ready").await;
        assert_ne!(left(kubernetes, INSTALLED).await, Vec::<String>::new());
        let lines = commands("docs/kubernetes.md", UNINSTALL);
        assert_eq!(lines[0], END_OF_CONTROL);
        assert!(lines[1].starts_with(END_OF_PODS), "{}", lines[1]);
        run(kubernetes, &lines[..1]).await;
        assert!(control.stop().await.success());
        assert!(left(kubernetes, PLUGINS).await.len() >= 2, "control goes, and gateways go on");
        run(kubernetes, &lines[1..]).await;
        assert_eq!(left(kubernetes, PLUGINS).await, Vec::<String>::new());
        until("all that was installed is gone", CONSEQUENCE, || async {
            left(kubernetes, INSTALLED).await.is_empty().then_some(())
        })
        .await;
        let namespace = "kubectl get namespace mcp-system -o jsonpath='{.status.phase}'";
        assert_eq!(well(kubernetes, namespace).await, "Terminating");
    }

    async fn who_has_installed_without_server_side_moves_once() {
        let world = World::with_gateways(&[]).await;
        let kubernetes = &world.kubernetes;
        let older = "sed 's/sha256:0*/sha256:1111/'";
        let plain = format!("kubectl kustomize wasmplugin/install | {older} | kubectl apply -f -");
        well(kubernetes, &plain).await;
        let refused = shell(kubernetes, INSTALL).await;
        assert!(!refused.well && refused.err.contains("conflict"), "{}", refused.err);
        let lines = commands("docs/kubernetes.md", "## Upgrade");
        let moving: Vec<_> = lines.iter().filter(|line| line.contains("--force-conflicts")).collect();
        let [moving] = moving[..] else { panic!("one command moves: {moving:?}") };
        well(kubernetes, moving).await;
        let images = "kubectl get deployment -n mcp-system mcp-controller -o jsonpath='{..image}'";
        let images = well(kubernetes, images).await;
        assert!(images.contains("sha256:0000"), "{images}");
        for _ in 0..2 {
            well(kubernetes, INSTALL).await;
        }
    }

    async fn the_install_holds_exactly_this_and_stops_at_another_owners_definition() {
        let kubernetes = Kubernetes::start().await;
        let installed = rendered(&kubernetes, "wasmplugin/install").await;
        assert_eq!(
            installed,
            [
                "ClusterRole mcp-controller",
                "ClusterRoleBinding mcp-controller",
                "CustomResourceDefinition mcpgatewayextensions.mcp.kuadrant.io",
                "CustomResourceDefinition mcpserverregistrations.mcp.kuadrant.io",
                "CustomResourceDefinition mcpservers.mcp.kagenti.com",
                "CustomResourceDefinition mcpvirtualservers.mcp.kuadrant.io",
                "Deployment mcp-controller",
                "Namespace mcp-system",
                "NetworkPolicy mcp-controller",
                "PodDisruptionBudget mcp-controller",
                "Role mcp-controller",
                "RoleBinding mcp-controller",
                "Service mcp-controller",
                "ServiceAccount mcp-controller",
            ]
        );
        for (folder, kinds) in [
            ("adopt", ["WasmPlugin mcp-gate", "WasmPlugin mcp-route"]),
            ("install/secrets", ["Role mcp-control-secrets", "RoleBinding mcp-control-secrets"]),
            ("install/all-secrets", ["ClusterRole mcp-control-secrets", "ClusterRoleBinding mcp-control-secrets"]),
        ] {
            let rendered = rendered(&kubernetes, &format!("wasmplugin/{folder}")).await;
            assert_eq!(rendered, kinds, "{folder}");
        }
        let filters = rendered(&kubernetes, "wasmplugin/install-envoyfilter").await;
        let roles = ["ClusterRole mcp-control-envoyfilters", "ClusterRoleBinding mcp-control-envoyfilters"];
        let (own, usual): (Vec<_>, Vec<_>) = filters.into_iter().partition(|name| roles.contains(&name.as_str()));
        assert_eq!((own.as_slice(), usual), (roles.map(str::to_owned).as_slice(), installed));
        another_owners_definition_stays(&kubernetes).await;
    }
}

/// Whoever has applied it, in whatever way.
async fn another_owners_definition_stays(kubernetes: &Kubernetes) {
    for way in ["create", "apply", "apply --server-side"] {
        well(
            kubernetes,
            &format!("kubectl {way} -f - <<'END'\n{FOREIGN}\nEND"),
        )
        .await;
        let ended = shell(kubernetes, INSTALL).await;
        assert!(!ended.well, "{way}");
        assert!(
            ended.err.contains("conflict") && ended.err.contains(".spec.versions"),
            "{}",
            ended.err
        );
        let read = "kubectl get crd mcpservers.mcp.kagenti.com -o jsonpath='{.metadata.labels}'";
        let labels = well(kubernetes, read).await;
        assert_eq!(
            labels, r#"{"app.kubernetes.io/part-of":"another"}"#,
            "{way}"
        );
        well(kubernetes, "kubectl delete crd mcpservers.mcp.kagenti.com").await;
    }
}
