use mcp_filter_config::ProtectedResource;

use super::Manifests;

const TARGET: &str = "  targetRef: {name: gw, sectionName: mcp}\n";
const POLICY: &str = "
apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {name: oidc, namespace: infra}
spec:
  targetRef: {kind: Gateway, name: gw}
  rules: {authentication: {a: {jwt: {issuerUrl: 'https://a.example'}}, b: {jwt: {issuerUrl: 'https://b.example'}}}}
";

/// With this `oauthProtectedResource` of the extension.
fn saying(fields: &str) -> Manifests {
    let given = format!("{TARGET}  oauthProtectedResource: {{{fields}}}\n");
    Manifests::one_server().edit(TARGET, &given)
}

fn told(manifests: &Manifests) -> Option<ProtectedResource> {
    let [endpoint] = <[_; 1]>::try_from(manifests.index().endpoints).unwrap();
    endpoint.protected_resource
}

fn resource(resource: Option<&str>, members: &str) -> Option<ProtectedResource> {
    Some(ProtectedResource {
        resource: resource.map(str::to_owned),
        members: members.to_owned(),
    })
}

#[test]
fn the_extension_says_what_clients_are_told() {
    let manifests = saying(
        "resourceName: MCP, resource: 'https://mcp.example.com/mcp', scopesSupported: [read, write], \
         bearerMethodsSupported: [header], authorizationServers: ['https://a.example']",
    );
    let members = r#"{"authorization_servers":["https://a.example"],"bearer_methods_supported":["header"],"scopes_supported":["read","write"],"resource_name":"MCP"}"#;
    let expected = resource(Some("https://mcp.example.com/mcp"), members);
    assert_eq!(told(&manifests), expected);
    assert!(manifests.notices().is_empty(), "{:?}", manifests.notices());
    let with_policy = manifests.with(POLICY);
    assert_eq!(told(&with_policy), expected);
}

#[test]
fn where_it_says_nothing_clients_are_told_the_policys_issuers() {
    assert_eq!(told(&Manifests::one_server()), None);
    let members = r#"{"authorization_servers":["https://a.example","https://b.example"],"bearer_methods_supported":["header"]}"#;
    let manifests = Manifests::one_server().with(POLICY);
    assert_eq!(told(&manifests), resource(None, members));
}

#[test]
fn what_it_leaves_out_the_policy_says() {
    let members = r#"{"authorization_servers":["https://a.example","https://b.example"],"bearer_methods_supported":["header"],"resource_name":"MCP"}"#;
    let named = saying("resourceName: MCP");
    assert_eq!(told(&named.clone().with(POLICY)), resource(None, members));
    let alone = r#"{"resource_name":"MCP"}"#;
    assert_eq!(told(&named), resource(None, alone));
}

#[test]
fn a_policy_that_lets_nobody_in_names_no_issuer() {
    let odd = POLICY.replace("jwt: ", "opa: ");
    assert_eq!(told(&Manifests::one_server().with(&odd)), None);
}

#[test]
fn what_the_filter_would_not_tell_is_named_and_takes_nothing_else_down() {
    let odd = saying("resource: 'mcp.example.com', resourceName: MCP");
    assert_eq!(told(&odd), None);
    let named = "accepted MCPGatewayExtension infra/gw: Unsupported: without effect here: spec.oauthProtectedResource (the \
                 filter refuses it: resource must be an http or https URL";
    assert!(odd.notices()[0].starts_with(named), "{:?}", odd.notices());
    let derived = told(&odd.with(POLICY)).unwrap();
    assert!(!derived.members.contains("resource_name"), "{derived:?}");
}
