//! What `kubectl describe` shows below an object.

use std::time::Duration;

use harness::wait::until;
use serde_json::Value;

use crate::world::World;

/// Those about an object of this kind and name, with this reason.
pub(crate) async fn events(world: &World, object: (&str, &str), reason: &str) -> Vec<Value> {
    let events = world.kubernetes.list("events.k8s.io/v1", "Event").await;
    let is_wanted = |event: &Value| {
        let regarding = &event["regarding"];
        regarding["kind"] == object.0 && regarding["name"] == object.1 && event["reason"] == reason
    };
    events.into_iter().filter(is_wanted).collect()
}

/// Waits for the first of them, and gives its type.
pub(crate) async fn until_event(world: &World, object: (&str, &str), reason: &str) -> String {
    let what = format!("an event tells {reason} of {object:?}");
    until(&what, Duration::from_secs(30), || async {
        let events = events(world, object, reason).await;
        events.first()?["type"].as_str().map(str::to_owned)
    })
    .await
}

/// Asserts that there is one, and that nobody has told it again.
pub(crate) async fn assert_told_once(world: &World, object: (&str, &str), reason: &str) {
    let events = events(world, object, reason).await;
    let is_one = events.len() == 1 && events[0]["series"].is_null();
    assert!(is_one, "told once, {reason} of {object:?}: {events:#?}");
}
