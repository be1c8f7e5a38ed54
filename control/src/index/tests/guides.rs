use std::path::{Path, PathBuf};

use crate::index::{Index, build};
use crate::manifests::{Severity, read_folders};
use crate::network::{PathMatch, Tls};
use crate::verdict::Reason::{AudienceNotChecked, CredentialPlaceholder, NotAttached};
use mcp_filter_config::ValuePart;

/// The index of some folders of the examples, GITHUB_PAT set or not.
fn examples(folders: &[&str], pat: Option<&str>) -> Index {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/github");
    let folders: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let read = read_folders(&folders).unwrap();
    let errors = read.errors();
    assert!(
        errors
            .iter()
            .all(|error| error.severity == Severity::Warning),
        "{errors:?}"
    );
    let mut settings = super::settings();
    let pat = pat.map(|pat| ("GITHUB_PAT".to_owned(), pat.to_owned()));
    settings.variables.extend(pat);
    build(read.objects(), &settings)
}

#[test]
fn part_1_leads_to_github() {
    let index = examples(&["platform", "part-1"], Some("ghp_1"));
    assert!(index.notices.is_empty(), "{:?}", index.notices);
    let [registration] = &index.registrations[..] else {
        panic!()
    };
    assert_eq!(registration.name.to_string(), "mcp-test/github");
    assert_eq!(registration.prefix.as_deref(), Some("github_"));
    assert_eq!(registration.target, "github-mcp-external");
    assert_eq!(registration.credential.as_deref(), Some("github-token"));
    assert!(registration.unsupported.is_empty());
    let resolved = registration.outcome.as_ref().unwrap();
    assert_eq!(resolved.host, "github.mcp.local");
    assert_eq!(resolved.path, "/mcp");
    assert_eq!(
        resolved.upstream.cluster,
        "outbound|443||api.githubcopilot.com"
    );
    assert_eq!(resolved.upstream.authority, "api.githubcopilot.com");
    assert_eq!(resolved.upstream.path, "/mcp");
    assert_eq!(resolved.authorization.as_ref().unwrap().0, "Bearer ghp_1");
    assert_eq!((resolved.policies.len(), &resolved.denied), (0, &None));
}

#[test]
fn part_1_makes_one_route_and_one_cluster_with_tls() {
    let index = examples(&["platform", "part-1"], Some("ghp_1"));
    let [cluster] = &index.network.clusters[..] else {
        panic!()
    };
    assert!(cluster.dns);
    assert_eq!(cluster.addresses[0].host, "api.githubcopilot.com");
    assert_eq!(cluster.addresses[0].port, 443);
    let tls = Tls {
        sni: "api.githubcopilot.com".to_owned(),
        ca_certificates: None,
        ca_pem: None,
        insecure_skip_verify: false,
    };
    assert_eq!(cluster.tls, Some(tls));
    let [route] = &index.network.routes[..] else {
        panic!()
    };
    assert_eq!(route.host, "github.mcp.local");
    assert_eq!(route.path, PathMatch::Prefix("/mcp".to_owned()));
    assert_eq!(
        route.authority_rewrite.as_deref(),
        Some("api.githubcopilot.com")
    );
    assert_eq!(route.cluster, cluster.name);
    assert_eq!(
        index.internal_hosts,
        ["api.githubcopilot.com", "github.mcp.local"]
    );
    let hosts = ["127.0.0.1", "mcp.127-0-0-1.sslip.io", "localhost"];
    assert_eq!(index.endpoints[0].hosts, hosts);
}

#[test]
fn without_a_pat_the_registration_says_what_to_set() {
    let index = examples(&["platform", "part-1"], None);
    let fault = index.registrations[0].outcome.clone().unwrap_err();
    assert_eq!(fault.reason, CredentialPlaceholder);
    let expected = "Secret mcp-test/github-token, key token: $GITHUB_PAT has no value: set the environment variable \
                    GITHUB_PAT and start again, or write the value into the Secret ($$ stands for a dollar sign)";
    assert_eq!(fault.message, expected);
}

