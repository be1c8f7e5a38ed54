//! The example manifests are the guides' own: every line, in order, with the indentation restored.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/github")
}

/// The guides' manifests: file name and lines without their leading blanks.
fn guides() -> Vec<(String, Vec<String>)> {
    let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
    for guide in [
        "external-mcp-server.v1alpha1.txt",
        "external-mcp-server.kagenti.txt",
    ] {
        let text = fs::read_to_string(examples().join("testdata").join(guide)).unwrap();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            match line.strip_prefix("==> ") {
                Some(file) => blocks.push((file.to_owned(), Vec::new())),
                None => blocks.last_mut().unwrap().1.push(line.to_owned()),
            }
        }
    }
    blocks
}

fn manifest(file: &str) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(examples().join(file)).unwrap()).unwrap()
}

#[test]
fn every_file_holds_the_lines_of_the_guide_in_order() {
    let guides = guides();
    assert_eq!(guides.len(), 14);
    for (file, lines) in guides {
        let text = fs::read_to_string(examples().join(&file)).unwrap();
        let ours: Vec<&str> = text.lines().map(str::trim_start).collect();
        assert_eq!(ours, lines, "{file}");
    }
}

#[test]
fn clients_are_configured_as_the_readme_shows() {
    let text = |file: &str| fs::read_to_string(examples().join(file)).unwrap();
    let configuration = text(".mcp.json");
    assert!(text("README.md").contains(&format!("\n\n{configuration}\n")));
    let configuration: Value = serde_json::from_str(&configuration).unwrap();
    let server = &configuration["mcpServers"]["mcp-gateway"];
    assert_eq!(server["url"], "http://mcp.127-0-0-1.sslip.io:8001/mcp");
}

#[test]
fn no_file_stands_beside_those_of_the_guide() {
    let named: BTreeSet<String> = guides().into_iter().map(|(file, _)| file).collect();
    let mut found = BTreeSet::new();
    for folder in ["part-1", "part-2", "kagenti"] {
        for entry in fs::read_dir(examples().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            found.insert(format!("{folder}/{name}"));
        }
    }
    assert_eq!(found, named);
}

/// File, JSON pointer and value of fields whose place the indentation decides.
const PLACES: &str = r#"
part-1/step-1-service-entry.yaml /spec/ports/0/protocol "HTTPS"
part-1/step-1-service-entry.yaml /spec/resolution "DNS"
part-1/step-2-destination-rule.yaml /spec/trafficPolicy/tls/sni "api.githubcopilot.com"
part-1/step-3-http-route.yaml /spec/parentRefs/0/namespace "gateway-system"
part-1/step-3-http-route.yaml /spec/rules/0/matches/0/path/value "/mcp"
part-1/step-3-http-route.yaml /spec/rules/0/filters/0/urlRewrite/hostname "api.githubcopilot.com"
part-1/step-3-http-route.yaml /spec/rules/0/backendRefs/0/port 443
part-1/step-4-secret.yaml /metadata/labels/mcp.kuadrant.io~1secret "true"
part-1/step-4-secret.yaml /stringData/token "Bearer $GITHUB_PAT"
part-1/step-5-registration.yaml /spec/targetRef/name "github-mcp-external"
part-1/step-5-registration.yaml /spec/credentialRef/key "token"
part-2/step-8-gateway-policy.yaml /spec/targetRef/sectionName "mcp"
part-2/step-8-gateway-policy.yaml /spec/when/0/predicate "!request.path.contains('/.well-known')"
part-2/step-8-gateway-policy.yaml /spec/rules/authentication/keycloak/jwt/issuerUrl "https://keycloak.127-0-0-1.sslip.io:8002/realms/mcp"
part-2/step-8-gateway-policy.yaml /spec/rules/response/unauthenticated/body/value "{\n  \"error\": \"Unauthorized\",\n  \"message\": \"Access denied: Authentication required.\"\n}\n"
part-2/step-8-gateway-policy.yaml /spec/rules/response/unauthorized/code 401
part-2/step-9-route-policy.yaml /spec/rules/authorization/has-github-pat/patternMatching/patterns/0/predicate "request.headers.exists(h, h == \"x-github-pat\") && request.headers[\"x-github-pat\"] != \"\"\n"
part-2/step-9-route-policy.yaml /spec/rules/response/unauthorized/body/value "{\n  \"error\": \"Bad Request\",\n  \"message\": \"Missing required x-github-pat header\"\n}\n"
part-2/step-9-route-policy.yaml /spec/rules/response/success/headers/authorization/plain/expression "\"Bearer \" + request.headers[\"x-github-pat\"]\n"
"#;

#[test]
fn the_restored_indentation_puts_every_field_at_its_place() {
    for place in PLACES.trim().lines() {
        let mut words = place.splitn(3, ' ');
        let (file, pointer) = (words.next().unwrap(), words.next().unwrap());
        let value: Value = serde_json::from_str(words.next().unwrap()).unwrap();
        assert_eq!(manifest(file).pointer(pointer), Some(&value), "{place}");
    }
}
