use mcp_filter_config::Sessions;

use super::{Findings, Keys, Manifests, definitions, keys, listed, servers, told, tools, verdict};
use crate::offer::Offer;
use crate::render::render;
use crate::verdict::Reason;
use mcp_filter_core::catalog::ListKind;

/// Offered by a server that speaks a revision from which nobody could translate.
fn odd(names: &[&str]) -> Offer {
    Offer {
        protocol_version: "1999-01-01".to_owned(),
        ..tools(names)
    }
}

const REFUSED: &str = "False Invalid: the filter refuses the server: protocolVersion is not a revision that this filter speaks";

#[test]
fn a_server_that_the_filter_refuses_costs_itself_alone() {
    let index = Manifests::one_server().server("b").server("c").index();
    let rendered = Findings::default()
        .found("a", tools(&["t"]))
        .found("b", odd(&["t"]))
        .found("c", tools(&["t"]))
        .render(&index);
    assert_eq!(servers(&rendered.config), ["team/a", "team/c"]);
    assert_eq!(listed(&rendered.config, ListKind::Tools).len(), 2);
    assert_eq!(told(&rendered, "b"), REFUSED);
    assert_eq!(
        told(&rendered, "a"),
        "True Ready: 1 tools, 0 prompts, 0 resources"
    );
    assert_eq!(
        told(&rendered, "c"),
        "True Ready: 1 tools, 0 prompts, 0 resources"
    );
}

#[test]
fn several_such_servers_are_each_found() {
    let index = Manifests::one_server().server("b").server("c").index();
    let rendered = Findings::default()
        .found("a", odd(&["t"]))
        .found("b", tools(&["t"]))
        .found("c", odd(&["t"]))
        .render(&index);
    assert_eq!(servers(&rendered.config), ["team/b"]);
    assert_eq!(
        (told(&rendered, "a"), told(&rendered, "c")),
        (REFUSED.to_owned(), REFUSED.to_owned())
    );
}

#[test]
fn a_registration_of_the_same_name_keeps_its_own_fault() {
    let older = "apiVersion: mcp.kagenti.com/v1alpha1\nkind: MCPServer\nmetadata: {name: a, namespace: team}\n\
                 spec: {targetRef: {name: a}}\n";
    let index = Manifests::one_server().with(older).index();
    let rendered = Findings::default().found("a", odd(&["t"])).render(&index);
    let reasons: Vec<_> = rendered
        .verdicts
        .iter()
        .map(|verdict| verdict.reason)
        .collect();
    assert_eq!(reasons, [Reason::Invalid, Reason::Invalid]);
}

#[test]
fn the_names_of_a_refused_server_are_free_for_others() {
    let bare = Manifests::one_server()
        .server("b")
        .edit("  prefix: a_\n", "")
        .edit("  prefix: b_\n", "");
    let rendered = Findings::default()
        .found("a", odd(&["shared"]))
        .found("b", tools(&["shared"]))
        .render(&bare.index());
    assert!(verdict(&rendered, "b").conflicts.is_empty());
    assert_eq!(listed(&rendered.config, ListKind::Tools).len(), 1);
}

#[test]
fn a_catalog_that_would_be_too_large_leaves_the_younger_server_out() {
    let description = "x".repeat(1024);
    let mut huge = tools(&[]);
    huge.tools = (0..64 * 1024)
        .map(|number| {
            let json = format!("{{\"name\":\"{number}\",\"description\":\"{description}\"}}");
            crate::offer::Definition::new(number.to_string(), json)
        })
        .collect();
    let index = Manifests::one_server().server("b").server("c").index();
    let rendered = Findings::default()
        .found("a", tools(&["t"]))
        .found("b", huge)
        .found("c", tools(&["t"]))
        .render(&index);
    assert_eq!(servers(&rendered.config), ["team/a", "team/c"]);
    let message = "False CatalogTooLarge: with its definitions the configuration would be too large: serve fewer or \
                   smaller servers here";
    assert_eq!(told(&rendered, "b"), message);
    assert_eq!(
        told(&rendered, "c"),
        "True Ready: 1 tools, 0 prompts, 0 resources"
    );
}

#[test]
fn one_bad_definition_costs_itself_alone() {
    let mut offer = tools(&["good"]);
    offer.prompts = definitions("title", &["no name"]);
    let rendered = Findings::default()
        .found("a", offer)
        .render(&Manifests::one_server().index());
    let message = "True Ready: 1 tools, 0 prompts, 0 resources; left out: prompts \"no name\": `name` is not a \
                   non-empty string";
    assert_eq!(told(&rendered, "a"), message);
}

#[test]
fn what_is_no_servers_fault_is_an_error() {
    let index = Manifests::one_server().index();
    let keyless = Keys {
        sessions: Sessions::default(),
        ..keys()
    };
    let findings = Findings::default().found("a", tools(&["t"]));
    let error = render(&index, &findings.0, &keyless).unwrap_err();
    assert_eq!(
        error.to_string(),
        "sessions.keys: must have a key, for there are servers"
    );
    assert!(render(&index, &Default::default(), &keyless).is_ok());
}
