use mcp_filter_config::{Endpoint, PluginConfig, Stats};

use super::samples::*;
use super::*;
use crate::cluster::live::Live;
use crate::discovery::{DiscoveryError, Outcome};
use crate::verdict::{Readiness, Reason};

fn config(model: &Model, gateway: &str) -> PluginConfig {
    let gateway = &model.gateways[&name("infra", gateway)];
    gateway.config().unwrap().clone()
}

fn served(model: &Model, gateway: &str) -> Vec<String> {
    let config = config(model, gateway);
    config
        .servers
        .into_iter()
        .map(|server| server.name)
        .collect()
}

fn readiness(model: &Model, server: &str) -> Option<(Readiness, Reason)> {
    let standings = model.standings();
    let standing = standings
        .iter()
        .find(|standing| standing.verdict.name.name == server)?;
    Some((standing.verdict.ready, standing.verdict.reason))
}

#[test]
fn each_gateway_serves_what_is_attached_to_it() {
    let mut model = model();
    read(&mut model, &both(), None);
    for gateway in ["one", "two"] {
        model.learn(
            &name("infra", gateway),
            &found("github", "get_me"),
            Timestamp::UNIX_EPOCH,
        );
    }
    model.learn(
        &name("infra", "two"),
        &found("gitlab", "get_me"),
        Timestamp::UNIX_EPOCH,
    );
    model.render().unwrap();
    see_live(&mut model);
    assert_eq!(served(&model, "one"), ["team/github"]);
    assert_eq!(served(&model, "two"), ["team/github", "team/gitlab"]);
    assert_eq!(
        readiness(&model, "github"),
        Some((Readiness::True, Reason::Ready))
    );
}

#[test]
fn each_gateway_is_told_what_to_tell_of_requests() {
    let mut model = model();
    read(&mut model, &both(), None);
    model.render().unwrap();
    for gateway in ["one", "two"] {
        let telemetry = config(&model, gateway).telemetry;
        assert_eq!(
            (telemetry.stats, telemetry.filter_state),
            (Stats::Tools, true)
        );
    }
}

#[test]
fn a_server_is_ready_where_all_its_gateways_reach_it() {
    let mut model = model();
    read(&mut model, &both(), None);
    model.learn(
        &name("infra", "one"),
        &found("github", "get_me"),
        Timestamp::UNIX_EPOCH,
    );
    model.render().unwrap();
    assert_eq!(
        readiness(&model, "github"),
        Some((Readiness::Unknown, Reason::Pending))
    );
}

#[test]
fn what_was_pushed_before_is_served_on_and_not_judged_until_it_was_seen() {
    let mut before = model();
    read(&mut before, &both(), None);
    let two = name("infra", "two");
    for server in ["github", "gitlab"] {
        before.learn(&two, &found(server, "get_me"), Timestamp::UNIX_EPOCH);
    }
    before.render().unwrap();
    let pushed = config(&before, "two");

    let mut after = model();
    read(&mut after, &both(), Some(&pushed));
    assert_eq!(config(&after, "two"), pushed);
    assert_eq!(readiness(&after, "gitlab"), None);
    let hung = DiscoveryError::GatewayUnreachable {
        cause: "down".to_owned(),
    };
    after.learn(
        &two,
        &event("gitlab", Outcome::Failed(hung)),
        Timestamp::UNIX_EPOCH,
    );
    after.render().unwrap();
    assert_eq!(config(&after, "two"), pushed);
    let unreachable = (Readiness::Unknown, Reason::GatewayUnreachable);
    assert_eq!(readiness(&after, "gitlab"), Some(unreachable));
}

#[test]
fn a_registration_that_leads_elsewhere_now_does_not_keep_what_was_pushed() {
    let mut before = model();
    read(&mut before, &both(), None);
    before.learn(
        &name("infra", "two"),
        &found("gitlab", "get_me"),
        Timestamp::UNIX_EPOCH,
    );
    before.render().unwrap();
    let pushed = config(&before, "two");
    let elsewhere = server("gitlab", &["two"]).replace("gitlab.mcp.local", "other.mcp.local");
    let mut after = model();
    read(
        &mut after,
        &objects(&[OBJECTS, &elsewhere].concat()),
        Some(&pushed),
    );
    assert!(served(&after, "two").is_empty());
}

