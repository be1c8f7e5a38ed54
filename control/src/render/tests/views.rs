//! What tools name to be shown beside their results, and no list need have.

use mcp_filter_config::PluginConfig;
use mcp_filter_core::catalog::{Catalog, ListKind};

use super::{Findings, Manifests, definitions, listed, told, tools, viewed};
use crate::offer::Offer;

fn offer(tool: &str, uri: &str, listed: &[&str]) -> Offer {
    Offer {
        tools: vec![viewed(tool, uri)],
        resources: definitions("uri", listed),
        ..tools(&[])
    }
}

/// Server, URI, and the server's own.
fn views(config: &PluginConfig) -> Vec<(u32, String, Option<String>)> {
    let catalog = Catalog::decode(config.catalog.as_ref().unwrap()).unwrap();
    let views = catalog.ui_resources();
    let views = views.map(|(server, uri, own)| (server, uri.to_owned(), own.map(str::to_owned)));
    views.collect()
}

fn tool(config: &PluginConfig, place: usize) -> String {
    listed(config, ListKind::Tools)[place].1.clone()
}

#[test]
fn a_view_that_is_not_listed_is_its_servers_and_the_tool_stays_as_it_is() {
    let index = Manifests::one_server().server("b").index();
    let found = Findings::default()
        .found("a", offer("t", "ui://a", &[]))
        .found("b", offer("t", "ui://b", &["ui://b"]));
    let rendered = found.render(&index);
    assert_eq!(views(&rendered.config), [(0, "ui://a".to_owned(), None)]);
    assert_eq!(tool(&rendered.config, 0), viewed("a_t", "ui://a").json);
    assert_eq!(tool(&rendered.config, 1), viewed("b_t", "ui://b").json);
    assert_eq!(
        told(&rendered, "b"),
        "True Ready: 1 tools, 0 prompts, 1 resources"
    );
}

#[test]
fn a_view_whose_uri_an_older_server_has_gets_another() {
    let index = Manifests::one_server().server("b").index();
    // Whether the older lists it, both or neither.
    for (older, younger) in [
        (vec![], vec![]),
        (vec!["ui://v/x"], vec![]),
        (vec!["ui://v/x"], vec!["ui://v/x"]),
    ] {
        let found = Findings::default()
            .found("a", offer("t", "ui://v/x", &older))
            .found("b", offer("t", "ui://v/x", &younger));
        let rendered = found.render(&index);
        let other = (1, "ui://team.b/v/x".to_owned(), Some("ui://v/x".to_owned()));
        assert_eq!(views(&rendered.config)[0], other);
        assert_eq!(tool(&rendered.config, 0), viewed("a_t", "ui://v/x").json);
        assert_eq!(
            tool(&rendered.config, 1),
            viewed("b_t", "ui://team.b/v/x").json
        );
        assert_eq!(
            listed(&rendered.config, ListKind::Resources).len(),
            older.len()
        );
    }
}

#[test]
fn the_other_uri_is_nobodys_yet() {
    let index = Manifests::one_server().server("b").index();
    let older = offer("t", "ui://v", &["ui://team.b/v"]);
    let younger = offer("t", "ui://v", &["ui://team.b/again/v"]);
    let found = Findings::default().found("a", older).found("b", younger);
    let rendered = found.render(&index);
    let uri = "ui://team.b/again/again/v";
    assert_eq!(tool(&rendered.config, 1), viewed("b_t", uri).json);
}

#[test]
fn others_that_are_given_out_together_are_different() {
    let index = Manifests::one_server().server("b").index();
    let older = Offer {
        tools: vec![viewed("t", "ui://v"), viewed("u", "ui://again/v")],
        ..tools(&[])
    };
    let younger = Offer {
        tools: vec![
            viewed("t", "ui://v"),
            viewed("u", "ui://again/v"),
            viewed("w", "ui://team.b/v"),
        ],
        ..tools(&[])
    };
    let found = Findings::default().found("a", older).found("b", younger);
    let rendered = found.render(&index);
    let own = ["ui://v", "ui://again/v"].map(|uri| Some(uri.to_owned()));
    let views = views(&rendered.config);
    assert_eq!(views.len(), 5, "{views:?}");
    for own in own {
        assert!(views.iter().any(|(_, _, of)| *of == own), "{views:?}");
    }
    assert_eq!(
        told(&rendered, "b"),
        "True Ready: 3 tools, 0 prompts, 0 resources"
    );
}

#[test]
fn to_name_a_view_takes_it_from_no_server_that_lists_it() {
    let index = Manifests::one_server().server("b").index();
    let younger = Offer {
        resources: definitions("uri", &["ui://v", "ui://team.a/v"]),
        ..tools(&[])
    };
    let found = Findings::default()
        .found("a", offer("t", "ui://v", &[]))
        .found("b", younger);
    let rendered = found.render(&index);
    let served = listed(&rendered.config, ListKind::Resources);
    let servers: Vec<u32> = served.into_iter().map(|(server, _)| server).collect();
    assert_eq!(servers, [1, 1]);
    let other = "ui://team.a/again/v".to_owned();
    assert_eq!(tool(&rendered.config, 0), viewed("a_t", &other).json);
    let view = (0, other, Some("ui://v".to_owned()));
    assert_eq!(views(&rendered.config), [view]);
}
