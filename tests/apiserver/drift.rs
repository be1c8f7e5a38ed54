//! What control owns stays as it is to be, and what others own is theirs.

use std::fs;

use harness::component;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use serde_json::{Value, json};

use crate::events::until_event;
use crate::world::{World, assert_says, extension, registration, until_tools};

const CONTROL: &str = "mcp-control";

tests! {
    async fn a_configuration_that_is_edited_by_hand_is_repaired() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let _upstream = server(&world).await;
        let pushed = settled(&world).await;
        let edits = [
            json!({"spec": {"pluginConfig": {"servers": null, "catalog": null}}}),
            json!({"spec": {"pluginConfig": {"generation": "by-hand"}}}),
            json!({"spec": {"pluginConfig": {"more": {"than": "control wrote"}}}}),
            json!({"spec": {"pluginConfig": null}}),
            json!({"spec": {"phase": "STATS"}}),
            json!({"spec": {"match": [{"ports": [{"number": 9}]}]}}),
            json!({"spec": {"priority": 7, "vmConfig": {"env": [{"name": "A", "value": "b"}]}}}),
            json!({"spec": {"targetRefs": null, "selector": {"matchLabels": {"app": "none"}}}}),
        ];
        for edit in edits {
            let edited = world.kubernetes.edit(&pushed, edit.clone()).await;
            assert_ne!(edited["spec"], pushed["spec"], "{edit}");
            let what = format!("{edit} is repaired");
            let repaired = |plugin: &Value| (plugin["spec"] == pushed["spec"]).then_some(());
            world.kubernetes.until_object(&what, &pushed, repaired).await;
        }
        until_tools(world.gateway(), &["echo_greet"]).await;
        world.until_caught_up().await;
        let repaired = world.versions().await;
        world.until_caught_up().await;
        assert_eq!(world.versions().await, repaired, "what is repaired is written no more");
    }

    async fn the_secret_by_which_the_image_is_pulled_is_its_users() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let _upstream = server(&world).await;
        let pushed = settled(&world).await;
        let edit = json!({"spec": {"imagePullSecret": "registry", "phase": "STATS"}});
        world.kubernetes.edit(&pushed, edit).await;
        let repaired = |plugin: &Value| (plugin["spec"]["phase"] == pushed["spec"]["phase"]).then_some(());
        world.kubernetes.until_object("the phase is repaired", &pushed, repaired).await;
        world.until_caught_up().await;
        assert_eq!(world.kubernetes.read(&pushed).await["spec"]["imagePullSecret"], "registry");
    }

    async fn a_plugin_that_is_deleted_comes_back() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let _upstream = server(&world).await;
        let pushed = settled(&world).await;
        for plugin in world.plugins().await {
            assert!(world.kubernetes.delete(&plugin).await);
        }
        let back = |plugin: &Value| (plugin["spec"] == pushed["spec"]).then_some(());
        world.kubernetes.until_object("the plugin is back", &pushed, back).await;
        until_tools(world.gateway(), &["echo_greet"]).await;
    }

    async fn labels_and_annotations_of_others_stay() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let _upstream = server(&world).await;
        let pushed = settled(&world).await;
        let theirs = json!({
            "apiVersion": pushed["apiVersion"],
            "kind": pushed["kind"],
            "metadata": {
                "name": pushed["metadata"]["name"],
                "namespace": pushed["metadata"]["namespace"],
                "labels": {"team": "platform"},
                "annotations": {"note": "ours"},
            },
        });
        world.kubernetes.submit_as("argocd", theirs).await.unwrap();
        world.kubernetes.edit(&pushed, json!({"spec": {"pluginConfig": {"generation": "by-hand"}}})).await;
        let repaired = |plugin: &Value| (plugin["spec"] == pushed["spec"]).then(|| plugin.clone());
        let plugin = world.kubernetes.until_object("it is repaired", &pushed, repaired).await;
        assert_eq!(plugin["metadata"]["labels"]["team"], "platform");
        assert_eq!(plugin["metadata"]["annotations"]["note"], "ours");
        assert_eq!(plugin["metadata"]["uid"], pushed["metadata"]["uid"]);
    }

    async fn a_control_that_adopts_says_which_plugins_it_lacks_and_serves_once_they_are_made() {
        let world = World::start().await;
        let _control = world.control_with("one", &["--wasmplugins", "adopt"]).await;
        let _upstream = server(&world).await;
        for object in [extension("mcp-gateway"), registration("echo")] {
            let told = world.until_told(&object, "Unknown", "WasmPluginNotFound").await;
            let labels = ["app.kubernetes.io/instance=mcp-gateway", "app.kubernetes.io/component=route"];
            assert_says(&told, &["namespace gateway-system has no WasmPlugin", labels[0], labels[1], "make it"]);
            let named = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
            assert_eq!(until_event(&world, named, "WasmPluginNotFound").await, "Warning");
        }
        assert!(world.plugins().await.is_empty(), "control makes none");
        for plugin in template("mcp-gateway") {
            world.kubernetes.submit_as("argocd", plugin).await.unwrap();
        }
        world.until_told(&extension("mcp-gateway"), "True", "Ready").await;
        world.until_ready("echo", "True", "Ready").await;
        until_tools(world.gateway(), &["echo_greet"]).await;
    }

    async fn an_adopted_plugin_is_its_owners_but_for_its_configuration() {
        let world = World::start().await;
        let own: Vec<Value> = template("mcp-gateway");
        for plugin in &own {
            world.kubernetes.submit_as("argocd", plugin.clone()).await.unwrap();
        }
        let _control = world.control_with("one", &["--wasmplugins", "adopt"]).await;
        let _upstream = server(&world).await;
        until_tools(world.gateway(), &["echo_greet"]).await;
        assert_eq!(world.plugins().await.len(), own.len(), "none beside the owner's");
        for plugin in world.plugins().await {
            assert_eq!(fields(&plugin, CONTROL), ["pluginConfig"], "{plugin:#}");
        }
        // What the owner applies again takes no configuration away, and what he changes stays.
        let changed = "oci://registry.example.com/other@sha256:\
            1111111111111111111111111111111111111111111111111111111111111111";
        for mut plugin in own {
            plugin["spec"]["url"] = changed.into();
            let stored = world.kubernetes.submit_as("argocd", plugin).await.unwrap();
            assert_eq!(stored["spec"]["url"], changed);
            assert_ne!(stored["spec"]["pluginConfig"], Value::Null);
        }
        world.until_caught_up().await;
        for plugin in world.plugins().await {
            assert_eq!(plugin["spec"]["url"], changed);
        }
    }
}