#[test]
fn a_registration_that_goes_and_comes_back_is_asked_anew_and_the_others_are_not() {
    let mut model = model();
    let two = name("infra", "two");
    read(&mut model, &both(), None);
    let before = model.gateways[&two].subjects();
    let rest = objects(&[OBJECTS, &server("gitlab", &["two"])].concat());
    for objects in [&rest, &both()] {
        read(&mut model, objects, None);
    }
    let after = model.gateways[&two].subjects();
    let changed = before.iter().zip(&after).filter(|(old, new)| old != new);
    let changed: Vec<_> = changed.map(|(_, new)| new.name.name.as_str()).collect();
    assert_eq!(changed, ["github"]);
    assert_eq!(before.len(), after.len());
}

#[test]
fn while_a_gateway_is_in_trouble_nothing_is_known_through_it_and_nothing_is_removed() {
    let mut model = model();
    read(&mut model, &both(), None);
    let two = name("infra", "two");
    model.learn(&two, &found("gitlab", "get_me"), Timestamp::UNIX_EPOCH);
    model.render().unwrap();
    let before = config(&model, "two");
    let gateway = model.gateways.get_mut(&two).unwrap();
    let reason = Reason::GatewayUnreachable;
    gateway.is_in_trouble(reason, "it does not answer".to_owned());
    let unreachable = (Readiness::Unknown, Reason::GatewayUnreachable);
    assert_eq!(readiness(&model, "gitlab"), Some(unreachable));
    assert_eq!(config(&model, "two"), before);
    let gateway = model.gateways.get_mut(&two).unwrap();
    gateway.is_seen_live(gateway.shall_serve());
    assert_eq!(
        readiness(&model, "gitlab"),
        Some((Readiness::True, Reason::Ready))
    );
}

#[test]
fn a_gateway_is_live_at_its_endpoints_once_it_was_seen_there() {
    let mut model = model();
    read(&mut model, &both(), None);
    let two = name("infra", "two");
    let moved = OBJECTS.replace("two.example.com", "moved.example.com");
    let before = model.gateways[&two].index.endpoints.clone();
    let live = |model: &mut Model, endpoints: &[Endpoint]| {
        let gateway = model.gateways.get_mut(&two).unwrap();
        gateway.is_seen_live(Live {
            endpoints: endpoints.to_vec(),
            ..Live::default()
        });
        gateway.is_live
    };
    assert!(live(&mut model, &before));
    read(&mut model, &objects(&moved), None);
    assert!(!model.gateways[&name("infra", "two")].is_live);
    assert!(!live(&mut model, &before), "seen before it moved");
    let after = model.gateways[&name("infra", "two")]
        .index
        .endpoints
        .clone();
    assert!(live(&mut model, &after));
}

#[test]
fn what_is_told_of_an_older_generation_holds_while_the_gateway_is_seen() {
    let mut model = model();
    read(&mut model, &both(), None);
    let gateway = model.gateways.get_mut(&name("infra", "two")).unwrap();
    let generation = "0123456789abcdef";
    gateway.is_seen_live(Live {
        generation: generation.to_owned(),
        ..gateway.shall_serve()
    });
    assert!(gateway.is_live);
    assert_eq!(gateway.served_generation(), "0123456789ab");
    gateway.is_behind(generation, "fedcba9876543210");
    gateway.is_in_trouble(Reason::GatewayUnreachable, "not yet".to_owned());
    let told = gateway.behind.as_ref().unwrap();
    assert!(
        told.contains("0123456789ab") && told.contains("fedcba987654"),
        "{told}"
    );
    gateway.is_unseen("connection refused".to_owned());
    assert_eq!(gateway.behind, None);
}

