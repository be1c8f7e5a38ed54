//! Objects that nobody can read, and a cluster's API that is away, stop nothing.

use std::time::Duration;

use futures::future::join_all;
use harness::control::Control;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::{Value, json};

use crate::events::{assert_told_once, until_event};
use crate::world::{PATIENT, World, condition, registration, tools, until_tools};

tests! {
    async fn objects_that_cannot_be_read_stop_no_other() {
        let world = World::start().await;
        for object in oddities() {
            world.kubernetes.submit(object).await.expect("the API takes it");
        }
        let _control = world.control("one").await;
        let upstream = Upstream::start(one_tool()).await;
        world.apply(&Server::new("echo", upstream.address())).await;
        world.until_ready("echo", "True", "Ready").await;
        until_tools(world.gateway(), &["echo_greet"]).await;
        let odd = ("DestinationRule", "odd");
        assert_eq!(until_event(&world, odd, "Invalid").await, "Warning");
        assert_told_once(&world, odd, "Invalid").await;
    }

    async fn a_policy_that_cannot_be_read_closes_its_namespace_until_it_is_corrected() {
        let world = World::start().await;
        world.kubernetes.define(&policies()).await;
        let odd = named("kuadrant.io/v1", "AuthPolicy", &json!({"spec": {"targetRef": 7}}));
        world.kubernetes.submit(odd.clone()).await.unwrap();
        let _control = world.control("one").await;
        let upstream = Upstream::start(one_tool()).await;
        world.apply(&Server::new("echo", upstream.address())).await;
        let closed = world.until_ready("echo", "False", "PolicyUnsupported").await;
        let message = &condition(&closed, "Ready").unwrap()["message"];
        let says = |words: &str| message.as_str().unwrap().contains(words);
        assert!(says("AuthPolicy mcp-test/odd") && says("of namespace mcp-test is denied"), "{message}");
        let policy = ("AuthPolicy", "odd");
        assert_eq!(until_event(&world, policy, "PolicyUnsupported").await, "Warning");
        world.until_caught_up().await;
        assert_told_once(&world, policy, "PolicyUnsupported").await;
        world.kubernetes.delete(&odd).await;
        world.until_ready("echo", "True", "Ready").await;
        until_tools(world.gateway(), &["echo_greet"]).await;
    }

    async fn policies_in_a_version_that_is_not_read_are_waited_for() {
        let world = World::start().await;
        world.kubernetes.define(&policies_in(&["v1beta3"])).await;
        let control = world.control("one").await;
        let upstream = Upstream::start(one_tool()).await;
        world.apply(&Server::new("echo", upstream.address())).await;
        let waits = "AuthPolicy: the kind is defined, but not served in a version that is read here (kuadrant.io/v1)";
        control.process().line("control waits", |line| line.contains(waits).then_some(())).await;
        assert_eq!(world.plugins().await, Vec::<Value>::new(), "without its policies it would be open");
        world.kubernetes.define(&policies_in(&["v1", "v1beta3"])).await;
        until_tools(world.gateway(), &["echo_greet"]).await;
    }

    async fn policies_that_are_defined_later_in_a_version_that_is_not_read_stop_all_changes_until_they_are_read() {
        let world = World::start().await;
        let control = world.control("one").await;
        let upstream = Upstream::start(one_tool()).await;
        world.apply(&Server::new("echo", upstream.address())).await;
        until_tools(world.gateway(), &["echo_greet"]).await;
        world.kubernetes.define(&policies_in(&["v1beta3"])).await;
        control.process().line("control waits", |line| line.contains("AuthPolicy: the kind is defined, but").then_some(())).await;
        let pushed = world.versions().await;
        world.apply(&Server::new("later", upstream.address())).await;
        until_unseen(&control, "AuthPolicy").await;
        until_tools(world.gateway(), &["echo_greet"]).await;
        assert_eq!(world.versions().await, pushed);
        world.kubernetes.define(&policies_in(&["v1", "v1beta3"])).await;
        until_tools(world.gateway(), &["echo_greet", "later_greet"]).await;
    }

    async fn an_object_that_is_edited_into_nonsense_is_its_own_registrations_fault_alone() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let upstream = Upstream::start(one_tool()).await;
        for name in ["odd", "sane"] {
            world.apply(&Server::new(name, upstream.address())).await;
        }
        until_tools(world.gateway(), &["odd_greet", "sane_greet"]).await;
        let route = json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "odd", "namespace": "mcp-test"},
        });
        let edit = json!({"spec": {"rules": [{}, {}]}});
        world.kubernetes.edit(&route, edit).await;
        let faulty = |odd: &Value| {
            let ready = condition(odd, "Ready")?;
            (ready["status"] == "False").then(|| ready.clone())
        };
        let fault = world.kubernetes.until_object("odd is not ready", &registration("odd"), faulty).await;
        assert!(fault["message"].as_str().unwrap().contains("odd"), "it names the object: {fault}");
        world.until_caught_up().await;
        let sane = world.until_ready("sane", "True", "Ready").await;
        assert_eq!(sane["status"]["discoveredTools"], 1);
        world.apply(&Server::new("odd", upstream.address())).await;
        world.until_ready("odd", "True", "Ready").await;
    }

    async fn control_goes_on_when_the_api_is_back() {
        let world = World::start().await;
        let control = world.control_with("one", PATIENT).await;
        let upstream = Upstream::start(one_tool()).await;
        world.apply(&Server::new("before", upstream.address())).await;
        until_tools(world.gateway(), &["before_greet"]).await;
        world.until_ready("before", "True", "Ready").await;
        let listed = tools(world.gateway()).await;
        world.kubernetes.kill_apiserver().await;
        assert_eq!(tools(world.gateway()).await, listed, "the gateway needs no API");
        world.kubernetes.start_apiserver().await;
        world.apply(&Server::new("after", upstream.address())).await;
        until_tools(world.gateway(), &["after_greet", "before_greet"]).await;
        for name in ["before", "after"] {
            world.until_ready(name, "True", "Ready").await;
        }
        assert!(control.stop().await.success());
    }

    async fn a_control_that_cannot_keep_its_lease_ends_and_the_next_one_goes_on() {
        let world = World::start().await;
        let control = world.control("one").await;
        let upstream = Upstream::start(one_tool()).await;
        world.apply(&Server::new("before", upstream.address())).await;
        until_tools(world.gateway(), &["before_greet"]).await;
        world.kubernetes.kill_apiserver().await;
        assert!(!control.process().ended().await.success(), "a kubelet starts it again");
        world.kubernetes.start_apiserver().await;
        let _control = world.control("one").await;
        world.apply(&Server::new("after", upstream.address())).await;
        until_tools(world.gateway(), &["after_greet", "before_greet"]).await;
    }

    async fn five_hundred_registrations_are_served_and_changes_of_status_alone_push_nothing() {
        let world = World::start().await;
        let _control = world.control_with("one", PATIENT).await;
        let upstream = Upstream::start(one_tool()).await;
        let one = Server::new("s0", upstream.address());
        world.apply(&one).await;
        world.until_ready("s0", "True", "Ready").await;
        let numbers: Vec<u32> = (1..500).collect();
        for some in numbers.chunks(25) {
            join_all(some.iter().map(|number| world.kubernetes.submit(like(*number)))).await;
        }
        let names: Vec<String> = (0..500).map(|number| format!("s{number}_greet")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        until_tools(world.gateway(), &names).await;
        for number in [1, 250, 499] {
            world.until_ready(&format!("s{number}"), "True", "Ready").await;
        }
        world.until_caught_up().await;
        let pushed = world.versions().await;
        let told = |number: u32| {
            let other = json!({"conditions": [{
                "type": "Seen", "status": "True", "reason": "Counted", "message": number.to_string(),
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }]});
            let registration = registration(&format!("s{number}"));
            let kubernetes = &world.kubernetes;
            async move { kubernetes.write_status(&registration, other).await.unwrap() }
        };
        for some in numbers[..100].chunks(25) {
            join_all(some.iter().map(|number| told(*number))).await;
        }
        world.until_caught_up().await;
        assert_eq!(world.versions().await, pushed);
    }
}

