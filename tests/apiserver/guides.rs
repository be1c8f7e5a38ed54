//! The guides' own manifests are taken as they are written.

use serde_json::Value;

use crate::cluster::{cluster, example};

/// Of this project's kinds, by the folder of the examples.
const MANIFESTS: [&str; 3] = [
    "platform/extension.yaml",
    "part-1/step-5-registration.yaml",
    "kagenti/step-7-mcp-server.yaml",
];

tests! {
    async fn the_guides_manifests_apply_and_are_read_back_as_written() {
        let cluster = cluster().await;
        cluster.apply(&example("platform/namespaces.yaml")).await;
        for name in MANIFESTS {
            let written: Value = serde_saphyr::from_str(&example(name)).unwrap();
            let stored = cluster.submit(written.clone()).await.unwrap();
            assert!(holds(&stored, &written), "{name}: {stored} is not {written}");
        }
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

/// Whether all that is written is there; the apiserver adds defaults.
fn holds(stored: &Value, written: &Value) -> bool {
    match (stored, written) {
        (Value::Object(stored), Value::Object(written)) => written
            .iter()
            .all(|(name, value)| stored.get(name).is_some_and(|stored| holds(stored, value))),
        _ => stored == written,
    }
}
