use std::sync::Arc;

use mcp_filter_core::catalog::ListKind;

use super::{Finding, Findings, Manifests, definitions, listed, servers, told, tools, verdict};
use crate::index::Index;
use crate::offer::Offer;
use crate::verdict::{Fault, Readiness, Reason};

#[test]
fn what_was_not_asked_yet_is_unknown_and_not_served() {
    let rendered = Findings::default().render(&Manifests::one_server().index());
    let message = "Unknown Pending: the server has not been asked for its lists yet";
    assert_eq!(told(&rendered, "a"), message);
    assert_eq!(verdict(&rendered, "a").tools, None);
    assert!(rendered.config.servers.is_empty());
    assert_eq!(rendered.config.catalog, None);
    let empty = Findings::default().with("a", Finding::default());
    assert_eq!(
        told(&empty.render(&Manifests::one_server().index()), "a"),
        message
    );
}

#[test]
fn what_answered_is_ready_with_its_counts() {
    let offer = Offer {
        prompts: definitions("name", &["p"]),
        resources: definitions("uri", &["file:///r", "file:///s"]),
        resource_templates: definitions("uriTemplate", &["file:///{t}"]),
        ..tools(&["t", "u"])
    };
    let rendered = Findings::default()
        .found("a", offer)
        .render(&Manifests::one_server().index());
    assert_eq!(
        told(&rendered, "a"),
        "True Ready: 2 tools, 1 prompts, 3 resources"
    );
    let verdict = verdict(&rendered, "a");
    assert_eq!(
        (verdict.name.to_string(), verdict.kind),
        ("team/a".to_owned(), "MCPServerRegistration")
    );
    assert_eq!(
        (verdict.tools, verdict.prompts, verdict.resources),
        (Some(2), Some(1), Some(3))
    );
}

#[test]
fn a_server_that_offers_nothing_is_ready_too() {
    let rendered = Findings::default()
        .found("a", tools(&[]))
        .render(&Manifests::one_server().index());
    assert_eq!(
        told(&rendered, "a"),
        "True Ready: 0 tools, 0 prompts, 0 resources"
    );
    assert_eq!(servers(&rendered.config), ["team/a"]);
    assert_eq!(rendered.config.catalog, None);
}

#[test]
fn what_cannot_be_resolved_says_why_whatever_was_found_before() {
    let index = Manifests::one_server()
        .edit("prefix: a_", "prefix: a_\n  state: Disabled")
        .index();
    let rendered = Findings::default().found("a", tools(&["t"])).render(&index);
    let message = "False Disabled: spec.state is Disabled; set it to Enabled to serve the server";
    assert_eq!(told(&rendered, "a"), message);
    assert_eq!(verdict(&rendered, "a").tools, None);
    assert!(rendered.config.servers.is_empty());
}

#[test]
fn every_failure_of_discovery_is_told_as_it_was_found() {
    let index = Manifests::one_server().index();
    for reason in [
        Reason::UpstreamUnreachable,
        Reason::UpstreamRefused,
        Reason::ProtocolError,
        Reason::DiscoveryRefused,
        Reason::CredentialKeyMissing,
    ] {
        let rendered = Findings::default()
            .failed("a", reason, "so it is")
            .render(&index);
        assert_eq!(told(&rendered, "a"), format!("False {reason}: so it is"));
        assert!(rendered.config.servers.is_empty());
    }
}

#[test]
fn a_failure_of_the_gateway_is_none_of_the_servers() {
    let index = Manifests::one_server().index();
    let rendered = Findings::default()
        .failed("a", Reason::GatewayUnreachable, "no answer")
        .render(&index);
    assert_eq!(
        told(&rendered, "a"),
        "Unknown GatewayUnreachable: no answer"
    );
}

#[test]
fn the_last_good_lists_go_on_being_served_through_a_failure() {
    let finding = Finding {
        offer: Some(Arc::new(tools(&["t"]))),
        fault: Some(Fault::new(Reason::UpstreamUnreachable, "no answer")),
        ..Finding::default()
    };
    let rendered = Findings::default()
        .with("a", finding)
        .render(&Manifests::one_server().index());
    let message =
        "Unknown UpstreamUnreachable: no answer; what the server offered before is still served";
    assert_eq!(told(&rendered, "a"), message);
    assert_eq!(verdict(&rendered, "a").tools, Some(1));
    assert_eq!(servers(&rendered.config), ["team/a"]);
    assert_eq!(listed(&rendered.config, ListKind::Tools).len(), 1);
}

/// Server `a`, which lacks the credential for discovery.
fn unasked(mut index: Index) -> Index {
    let resolved = index.registrations[0].outcome.as_mut().unwrap();
    resolved.unasked = Some(Fault::new(Reason::CredentialNotFound, "no Secret"));
    index
}

