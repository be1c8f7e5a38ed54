//! The example manifests are the guides' own: every line, in order, with the indentation restored.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/github")
}

/// The guides' manifests: file name and lines without their leading blanks.
fn guides() -> Vec<(String, Vec<String>)> {
    let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
    for guide in ["external-mcp-server.v1alpha1.txt", "external-mcp-server.kagenti.txt"] {
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

#[test]
fn the_restored_indentation_puts_every_field_at_its_place() {
    let places = [
        ("part-1/step-1-service-entry.yaml", "/spec/ports/0/protocol", json!("HTTPS")),
        ("part-1/step-1-service-entry.yaml", "/spec/resolution", json!("DNS")),
        (
            "part-1/step-2-destination-rule.yaml",
            "/spec/trafficPolicy/tls/sni",
            json!("api.githubcopilot.com"),
        ),
        ("part-1/step-3-http-route.yaml", "/spec/parentRefs/0/namespace", json!("gateway-system")),
        ("part-1/step-3-http-route.yaml", "/spec/rules/0/matches/0/path/value", json!("/mcp")),
        (
            "part-1/step-3-http-route.yaml",
            "/spec/rules/0/filters/0/urlRewrite/hostname",
            json!("api.githubcopilot.com"),
        ),
        ("part-1/step-3-http-route.yaml", "/spec/rules/0/backendRefs/0/port", json!(443)),
        ("part-1/step-4-secret.yaml", "/metadata/labels/mcp.kuadrant.io~1secret", json!("true")),
        ("part-1/step-4-secret.yaml", "/stringData/token", json!("Bearer $GITHUB_PAT")),
        ("part-1/step-5-registration.yaml", "/spec/targetRef/name", json!("github-mcp-external")),
        ("part-1/step-5-registration.yaml", "/spec/credentialRef/key", json!("token")),
        ("part-2/step-8-gateway-policy.yaml", "/spec/targetRef/sectionName", json!("mcp")),
        (
            "part-2/step-8-gateway-policy.yaml",
            "/spec/rules/authentication/keycloak/jwt/issuerUrl",
            json!("https://keycloak.127-0-0-1.sslip.io:8002/realms/mcp"),
        ),
        (
            "part-2/step-8-gateway-policy.yaml",
            "/spec/rules/response/unauthenticated/body/value",
            json!(
                "{\n  \"error\": \"Unauthorized\",\n  \"message\": \"Access denied: Authentication required.\"\n}\n"
            ),
        ),
        ("part-2/step-8-gateway-policy.yaml", "/spec/rules/response/unauthorized/code", json!(401)),
        (
            "part-2/step-9-route-policy.yaml",
            "/spec/rules/response/unauthorized/body/value",
            json!(
                "{\n  \"error\": \"Bad Request\",\n  \"message\": \"Missing required x-github-pat header\"\n}\n"
            ),
        ),
        (
            "part-2/step-9-route-policy.yaml",
            "/spec/rules/response/success/headers/authorization/plain/expression",
            json!("\"Bearer \" + request.headers[\"x-github-pat\"]\n"),
        ),
    ];
    for (file, pointer, value) in places {
        assert_eq!(manifest(file).pointer(pointer), Some(&value), "{file} {pointer}");
    }
    let predicates = manifest("part-2/step-9-route-policy.yaml");
    let patterns = "/spec/rules/authorization/has-github-pat/patternMatching/patterns/0/predicate";
    let predicate = predicates.pointer(patterns).and_then(Value::as_str).unwrap();
    assert!(predicate.starts_with("request.headers.exists("), "{predicate}");
}
