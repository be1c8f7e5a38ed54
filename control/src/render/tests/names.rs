use mcp_filter_core::catalog::ListKind;
use proptest::prelude::*;

use super::{Findings, Manifests, definitions, listed, told, tools, verdict};
use crate::offer::{Definition, Offer};
use crate::verdict::Reason;

fn two() -> Manifests {
    Manifests::one_server().server("b")
}

/// Both without prefix.
fn without_prefixes() -> Manifests {
    two().edit("  prefix: a_\n", "").edit("  prefix: b_\n", "")
}

#[test]
fn tools_and_prompts_get_the_prefix_and_resources_do_not() {
    let offer = Offer {
        prompts: definitions("name", &["p"]),
        resources: definitions("uri", &["file:///r"]),
        resource_templates: definitions("uriTemplate", &["file:///{t}"]),
        ..tools(&["t", "u"])
    };
    let rendered = Findings::default()
        .found("a", offer)
        .render(&Manifests::one_server().index());
    let keys = |kind| {
        let definitions = listed(&rendered.config, kind).into_iter();
        definitions.map(|(_, json)| json).collect::<Vec<_>>()
    };
    assert_eq!(
        keys(ListKind::Tools),
        [r#"{"name":"a_t"}"#, r#"{"name":"a_u"}"#]
    );
    assert_eq!(keys(ListKind::Prompts), [r#"{"name":"a_p"}"#]);
    assert_eq!(keys(ListKind::Resources), [r#"{"uri":"file:///r"}"#]);
    assert_eq!(
        keys(ListKind::ResourceTemplates),
        [r#"{"uriTemplate":"file:///{t}"}"#]
    );
}

#[test]
fn every_other_byte_of_a_definition_is_the_servers() {
    let json = "{ \"z\":1e400, \"name\" : \"x\\u0041\",\"inputSchema\":{},\"a\":[ ],\"n\":12345678901234567890 }";
    let mut offer = tools(&[]);
    offer.tools = vec![Definition::new("xA", json)];
    let rendered = Findings::default()
        .found("a", offer)
        .render(&Manifests::one_server().index());
    let expected = json.replace("\"x\\u0041\"", "\"a_x\\u0041\"");
    assert_eq!(listed(&rendered.config, ListKind::Tools), [(0, expected)]);
}

#[test]
fn a_name_that_two_servers_have_stays_with_the_older() {
    let index = without_prefixes().index();
    let rendered = Findings::default()
        .found("b", tools(&["shared", "own"]))
        .found("a", tools(&["shared"]))
        .render(&index);
    let expected = [(0, r#"{"name":"shared"}"#), (1, r#"{"name":"own"}"#)];
    let expected = expected.map(|(server, json)| (server, json.to_owned()));
    assert_eq!(listed(&rendered.config, ListKind::Tools), expected);
    assert_eq!(
        told(&rendered, "a"),
        "True Ready: 1 tools, 0 prompts, 0 resources"
    );
    let message =
        "True NameConflict: 1 tools, 0 prompts, 0 resources; older registrations have: shared";
    assert_eq!(told(&rendered, "b"), message);
    assert_eq!(verdict(&rendered, "b").conflicts, ["shared"]);
    assert_eq!(verdict(&rendered, "b").tools, Some(1));
}

#[test]
fn the_older_registration_is_the_older_object_not_the_first_name() {
    let head = "kind: MCPServerRegistration\nmetadata: {name: a,";
    let young = without_prefixes().edit(
        head,
        &format!("{head} creationTimestamp: '2026-01-01T00:00:00Z',"),
    );
    let rendered = Findings::default()
        .found("a", tools(&["shared"]))
        .found("b", tools(&["shared"]))
        .render(&young.index());
    assert!(verdict(&rendered, "b").conflicts.is_empty());
    assert_eq!(verdict(&rendered, "a").conflicts, ["shared"]);
}

#[test]
fn names_conflict_as_clients_see_them() {
    let index = two()
        .edit("prefix: a_", "prefix: x_")
        .edit("prefix: b_", "prefix: x_y_")
        .index();
    let rendered = Findings::default()
        .found("a", tools(&["y_t", "t"]))
        .found("b", tools(&["t", "u"]))
        .render(&index);
    assert_eq!(verdict(&rendered, "b").conflicts, ["x_y_t"]);
    assert_eq!(listed(&rendered.config, ListKind::Tools).len(), 3);
}

#[test]
fn prompts_and_resources_conflict_likewise_and_kinds_do_not_meet() {
    let all = Offer {
        prompts: definitions("name", &["n"]),
        resources: definitions("uri", &["file:///r"]),
        resource_templates: definitions("uriTemplate", &["file:///{t}"]),
        ..tools(&["n"])
    };
    let rendered = Findings::default()
        .found("a", all.clone())
        .found("b", all)
        .render(&two().index());
    assert!(verdict(&rendered, "a").conflicts.is_empty());
    assert_eq!(
        verdict(&rendered, "b").conflicts,
        ["file:///r", "file:///{t}"]
    );
    assert_eq!(verdict(&rendered, "b").resources, Some(0));
    assert_eq!(verdict(&rendered, "b").prompts, Some(1));
    let rendered = Findings::default()
        .found("a", tools(&["n"]))
        .found(
            "b",
            Offer {
                prompts: definitions("name", &["n"]),
                ..tools(&[])
            },
        )
        .render(&without_prefixes().index());
    assert!(verdict(&rendered, "b").conflicts.is_empty());
}

#[test]
fn a_server_that_is_not_served_takes_no_names() {
    let index = without_prefixes()
        .edit("targetRef: {name: a}", "targetRef: {name: none}")
        .index();
    let rendered = Findings::default()
        .found("a", tools(&["shared"]))
        .found("b", tools(&["shared"]))
        .render(&index);
    assert!(verdict(&rendered, "b").conflicts.is_empty());
    assert_eq!(
        listed(&rendered.config, ListKind::Tools),
        [(0, r#"{"name":"shared"}"#.to_owned())]
    );
}

#[test]
fn what_no_list_can_have_is_left_out_and_named() {
    let mut offer = tools(&["good", "good"]);
    let odd = |key: &str, json: &str| Definition::new(key, json);
    offer.tools.push(odd("x", "{\"nam\":\"x\"}"));
    offer.tools.push(odd("y", "[]"));
    offer
        .resource_templates
        .push(odd("a{", "{\"uriTemplate\":\"a{\"}"));
    offer.left_out.push("prompts[3]: is no object".to_owned());
    let rendered = Findings::default()
        .found("a", offer)
        .render(&Manifests::one_server().index());
    assert_eq!(listed(&rendered.config, ListKind::Tools).len(), 1);
    let message = "True Ready: 1 tools, 0 prompts, 0 resources; left out: prompts[3]: is no object, \
                   tools \"good\": it is listed twice, tools \"x\": `name` is not a non-empty string, \
                   tools \"y\": not a JSON object with one `name`, \
                   resourceTemplates \"a{\": `uriTemplate`: unbalanced braces";
    assert_eq!(told(&rendered, "a"), message);
}

#[test]
fn a_long_message_names_ten_and_counts_the_rest() {
    let names: Vec<String> = (0..12).map(|number| format!("t{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rendered = Findings::default()
        .found("a", tools(&names))
        .found("b", tools(&names))
        .render(&without_prefixes().index());
    let message = "True NameConflict: 0 tools, 0 prompts, 0 resources; older registrations have: t00, t01, t02, t03, \
                   t04, t05, t06, t07, t08, t09 and 2 more";
    assert_eq!(told(&rendered, "b"), message);
    assert_eq!(verdict(&rendered, "b").conflicts.len(), 12);
}

#[test]
fn names_that_some_clients_refuse_are_told_and_served() {
    let long = "x".repeat(63);
    let rendered = Findings::default()
        .found("a", tools(&["plain", "with.dot", &long, "with space"]))
        .render(&Manifests::one_server().index());
    assert_eq!(listed(&rendered.config, ListKind::Tools).len(), 4);
    let message = format!(
        "True NamesNotPortable: 4 tools, 0 prompts, 0 resources; not every client takes other names than at most 64 \
         characters, of A-Z a-z 0-9 _ - alone: a_with.dot, a_{long}, a_with space"
    );
    assert_eq!(told(&rendered, "a"), message);
}

#[test]
fn the_prefix_counts_into_the_length_of_a_name() {
    let (fits, long) = ("x".repeat(62), "y".repeat(63));
    let render = |name: &str| {
        let rendered = Findings::default()
            .found("a", tools(&[name]))
            .render(&Manifests::one_server().index());
        verdict(&rendered, "a").reason
    };
    assert_eq!(render(&fits), Reason::Ready);
    assert_eq!(render(&long), Reason::NamesNotPortable);
}

#[test]
fn a_lost_name_is_the_reason_before_one_that_some_clients_refuse() {
    let rendered = Findings::default()
        .found("a", tools(&["x.y"]))
        .found("b", tools(&["x.y", "own.x"]))
        .render(&without_prefixes().index());
    let message = "True NameConflict: 1 tools, 0 prompts, 0 resources; older registrations have: x.y; not every client \
                   takes other names than at most 64 characters, of A-Z a-z 0-9 _ - alone: own.x";
    assert_eq!(told(&rendered, "b"), message);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_servers_offer_the_filter_takes_it(
        a in prop::collection::vec(any::<String>(), 0..6),
        b in prop::collection::vec("[a-c]{0,2}|\\PC{0,3}", 0..6),
        raw in prop::collection::vec("[{}\"name:uri,\\[\\]\\\\ x]{0,24}", 0..4),
    ) {
        let offer = |keys: &[String]| {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let mut offer = tools(&keys);
            offer.prompts = definitions("name", &keys);
            offer.resources = definitions("uri", &keys);
            offer.resource_templates = definitions("uriTemplate", &keys);
            let odd = raw.iter().map(|json| Definition::new(json, json));
            offer.tools.extend(odd);
            offer
        };
        let findings = Findings::default().found("a", offer(&a)).found("b", offer(&b));
        let index = without_prefixes().index();
        let rendered = super::render(&index, &findings.0, &super::keys());
        prop_assert!(rendered.is_ok(), "{:?}", rendered.err());
        let rendered = rendered.unwrap();
        prop_assert_eq!(rendered.config.servers.len(), 2);
        let counted: usize = rendered.verdicts.iter().filter_map(|verdict| verdict.tools).sum();
        prop_assert_eq!(listed(&rendered.config, ListKind::Tools).len(), counted);
    }
}
