//! The guides' own manifests are taken as they are written.

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::component;
use harness::kubectl::shell;
use serde_json::{Value, json};

use crate::cluster::{cluster, example};
use crate::poison::policies;
use crate::world::World;

/// The folders of each guide's manifests, as they are applied. The guides have names in common.
const GUIDES: [&[&str]; 2] = [&["platform", "part-1", "part-2"], &["platform", "kagenti"]];

/// What the guides make, their namespaces among it.
const KINDS: [&str; 11] = [
    "AuthPolicy",
    "DestinationRule",
    "Gateway",
    "GatewayClass",
    "HTTPRoute",
    "MCPGatewayExtension",
    "MCPServer",
    "MCPServerRegistration",
    "Namespace",
    "Secret",
    "ServiceEntry",
];

tests! {
    async fn all_manifests_of_the_guides_apply_and_are_read_back_as_written() {
        let mut kinds = Vec::new();
        for folders in GUIDES {
            let world = World::with_gateways(&[]).await;
            let kubernetes = &world.kubernetes;
            kubernetes.define(&policies()).await;
            let written = manifests(folders);
            for object in &written {
                kubernetes.submit(object.clone()).await.unwrap_or_else(|error| panic!("{object}: {error}"));
            }
            for object in written {
                let stored = kubernetes.read(&object).await;
                let expected = as_stored(object);
                assert!(holds(&stored, &expected), "{stored} is not {expected}");
                kinds.push(expected["kind"].as_str().unwrap().to_owned());
            }
        }
        for kind in KINDS {
            assert!(kinds.iter().any(|known| known == kind), "the guides have no {kind}");
        }
    }

    async fn the_older_guides_patch_adds_its_listener() {
        let world = World::with_gateways(&[]).await;
        for object in manifests(&["platform"]) {
            world.kubernetes.submit(object).await.unwrap();
        }
        let patch = "examples/github/kagenti/step-1-gateway-listener.jsonpatch";
        let gateway = "gateway -n gateway-system mcp-gateway";
        let patched = shell(&world.kubernetes, &format!("kubectl patch {gateway} --type=json --patch-file={patch}")).await;
        assert!(patched.well, "{}", patched.err);
        let stored = shell(&world.kubernetes, &format!("kubectl get {gateway} -o json")).await;
        let stored: Value = serde_json::from_str(&stored.out).unwrap();
        let written: Value = serde_json::from_str(&example("kagenti/step-1-gateway-listener.jsonpatch")).unwrap();
        let listeners = stored["spec"]["listeners"].as_array().unwrap();
        assert_eq!(listeners.last(), Some(&written[0]["value"]));
    }

    async fn both_versions_of_a_kind_show_one_object() {
        let cluster = cluster().await;
        cluster.apply(&example("platform/namespaces.yaml")).await;
        let mut written: Value = serde_saphyr::from_str(&example("part-1/step-5-registration.yaml")).unwrap();
        written["metadata"]["name"] = "in-two-versions".into();
        assert_eq!(written["apiVersion"], "mcp.kuadrant.io/v1alpha1");
        let older = cluster.submit(written.clone()).await.unwrap();
        written["apiVersion"] = "mcp.kuadrant.io/v1".into();
        let newer = cluster.read(&written).await;
        assert_eq!(newer["spec"], older["spec"]);
        assert_eq!(newer["metadata"]["uid"], older["metadata"]["uid"]);
        assert_eq!((&newer["spec"]["path"], &newer["spec"]["state"]), (&"/mcp".into(), &"Enabled".into()));
    }
}

/// All objects of these folders, namespaces first.
fn manifests(folders: &[&str]) -> Vec<Value> {
    let mut objects: Vec<Value> = Vec::new();
    for folder in folders {
        let folder = component::file("../examples/github").join(folder);
        let files = fs::read_dir(folder).unwrap();
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|kind| kind == "yaml"));
        paths.sort();
        for path in paths {
            let text = fs::read_to_string(&path).unwrap();
            let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
            assert!(!documents.is_empty(), "{} holds nothing", path.display());
            objects.extend(documents);
        }
    }
    objects.sort_by_key(|object| object["kind"] != "Namespace");
    objects
}

/// A Secret keeps in `data` what is written into `stringData`.
fn as_stored(mut object: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    if let Some(Value::Object(texts)) = members.remove("stringData") {
        let data = texts.into_iter().map(|(key, text)| {
            let data = BASE64_STANDARD.encode(text.as_str().unwrap());
            (key, json!(data))
        });
        members.insert("data".to_owned(), data.collect());
    }
    object
}

/// Whether all that is written is there; the apiserver adds defaults.
fn holds(stored: &Value, written: &Value) -> bool {
    match (stored, written) {
        (Value::Object(stored), Value::Object(written)) => written
            .iter()
            .all(|(name, value)| stored.get(name).is_some_and(|stored| holds(stored, value))),
        (Value::Array(stored), Value::Array(written)) => {
            let mut pairs = stored.iter().zip(written);
            stored.len() == written.len() && pairs.all(|(stored, written)| holds(stored, written))
        }
        _ => stored == written,
    }
}
