use super::super::SERVER;
use super::{accepted, index, registration};
use crate::discovery::Subject;
use crate::index::{Index, Settings};
use crate::verdict::Reason;

/// Why server `a`, which is resolved, is not asked.
fn unasked(index: &Index) -> Option<(Reason, String)> {
    let resolved = registration(index, "a").outcome.clone().unwrap();
    let fault = resolved.unasked?;
    Some((fault.reason, fault.message))
}

#[test]
fn certificates_are_checked_and_told_to_have_no_effect() {
    let named = accepted().edit("prefix: a_", "prefix: a_\n  caCertSecretRef: {name: ca}");
    let index = index(&named.with(&certificates(include_str!("../authority.pem"))));
    let a = registration(&index, "a");
    assert_eq!(unasked(&index), None);
    let expected = "spec.caCertSecretRef (in a cluster the DestinationRule for the server's host says whom to trust: \
                    give its trafficPolicy.tls caCertificates or credentialName)";
    assert_eq!(a.unsupported, [expected]);
}

#[test]
fn a_server_whose_certificates_cannot_be_used_is_resolved_but_not_asked() {
    let named = accepted().edit("prefix: a_", "prefix: a_\n  caCertSecretRef: {name: ca}");
    let message = "no Secret team/ca with the label mcp.kuadrant.io/secret: \"true\" exists: create it, or add the \
                   label, or take out caCertSecretRef";
    assert_eq!(
        unasked(&index(&named)),
        Some((Reason::CertificateInvalid, message.to_owned()))
    );
    let closed = Settings {
        unreadable_secrets: ["team".to_owned()].into(),
        ..Settings::cluster(None)
    };
    let other_key = named.clone().edit("{name: ca}", "{name: ca, key: other}");
    let none = named.clone().with(&certificates("nonsense"));
    for index in [
        named.index_by(&closed),
        index(&none),
        index(&other_key.with(&certificates(include_str!("../authority.pem")))),
    ] {
        let a = registration(&index, "a");
        assert_eq!(
            unasked(&index).map(|(reason, _)| reason),
            Some(Reason::CertificateInvalid)
        );
        assert_eq!(Subject::of(a, &index.network), None);
        assert!(
            a.unsupported.is_empty(),
            "a fault is told once: {:?}",
            a.unsupported
        );
    }
}

#[test]
fn of_two_secrets_that_are_missing_the_credential_is_named() {
    let both = "prefix: a_\n  caCertSecretRef: {name: ca}\n  credentialRef: {name: pat}";
    let index = index(&accepted().edit("prefix: a_", both));
    assert_eq!(
        unasked(&index).map(|(reason, _)| reason),
        Some(Reason::CredentialNotFound)
    );
}

fn certificates(text: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: ca, namespace: team}}\nstringData: {{ca.crt: {text:?}}}\n"
    )
}

#[test]
fn a_secret_that_is_not_seen_may_lack_its_label() {
    let manifests = accepted().edit("prefix: a_", "credentialRef: {name: pat}");
    let message = "no Secret team/pat with the label mcp.kuadrant.io/secret: \"true\" exists: create it, or add the \
                   label, or take out credentialRef";
    assert_eq!(
        unasked(&index(&manifests)),
        Some((Reason::CredentialNotFound, message.to_owned()))
    );
}

#[test]
fn a_server_whose_credential_is_missing_is_resolved_but_not_asked() {
    let missing = accepted().edit("prefix: a_", "credentialRef: {name: pat}");
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: pat, namespace: team, labels: {mcp.kuadrant.io/secret: 'true'}}\nstringData: {token: VALUE}\n";
    let there = missing.clone().with(&secret.replace("VALUE", "t"));
    let empty = missing.clone().with(&secret.replace("VALUE", "''"));
    for (manifests, is_asked) in [(missing, false), (there, true), (empty, false)] {
        let index = index(&manifests);
        let a = registration(&index, "a");
        assert!(a.outcome.is_ok(), "{:?}", a.outcome);
        assert_eq!(unasked(&index).is_none(), is_asked);
        assert_eq!(Subject::of(a, &index.network).is_some(), is_asked);
    }
}

#[test]
fn a_namespace_whose_secrets_cannot_be_read_is_named_with_what_to_do() {
    let manifests = accepted()
        .edit("prefix: a_", "credentialRef: {name: pat}")
        .with(&SERVER.replace("NAME", "b"));
    let settings = Settings {
        unreadable_secrets: ["team".to_owned()].into(),
        ..Settings::cluster(None)
    };
    let message = "Secret team/pat cannot be read, as no Secret of namespace team can: bind the Role \
                   mcp-control-secrets there (a RoleBinding to the ServiceAccount mcp-controller of namespace \
                   mcp-system), as kubectl apply -n team -k wasmplugin/install/secrets does, or take out credentialRef";
    assert_eq!(
        unasked(&manifests.index_by(&settings)),
        Some((Reason::CredentialNotFound, message.to_owned()))
    );
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: pat, namespace: team, labels: {mcp.kuadrant.io/secret: 'true'}}\nstringData: {token: t}\n";
    let seen = manifests.with(secret).index_by(&settings);
    assert_eq!(unasked(&seen), None);
}

#[test]
fn a_secret_that_the_apiserver_has_not_given_yet_is_not_told_to_be_missing() {
    let settings = Settings {
        unseen_secrets: ["team".to_owned()].into(),
        ..Settings::cluster(None)
    };
    let message = "whether Secret team/pat is there is not known: the apiserver has not given the Secrets of namespace \
                   team yet, and is asked on";
    for field in ["credentialRef: {name: pat}", "caCertSecretRef: {name: pat}"] {
        let named = accepted().edit("prefix: a_", &format!("prefix: a_\n  {field}"));
        let index = named.index_by(&settings);
        assert_eq!(
            unasked(&index),
            Some((Reason::Pending, message.to_owned())),
            "{field}"
        );
        assert_eq!(Subject::of(registration(&index, "a"), &index.network), None);
    }
}
