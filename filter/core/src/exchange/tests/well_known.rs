//! What tells callers where they get their tokens.

use mcp_filter_config::{Endpoint, PluginConfig, ProtectedResource};
use serde_json::json;

use super::authentication::guard;
use super::driver::*;
use crate::step::{LocalResponse, RequestStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const BARE: &str = "/.well-known/oauth-protected-resource";
const OF_MCP: &str = "/.well-known/oauth-protected-resource/mcp";
const MEMBERS: &str = "\n{ \"authorization_servers\" : [\"https://as.example\"], \"n\": 1.0e5 }\n";

fn tell(config: &mut PluginConfig, resource: Option<&str>, members: &str) {
    guard(config);
    config.endpoints[0].protected_resource = Some(ProtectedResource {
        resource: resource.map(str::to_owned),
        members: members.to_owned(),
    });
}

fn telling() -> Gateway {
    Gateway::with(|config| tell(config, Some("https://mcp.example.com/mcp"), MEMBERS))
}

fn ask(gateway: &mut Gateway, verb: &str, path: &str) -> LocalResponse {
    gateway.answer(&[(":method", verb), (":path", path)], "")
}

/// The resource that is named to a request with these headers.
fn resource(headers: &[(&str, &str)]) -> serde_json::Value {
    let mut gateway = Gateway::with(|config| tell(config, None, "{}"));
    let headers = [&[(":method", "GET"), (":path", OF_MCP)], headers].concat();
    let response = gateway.answer(&headers, "");
    let mut document: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(document.as_object().unwrap().len(), 1);
    document["resource"].take()
}

#[test]
fn the_document_is_open_and_its_members_are_as_they_were_written() {
    let mut gateway = telling();
    for path in [BARE, OF_MCP, &format!("{OF_MCP}?x=1"), &format!("{BARE}?")] {
        for verb in ["GET", "HEAD"] {
            let response = ask(&mut gateway, verb, path);
            assert_eq!(response.status, 200, "{verb} {path}");
            for (name, value) in [
                ("content-type", "application/json"),
                ("access-control-allow-origin", "*"),
                ("cache-control", "no-store"),
            ] {
                assert_eq!(header(&response.headers, name).unwrap(), value);
            }
            assert_eq!(
                text(&response.body),
                r#"{"resource":"https://mcp.example.com/mcp", "authorization_servers" : ["https://as.example"], "n": 1.0e5 }"#
            );
        }
    }
    assert_eq!(gateway.claims_asked, 0);
}

#[test]
fn pages_of_all_origins_may_read_it() {
    let mut gateway = telling();
    let origin = ("origin", "https://inspector.example");
    let response = gateway.answer(&[(":method", "GET"), (":path", OF_MCP), origin], "");
    assert_eq!(response.status, 200);
    let response = gateway.answer(&[(":method", "OPTIONS"), (":path", OF_MCP), origin], "");
    assert_eq!((response.status, response.body.len()), (204, 0));
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET"),
        (
            "access-control-allow-headers",
            "*, authorization, mcp-protocol-version",
        ),
        ("access-control-max-age", "86400"),
    ] {
        assert_eq!(header(&response.headers, name).unwrap(), value);
    }
}

#[test]
fn it_is_only_read() {
    let mut gateway = telling();
    for verb in ["POST", "DELETE", "PUT", "get"] {
        let response = ask(&mut gateway, verb, BARE);
        assert_eq!(response.status, 405, "{verb}");
        assert_eq!(
            header(&response.headers, "allow").unwrap(),
            "GET, HEAD, OPTIONS"
        );
    }
}

