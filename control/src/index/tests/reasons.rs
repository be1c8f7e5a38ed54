use std::collections::BTreeSet;

use super::Manifests;
use super::authentication::policy as of_gateway;
use crate::verdict::Reason;

/// Whose a reason is.
#[derive(PartialEq, Eq)]
enum Teller {
    /// What the objects lead to.
    Index,
    /// What is served in the end.
    Render,
    /// What was seen of a server or of an issuer of tokens.
    Discovery,
    /// What becomes of the gateway's WasmPlugins.
    Push,
    /// What is written of all that.
    Status,
}

const ALL: [Reason; 39] = [
    Reason::Ready,
    Reason::Accepted,
    Reason::Programmed,
    Reason::Enforced,
    Reason::NotProgrammed,
    Reason::Pending,
    Reason::Disabled,
    Reason::PrefixConflict,
    Reason::NameConflict,
    Reason::NamesNotPortable,
    Reason::TargetNotFound,
    Reason::TargetUnsupported,
    Reason::NotAttached,
    Reason::CredentialNotFound,
    Reason::CredentialNotLabelled,
    Reason::CredentialKeyMissing,
    Reason::CredentialPlaceholder,
    Reason::CertificateInvalid,
    Reason::UpstreamUnreachable,
    Reason::UpstreamRefused,
    Reason::ProtocolError,
    Reason::PolicyUnsupported,
    Reason::CatalogTooLarge,
    Reason::NoGatewayExtension,
    Reason::GatewayUnreachable,
    Reason::PushRefused,
    Reason::WasmPluginNotFound,
    Reason::WasmPluginConflict,
    Reason::ImageUnusable,
    Reason::ImageKept,
    Reason::DiscoveryRefused,
    Reason::Unsupported,
    Reason::ListenerConflict,
    Reason::Conflicted,
    Reason::Overridden,
    Reason::IssuerUnreachable,
    Reason::AudienceNotChecked,
    Reason::TokensNotVerified,
    Reason::Invalid,
];

fn teller(reason: Reason) -> Teller {
    match reason {
        Reason::Accepted | Reason::Programmed | Reason::Enforced => Teller::Status,
        Reason::Ready
        | Reason::Pending
        | Reason::NameConflict
        | Reason::NamesNotPortable
        | Reason::CatalogTooLarge => Teller::Render,
        Reason::UpstreamUnreachable
        | Reason::UpstreamRefused
        | Reason::ProtocolError
        | Reason::GatewayUnreachable
        | Reason::IssuerUnreachable
        | Reason::DiscoveryRefused => Teller::Discovery,
        Reason::PushRefused
        | Reason::WasmPluginNotFound
        | Reason::WasmPluginConflict
        | Reason::ImageUnusable
        | Reason::ImageKept
        | Reason::NotProgrammed => Teller::Push,
        Reason::Disabled
        | Reason::PrefixConflict
        | Reason::TargetNotFound
        | Reason::TargetUnsupported
        | Reason::NotAttached
        | Reason::CredentialNotFound
        | Reason::CredentialNotLabelled
        | Reason::CredentialKeyMissing
        | Reason::CredentialPlaceholder
        | Reason::CertificateInvalid
        | Reason::PolicyUnsupported
        | Reason::NoGatewayExtension
        | Reason::Unsupported
        | Reason::ListenerConflict
        | Reason::Conflicted
        | Reason::Overridden
        | Reason::AudienceNotChecked
        | Reason::TokensNotVerified
        | Reason::Invalid => Teller::Index,
    }
}

const TARGET: &str = "targetRef: {name: a}";

/// One mistake after the other.
fn mistakes() -> Vec<Manifests> {
    let one = |from: &str, to: &str| Manifests::one_server().edit(from, to);
    let secret = |rest: &str| {
        one(TARGET, &format!("{TARGET}\n  credentialRef: {{name: pat}}")).with(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: pat, namespace: team{rest}\n"
        ))
    };
    let labelled = ", labels: {mcp.kuadrant.io/secret: 'true'}}";
    let policy = "apiVersion: kuadrant.io/v1\nkind: AuthPolicy\nmetadata: {name: p, namespace: team}\nspec: ";
    let claims = "{targetRef: {kind: HTTPRoute, name: a}, rules: {response: {success: {headers: {x-user: {plain: \
                  {expression: auth.identity.sub}}}}}}}";
    let two = |listener| {
        Manifests::one_server()
            .with(&of_gateway("a", None, "a"))
            .with(&of_gateway("b", listener, "b"))
    };
    let extension = "kind: MCPGatewayExtension\nmetadata: {name: gw, ";
    vec![
        one("prefix: a_", "state: Disabled"),
        Manifests::one_server().with(&super::SERVER.replace("NAME", "b").replace("b_", "a_")),
        one(TARGET, "targetRef: {name: x}"),
        one(TARGET, "targetRef: {name: a, kind: Service}"),
        one("- {name: gw, namespace: infra}", "- {name: x}"),
        one(TARGET, &format!("{TARGET}\n  credentialRef: {{name: x}}")),
        secret("}"),
        secret(labelled),
        secret(&format!("{labelled}\nstringData: {{token: $NONE}}")),
        one(TARGET, &format!("{TARGET}\n  caCertSecretRef: {{name: x}}")),
        Manifests::one_server().with(&format!("{policy}{{}}")),
        Manifests::one_server().with(&format!("{policy}{claims}")),
        two(None),
        two(Some("mcp")),
        one("sectionName: mcp", "sectionName: x"),
        one("prefix: a_", "path: x"),
        Manifests::one_server().with(
            &super::PLATFORM.replace(extension, "kind: MCPGatewayExtension\nmetadata: {name: x, "),
        ),
        one("sectionName: mcp}", "sectionName: mcp}\n  logLevel: debug"),
    ]
}

#[test]
fn every_reason_that_objects_can_have_is_told_of_some() {
    let mut told = BTreeSet::new();
    for manifests in mistakes() {
        let index = manifests.index();
        told.extend(index.notices.iter().map(|notice| notice.fault.reason));
        for registration in &index.registrations {
            match &registration.outcome {
                Ok(resolved) => {
                    told.extend(resolved.denied.iter().map(|denied| denied.fault.reason))
                }
                Err(fault) => told.extend([fault.reason]),
            }
        }
    }
    let expected = ALL
        .into_iter()
        .filter(|reason| teller(*reason) == Teller::Index);
    assert_eq!(told, expected.collect());
}

#[test]
fn no_two_reasons_have_one_name() {
    let names: BTreeSet<_> = ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(names.len(), ALL.len());
}
