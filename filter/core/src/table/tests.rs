mod rejected;

use mcp_filter_config::{PluginConfig, Role};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use self::rejected::REJECTED;
use super::{CompileError, Offered, ServerIndex, Table};
use crate::catalog::{ListKind, ListedIn, Shown};
use crate::version::ProtocolVersion;

const FULL: &str = include_str!("../../../config/testdata/accepted/full.json");

const STATELESS: &str = include_str!("../../../config/testdata/accepted/stateless_server.json");

const ACCEPTED: [&str; 6] = [
    FULL,
    include_str!("../../../config/testdata/accepted/defaults.json"),
    include_str!("../../../config/testdata/accepted/fields_of_a_newer_control.json"),
    include_str!("../../../config/testdata/accepted/gate.json"),
    include_str!("../../../config/testdata/accepted/route_without_servers.json"),
    STATELESS,
];

const GITHUB: Option<ServerIndex> = Some(ServerIndex(0));
const EVERYTHING: Option<ServerIndex> = Some(ServerIndex(1));

fn compile(json: &str) -> Result<Table, CompileError> {
    Table::compile(&serde_json::from_str(json).unwrap())
}

fn whose(offered: Option<Offered>) -> Option<ServerIndex> {
    offered.map(|offered| offered.server)
}

fn full() -> Table {
    compile(FULL).unwrap()
}

fn changed(change: impl FnOnce(&mut PluginConfig)) -> Table {
    let mut config = serde_json::from_str(FULL).unwrap();
    change(&mut config);
    Table::compile(&config).unwrap()
}

#[test]
fn golden_configurations_compile() {
    for json in ACCEPTED {
        compile(json).unwrap();
    }
}

#[test]
fn a_wrong_configuration_is_refused_where_it_is_wrong() {
    for (path, json) in REJECTED {
        let error = compile(json).expect_err(json);
        assert_eq!(error.path, *path, "{json}");
        assert!(!error.reason.is_empty());
    }
}

