use mcp_filter_config::Timeouts;

use super::{Manifests, refused, registration};
use crate::verdict::Reason::{Disabled, Invalid};

/// With one more line in the registration's specification.
fn spec(line: &str) -> Manifests {
    Manifests::one_server().edit("prefix: a_", &format!("prefix: a_\n  {line}"))
}

#[test]
fn what_the_table_shows_is_kept_also_where_nothing_is_served() {
    let manifests = spec("path: /other\n  credentialRef: {name: none}");
    let index = manifests.index();
    let found = registration(&index, "a");
    assert_eq!(found.name.to_string(), "team/a");
    assert_eq!(found.kind, "MCPServerRegistration");
    assert_eq!(found.prefix.as_deref(), Some("a_"));
    assert_eq!(found.target, "a");
    assert_eq!(found.path, "/other");
    assert_eq!(found.credential.as_deref(), Some("none"));
    assert_eq!(found.created, None);
    assert!(found.outcome.is_err());
}

#[test]
fn a_namespace_that_is_not_written_is_default() {
    let manifests = Manifests(Manifests::one_server().0.replace(", namespace: team}", "}"));
    assert_eq!(
        manifests.index().registrations[0].name.to_string(),
        "default/a"
    );
    assert!(manifests.index().registrations[0].outcome.is_ok());
}

#[test]
fn a_disabled_registration_is_not_served_and_keeps_its_route() {
    let disabled = spec("state: Disabled");
    let message = "spec.state is Disabled; set it to Enabled to serve the server";
    assert_eq!(disabled.fault(), refused(Disabled, message));
    assert_eq!(
        disabled.index().network,
        Manifests::one_server().index().network
    );
    assert!(
        spec("state: Enabled").index().registrations[0]
            .outcome
            .is_ok()
    );
}

#[test]
fn timeouts_are_five_minutes_unless_they_are_set() {
    assert_eq!(
        Manifests::one_server().resolved().timeouts,
        Timeouts::default()
    );
    assert_eq!(Timeouts::default().first_byte_ms, 300_000);
    let set = spec("timeouts: {firstByte: 1m30s, idle: 500ms}")
        .resolved()
        .timeouts;
    let expected = Timeouts {
        first_byte_ms: 90_000,
        idle_ms: 500,
    };
    assert_eq!(set, expected);
    let day = spec("timeouts: {idle: 24h}").resolved().timeouts;
    assert_eq!(day.idle_ms, 24 * 60 * 60 * 1000);
}

#[test]
fn a_timeout_must_be_a_duration_of_at_most_a_day() {
    for (field, text) in [
        ("firstByte", "5"),
        ("firstByte", "0s"),
        ("idle", "25h"),
        ("idle", "-1s"),
        ("idle", ""),
        ("idle", "1.5s"),
    ] {
        let manifests = spec(&format!("timeouts: {{{field}: '{text}'}}"));
        let message = format!(
            "spec.timeouts.{field} {text:?} must be a duration of at most a day, such as 300s or 1m30s"
        );
        assert_eq!(manifests.fault(), refused(Invalid, &message));
    }
}

#[test]
fn fields_without_effect_are_each_named_and_harm_nothing() {
    let cases = [
        ("userSpecificList: Enabled", "spec.userSpecificList"),
        (
            "tokenURLElicitation: {url: 'https://a'}",
            "spec.tokenURLElicitation",
        ),
        ("category: [code]", "spec.category"),
        ("hint: for code", "spec.hint"),
        ("tags: [a]", "spec.tags"),
    ];
    for (line, field) in cases {
        let index = spec(line).index();
        assert_eq!(registration(&index, "a").unsupported, [field]);
        assert!(registration(&index, "a").outcome.is_ok());
    }
    for line in [
        "userSpecificList: Disabled",
        "category: [uncategorised]",
        "tags: []",
    ] {
        assert!(
            registration(&spec(line).index(), "a")
                .unsupported
                .is_empty(),
            "{line}"
        );
    }
}

#[test]
fn rules_of_the_kind_hold_where_no_apiserver_checks_them() {
    let long = "x".repeat(129);
    let cases = [
        (
            "tokenURLElicitation: {url: 'ftp://a'}".to_owned(),
            "spec.tokenURLElicitation.url ftp://a must begin with http:// or https://",
        ),
        (
            "category: [a, b, c, d]".to_owned(),
            "spec.category has 4 words; 3 at most",
        ),
        (
            "tags: [a, b, c, d, e, f, g, h, i, j, k]".to_owned(),
            "spec.tags has 11 words; 10 at most",
        ),
        (
            "category: ['']".to_owned(),
            "spec.category: each word has 1 to 128 characters",
        ),
        (
            format!("tags: [{long}]"),
            "spec.tags: each word has 1 to 128 characters",
        ),
        (
            format!("hint: {long}{long}"),
            "spec.hint has more than 256 characters",
        ),
    ];
    for (line, message) in cases {
        assert_eq!(spec(&line).fault(), refused(Invalid, message));
    }
    let without_prefix = spec("userSpecificList: Enabled").edit("  prefix: a_\n", "");
    let message = "spec.userSpecificList: Enabled needs spec.prefix";
    assert_eq!(without_prefix.fault(), refused(Invalid, message));
}

#[test]
fn registrations_come_oldest_first_and_those_of_manifests_before_all() {
    let dated = |name: &str, year: &str| {
        let head = format!("kind: MCPServerRegistration\nmetadata: {{name: {name},");
        let time = format!("{head} creationTimestamp: '{year}-01-01T00:00:00Z',");
        Manifests(super::SERVER.replace("NAME", name))
            .edit(&head, &time)
            .0
    };
    let index = Manifests::platform()
        .with(&dated("a", "2026"))
        .server("d")
        .with(&dated("b", "2025"))
        .server("c")
        .index();
    let names: Vec<_> = index
        .registrations
        .iter()
        .map(|r| r.name.name.as_str())
        .collect();
    assert_eq!(names, ["c", "d", "b", "a"]);
}