#[test]
fn part_2_swaps_the_users_header_and_asks_for_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/github");
    let folders = ["platform", "part-1"].map(|folder| root.join(folder));
    let mut read = read_folders(&folders).unwrap();
    let file = root.join("part-2/step-9-route-policy.yaml");
    read.apply(
        "step-9-route-policy.yaml",
        &std::fs::read_to_string(file).unwrap(),
    );
    let mut settings = super::settings();
    settings
        .variables
        .insert("GITHUB_PAT".to_owned(), "ghp_1".to_owned());
    let index = build(read.objects(), &settings);
    assert!(index.notices.is_empty(), "{:?}", index.notices);
    assert_eq!(
        index.registrations[0].outcome.as_ref().unwrap().policies,
        [0]
    );
    let policy = &index.policies[0];
    assert_eq!(policy.rules[0].denial.status, 400);
    let body = "{\n  \"error\": \"Bad Request\",\n  \"message\": \"Missing required x-github-pat header\"\n}\n";
    assert_eq!(policy.rules[0].denial.body, body);
    let parts = [
        ValuePart::Literal("Bearer ".to_owned()),
        ValuePart::Header("x-github-pat".to_owned()),
    ];
    assert_eq!(policy.set_headers[0].name, "authorization");
    assert_eq!(policy.set_headers[0].value, parts);
    assert_eq!(policy.credential_headers, ["x-github-pat"]);
}

#[test]
fn the_gateways_policy_of_part_2_says_whose_tokens_are_taken() {
    let index = examples(&["platform", "part-1", "part-2"], Some("ghp_1"));
    let told = index.notices.iter().map(|notice| notice.fault.reason);
    assert_eq!(told.collect::<Vec<_>>(), [AudienceNotChecked]);
    let resolved = index.registrations[0].outcome.as_ref().unwrap();
    assert_eq!(
        (resolved.denied.as_ref(), resolved.policies.len()),
        (None, 1)
    );
    let [endpoint] = &index.endpoints[..] else {
        panic!("{:?}", index.endpoints)
    };
    let keycloak = "https://keycloak.127-0-0-1.sslip.io:8002/realms/mcp";
    let authentication = endpoint.authentication.as_ref().unwrap();
    assert_eq!(authentication.issuers[0].issuer, keycloak);
    assert_eq!(index.issuers[0].url, keycloak);
    let members = endpoint.protected_resource.as_ref().unwrap();
    assert!(members.members.contains(keycloak), "{members:?}");
}

#[test]
fn the_older_guide_needs_the_listener_of_its_first_step() {
    // Without the one that names no host, which takes every route.
    let index = older(|gateway| {
        gateway.replace(
            "- name: mcps",
            "- hostname: mcp.example.com\n    name: mcps",
        )
    });
    let fault = index.registrations[0].outcome.as_ref().unwrap_err();
    assert_eq!(fault.reason, NotAttached);
    assert!(
        fault.message.contains("takes none of the route's"),
        "{fault}"
    );
}

#[test]
fn the_older_guide_leads_to_github_over_http_2() {
    let listener = "  - {name: github-external, hostname: api.githubcopilot.com, port: 8080, protocol: HTTP, \
                    allowedRoutes: {namespaces: {from: All}}}\n";
    let index = older(|gateway| gateway + listener);
    let [registration] = &index.registrations[..] else {
        panic!()
    };
    assert_eq!(registration.kind, "MCPServer");
    let resolved = registration.outcome.as_ref().unwrap();
    assert_eq!(resolved.host, "api.githubcopilot.com");
    assert_eq!(
        resolved.upstream.cluster,
        "outbound|443||api.githubcopilot.com"
    );
    assert_eq!(resolved.authorization.as_ref().unwrap().0, "Bearer ghp_1");
    let [cluster] = &index.network.clusters[..] else {
        panic!()
    };
    assert!(cluster.http2 && cluster.tls.is_some());
    assert_eq!(cluster.max_connections, Some(10));
    assert_eq!(cluster.max_pending_requests, Some(10));
}

/// The older guide with another Gateway.
fn older(gateway: impl FnOnce(String) -> String) -> Index {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/github");
    let folders = ["platform", "kagenti"].map(|folder| root.join(folder));
    let mut read = read_folders(&folders).unwrap();
    let path = root.join("platform/gateway.yaml");
    let text = gateway(std::fs::read_to_string(&path).unwrap());
    read.apply(&path.display().to_string(), &text);
    let mut settings = super::settings();
    settings
        .variables
        .insert("GITHUB_PAT".to_owned(), "ghp_1".to_owned());
    build(read.objects(), &settings)
}
