//! What `kubectl apply -k` installs. Level `apiserver` tries it in a cluster.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser as _};
use mcp_control::args::{Args, Command, PluginsMode};
use serde_json::{Value, json};

const KUSTOMIZATION: &str = "kustomization.yaml";

fn wasmplugin() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wasmplugin")
}

fn documents(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The folders that are applied, or taken into others.
fn folders() -> Vec<PathBuf> {
    let names = [
        "pair",
        "adopt",
        "install",
        "install/secrets",
        "install/all-secrets",
        "envoyfilter",
        "install-envoyfilter",
    ];
    names.map(|name| wasmplugin().join(name)).into()
}

/// The objects of one folder, as they are before kustomize.
fn objects(folder: &Path) -> Vec<Value> {
    let [kustomization] = documents(&folder.join(KUSTOMIZATION)).try_into().unwrap();
    let resources = kustomization["resources"].as_array().unwrap().clone();
    let names = resources.iter().map(|name| name.as_str().unwrap());
    let files = names.filter(|name| name.ends_with(".yaml"));
    files
        .flat_map(|name| documents(&folder.join(name)))
        .collect()
}

fn installed(kind: &str) -> Vec<Value> {
    let objects = objects(&wasmplugin().join("install"));
    let chosen = objects.into_iter().filter(|object| object["kind"] == kind);
    chosen.collect()
}

fn container() -> Value {
    let [deployment] = installed("Deployment").try_into().unwrap();
    deployment["spec"]["template"]["spec"]["containers"][0].clone()
}

#[test]
fn every_manifest_is_an_object_that_its_folder_takes_in() {
    for folder in folders() {
        for object in objects(&folder) {
            for member in [
                &object["apiVersion"],
                &object["kind"],
                &object["metadata"]["name"],
            ] {
                assert!(
                    member.as_str().is_some_and(|text| !text.is_empty()),
                    "{object}"
                );
            }
        }
        let entries = fs::read_dir(&folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let there: BTreeSet<_> = names
            .filter(|name| name.ends_with(".yaml") && name != KUSTOMIZATION)
            .collect();
        let [kustomization] = documents(&folder.join(KUSTOMIZATION)).try_into().unwrap();
        let taken: BTreeSet<String> =
            serde_json::from_value(kustomization["resources"].clone()).unwrap();
        let taken: BTreeSet<_> = taken
            .into_iter()
            .filter(|name| name.ends_with(".yaml"))
            .collect();
        assert_eq!(there, taken, "{}", folder.display());
    }
}

#[test]
fn the_install_has_no_plugins() {
    assert_eq!(installed("WasmPlugin"), Vec::<Value>::new());
}

#[test]
fn no_role_of_the_install_is_wider_than_its_names() {
    for kind in ["ClusterRole", "Role"] {
        for role in installed(kind) {
            for rule in role["rules"].as_array().unwrap() {
                assert!(!rule.to_string().contains('*'), "{rule}");
                let reads_secrets =
                    rule["resources"] == json!(["secrets"]) && rule["verbs"] != json!(["create"]);
                assert!(
                    !reads_secrets || rule["resourceNames"] == json!(["mcp-control-keys"]),
                    "{rule}"
                );
                assert!(
                    kind == "Role" || !rule["resources"].to_string().contains("secrets"),
                    "{rule}"
                );
            }
        }
    }
}

#[test]
fn the_secrets_of_one_namespace_and_of_all_are_read_alike() {
    let [one, all] = ["install/secrets", "install/all-secrets"]
        .map(|folder| objects(&wasmplugin().join(folder)));
    for (one, all) in one.iter().zip(&all) {
        for member in ["rules", "subjects"] {
            assert_eq!(one[member], all[member]);
        }
    }
    assert_eq!(
        one[0]["rules"],
        json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]}])
    );
}

#[test]
fn only_the_install_with_envoy_filters_has_a_right_on_them() {
    let of = |folder| {
        let roles = objects(&wasmplugin().join(folder)).into_iter();
        let rules = roles.filter_map(|role| role["rules"].as_array().cloned());
        let rules = rules
            .flatten()
            .filter(|rule| rule["resources"].to_string().contains("envoyfilters"));
        rules.collect::<Vec<_>>()
    };
    assert_eq!(of("install"), Vec::<Value>::new());
    let [rule] = <[Value; 1]>::try_from(of("install-envoyfilter")).unwrap();
    assert_eq!(rule["resources"], json!(["envoyfilters"]));
    assert_eq!(
        rule["verbs"],
        json!(["list", "watch", "create", "patch", "delete"])
    );
}

#[test]
fn the_container_may_do_nothing_to_its_node() {
    let security = &container()["securityContext"];
    assert_eq!(
        security,
        &json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        })
    );
    let [deployment] = installed("Deployment").try_into().unwrap();
    let pod = &deployment["spec"]["template"]["spec"]["securityContext"];
    assert_eq!(
        (&pod["runAsNonRoot"], &pod["seccompProfile"]["type"]),
        (&true.into(), &"RuntimeDefault".into())
    );
}

#[test]
fn the_program_takes_what_the_container_gives_it() {
    let container = container();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let arguments = container["args"].as_array().unwrap().iter().map(text);
    let program = std::iter::once("mcp-control".to_owned());
    let args = Args::try_parse_from(program.chain(arguments)).unwrap();
    let Command::Run(run) = args.command else {
        panic!("{:?}", args.command)
    };
    assert_eq!(run.wasmplugins, PluginsMode::Manage);
    let [port] = container["ports"].as_array().unwrap().as_slice() else {
        panic!("{container}")
    };
    assert_eq!(port["containerPort"], run.admin.port());
    assert!(
        run.admin.ip().is_unspecified(),
        "a kubelet asks from outside"
    );
    // What it reads besides.
    let variables: BTreeSet<_> = container["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| text(&v["name"]))
        .collect();
    let program = Args::command();
    let known = program.find_subcommand("run").unwrap().get_arguments();
    let known: BTreeSet<_> = known
        .filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned))
        .collect();
    assert!(variables.is_subset(&known), "{variables:?}, {known:?}");
}
