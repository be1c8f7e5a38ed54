//! A pair of WasmPlugins that its user owns, and of which control owns the configuration alone.

use std::os::unix::fs::symlink;

use harness::component;
use harness::document::block;
use harness::gateway::temporary_folder;
use harness::load::Load;
use harness::manifests::Server;
use harness::wait::until;

use crate::faults::{SOME, names, serve};
use crate::managed::{CONSEQUENCE, Managed};
use crate::watch::Watch;

/// The pair's parts, by the names that the template gives them.
const USERS: [&str; 2] = ["mcp-gate", "mcp-route"];

/// What the overlay of the documents has in the place of the image's digest and of everything before it.
const IMAGE: &str = "oci://registry.example.com/mcp/mcp-filter@sha256:<digest>";

/// How calls are answered meanwhile: 500 by Envoy itself, while a plugin stands in its listener whose configuration it has
/// not taken. What passes by the filter would get 404.
const HANDED_OVER: [u16; 3] = [200, 500, 503];

tests! {
    async fn a_gateway_goes_over_to_its_users_pair_and_back_and_nothing_passes_by_the_filter() {
        let mut managed = Managed::start().await;
        let upstream = serve(&managed).await;
        let own = parts(&managed).await;
        let image = managed.image();
        let watch = Watch::start(&managed.client());
        managed.hand_over("mcp-controller-1", &image, &["--wasmplugins=adopt"]).await;
        managed.until_extension("Unknown", "WasmPluginNotFound", "").await;
        assert_eq!(parts(&managed).await, own, "what is there goes on");
        apply_overlay(&managed).await;
        managed.until_extension("True", "Ready", "").await;
        until_parts(&managed, &USERS).await;
        managed.until_serving().await;
        watch.stop_after(&HANDED_OVER).await;

        let load = Load::start(&managed.client(), "echo_greet", "greet");
        managed.kubernetes.apply(&Server::new("later", upstream.address()).yaml()).await;
        managed.until_ready("later", "True", "Ready").await;
        assert!(names(&managed).await.contains("later_greet"), "the configuration is control's");
        apply_overlay(&managed).await;
        load.until_more(SOME).await;
        assert!(names(&managed).await.contains("later_greet"), "what its owner applies again takes none away");
        load.stop().await;

        let watch = Watch::start(&managed.client());
        managed.hand_over("mcp-controller-2", &image, &[]).await;
        managed.until_extension("Unknown", "WasmPluginConflict", "").await;
        assert_eq!(parts(&managed).await, USERS, "no pair beside its user's");
        let label = "app.kubernetes.io/managed-by=mcp-control";
        managed.run(&format!("kubectl label wasmplugin -n gateway-system {} {label}", USERS.join(" "))).await;
        managed.until_extension("True", "Ready", "").await;
        let own: Vec<_> = own.iter().map(String::as_str).collect();
        until_parts(&managed, &own).await;
        managed.until_serving().await;
        watch.stop_after(&HANDED_OVER).await;
        until("the gateway lists what it has listed before", CONSEQUENCE, || async {
            names(&managed).await.contains("later_greet").then_some(())
        }).await;
    }
}

/// Applies the overlay of the documents, with this image.
async fn apply_overlay(managed: &Managed) {
    let folder = temporary_folder("overlay");
    let project = component::file("..").canonicalize().unwrap();
    symlink(project, folder.path().join("mcp-proxy-wasm")).unwrap();
    let overlay = block("docs/kubernetes.md", "## WasmPlugins of your own", "yaml");
    assert!(overlay.contains(IMAGE), "{overlay}");
    let overlay = overlay.replace(IMAGE, &managed.image());
    std::fs::write(folder.path().join("kustomization.yaml"), overlay).unwrap();
    let folder = folder.path().display();
    managed.run(&format!("kubectl apply -k {folder}")).await;
}

/// The names of the gateway's WasmPlugins.
async fn parts(managed: &Managed) -> Vec<String> {
    let parts = [
        managed.plugins("AUTHZ").await,
        managed.plugins("AUTHN").await,
    ];
    let parts = parts.concat();
    let names = parts
        .iter()
        .map(|part| part["metadata"]["name"].as_str().unwrap().to_owned());
    names.collect()
}

async fn until_parts(managed: &Managed, wanted: &[&str]) {
    let what = format!("the gateway's parts are {wanted:?}");
    until(&what, CONSEQUENCE, || async {
        (parts(managed).await == wanted).then_some(())
    })
    .await;
}
