use super::{Manifests, SERVER, refused, registration};
use crate::verdict::Reason::{Invalid, NotAttached, PrefixConflict, TargetNotFound};

/// Server `b`, with the prefix of `a`.
fn rival() -> String {
    SERVER
        .replace("NAME", "b")
        .replace("prefix: b_", "prefix: a_")
}

fn reason_of(manifests: &Manifests, name: &str) -> Option<crate::verdict::Reason> {
    let index = manifests.index();
    registration(&index, name)
        .outcome
        .as_ref()
        .err()
        .map(|fault| fault.reason)
}

#[test]
fn of_two_registrations_with_one_prefix_the_first_by_name_keeps_it() {
    let manifests = Manifests::one_server().with(&rival());
    assert_eq!(reason_of(&manifests, "a"), None);
    let index = manifests.index();
    let fault = registration(&index, "b").outcome.clone().unwrap_err();
    let message = "team/a has prefix a_ on Gateway infra/gw, and is older: choose another prefix";
    assert_eq!(
        (fault.reason, fault.message),
        refused(PrefixConflict, message)
    );
}

#[test]
fn the_older_registration_keeps_the_prefix_whatever_its_name() {
    let dated = |text: &str, name: &str, year: u16| {
        let head = format!("kind: MCPServerRegistration\nmetadata: {{name: {name},");
        let time = format!("{head} creationTimestamp: '{year}-01-01T00:00:00Z',");
        Manifests(text.to_owned()).edit(&head, &time).0
    };
    let a = dated(&SERVER.replace("NAME", "a"), "a", 2026);
    let b = dated(&rival(), "b", 2025);
    let manifests = Manifests::platform().with(&a).with(&b);
    assert_eq!(reason_of(&manifests, "a"), Some(PrefixConflict));
    assert_eq!(reason_of(&manifests, "b"), None);
    let names: Vec<_> = manifests
        .index()
        .registrations
        .into_iter()
        .map(|r| r.name.name)
        .collect();
    assert_eq!(names, ["b", "a"]);
}

#[test]
fn a_prefix_is_free_while_its_holder_is_disabled() {
    let manifests = Manifests::one_server()
        .edit("prefix: a_", "prefix: a_\n  state: Disabled")
        .with(&rival());
    assert_eq!(reason_of(&manifests, "b"), None);
}

#[test]
fn a_prefix_is_kept_while_its_holders_credential_is_repaired() {
    let manifests = Manifests::one_server()
        .edit(
            "targetRef: {name: a}",
            "targetRef: {name: a}\n  credentialRef: {name: none}",
        )
        .with(&rival());
    assert_eq!(reason_of(&manifests, "b"), Some(PrefixConflict));
}

#[test]
fn a_prefix_is_kept_while_its_holders_server_is_not_found() {
    let manifests = Manifests::one_server()
        .edit("hosts: [a.example]", "hosts: [x.example]")
        .with(&rival());
    assert_eq!(reason_of(&manifests, "a"), Some(TargetNotFound));
    assert_eq!(reason_of(&manifests, "b"), Some(PrefixConflict));
}

#[test]
fn a_prefix_is_free_while_its_holder_is_attached_nowhere() {
    let manifests = Manifests::one_server()
        .edit(
            "- {name: gw, namespace: infra}",
            "- {name: x, namespace: infra}",
        )
        .with(&rival());
    assert_eq!(reason_of(&manifests, "a"), Some(NotAttached));
    assert_eq!(reason_of(&manifests, "b"), None);
}

#[test]
fn no_prefix_is_no_conflict() {
    let bare = Manifests::one_server().edit("  prefix: a_\n", "");
    let both = bare.with(&SERVER.replace("NAME", "b").replace("  prefix: b_\n", ""));
    assert_eq!((reason_of(&both, "a"), reason_of(&both, "b")), (None, None));
}

#[test]
fn a_prefix_that_begins_another_is_no_conflict() {
    let longer = SERVER
        .replace("NAME", "b")
        .replace("prefix: b_", "prefix: a_b_");
    let manifests = Manifests::one_server().with(&longer);
    assert_eq!(reason_of(&manifests, "b"), None);
}

#[test]
fn prefixes_of_different_gateways_do_not_meet() {
    let second = super::PLATFORM.replace("name: gw", "name: gw2");
    let there = rival().replace("{name: gw,", "{name: gw2,");
    let manifests = Manifests::one_server().with(&second).with(&there);
    assert_eq!(reason_of(&manifests, "b"), None);
}

#[test]
fn a_prefix_has_the_characters_that_its_kind_allows() {
    for prefix in ["a", "0", "a_b_1_", "a__"] {
        let manifests = Manifests::one_server().edit("prefix: a_", &format!("prefix: '{prefix}'"));
        assert_eq!(reason_of(&manifests, "a"), None, "{prefix}");
    }
    let long = "a".repeat(129);
    for prefix in ["", "_a", "A_", "a-", "a.", "ä", "a b", &long] {
        let manifests = Manifests::one_server().edit("prefix: a_", &format!("prefix: '{prefix}'"));
        let message = format!(
            "spec.prefix {prefix:?} must be lower-case letters, digits and _, begin with a letter or digit, and have at \
             most 128 of them"
        );
        assert_eq!(manifests.fault(), refused(Invalid, &message));
    }
}