/// A server of one tool, `echo_greet`.
async fn server(world: &World) -> Upstream {
    let upstream =
        Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
    world.apply(&Server::new("echo", upstream.address())).await;
    upstream
}

/// The plugin with the configuration, once nothing is to be added to that.
async fn settled(world: &World) -> Value {
    world.until_ready("echo", "True", "Ready").await;
    until_tools(world.gateway(), &["echo_greet"]).await;
    world.plugin("mcp-gateway").await
}

/// The pair as a user writes it from the project's own template, without configuration.
pub(crate) fn template(gateway: &str) -> Vec<Value> {
    let text = fs::read_to_string(component::file("../wasmplugin/pair/plugins.yaml")).unwrap();
    let mut plugins: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    for plugin in &mut plugins {
        plugin["metadata"]["namespace"] = "gateway-system".into();
        let labels = plugin["metadata"]["labels"].as_object_mut().unwrap();
        labels.insert("app.kubernetes.io/instance".to_owned(), gateway.into());
        labels.insert("app.kubernetes.io/version".to_owned(), "mine".into());
        labels.remove("app.kubernetes.io/managed-by");
        plugin["spec"]["targetRefs"][0]["name"] = gateway.into();
        plugin["spec"]["url"] = harness::control::IMAGE.into();
        plugin["spec"]
            .as_object_mut()
            .unwrap()
            .remove("pluginConfig");
    }
    plugins
}

/// The fields of `spec` that a manager owns, and everything else that it owns by its full name.
fn fields(object: &Value, manager: &str) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    let own = entries.iter().filter(|entry| entry["manager"] == manager);
    let mut names = Vec::new();
    for (member, fields) in own
        .filter_map(|entry| entry["fieldsV1"].as_object())
        .flatten()
    {
        match (member.as_str(), fields.as_object()) {
            ("f:spec", Some(fields)) => names.extend(
                fields
                    .keys()
                    .map(|key| key.trim_start_matches("f:").to_owned()),
            ),
            _ => names.push(member.clone()),
        }
    }
    names
}