#[test]
fn who_reaches_no_gateway_any_more_is_told_that_what_was_served_goes_on() {
    let mut model = model();
    let lost = objects(&[OBJECTS, &server("lost", &["three"])].concat());
    read(&mut model, &lost, None);
    let message = |model: &Model| model.standings().remove(0).verdict.message;
    let fault = message(&model);
    model.served_on = [name("team", "lost")].into();
    assert_eq!(
        message(&model),
        format!("what was served before goes on, but {fault}")
    );
}

#[test]
fn what_reaches_no_gateway_is_told_why() {
    let mut model = model();
    let nowhere = server("lost", &["three"]);
    read(&mut model, &objects(&[OBJECTS, &nowhere].concat()), None);
    let (ready, reason) = readiness(&model, "lost").unwrap();
    assert_eq!((ready, reason), (Readiness::False, Reason::NotAttached));
}

#[test]
fn what_was_pushed_before_and_is_not_asked_any_more_is_judged_at_once() {
    let mut before = model();
    read(&mut before, &both(), None);
    before.learn(
        &name("infra", "two"),
        &found("gitlab", "get_me"),
        Timestamp::UNIX_EPOCH,
    );
    before.render().unwrap();
    let pushed = config(&before, "two");
    let disabled = server("gitlab", &["two"]).replace(
        "spec: {prefix: gitlab_,",
        "spec: {state: Disabled, prefix: gitlab_,",
    );
    let mut after = model();
    read(
        &mut after,
        &objects(&[OBJECTS, &disabled].concat()),
        Some(&pushed),
    );
    assert_eq!(
        readiness(&after, "gitlab"),
        Some((Readiness::False, Reason::Disabled))
    );
}

#[test]
fn of_two_kinds_of_one_name_the_younger_has_nothing_of_what_is_known_of_the_older() {
    let newer = server("github", &["two"]);
    let (route, registration) = newer.split_once("\n---\napiVersion: mcp").unwrap();
    let registration = format!("\n---\napiVersion: mcp{registration}").replace(
        "metadata: {name: github, namespace: team}",
        "metadata: {name: github, namespace: team, creationTimestamp: '2026-01-01T00:00:00Z'}",
    );
    let older = "
---
apiVersion: mcp.kagenti.com/v1alpha1
kind: MCPServer
metadata: {name: github, namespace: team, creationTimestamp: '2026-01-02T00:00:00Z'}
spec: {toolPrefix: other_, targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: github}}
";
    let mut model = model();
    let manifests = [OBJECTS, route, &registration, older].concat();
    read(&mut model, &objects(&manifests), None);
    let two = name("infra", "two");
    model.learn(&two, &found("github", "get_me"), Timestamp::UNIX_EPOCH);
    model.render().unwrap();
    let gateway = model.gateways.get_mut(&two).unwrap();
    gateway.is_seen_live(gateway.shall_serve());
    let standings = model.standings();
    let of = |kind: &str| {
        standings
            .iter()
            .find(|one| one.verdict.kind == kind)
            .unwrap()
    };
    assert!(of("MCPServerRegistration").facts.is_programmed);
    let younger = of("MCPServer");
    assert_eq!(younger.facts, Facts::default());
    assert_eq!(
        (younger.verdict.ready, younger.verdict.reason),
        (Readiness::False, Reason::Invalid)
    );
}

#[test]
fn what_is_found_is_ready_once_the_gateway_shows_it() {
    let mut model = model();
    read(&mut model, &both(), None);
    let two = name("infra", "two");
    let before = model.gateways[&two].shall_serve();
    model.learn(&two, &found("gitlab", "get_me"), Timestamp::UNIX_EPOCH);
    model.render().unwrap();
    let pending = Some((Readiness::Unknown, Reason::Pending));
    assert_eq!(readiness(&model, "gitlab"), pending);
    let gateway = model.gateways.get_mut(&two).unwrap();
    let after = gateway.shall_serve();
    gateway.is_seen_live(before);
    assert_eq!(
        readiness(&model, "gitlab"),
        pending,
        "it serves what it had before"
    );
    let gateway = model.gateways.get_mut(&two).unwrap();
    gateway.is_seen_live(after);
    let ready = Some((Readiness::True, Reason::Ready));
    assert_eq!(readiness(&model, "gitlab"), ready);
}