#[test]
fn what_was_found_is_served_on_when_the_credential_for_discovery_goes() {
    let index = unasked(Manifests::one_server().index());
    let failed = Finding {
        offer: Some(Arc::new(tools(&["t"]))),
        fault: Some(Fault::new(Reason::UpstreamRefused, "401")),
        ..Finding::default()
    };
    for findings in [
        Findings::default().found("a", tools(&["t"])),
        Findings::default().with("a", failed),
    ] {
        let rendered = findings.render(&index);
        let message =
            "False CredentialNotFound: no Secret; what the server offered before is still served";
        assert_eq!(told(&rendered, "a"), message);
        assert_eq!(verdict(&rendered, "a").tools, Some(1));
        assert_eq!(servers(&rendered.config), ["team/a"]);
        assert_eq!(listed(&rendered.config, ListKind::Tools).len(), 1);
    }
}

#[test]
fn what_was_never_found_is_not_served_without_the_credential_for_discovery() {
    let index = unasked(Manifests::one_server().index());
    for findings in [
        Findings::default(),
        Findings::default().failed("a", Reason::UpstreamRefused, "401"),
    ] {
        let rendered = findings.render(&index);
        let message = "False CredentialNotFound: no Secret";
        assert_eq!(told(&rendered, "a"), message);
        assert!(rendered.config.servers.is_empty());
    }
}

#[test]
fn a_server_whose_secret_may_be_there_is_neither_ready_nor_refused() {
    let mut index = Manifests::one_server().index();
    let resolved = index.registrations[0].outcome.as_mut().unwrap();
    resolved.unasked = Some(Fault::new(Reason::Pending, "not known"));
    let rendered = Findings::default().render(&index);
    assert_eq!(told(&rendered, "a"), "Unknown Pending: not known");
}

#[test]
fn a_server_that_is_denied_is_not_told_to_be_served() {
    let index = unasked(Manifests::one_server().with(ODD_POLICY).index());
    let rendered = Findings::default().found("a", tools(&["t"])).render(&index);
    assert_eq!(verdict(&rendered, "a").reason, Reason::PolicyUnsupported);
}

const ODD_POLICY: &str = "
apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {name: odd, namespace: team}
spec: {targetRef: {kind: HTTPRoute, name: a}, rules: {metadata: {}}}
";
const GATEWAY_POLICY: &str = "
apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {name: oidc, namespace: infra}
spec: {targetRef: {kind: Gateway, name: gw}}
";

#[test]
fn a_server_whose_policy_cannot_be_enforced_is_not_ready_and_denied() {
    let index = Manifests::one_server().with(ODD_POLICY).index();
    for findings in [
        Findings::default(),
        Findings::default().found("a", tools(&["t"])),
    ] {
        let rendered = findings.render(&index);
        let verdict = verdict(&rendered, "a");
        assert_eq!(
            (verdict.ready, verdict.reason),
            (Readiness::False, Reason::PolicyUnsupported)
        );
        assert!(
            verdict.message.starts_with("AuthPolicy team/odd: "),
            "{}",
            verdict.message
        );
    }
    let rendered = Findings::default().found("a", tools(&["t"])).render(&index);
    assert_eq!(rendered.config.servers[0].policies, [0]);
    assert_eq!(rendered.config.policies.len(), 1);
    assert_eq!(listed(&rendered.config, ListKind::Tools).len(), 1);
}

#[test]
fn what_a_gateways_policy_hides_is_in_no_list() {
    let index = Manifests::one_server().with(GATEWAY_POLICY).index();
    let rendered = Findings::default().found("a", tools(&["t"])).render(&index);
    assert_eq!(rendered.config.catalog, None);
    assert_eq!(rendered.config.servers[0].policies, [0]);
    assert_eq!(verdict(&rendered, "a").reason, Reason::PolicyUnsupported);
}

#[test]
fn fields_without_effect_stand_in_the_verdict() {
    let index = Manifests::one_server()
        .edit("prefix: a_", "prefix: a_\n  hint: x")
        .index();
    let rendered = Findings::default().found("a", tools(&[])).render(&index);
    assert_eq!(verdict(&rendered, "a").unsupported, ["spec.hint"]);
    assert_eq!(verdict(&rendered, "a").ready, Readiness::True);
}

#[test]
fn there_is_one_verdict_for_each_registration_in_its_order() {
    let manifests = Manifests::one_server()
        .server("c")
        .server("b")
        .edit("targetRef: {name: b}", "targetRef: {name: none}");
    let index = manifests.index();
    let rendered = Findings::default().found("c", tools(&["t"])).render(&index);
    let names: Vec<_> = rendered
        .verdicts
        .iter()
        .map(|verdict| verdict.name.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
    let ready: Vec<_> = rendered
        .verdicts
        .iter()
        .map(|verdict| verdict.ready)
        .collect();
    assert_eq!(
        ready,
        [Readiness::Unknown, Readiness::False, Readiness::True]
    );
}
