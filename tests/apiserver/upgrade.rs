//! Another image of the filter.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use harness::control::IMAGE;
use harness::load::Load;
use harness::manifests::Server;
use harness::runtime;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use kube::Client;
use kube::ResourceExt as _;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::watcher::{self, Event, watcher};
use serde_json::Value;

use crate::world::{World, client, until_tools};

const OTHER: &str = "oci://registry.example.com/mcp-filter@sha256:\
    fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

/// The names of all WasmPlugins.
type Names = BTreeSet<String>;

tests! {
    async fn another_image_makes_another_pair_before_the_old_one_goes_and_lists_and_calls_go_on() {
        let world = World::start().await;
        let old = world.control("old").await;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        world.apply(&Server::new("echo", upstream.address())).await;
        world.until_ready("echo", "True", "Ready").await;
        until_tools(world.gateway(), &["echo_greet"]).await;
        let before = names_of(&world, IMAGE).await;
        assert_eq!(before.len(), 2);
        let load = Load::start(&client(world.gateway()), "echo_greet", "greet");
        let seen = follow(world.kubernetes.client());
        until_last(&seen, &before).await;

        // As a Deployment does it: the next one is ready before the last one is asked to end.
        let new = world.control_with("new", &["--image", OTHER]).await;
        new.until_watching().await;
        assert!(old.stop().await.success());
        let after = until_other(&seen, &before).await;
        assert_eq!(names_of(&world, OTHER).await, after);
        for names in seen.lock().unwrap().iter() {
            let is_whole = names.is_superset(&before) || names.is_superset(&after);
            assert!(is_whole, "a pair all the while, {before:?} or {after:?}: {names:?}");
        }
        world.apply(&Server::new("later", upstream.address())).await;
        until_tools(world.gateway(), &["echo_greet", "later_greet"]).await;
        for name in ["echo", "later"] {
            world.until_ready(name, "True", "Ready").await;
        }
        load.stop().await;
        assert_eq!(names_of(&world, OTHER).await, after);
    }
}

/// The names of the WasmPlugins, which are all of this image.
async fn names_of(world: &World, image: &str) -> Names {
    let plugins = world.plugins().await;
    assert!(plugins.iter().all(|plugin| plugin["spec"]["url"] == image));
    let name = |plugin: &Value| plugin["metadata"]["name"].as_str().unwrap().to_owned();
    plugins.iter().map(name).collect()
}

/// What WasmPlugins there are, from now on: as it is, and after each change.
fn follow(client: Client) -> Arc<Mutex<Vec<Names>>> {
    let kind = GroupVersionKind::gvk("extensions.istio.io", "v1alpha1", "WasmPlugin");
    let api: Api<DynamicObject> = Api::all_with(client, &ApiResource::from_gvk(&kind));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let filled = Arc::downgrade(&seen);
    runtime::spawn(async move {
        let mut names = Names::new();
        let mut events = watcher(api, watcher::Config::default()).boxed();
        while let Some(event) = events.next().await {
            let is_whole = !matches!(event, Ok(Event::Init | Event::InitApply(_)));
            match event.expect("a change") {
                Event::Init => names.clear(),
                Event::InitApply(object) | Event::Apply(object) => {
                    names.insert(object.name_any());
                }
                Event::Delete(object) => {
                    names.remove(&object.name_any());
                }
                Event::InitDone => {}
            }
            let Some(seen) = filled.upgrade() else { return };
            if is_whole {
                seen.lock().unwrap().push(names.clone());
            }
        }
    });
    seen
}

async fn until_last(seen: &Mutex<Vec<Names>>, names: &Names) {
    until("the pair is seen", Duration::from_secs(30), || async {
        (seen.lock().unwrap().last() == Some(names)).then_some(())
    })
    .await;
}

/// Waits until a whole pair is there and nothing of the old one. Gives its names.
async fn until_other(seen: &Mutex<Vec<Names>>, old: &Names) -> Names {
    until("another pair alone", Duration::from_secs(60), || async {
        let now = seen.lock().unwrap().last().cloned()?;
        (now.len() == old.len() && now.is_disjoint(old)).then_some(now)
    })
    .await
}
