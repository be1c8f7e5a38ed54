//! What clients notice of changes.

use super::requests::Requests;
use super::{Chain, last_tool, until};

/// Changes of a registration, one after the other: each has one tool more.
const CHANGES: usize = 100;

/// Images that are rolled out, each and back.
const IMAGES: u64 = 5;

/// Of a table.
const HEAD: &str =
    "| under three clients | requests | failed | slowest |\n| --- | --- | --- | --- |\n";

/// Requests after the last change, so that what comes late is seen.
const SOME: u64 = 300;

pub(super) async fn changes() {
    let chain = Chain::start().await;
    assert_failures_count(&chain).await;
    let requests = Requests::start(&chain.managed.client());
    for tools in 1..=CHANGES {
        chain.register(0, tools).await;
        chain.until_listed(&last_tool(0, tools)).await;
    }
    more(&requests).await;
    println!(
        "{HEAD}| {CHANGES} changes of a registration | {} |",
        requests.stop().await
    );
}

pub(super) async fn rolls() {
    let mut chain = Chain::start().await;
    let requests = Requests::start(&chain.managed.client());
    let good = chain.managed.image();
    let plain = good.trim_start_matches("oci://").to_owned();
    for number in 0..IMAGES {
        let key = "org.opencontainers.image.revision";
        let revision = format!("other-{number}");
        let registry = &chain.managed.registry;
        let other = registry.annotated(&plain, key, &revision).await;
        roll(&mut chain, &format!("oci://{other}")).await;
        roll(&mut chain, &good).await;
    }
    more(&requests).await;
    println!(
        "{HEAD}| {} rolls: {IMAGES} images, each and back | {} |",
        IMAGES * 2,
        requests.stop().await
    );
    println!();
}

/// Restarts control with this image, and waits until there is no other pair and Envoy has this one.
async fn roll(chain: &mut Chain, image: &str) {
    chain.managed.roll(image).await;
    let managed = &chain.managed;
    let port = managed.address().port();
    until(|| async {
        let plugins = [
            managed.plugins("AUTHN").await,
            managed.plugins("AUTHZ").await,
        ]
        .concat();
        let is_new =
            plugins.len() == 2 && plugins.iter().all(|plugin| plugin["spec"]["url"] == image);
        let filters = managed.proxy.filters(port).await;
        let is_taken = plugins.iter().all(|plugin| {
            let name = plugin["metadata"]["name"].as_str().unwrap();
            filters.iter().any(|filter| filter.contains(name))
        });
        (is_new && is_taken).then_some(())
    })
    .await;
    managed.until_extension("True", "Ready", "").await;
}

/// Asks for a host that nobody serves: were that not counted, nothing would be.
async fn assert_failures_count(chain: &Chain) {
    let nobody = chain.managed.client().naming("nobody.example.com");
    let requests = Requests::start(&nobody);
    more(&requests).await;
    let tally = requests.stop().await;
    assert_eq!(tally.failed, tally.made, "{tally}");
}

async fn more(requests: &Requests) {
    let enough = requests.made() + SOME;
    until(|| async { (requests.made() >= enough).then_some(()) }).await;
}
