//! Arguments that a server of the stateless revision wants to see in headers, too.

use super::*;
use crate::catalog::{CatalogWriter, Definition, ListKind, ListedIn};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const MIRRORED: &str = r#"{"name":"deploy","inputSchema":{"type":"object","properties":{
    "region":{"type":"string","x-mcp-header":"Region"},
    "where":{"type":"object","properties":{"zone":{"type":"integer","x-mcp-header":"Zone"}}},
    "dry":{"type":"boolean","x-mcp-header":"Dry"},"n":{"type":"number"}}}}"#;

/// `github` has the tool `deploy`, listed so.
fn gateway(listed_in: ListedIn, sessions: bool) -> Gateway {
    let mut catalog = CatalogWriter::new();
    let tool = Definition::parse(ListKind::Tools, "github_", MIRRORED).unwrap();
    catalog.push(0, tool.listed(listed_in));
    let catalog = catalog.finish();
    Gateway::with(|config| {
        config.catalog = Some(catalog);
        config.requires.push("stateless".to_owned());
        let server = config.servers.first_mut().unwrap();
        server.stateless = true;
        if !sessions {
            server.protocol_version = "2026-07-28".to_owned();
        }
    })
}

fn deploy(arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"arguments":{arguments},"name":"github_deploy"}}}}"#
    )
}

/// What the server is told in `mcp-param-region`, `-zone` and `-dry`.
fn told(gateway: &mut Gateway, headers: &[(&str, &str)], body: &str) -> [Option<String>; 3] {
    let (_, step) = gateway.post(headers, body);
    let release = released(step);
    ["region", "zone", "dry"].map(|name| set(&release.headers, &format!("mcp-param-{name}")))
}

#[test]
fn a_call_of_a_client_of_sessions_repeats_them_for_it() {
    for (listed_in, sessions) in [(ListedIn::Both, false), (ListedIn::StatelessOnly, true)] {
        let mut gateway = gateway(listed_in, sessions);
        for (arguments, expected) in [
            (
                r#"{"region":"us-west1","where":{"zone":7},"dry":true,"n":1}"#,
                [Some("us-west1"), Some("7"), Some("true")],
            ),
            (
                r#"{"region":"日本","where":{"zone":null}}"#,
                [Some("=?base64?5pel5pys?="), None, None],
            ),
            (r#"{"where":7}"#, [None, None, None]),
            ("{}", [None, None, None]),
        ] {
            let told = told(&mut gateway, &[PAT], &deploy(arguments));
            assert_eq!(told.each_ref().map(Option::as_deref), expected);
        }
    }
}

#[test]
fn what_a_client_of_sessions_says_in_such_headers_counts_for_nothing() {
    let mut gateway = gateway(ListedIn::Both, false);
    let headers = [
        PAT,
        ("mcp-param-region", "forged"),
        ("mcp-param-dry", "forged"),
    ];
    let (_, step) = gateway.post(&headers, &deploy(r#"{"region":"a"}"#));
    let release = released(step);
    assert_eq!(
        set(&release.headers, "mcp-param-region").as_deref(),
        Some("a")
    );
    assert!(removes(&release.headers, "mcp-param-dry"));
}

#[test]
fn a_server_of_sessions_is_told_nothing_twice() {
    let body = deploy(r#"{"region":"a","dry":true}"#);
    for listed_in in [ListedIn::Both, ListedIn::SessionsOnly] {
        let told = told(&mut gateway(listed_in, true), &[PAT], &body);
        assert_eq!(told, [None, None, None]);
    }
}

#[test]
fn a_stateless_client_speaks_for_itself() {
    let headers = [
        PAT,
        VERSION,
        ("mcp-method", "tools/call"),
        ("mcp-name", "github_deploy"),
        ("mcp-param-region", "a"),
    ];
    let body = request(
        "tools/call",
        r#""name":"github_deploy","arguments":{"region":"a"}"#,
    );
    let (_, step) = gateway(ListedIn::Both, false).post(&headers, &body);
    let release = released(step);
    assert_eq!(set(&release.headers, "mcp-param-region"), None);
    assert!(!removes(&release.headers, "mcp-param-region"));
}