#[test]
fn what_is_told_of_a_resource_is_bounded() {
    let with_members = |length: usize| {
        let members = format!(r#"{{"a":"{}"}}"#, "x".repeat(length.saturating_sub(8)));
        assert_eq!(members.len(), length);
        let mut config: PluginConfig = serde_json::from_str(FULL).unwrap();
        let resource = config.endpoints[0].protected_resource.as_mut().unwrap();
        resource.members = members;
        Table::compile(&config)
    };
    assert!(with_members(16 * 1024).is_ok());
    let error = with_members(16 * 1024 + 1).unwrap_err();
    assert_eq!(error.path, "endpoints[0].protectedResource.members");
}

#[test]
fn each_claim_that_may_be_asked_for_is_known_once() {
    let paths = full().claim_paths().to_vec();
    let paths: Vec<String> = paths.iter().map(|path| path.join(".")).collect();
    let expected = [
        "aud",
        "exp",
        "iss",
        "preferred_username",
        "realm_access.roles",
        "scope",
        "sub",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn a_gate_knows_no_endpoint_and_no_server() {
    let gate = compile(ACCEPTED[3]).unwrap();
    assert_eq!(gate.role(), Role::Gate);
    assert!(gate.endpoint(b"localhost", b"/mcp").is_none());
    assert!(!gate.is_internal(b"github.mcp.local"));
    assert_eq!(gate.tool("github_get_me"), None);
}

#[test]
fn an_endpoint_is_found_by_any_spelling_of_its_host_and_by_all_paths_below_its_own() {
    let table = full();
    for (host, path) in [
        ("localhost", "/mcp"),
        ("LOCALHOST:8001", "/mcp?x=/y"),
        ("mcp.127-0-0-1.sslip.io.", "/mcp?"),
        ("[::1]:8001", "/mcp"),
        ("localhost", "/mcp/"),
        ("localhost", "/mcp/team/few?x=/y"),
    ] {
        assert!(
            table.endpoint(host.as_bytes(), path.as_bytes()).is_some(),
            "{host} {path}"
        );
    }
    for (host, path) in [
        ("localhost", "/mcpx/team/few"),
        ("localhost", "/MCP"),
        ("localhost", "/mcp#"),
        ("localhost", ""),
        ("example.com", "/mcp"),
        ("", "/mcp"),
    ] {
        assert!(
            table.endpoint(host.as_bytes(), path.as_bytes()).is_none(),
            "{host} {path}"
        );
    }
}

#[test]
fn hosts_of_routes_and_of_upstreams_are_internal_in_any_spelling() {
    let table = full();
    for host in [
        "github.mcp.local",
        "GitHub.MCP.local:8001",
        "github.mcp.local.",
        "github.mcp.local..",
        "x@github.mcp.local",
        "other.mcp.local",
        "deep.er.mcp.local",
        "api.githubcopilot.com",
        "everything.example.com",
        "everything.example.com:3001",
    ] {
        assert!(table.is_internal(host.as_bytes()), "{host}");
    }
    for host in [
        "mcp.local",
        "xmcp.local",
        "localhost",
        "github.mcp.local.example.com",
        "",
        "api.githubcopilot.com.example.com",
    ] {
        assert!(!table.is_internal(host.as_bytes()), "{host}");
    }
}

#[test]
fn an_upstream_may_share_a_public_host() {
    let table =
        changed(|config| config.servers[1].upstream.authority = "127.0.0.1:3001".to_owned());
    assert!(!table.is_internal(b"127.0.0.1:3001"));
    let table = changed(|config| config.internal_hosts.push("*.sslip.io".to_owned()));
    assert!(!table.is_internal(b"mcp.127-0-0-1.sslip.io:8001"));
    assert!(table.is_internal(b"other.sslip.io"));
}

#[test]
fn pages_of_the_same_host_and_port_and_listed_origins_may_send_requests() {
    let table = full();
    let endpoint = table.endpoint(b"localhost", b"/mcp").unwrap();
    let allows = |origin: &str| endpoint.allows_origin(origin.as_bytes(), b"localhost:8443");
    for origin in [
        "https://localhost:8443",
        "HTTP://LocalHost:8443",
        "https://inspector.example.com",
        "https://inspector.example.com:443",
    ] {
        assert!(allows(origin), "{origin}");
    }
    for origin in [
        "null",
        "",
        "localhost",
        "http://localhost",
        "https://localhost",
        "http://localhost:9",
        "http://127.0.0.1:8443",
        "http://localhost.example.com",
        "http://inspector.example.com",
        "https://inspector.example.com:8443",
        "file://localhost",
        "http://localhost:8443/",
        "http://localhost:8443, http://evil.example",
        "http://evil.example#localhost",
        "http://u@localhost:8443",
    ] {
        assert!(!allows(origin), "{origin}");
    }
}

#[test]
fn tools_and_prompts_are_found_by_their_exact_federated_name() {
    let table = full();
    let server_of = |name| table.tool(name).map(|tool| tool.server);
    assert_eq!(server_of("github_get_me"), GITHUB);
    assert_eq!(server_of("github_é"), GITHUB);
    assert_eq!(server_of("echo"), EVERYTHING);
    assert_eq!(whose(table.prompt("simple-prompt")), EVERYTHING);
    for name in [
        "",
        "get_me",
        "github_",
        "github_get_m",
        "github_get_me2",
        "GITHUB_GET_ME",
        "simple-prompt",
    ] {
        assert_eq!(table.tool(name), None, "{name}");
    }
    assert_eq!(table.prompt("echo"), None);
}

#[test]
fn a_resource_is_found_by_uri_then_by_template() {
    let table = full();
    assert_eq!(whose(table.resource("demo://static/1")), EVERYTHING);
    assert_eq!(whose(table.resource("demo://static/2")), EVERYTHING);
    assert_eq!(
        whose(table.resource("repo://octocat/hello/contents/README.md")),
        GITHUB
    );
    assert_eq!(whose(table.template("demo://{kind}/{id}")), EVERYTHING);
    assert_eq!(table.template("demo://{kind}/{other}"), None);
}

#[test]
fn nobody_is_asked_for_an_unlisted_uri_where_several_servers_have_resources() {
    assert_eq!(full().resource("https://example.com/unlisted"), None);
}

#[test]
fn the_only_server_with_resources_is_asked_for_unlisted_uris() {
    let table = changed(|config| {
        config.catalog = None;
        config.servers[0].resources = false;
    });
    assert_eq!(
        whose(table.resource("https://example.com/unlisted")),
        EVERYTHING
    );
    assert!(table.has_resources());
}

#[test]
fn each_lookup_tells_in_which_eras_the_definition_is_listed() {
    let table = changed(|config| {
        let mut catalog = crate::catalog::CatalogWriter::new();
        for (kind, json, listed_in) in [
            (ListKind::Tools, r#"{"name":"a"}"#, ListedIn::SessionsOnly),
            (
                ListKind::Prompts,
                r#"{"name":"a"}"#,
                ListedIn::StatelessOnly,
            ),
            (ListKind::Resources, r#"{"uri":"a:1"}"#, ListedIn::Both),
            (
                ListKind::ResourceTemplates,
                r#"{"uriTemplate":"b:{x}"}"#,
                ListedIn::StatelessOnly,
            ),
        ] {
            let definition = crate::catalog::Definition::parse(kind, "", json).unwrap();
            catalog.push(1, definition.listed(listed_in));
        }
        config.catalog = Some(catalog.finish());
    });
    let listed_in = |offered: Option<Offered>| offered.unwrap().listed_in;
    let tool = table.tool("a").unwrap();
    assert_eq!(tool.listed_in, ListedIn::SessionsOnly);
    assert_eq!(listed_in(table.prompt("a")), ListedIn::StatelessOnly);
    assert_eq!(listed_in(table.resource("a:1")), ListedIn::Both);
    assert_eq!(listed_in(table.resource("b:1")), ListedIn::StatelessOnly);
    assert_eq!(listed_in(table.template("b:{x}")), ListedIn::StatelessOnly);
}

#[test]
fn without_resources_no_uri_leads_anywhere() {
    let table = changed(|config| {
        config.catalog = None;
        config
            .servers
            .iter_mut()
            .for_each(|server| server.resources = false);
    });
    assert_eq!(table.resource("demo://static/1"), None);
    assert!(!table.has_resources());
    assert!(!table.has_prompts());
}

#[test]
fn the_template_with_the_most_literal_characters_wins() {
    let templates = ["item://{+rest}", "item://a/{id}", "item://{kind}/special"];
    let table = changed(|config| {
        let mut catalog = crate::catalog::CatalogWriter::new();
        for (server, template) in templates
            .iter()
            .enumerate()
            .map(|(place, template)| (u32::from(place == 1), template))
        {
            let json = format!(r#"{{"uriTemplate":"{template}","name":"x"}}"#);
            let definition =
                crate::catalog::Definition::parse(ListKind::ResourceTemplates, "", &json).unwrap();
            catalog.push(server, definition);
        }
        config.catalog = Some(catalog.finish());
    });
    assert_eq!(whose(table.resource("item://a/1")), EVERYTHING);
    assert_eq!(whose(table.resource("item://b/1")), GITHUB);
    assert_eq!(whose(table.resource("item://a/special")), GITHUB);
}

#[test]
fn a_server_tells_what_it_was_configured_with() {
    let table = full();
    let index = table.tool("github_get_me").unwrap().server;
    let server = table.server(index);
    assert_eq!(server.name, "mcp-test/github");
    assert_eq!(server.upstream.path, "/mcp/");
    assert_eq!(server.session_version, Some(ProtocolVersion::V2025_11_25));
    assert!(server.stateless);
    assert!(server.issues_sessions && server.completions && table.has_completions());
    assert!(server.logging && table.has_logging());
    assert!(server.tasks && table.has_tasks(crate::era::Era::Sessions));
    assert_eq!(table.policies(index).count(), 1);
    assert_eq!(table.credential_headers(), ["x-github-pat"]);
    assert_eq!(table.servers().count(), 2);
}

#[test]
fn a_server_of_the_stateless_revision_alone_has_no_session_revision() {
    let table = compile(STATELESS).unwrap();
    let (_, server) = table.servers().next().unwrap();
    assert_eq!((server.session_version, server.stateless), (None, true));
}

#[test]
fn an_index_of_another_table_leads_nowhere() {
    let server = full().server(ServerIndex(7)).clone();
    assert!(server.upstream.cluster.is_empty() && server.host.is_empty());
}

#[test]
fn a_list_is_told_in_pages_of_the_configured_size() {
    let table = full();
    let page = table
        .list_result(ListKind::Tools, None, &Shown::default())
        .unwrap();
    let page: serde_json::Value = serde_json::from_slice(&page.parts().concat()).unwrap();
    assert_eq!(page["tools"].as_array().unwrap().len(), 2);
    let rest = table
        .list_result(
            ListKind::Tools,
            page["nextCursor"].as_str(),
            &Shown::default(),
        )
        .unwrap();
    assert_eq!(
        rest.parts().concat(),
        br#"{"tools":[{"name":"echo","inputSchema":{"type":"object"}}]}"#
    );
}
