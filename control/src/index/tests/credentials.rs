use super::{Manifests, refused, registration};
use crate::index::Credential;
use crate::verdict::Reason::{
    CertificateInvalid, CredentialKeyMissing, CredentialNotFound, CredentialNotLabelled,
    CredentialPlaceholder,
};

const TARGET: &str = "targetRef: {name: a}";

/// With a credential, and a Secret that ends in these lines.
fn secret(rest: &str) -> Manifests {
    let head = "
apiVersion: v1
kind: Secret
metadata: {name: pat, namespace: team, labels: {mcp.kuadrant.io/secret: 'true'}}
";
    Manifests::one_server()
        .edit(TARGET, &format!("{TARGET}\n  credentialRef: {{name: pat}}"))
        .with(&format!("{head}{rest}\n"))
}

fn token(value: &str) -> Manifests {
    secret(&format!("stringData: {{token: {value}}}"))
}

fn authorization(manifests: &Manifests) -> Option<Credential> {
    manifests.resolved().authorization
}

fn sent(value: &str) -> Option<Credential> {
    Some(Credential(value.to_owned()))
}

#[test]
fn a_credential_is_sent_as_it_is_written() {
    assert_eq!(authorization(&Manifests::one_server()), None);
    assert_eq!(
        authorization(&token("'Bearer  abc '")),
        sent("Bearer  abc ")
    );
    assert_eq!(
        authorization(&token("\"Bearer abc\\r\\n\"")),
        sent("Bearer abc")
    );
    let encoded = secret("data: {token: QmVhcmVyIGFiYw==}");
    assert_eq!(authorization(&encoded), sent("Bearer abc"));
}

#[test]
fn string_data_counts_before_data() {
    let both = secret("data: {token: QmVhcmVyIGFiYw==}\nstringData: {token: other}");
    assert_eq!(authorization(&both), sent("other"));
}

#[test]
fn another_key_may_be_named() {
    let other = secret("stringData: {pat: abc}").edit("{name: pat}", "{name: pat, key: pat}");
    assert_eq!(authorization(&other), sent("abc"));
}

#[test]
fn placeholders_of_string_data_are_replaced_and_values_are_not_read_again() {
    assert_eq!(authorization(&token("Bearer $PAT")), sent("Bearer s3cret"));
    assert_eq!(
        authorization(&token("'Bearer ${PAT}!'")),
        sent("Bearer s3cret!")
    );
    assert_eq!(authorization(&token("Bearer $$PAT")), sent("Bearer $PAT"));
}

#[test]
fn a_variables_value_is_no_yaml() {
    let mut settings = super::settings();
    for value in ["a: b # c", "- x", "'\"", "{{}}", "$PAT ${PAT}"] {
        settings
            .variables
            .insert("PAT".to_owned(), value.to_owned());
        let index = crate::index::build(&token("Bearer $PAT").objects(), &settings);
        let resolved = registration(&index, "a").outcome.as_ref().unwrap();
        assert_eq!(resolved.authorization, sent(&format!("Bearer {value}")));
    }
}

#[test]
fn a_variable_that_no_header_can_have_is_refused() {
    let mut settings = super::settings();
    settings
        .variables
        .insert("PAT".to_owned(), "a\r\nx-evil: 1".to_owned());
    let index = crate::index::build(&token("Bearer $PAT").objects(), &settings);
    let fault = registration(&index, "a").outcome.as_ref().unwrap_err();
    assert_eq!(fault.reason, CredentialKeyMissing);
    assert!(!fault.message.contains("x-evil"), "{fault}");
}

#[test]
fn a_placeholder_without_value_is_named_with_what_to_do() {
    for (value, name) in [
        ("Bearer $GITHUB_PAT", "GITHUB_PAT"),
        ("'${EMPTY}'", "EMPTY"),
    ] {
        let message = format!(
            "Secret team/pat, key token: ${name} has no value: set the environment variable {name} and start again, \
             or write the value into the Secret ($$ stands for a dollar sign)"
        );
        assert_eq!(
            token(value).fault(),
            refused(CredentialPlaceholder, &message)
        );
    }
    let message = "Secret team/pat, key token: `${` without a name and `}` after it: write $$ for a dollar sign";
    assert_eq!(
        token("'${PAT'").fault(),
        refused(CredentialPlaceholder, message)
    );
}

