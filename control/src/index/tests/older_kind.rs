use super::{Manifests, SERVER, refused, registration};
use crate::verdict::Reason::{CredentialNotLabelled, Invalid, PrefixConflict, TargetNotFound};

const NEWER: &str = "apiVersion: mcp.kuadrant.io/v1
kind: MCPServerRegistration
metadata: {name: a, namespace: team}
spec:
  prefix: a_
";
const OLDER: &str = "apiVersion: mcp.kagenti.com/v1alpha1
kind: MCPServer
metadata: {name: a, namespace: team}
spec:
  toolPrefix: a_
";
const EXTENSION: &str = "
apiVersion: mcp.kuadrant.io/v1
kind: MCPGatewayExtension
metadata: {name: gw, namespace: infra}
spec:
  targetRef: {name: gw, sectionName: mcp}
";

fn older() -> Manifests {
    Manifests::one_server().edit(NEWER, OLDER)
}

#[test]
fn it_is_served_as_the_newer_kind_is() {
    let (older, newer) = (older().index(), Manifests::one_server().index());
    assert_eq!(
        older.registrations[0].outcome,
        newer.registrations[0].outcome
    );
    assert_eq!(older.registrations[0].kind, "MCPServer");
    assert_eq!(older.registrations[0].prefix.as_deref(), Some("a_"));
    assert_eq!(older.network, newer.network);
    assert_eq!(older.internal_hosts, newer.internal_hosts);
}

#[test]
fn its_gateway_needs_no_extension() {
    let without = older().edit(EXTENSION, "");
    assert!(without.index().registrations[0].outcome.is_ok());
    let expected = [
        "127.0.0.1",
        "mcp.example.com",
        "localhost",
        "mcp.127-0-0-1.sslip.io",
    ];
    assert_eq!(without.index().endpoints[0].hosts, expected);
}

#[test]
fn an_extensions_public_host_counts_where_there_is_one() {
    let named = older().edit(
        "sectionName: mcp}",
        "sectionName: mcp}\n  publicHost: mcp.acme.com",
    );
    assert_eq!(
        named.index().endpoints[0].hosts,
        ["127.0.0.1", "mcp.acme.com"]
    );
}

#[test]
fn its_secrets_have_a_label_of_their_own() {
    let with_secret = |label: &str| {
        older()
            .edit(
                "targetRef: {name: a}",
                "targetRef: {name: a}\n  credentialRef: {name: pat, key: pat}",
            )
            .with(&format!(
                "
apiVersion: v1
kind: Secret
metadata: {{name: pat, namespace: team, labels: {{{label}: 'true'}}}}
stringData: {{pat: Bearer $PAT}}
"
            ))
    };
    let right = with_secret("mcp.kagenti.com/credential").resolved();
    assert_eq!(right.authorization.unwrap().0, "Bearer s3cret");
    let message = "Secret team/pat lacks the label mcp.kagenti.com/credential: \"true\"; add it";
    assert_eq!(
        with_secret("mcp.kuadrant.io/secret").fault(),
        refused(CredentialNotLabelled, message)
    );
}

#[test]
fn its_prefix_may_have_more_characters_or_none() {
    for prefix in ["''", "A-b.c/", "_x"] {
        let manifests = older().edit("toolPrefix: a_", &format!("toolPrefix: {prefix}"));
        assert!(
            manifests.index().registrations[0].outcome.is_ok(),
            "{prefix}"
        );
    }
    let message = "spec.toolPrefix \"a b\" must be letters, digits, _ - . or /, at most 128";
    let odd = older().edit("toolPrefix: a_", "toolPrefix: a b");
    assert_eq!(odd.fault(), refused(Invalid, message));
    let path = older().edit("toolPrefix: a_", "path: mcp");
    let message = "spec.path \"mcp\" must be an absolute path, such as /mcp";
    assert_eq!(path.fault(), refused(Invalid, message));
}

#[test]
fn its_route_in_another_namespace_needs_a_grant_for_its_kind() {
    let away = older()
        .edit(
            "kind: MCPServer\nmetadata: {name: a, namespace: team}",
            "kind: MCPServer\nmetadata: {name: a, namespace: away}",
        )
        .edit(
            "targetRef: {name: a}",
            "targetRef: {name: a, namespace: team}",
        );
    let (reason, message) = away.fault();
    assert_eq!(reason, TargetNotFound);
    let (sentence, manifest) = message.split_once('\n').expect("a manifest");
    assert!(
        sentence.contains("lets MCPServer of namespace away refer to it"),
        "{sentence}"
    );
    assert!(away.with(manifest).index().registrations[0].outcome.is_ok());
}

#[test]
fn both_kinds_share_the_prefixes_of_a_gateway() {
    let rival = SERVER
        .replace("NAME", "b")
        .replace("prefix: b_", "prefix: a_");
    let index = older().with(&rival).index();
    assert!(registration(&index, "a").outcome.is_ok());
    let fault = registration(&index, "b").outcome.as_ref().unwrap_err();
    assert_eq!(fault.reason, PrefixConflict);
}

#[test]
fn one_name_in_both_kinds_serves_the_newer_and_says_so() {
    let both = Manifests::one_server().with(&format!("{OLDER}  targetRef: {{name: a}}\n"));
    let index = both.index();
    let [newer, older] = &index.registrations[..] else {
        panic!()
    };
    assert_eq!(
        (newer.kind, newer.outcome.is_ok()),
        ("MCPServerRegistration", true)
    );
    let fault = older.outcome.as_ref().unwrap_err();
    assert_eq!(fault.reason, Invalid);
    assert_eq!(
        fault.message,
        "a registration of the other kind is named team/a, too: rename one of them"
    );
}
