//! Views that servers show beside their tools' results (MCP Apps).

use super::driver::*;
use crate::catalog::{CatalogWriter, Definition, ListKind, UiResource};
use crate::step::BodyEdit;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const APPS: &str =
    r#"{"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]}}}"#;
const VIEWED: &str = r#"{"name":"chart" ,"_meta":{"ui":{"resourceUri":"ui://view"}},"x":1.0e5}"#;

/// Both servers have resources; tools of both name `ui://view`, and the younger one's is known to clients by another URI.
/// Neither lists it.
fn gateway() -> Gateway {
    Gateway::with(|config| {
        let mut catalog = CatalogWriter::new();
        for (server, uri) in [(0, "file:///a"), (1, "file:///b")] {
            let json = format!(r#"{{"uri":"{uri}","name":"r"}}"#);
            let resource = Definition::parse(ListKind::Resources, "", &json).unwrap();
            catalog.push(server, resource);
        }
        let younger = |uri: &str| (uri == "ui://view").then(|| "ui://other".to_owned());
        let tool = |prefix| Definition::parse(ListKind::Tools, prefix, VIEWED).unwrap();
        catalog.push(0, tool("github_"));
        catalog.push(1, tool("s_").with_ui_uris(younger));
        let named = |uri: &str, own_uri: Option<&str>| UiResource {
            uri: uri.to_owned(),
            own_uri: own_uri.map(str::to_owned),
        };
        catalog.name(0, named("ui://view", None));
        catalog.name(1, named("ui://other", Some("ui://view")));
        config.catalog = Some(catalog.finish());
        config.servers[0].apps = true;
    })
}

fn read(uri: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{{ "uri" : "{uri}" }}}}"#
    )
}

#[test]
fn a_tool_that_names_a_view_is_listed_as_its_server_wrote_it() {
    let list = r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#;
    let answer = gateway().answer(&[], list);
    let of_github = VIEWED.replace("chart", "github_chart");
    let of_stateful = VIEWED
        .replace("chart", "s_chart")
        .replace("ui://view", "ui://other");
    let tools = format!(r#""tools":[{of_github},{of_stateful}]"#);
    assert!(
        text(&answer.body).contains(&tools),
        "{}",
        text(&answer.body)
    );
}

#[test]
fn a_view_that_nobody_lists_is_read_from_the_server_whose_tool_names_it() {
    let (_, step) = gateway().post(&[PAT], &read("ui://view"));
    let release = released(step);
    assert_eq!(release.body, BodyEdit::Keep);
    for (name, value) in [
        (":authority", "github.mcp.local"),
        ("x-mcp-resourceuri", "ui://view"),
    ] {
        assert_eq!(set(&release.headers, name).as_deref(), Some(value));
    }
    // What no tool names is nobody's: both servers have resources.
    let answer = gateway().answer(&[PAT], &read("ui://else"));
    assert!(text(&answer.body).contains("-32002"));
}

#[test]
fn a_view_whose_uri_an_older_server_has_is_read_by_its_own_uri() {
    let mut gateway = gateway();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let (mut exchange, step) = gateway.post(&headers, &read("ui://other"));
    assert_eq!(settled(step), read("ui://view"));
    let release = gateway.open(&mut exchange, "one");
    for (name, value) in [
        (":authority", "stateful.mcp.local"),
        ("x-mcp-resourceuri", "ui://view"),
    ] {
        assert_eq!(set(&release.headers, name).as_deref(), Some(value));
    }
}

#[test]
fn a_listed_resource_comes_before_one_that_a_tool_names() {
    let mut gateway = Gateway::with(|config| {
        let mut catalog = CatalogWriter::new();
        let listed = r#"{"uri":"ui://view","name":"r"}"#;
        catalog.push(
            0,
            Definition::parse(ListKind::Resources, "", listed).unwrap(),
        );
        let uri = "ui://view".to_owned();
        catalog.name(1, UiResource { uri, own_uri: None });
        config.catalog = Some(catalog.finish());
    });
    let release = released(gateway.post(&[PAT], &read("ui://view")).1);
    let authority = set(&release.headers, ":authority");
    assert_eq!(authority.as_deref(), Some("github.mcp.local"));
}

#[test]
fn both_sides_are_told_that_the_other_knows_views() {
    let mut gateway = gateway();
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let answer = gateway.answer(&[], &initialize(version, APPS));
        let announced = r#""extensions":{"io.modelcontextprotocol/ui":{}}}"#;
        assert!(text(&answer.body).contains(announced), "{version}");
        let session = header(&answer.headers, "mcp-session-id").unwrap();
        let headers = [("mcp-session-id", session.as_str())];
        let (mut exchange, _) = gateway.post(&headers, &call("s_chart"));
        let opening = only(exchange.take_calls());
        let declared = format!(r#""capabilities":{APPS}"#);
        assert!(
            text(&opening.body).contains(&declared),
            "{}",
            text(&opening.body)
        );
    }
    let silent = Gateway::new().answer(&[], &initialize("2025-11-25", APPS));
    assert!(!text(&silent.body).contains("extensions"));
}

#[test]
fn a_catalog_that_names_a_view_of_no_server_is_refused() {
    let mut config = None;
    Gateway::with(|good| config = Some(good.clone()));
    let mut config = config.unwrap();
    let mut catalog = CatalogWriter::new();
    let uri = "ui://view".to_owned();
    catalog.name(2, UiResource { uri, own_uri: None });
    config.catalog = Some(catalog.finish());
    let refused = crate::Table::compile(&config).unwrap_err();
    assert_eq!(refused.path, "catalog.data.uiResources[0]");
}