fn one_tool() -> Script {
    Script::with_tools(vec![Tool::new("greet", Answer::Echo)])
}

/// Another registration of the route `s0`, under a prefix of its own.
fn like(number: u32) -> Value {
    let mut like = registration(&format!("s{number}"));
    like["spec"] = json!({"targetRef": {"name": "s0"}, "prefix": format!("s{number}_")});
    like
}

/// The kind of policies with a schema that lets everything in, as somebody else's might.
pub(crate) fn policies() -> String {
    policies_in(&["v1"])
}

/// The same in these versions, the last of which is stored.
fn policies_in(versions: &[&str]) -> String {
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let versions = versions.iter().map(|version| {
        json!({
            "name": version,
            "served": true,
            "storage": Some(version) == versions.last(),
            "schema": {"openAPIV3Schema": any},
        })
    });
    let versions: Vec<_> = versions.collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "authpolicies.kuadrant.io"},
        "spec": {
            "group": "kuadrant.io",
            "scope": "Namespaced",
            "names": {"kind": "AuthPolicy", "plural": "authpolicies", "singular": "authpolicy"},
            "versions": versions,
        },
    })
    .to_string()
}

/// Waits until control says that it has not seen all objects of a kind.
async fn until_unseen(control: &Control, kind: &str) {
    until("control is not ready", Duration::from_secs(60), || async {
        let answer = control.ask("/readyz").await;
        (answer.status == 503 && answer.text().contains(kind)).then_some(())
    })
    .await;
}

/// Objects that the API takes, and that are no credentials or routes all the same.
fn oddities() -> Vec<Value> {
    let secret = json!({"data": {"token": "//79"}});
    let mut secret = named("v1", "Secret", &secret);
    secret["metadata"]["labels"] = json!({"mcp.kuadrant.io/secret": "true"});
    let mut odd = registration("odd");
    odd["spec"] =
        json!({"targetRef": {"name": "odd"}, "credentialRef": {"name": "odd"}, "prefix": "odd_"});
    vec![
        secret,
        odd,
        named(
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            &json!({"spec": {}}),
        ),
        named(
            "networking.istio.io/v1",
            "ServiceEntry",
            &json!({"spec": {
                "hosts": ["odd.example.com"],
                "ports": [{"number": 443, "name": "", "protocol": "NONSENSE", "targetPort": 65_535}],
                "resolution": "DNS",
            }}),
        ),
        named(
            "networking.istio.io/v1",
            "DestinationRule",
            &json!({"spec": {
                "host": "odd.example.com",
                "trafficPolicy": {"connectionPool": {"http": {"http1MaxPendingRequests": -1}}},
            }}),
        ),
    ]
}

/// An object `mcp-test/odd` with these members more.
fn named(version: &str, kind: &str, rest: &Value) -> Value {
    let mut object = json!({
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "odd", "namespace": "mcp-test"},
    });
    for (member, value) in rest.as_object().unwrap() {
        object[member] = value.clone();
    }
    object
}
