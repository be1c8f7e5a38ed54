use super::Manifests;
use super::authentication::{policy, reasons, two_listeners, verdict};
use crate::index::Index;
use crate::verdict::Reason;

#[test]
fn who_does_not_check_the_audience_is_told() {
    let manifests = Manifests::one_server().with(&policy("oidc", None, "a"));
    let told = "accepted AuthPolicy infra/oidc: AudienceNotChecked: tokens are taken whomever they were issued for: name \
                oauthProtectedResource.resource in the MCPGatewayExtension, or add a pattern to rules.authorization, such \
                as 'auth.identity.aud == \"mcp\" || \"mcp\" in auth.identity.aud'";
    assert_eq!(manifests.notices(), [told]);
    let index = manifests.index();
    let verdict = verdict(&index, "oidc");
    assert!(verdict.accepted && verdict.enforced);
    let pattern = "    authorization: {aud: {patternMatching: {patterns: [{predicate: '\"mcp\" in auth.identity.aud'}]}}}\n";
    let manifests =
        Manifests::one_server().with(&format!("{}{pattern}", policy("oidc", None, "a")));
    assert!(manifests.notices().is_empty(), "{:?}", manifests.notices());
}

#[test]
fn a_pattern_that_some_other_audience_satisfies_checks_none() {
    let told = |predicate: &str| {
        let pattern = format!(
            "    authorization: {{aud: {{patternMatching: {{patterns: [{{predicate: \"{predicate}\"}}]}}}}}}\n"
        );
        let manifests =
            Manifests::one_server().with(&format!("{}{pattern}", policy("oidc", None, "a")));
        reasons(verdict(&manifests.index(), "oidc"))
    };
    for unchecked in [
        "has(auth.identity.aud)",
        "auth.identity.aud != 'x'",
        "!('x' in auth.identity.aud)",
        "'x' in auth.identity.aud || 'y' in auth.identity.groups",
    ] {
        assert_eq!(told(unchecked), [Reason::AudienceNotChecked], "{unchecked}");
    }
    for checked in [
        "auth.identity.aud == 'x' || 'x' in auth.identity.aud",
        "auth.identity.aud in ['x', 'y']",
        "'x' in auth.identity.aud && 'y' in auth.identity.groups",
        "auth.identity.aud.exists(i, i == 'x')",
    ] {
        assert_eq!(told(checked), [], "{checked}");
    }
}

#[test]
fn the_resource_that_an_extension_names_is_the_audience_of_its_listener() {
    let target = "  targetRef: {name: gw, sectionName: mcp}\n";
    let resource = "  oauthProtectedResource: {resource: 'https://mcp.example.com/mcp'}\n";
    let manifests = two_listeners()
        .with(&policy("oidc", None, "a"))
        .edit(target, &format!("{target}{resource}"));
    let index = manifests.index();
    let of_mcp = ["https://mcp.example.com/mcp"];
    assert_eq!(audiences(&index, "mcp.example.com"), of_mcp);
    assert_eq!(audiences(&index, "partners.example.com"), [""; 0]);
    // Nobody sees by which of the two a request comes there.
    assert_eq!(audiences(&index, "127.0.0.1"), of_mcp);
    let unchecked = [Reason::AudienceNotChecked];
    assert_eq!(reasons(verdict(&index, "oidc")), unchecked);
    let partners = "  publicHost: partners.example.com\n";
    let theirs = resource.replace("mcp.example.com", "partners.example.com");
    let index = manifests
        .edit(partners, &format!("{partners}{theirs}"))
        .index();
    assert_eq!(reasons(verdict(&index, "oidc")), []);
    let both = ["mcp", "partners"].map(|name| format!("https://{name}.example.com/mcp"));
    assert_eq!(audiences(&index, "127.0.0.1"), both);
}

/// Whom tokens must be for at a host.
fn audiences(index: &Index, host: &str) -> Vec<String> {
    let mut endpoints = index.endpoints.iter();
    let endpoint = endpoints.find(|endpoint| endpoint.hosts.iter().any(|own| own == host));
    let authentication = endpoint.unwrap().authentication.clone().unwrap();
    authentication.issuers[0].audiences.clone()
}
