//! Of several controls one leads.

use std::time::Duration;

use harness::control::{Control, NAMESPACE};
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::world::{PATIENT, World, condition, name_of, registration, tools, until_tools};

/// From the end of a leader to the next where it has given the lease up: well before that of a patient one would end.
const HAND_OVER: Duration = Duration::from_secs(20);

/// Longer takes nothing that follows from a change.
const CONSEQUENCE: Duration = Duration::from_secs(120);

/// Writes of the route's plugin for a new server: with the first, discovery gets to it; the second has its tools.
const ONE_SERVER: u64 = 2;

tests! {
    async fn when_the_leader_is_killed_another_goes_on_within_the_lease_and_writes_nothing_twice() {
        let world = World::start().await;
        let first = world.control("first").await;
        until_leads(&world, "first").await;
        let second = world.control("second").await;
        second.until_watching().await;
        let upstream = Upstream::start(one_tool()).await;
        world.apply(&Server::new("echo", upstream.address())).await;
        let before = world.until_ready("echo", "True", "Ready").await;
        until_tools(world.gateway(), &["echo_greet"]).await;
        world.until_caught_up().await;
        let pushed = world.versions().await;
        let written = generation(&world.plugin("mcp-gateway").await);

        first.kill().await;
        let left = world.kubernetes.read(&lease()).await;
        world.apply(&Server::new("later", upstream.address())).await;
        assert_eq!(world.versions().await, pushed, "nobody leads");
        until_leads(&world, "second").await;
        let taken = world.kubernetes.read(&lease()).await;
        let gap = time(&taken, "acquireTime").duration_since(time(&left, "renewTime"));
        let gap = Duration::try_from(gap).expect("it was taken after the last renewal");
        assert!(gap <= longest_gap(&left), "nobody led for {gap:?}");

        until("later is served beside echo", CONSEQUENCE, || async {
            let names: Vec<_> = tools(world.gateway()).await.iter().map(|tool| name_of(tool)).collect();
            assert!(names.contains(&"echo_greet".to_owned()), "{names:?}");
            (names.len() == 2).then_some(())
        })
        .await;
        world.until_ready("later", "True", "Ready").await;
        world.until_caught_up().await;
        assert_eq!(generation(&world.plugin("mcp-gateway").await), written + ONE_SERVER);
        let after = world.until_ready("echo", "True", "Ready").await;
        assert_eq!(condition(&after, "Ready"), condition(&before, "Ready"));
    }

    async fn a_leader_that_is_asked_to_end_hands_over() {
        let world = World::start().await;
        let first = world.control_with("first", PATIENT).await;
        until_leads(&world, "first").await;
        let second = world.control_with("second", PATIENT).await;
        second.until_watching().await;
        for (control, leads) in [(&first, true), (&second, false)] {
            until_status(control, &json!({"leads": leads, "leader": "first"})).await;
        }
        let told = Instant::now();
        assert!(first.stop().await.success());
        until_leads(&world, "second").await;
        assert!(told.elapsed() < HAND_OVER, "{:?}", told.elapsed());
        until_status(&second, &json!({"leads": true, "leader": "second"})).await;
    }

    async fn who_does_not_lead_writes_nothing() {
        let world = World::start().await;
        let mut lease = lease();
        lease["spec"] = json!({
            "holderIdentity": "somebody",
            "leaseDurationSeconds": 3600,
            "renewTime": "2999-01-01T00:00:00.000000Z",
            "acquireTime": "2999-01-01T00:00:00.000000Z",
            "leaseTransitions": 0,
        });
        world.kubernetes.submit(lease.clone()).await.unwrap();
        let waiting = world.control("waiting").await;
        let upstream = Upstream::start(one_tool()).await;
        world.apply(&Server::new("echo", upstream.address())).await;
        let echo = registration("echo");
        let told = |echo: &Value| condition(echo, "Ready").map(|_| version(echo));
        let told = world.kubernetes.until_object("echo has a status", &echo, told);
        let led = async {
            waiting.until_watching().await;
            assert_eq!(world.plugins().await, Vec::<Value>::new());
            let ended = json!({"spec": {"holderIdentity": ""}});
            version(&world.kubernetes.edit(&lease, ended).await)
        };
        let (told, led) = futures::join!(told, led);
        assert!(told > led, "the status was written before the lease ended");
        world.until_ready("echo", "True", "Ready").await;
    }
}

fn one_tool() -> Script {
    Script::with_tools(vec![Tool::new("greet", Answer::Echo)])
}

/// Later writes to the cluster have higher ones.
fn version(object: &Value) -> u64 {
    let version = object["metadata"]["resourceVersion"].as_str().unwrap();
    version.parse().unwrap()
}

/// From the last renewal of a leader that is killed to the next leader. That one counts the lease from when it has seen the
/// renewal, and it looks once in each tenth of the lease (`Lease::pause` of control); a look may take a fifth
/// (`Lease::patience`).
fn longest_gap(lease: &Value) -> Duration {
    let seconds = lease["spec"]["leaseDurationSeconds"].as_u64().unwrap();
    let lease = Duration::from_secs(seconds);
    lease + lease / 10 + lease / 5
}

/// A time in the Lease.
fn time(lease: &Value, member: &str) -> Timestamp {
    lease["spec"][member].as_str().unwrap().parse().unwrap()
}

/// How often the spec was written.
fn generation(object: &Value) -> u64 {
    object["metadata"]["generation"].as_u64().unwrap()
}

fn lease() -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "mcp-control", "namespace": NAMESPACE},
    })
}

/// Waits until `/status` of a control has these members.
async fn until_status(control: &Control, members: &Value) {
    let members = members.as_object().unwrap();
    until(&format!("/status has {members:?}"), CONSEQUENCE, || async {
        let status: Value = serde_json::from_slice(&control.ask("/status").await.body).ok()?;
        let has = |(name, value): (&String, &Value)| status.get(name) == Some(value);
        members.iter().all(has).then_some(())
    })
    .await;
}

pub(crate) async fn until_leads(world: &World, identity: &str) {
    let what = format!("{identity} leads");
    let leads = |lease: &Value| {
        let holder = lease["spec"]["holderIdentity"].as_str()?;
        // Two starts of one name are two candidates.
        holder
            .split('_')
            .next()
            .filter(|name| *name == identity)
            .map(|_| ())
    };
    world.kubernetes.until_object(&what, &lease(), leads).await;
}