#[test]
fn data_is_not_expanded_but_a_forgotten_placeholder_is_seen() {
    let forgotten = secret("data: {token: QmVhcmVyICRHSVRIVUJfUEFU}");
    let message = "Secret team/pat, key token: the value is still $GITHUB_PAT: replace it before the Secret is made, \
                   as the guide's shell does";
    assert_eq!(forgotten.fault(), refused(CredentialPlaceholder, message));
}

#[test]
fn a_secret_that_begins_with_a_dollar_sign_is_none_and_is_not_shown() {
    let real = secret("data: {token: QmVhcmVyICR1cGVyU2VjcmV0NDI=}");
    assert_eq!(authorization(&real), sent("Bearer $uperSecret42"));
    let name_and_more = secret("data: {token: JEdJVEhVQl9QQVQgaGlkZGVu}");
    assert_eq!(authorization(&name_and_more), sent("$GITHUB_PAT hidden"));
}

#[test]
fn a_placeholder_in_another_key_or_secret_harms_nobody() {
    let other_key = secret("stringData: {token: abc, other: $NO_SUCH}");
    assert_eq!(authorization(&other_key), sent("abc"));
    let other_secret = token("abc").with(
        "
apiVersion: v1
kind: Secret
metadata: {name: other, namespace: team}
stringData: {token: $NO_SUCH}
",
    );
    assert_eq!(authorization(&other_secret), sent("abc"));
}

#[test]
fn a_secret_must_exist_beside_the_registration() {
    let message = "Secret team/pat does not exist: create it, or take out credentialRef";
    let away = token("abc").edit(
        "{name: pat, namespace: team,",
        "{name: pat, namespace: away,",
    );
    assert_eq!(away.fault(), refused(CredentialNotFound, message));
}

#[test]
fn a_secret_must_have_the_label() {
    let message = "Secret team/pat lacks the label mcp.kuadrant.io/secret: \"true\"; add it";
    for label in [
        "mcp.kuadrant.io/secret: 'false'",
        "mcp.kagenti.com/credential: 'true'",
    ] {
        let manifests = token("abc").edit("mcp.kuadrant.io/secret: 'true'", label);
        assert_eq!(manifests.fault(), refused(CredentialNotLabelled, message));
    }
}

#[test]
fn a_secret_must_have_the_key() {
    let message = "Secret team/pat has no key token: name one that it has (b, a) in spec.credentialRef.key, or add it";
    let others = secret("stringData: {b: x}\ndata: {a: eA==}");
    assert_eq!(others.fault(), refused(CredentialKeyMissing, message));
    let message = "Secret team/pat has no key token, nor any other: add it";
    assert_eq!(secret("").fault(), refused(CredentialKeyMissing, message));
}

#[test]
fn a_value_must_be_one_that_a_header_can_have() {
    let not_ascii = "the value cannot be a header: it has other than visible ASCII characters";
    let empty = "the value is empty: put the credential there";
    for (value, message) in [
        ("''", empty),
        ("\"\\n\"", empty),
        ("\"a\\nb\"", not_ascii),
        ("Bearer ä", not_ascii),
    ] {
        let message = format!("Secret team/pat, key token: {message}");
        assert_eq!(
            token(value).fault(),
            refused(CredentialKeyMissing, &message)
        );
    }
    let message = "Secret team/pat, key token: the value is not UTF-8";
    assert_eq!(
        secret("data: {token: /w==}").fault(),
        refused(CredentialKeyMissing, message)
    );
}

#[test]
fn no_message_and_no_debug_output_shows_a_credential() {
    let index = token("Bearer $PAT").index();
    assert!(!format!("{index:?}").contains("s3cret"));
    let (_, message) = token("\"Bearer hidden\\u00e4\"").fault();
    assert!(!message.contains("hidden"), "{message}");
}