#[test]
fn where_none_is_configured_the_url_of_the_request_names_the_resource() {
    for (headers, url) in [
        (&[][..], "http://localhost:8001/mcp"),
        (&[(":scheme", "https")], "https://localhost:8001/mcp"),
        (
            &[("x-forwarded-proto", "https"), (":scheme", "http")],
            "https://localhost:8001/mcp",
        ),
        (
            &[("x-forwarded-proto", "http"), (":scheme", "https")],
            "http://localhost:8001/mcp",
        ),
        (&[(":scheme", "\"")], "http://localhost:8001/mcp"),
        (&[(":authority", "LOCALHOST.")], "http://LOCALHOST./mcp"),
    ] {
        assert_eq!(resource(headers), url, "{headers:?}");
    }
}

#[test]
fn no_other_spelling_is_exempt() {
    let mut gateway = telling();
    for path in [
        "/.well-known/../mcp",
        "/.well-known/oauth-protected-resource/../../mcp",
        "/.well-known/oauth-protected-resource/",
        "/.well-known/oauth-protected-resource/mcp/",
        "/.well-known/oauth-protected-resource/other",
        "/.well-known/oauth-protected-resourcemcp",
        "/%2ewell-known/oauth-protected-resource",
        "/.well-known/oauth-protected%2dresource",
        "/.well-known/oauth-protected-resource%2fmcp",
        "/.Well-Known/oauth-protected-resource",
        "//.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server",
    ] {
        let (_, step) = gateway.post(&[(":method", "GET"), (":path", path)], "");
        assert_eq!(step, RequestStep::Pass, "{path}");
    }
    for path in [
        "/mcp/.well-known",
        "/mcp/.well-known/oauth-protected-resource",
    ] {
        let response = gateway.answer(&[(":method", "GET"), (":path", path)], "");
        assert_eq!(response.status, 401, "{path}");
    }
    let other = [
        (":method", "GET"),
        (":path", BARE),
        (":authority", "other.example.com"),
    ];
    assert_eq!(gateway.post(&other, "").1, RequestStep::Pass);
    for path in [
        "/mcp?x=/.well-known",
        "/mcp?/.well-known/oauth-protected-resource",
    ] {
        assert_eq!(ask(&mut gateway, "GET", path).status, 401, "{path}");
    }
}

#[test]
fn where_nothing_is_told_the_request_passes() {
    let mut gateway = Gateway::with(guard);
    for path in [BARE, OF_MCP] {
        let (_, step) = gateway.post(&[(":method", "GET"), (":path", path)], "");
        assert_eq!(step, RequestStep::Pass, "{path}");
    }
}

#[test]
fn each_endpoint_has_its_document_and_the_first_of_a_host_the_bare_one() {
    let endpoint = |hosts: &[&str], path: &str, resource: Option<&str>| {
        let members = "{}";
        let resource = resource.map(|resource| json!({"resource": resource, "members": members}));
        let endpoint = json!({"hosts": hosts, "path": path, "protectedResource": resource});
        serde_json::from_value::<Endpoint>(endpoint).unwrap()
    };
    let mut gateway = Gateway::with(|config| {
        config.endpoints = vec![
            endpoint(&["a.example"], "/silent", None),
            endpoint(&["b.example"], "/mcp", Some("https://one")),
            endpoint(&["a.example", "b.example"], "/v2/mcp", Some("https://two")),
        ];
    });
    for (host, path, resource) in [
        ("a.example", BARE, Some("https://two")),
        ("b.example", BARE, Some("https://one")),
        ("B.example.:8080", OF_MCP, Some("https://one")),
        ("a.example", OF_MCP, None),
        (
            "a.example",
            "/.well-known/oauth-protected-resource/silent",
            None,
        ),
        (
            "b.example",
            "/.well-known/oauth-protected-resource/v2/mcp",
            Some("https://two"),
        ),
    ] {
        let headers = [(":method", "GET"), (":path", path), (":authority", host)];
        let (_, step) = gateway.post(&headers, "");
        let told = match step {
            RequestStep::Respond(response) => Some(text(&response.body).to_owned()),
            _ => None,
        };
        let expected = resource.map(|resource| format!(r#"{{"resource":"{resource}"}}"#));
        assert_eq!(told, expected, "{host} {path}");
    }
}
