use serde_json::{Value, json};

use super::{Place, REGISTRATION, run};

const TABLE: &str = "\
NAMESPACE   NAME   PREFIX   TARGET   PATH   READY     TOOLS    CREDENTIALS   AGE
default     a      a_       a        /mcp   Unknown   <none>   <none>        <unknown>
";
const OFFLINE: [&str; 3] = ["get", "base", "--offline"];

#[test]
fn a_folder_shows_its_registrations_and_faults() {
    let place = Place::registered();
    let odd = REGISTRATION.replace("name: a}", "name: b}");
    place.write("base/odd.yaml", odd.replace("name: a\n", "name: odd\n"));
    let run = place.run(&OFFLINE);
    let expected = "\
NAMESPACE   NAME   PREFIX   TARGET   PATH   READY     TOOLS    CREDENTIALS   AGE
default     a      a_       a        /mcp   Unknown   <none>   <none>        <unknown>
default     odd    a_       b        /mcp   False     <none>   <none>        <unknown>

base/registration.yaml:1: MCPServerRegistration default/a: Pending: the server has not been asked for its lists yet
base/odd.yaml:1: MCPServerRegistration default/odd: TargetNotFound: HTTPRoute default/b does not exist: create it, or \
correct spec.targetRef
base/platform.yaml:8: MCPGatewayExtension default/gw: Pending: the manifests are accepted; no gateway was started
";
    assert_eq!((run.code, run.out.as_str()), (0, expected));
    assert_eq!(run.err, "", "faults are told once");
}

#[test]
fn what_is_wrong_with_files_is_a_fault() {
    let place = Place::registered();
    place.write("base/bad.yaml", "kind: [");
    place.write(
        "base/pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n",
    );
    let run = place.run(&OFFLINE);
    assert_eq!(run.code, 0);
    let faults = run.out.strip_prefix(TABLE).unwrap();
    assert!(faults.starts_with("\nbase/bad.yaml:1: "), "{faults}");
    assert!(!faults.contains("pod.yaml"), "{faults}");
    assert_eq!(
        run.told,
        ["WARN base/pod.yaml:1: kind Pod (v1) is not read here: skipped"]
    );
}

#[test]
fn both_documents_have_all_that_is_known() {
    let place = Place::registered();
    let [json, yaml] = ["json", "yaml"].map(|format| {
        let run = place.run(&[&OFFLINE[..], &["-o", format]].concat());
        assert_eq!((run.code, run.err.as_str()), (0, ""));
        run.out
    });
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), json);
    let message = "the server has not been asked for its lists yet";
    let expected = json!({
        "kind": "MCPServerRegistration", "namespace": "default", "name": "a", "place": "base/registration.yaml:1",
        "prefix": "a_", "target": "a", "path": "/mcp", "state": "Enabled",
        "ready": "Unknown", "reason": "Pending", "message": message, "conflicts": [],
        "conditions": [{"type": "Ready", "status": "Unknown", "reason": "Pending", "message": message}],
    });
    assert_eq!(json["registrations"], json!([expected]));
    let extension = &json["extensions"][0];
    assert_eq!(
        (&extension["gateway"], &extension["listener"]),
        (&"default/gw".into(), &"mcp".into())
    );
    assert_eq!(json["faults"][0]["place"], "base/registration.yaml:1");
}

#[test]
fn a_namespace_without_registrations_is_named() {
    let place = Place::registered();
    let run = place.run(&[&OFFLINE[..], &["-n", "other"]].concat());
    let header = "NAMESPACE   NAME   PREFIX   TARGET   PATH   READY   TOOLS   CREDENTIALS   AGE\n";
    assert_eq!((run.code, run.out.as_str()), (0, header));
    let told = "WARN no MCPServerRegistration and no MCPServer is in namespace other";
    assert_eq!(run.told, [told]);
}

#[test]
fn what_cannot_be_read_is_a_failure_that_says_what_to_do() {
    let place = Place::new();
    for (arguments, told) in [
        (
            &["get", "nowhere", "--offline"][..],
            "name a folder with manifests",
        ),
        (&["get", "base"], "name one with --envoy PATH"),
        (&["get"], "set KUBECONFIG, or name a folder"),
    ] {
        let run = place.run(arguments);
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{arguments:?}");
        let [line] = &run.told[..] else {
            panic!("{:?}", run.told)
        };
        assert!(line.starts_with("ERROR ") && line.contains(told), "{line}");
    }
}

#[test]
fn a_cluster_that_is_not_there_is_named() {
    let place = Place::new();
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        // A port that nobody listens on: it is not one that the system gives away.
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {}}],
    });
    place.write("config", config.to_string());
    let path = place.0.path().join("config");
    let variables = [("KUBECONFIG", path.to_str().unwrap())];
    let run = run(place.0.path(), &["get"], &variables);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    let told = "ERROR MCPServerRegistration cannot be listed in all namespaces: Connection refused (os error 111): see \
                whether the cluster that KUBECONFIG names is there";
    assert_eq!(run.told, [told]);
}

#[test]
fn options_of_folders_need_one() {
    for arguments in [
        &["get", "--offline"][..],
        &["get", "base", "--offline", "--tools"],
    ] {
        assert_eq!(Place::new().run(arguments).code, 2, "{arguments:?}");
    }
}