const RULE: &str = "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: rule, namespace: team}
spec: {host: a.example, trafficPolicy: {tls: {mode: SIMPLE}}}
";
const PEM: &str = include_str!("authority.pem");

/// With authorities of the registration's own.
fn authorities(pem: &str) -> Manifests {
    let pem = serde_json::to_string(pem).unwrap();
    Manifests::one_server()
        .edit(TARGET, &format!("{TARGET}\n  caCertSecretRef: {{name: ca}}"))
        .with(RULE)
        .with(&format!(
            "\napiVersion: v1\nkind: Secret\nmetadata: {{name: ca, namespace: team}}\nstringData: {{ca.crt: {pem}}}\n"
        ))
}

#[test]
fn a_registrations_authorities_are_trusted_for_its_cluster() {
    let manifests = authorities(PEM);
    assert!(manifests.index().registrations[0].outcome.is_ok());
    assert_eq!(
        manifests.cluster().tls.unwrap().ca_pem.as_deref(),
        Some(PEM)
    );
}

#[test]
fn authorities_that_cannot_be_used_are_refused() {
    let large = PEM.repeat(64 * 1024 / PEM.len() + 1);
    let cut = PEM.replace(
        "daFfuf5VjaheYuLwMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIg\n",
        "",
    );
    let second_cut = format!("{PEM}{cut}");
    let no_pem = "no PEM certificates (-----BEGIN CERTIFICATE-----): put the certificate of the authority there";
    let damaged = "certificate number 1 of 1 is damaged: copy it again";
    for (pem, message) in [
        ("", no_pem),
        ("hello", no_pem),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n", damaged),
        (
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            damaged,
        ),
        (
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
            damaged,
        ),
        (cut.as_str(), damaged),
        (
            second_cut.as_str(),
            "certificate number 2 of 2 is damaged: copy it again",
        ),
        (
            large.as_str(),
            "more than 64 KiB of certificates: leave in those that the server needs",
        ),
    ] {
        let message = format!("Secret team/ca, key ca.crt: {message}");
        assert_eq!(
            authorities(pem).fault(),
            refused(CertificateInvalid, &message)
        );
    }
    let missing = authorities(PEM).edit(
        "{name: ca, namespace: team}",
        "{name: ca2, namespace: team}",
    );
    let message = "Secret team/ca does not exist: create it, or take out caCertSecretRef";
    assert_eq!(missing.fault(), refused(CertificateInvalid, message));
    let other_key = authorities(PEM).edit("stringData: {ca.crt: ", "stringData: {tls.crt: ");
    let message = "Secret team/ca has no key ca.crt: name one that it has (tls.crt) in spec.caCertSecretRef.key, or add it";
    assert_eq!(other_key.fault(), refused(CertificateInvalid, message));
}

#[test]
fn authorities_where_no_tls_is_spoken_are_told_to_have_no_effect() {
    let plain = authorities(PEM).edit("{mode: SIMPLE}", "{mode: DISABLE}");
    let expected = ["spec.caCertSecretRef (no TLS is spoken with the server)"];
    assert_eq!(registration(&plain.index(), "a").unsupported, expected);
}

#[test]
fn a_younger_registration_cannot_change_whom_an_older_one_of_the_same_host_trusts() {
    let younger = super::SERVER
        .replace("NAME", "b")
        .replace("hosts: [b.example]", "hosts: [c.example]")
        .replace("name: b.example", "name: a.example")
        .replace(
            "targetRef: {name: b}",
            "targetRef: {name: b}\n  caCertSecretRef: {name: ca}",
        );
    let manifests = authorities(PEM)
        .edit("\n  caCertSecretRef: {name: ca}", "")
        .with(&younger);
    let index = manifests.index();
    assert_eq!(manifests.cluster().tls.unwrap().ca_pem, None);
    let expected = ["spec.caCertSecretRef (an older registration of the same host trusts others)"];
    assert_eq!(registration(&index, "b").unsupported, expected);
    let disabled = manifests.edit("prefix: a_", "prefix: a_\n  state: Disabled");
    assert_eq!(disabled.cluster().tls.unwrap().ca_pem.as_deref(), Some(PEM));
}
