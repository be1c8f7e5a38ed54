//! What registrations take from Secrets.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Secret;
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::Decode as _;

use super::placeholder::{expand, left_over};
use super::registration::Draft;
use super::store::Store;
use super::{Carrier, Credential, Settings};
use crate::api::McpGatewayExtension;
use crate::manifests::Kind;
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

/// `caCertSecretRef` holds at most this many bytes.
const LARGEST_CERTIFICATES: usize = 64 * 1024;

/// What discovery sends as `Authorization`, where the registration names a Secret.
pub(super) fn credential(
    draft: &Draft<'_>,
    store: &Store<'_>,
    settings: &Settings,
) -> Result<Option<Credential>, Fault> {
    let Some(reference) = draft.credential else {
        return Ok(None);
    };
    let name = beside(draft, &reference.name);
    let Some(secret) = store.secrets.get(&name) else {
        let absent = absent(draft, &name, store, settings)?;
        return Err(Fault::new(
            Reason::CredentialNotFound,
            format!("{absent}, or take out credentialRef"),
        ));
    };
    let label = draft.generation.secret_label();
    let labels = secret.metadata.labels.as_ref();
    if labels
        .and_then(|labels| labels.get(label))
        .map(String::as_str)
        != Some("true")
    {
        return Err(Fault::new(
            Reason::CredentialNotLabelled,
            format!("Secret {name} lacks the label {label}: \"true\"; add it"),
        ));
    }
    let key = &reference.key;
    let value = match value(secret, key, &settings.variables) {
        Ok(Some(value)) => value,
        Ok(None) => {
            let message = lacking(secret, (&name, key), "spec.credentialRef.key");
            return Err(Fault::new(Reason::CredentialKeyMissing, message));
        }
        Err(fault) => {
            return Err(Fault::new(
                fault.reason,
                format!("Secret {name}, key {key}: {}", fault.message),
            ));
        }
    };
    header_value(&value).map(Some).map_err(|message| {
        let message = format!("Secret {name}, key {key}: {message}");
        Fault::new(Reason::CredentialKeyMissing, message)
    })
}

/// The PEM certificates of `caCertSecretRef`, where the registration has one.
pub(super) fn certificates(
    draft: &Draft<'_>,
    store: &Store<'_>,
    settings: &Settings,
) -> Result<Option<String>, Fault> {
    let Some(reference) = draft.certificates else {
        return Ok(None);
    };
    let name = beside(draft, &reference.name);
    let Some(secret) = store.secrets.get(&name) else {
        let absent = absent(draft, &name, store, settings)?;
        let message = format!("{absent}, or take out caCertSecretRef");
        return Err(Fault::new(Reason::CertificateInvalid, message));
    };
    let place = (&name, reference.key.as_str());
    certificates_in(secret, place, "spec.caCertSecretRef.key", settings).map(Some)
}

/// The PEM certificates of `caCertBundleRef`, where the extension has one.
pub(super) fn bundle(
    name: &ObjectName,
    extension: &McpGatewayExtension,
    store: &Store<'_>,
    settings: &Settings,
) -> Result<Option<String>, Fault> {
    let Some(reference) = &extension.spec.ca_cert_bundle_ref else {
        return Ok(None);
    };
    let name = ObjectName {
        namespace: name.namespace.clone(),
        name: reference.name.clone(),
    };
    let Some(secret) = store.secrets.get(&name) else {
        let lack = store.lack(Kind::Secret, &name);
        let message = format!("Secret {name} {lack}, or take out spec.caCertBundleRef");
        return Err(Fault::new(Reason::CertificateInvalid, message));
    };
    let place = (&name, reference.key.as_str());
    certificates_in(secret, place, "spec.caCertBundleRef.key", settings).map(Some)
}

/// The PEM certificates at a key of a Secret, which `field` names.
fn certificates_in(
    secret: &Secret,
    (name, key): (&ObjectName, &str),
    field: &str,
    settings: &Settings,
) -> Result<String, Fault> {
    let invalid = |message: String| Fault::new(Reason::CertificateInvalid, message);
    let value = value(secret, key, &settings.variables)
        .map_err(|fault| invalid(format!("Secret {name}, key {key}: {}", fault.message)))?
        .ok_or_else(|| invalid(lacking(secret, (name, key), field)))?;
    let text = String::from_utf8(value).unwrap_or_default();
    if text.len() > LARGEST_CERTIFICATES {
        return Err(invalid(format!(
            "Secret {name}, key {key}: more than 64 KiB of certificates: leave in those that the server needs"
        )));
    }
    if let Some(flaw) = flaw(&text) {
        return Err(invalid(format!("Secret {name}, key {key}: {flaw}")));
    }
    Ok(text)
}

/// What to do where a Secret is not here. In a cluster only those with the label are read.
///
/// # Errors
/// Where it may be there: nobody has to do anything but wait.
fn absent(
    draft: &Draft<'_>,
    name: &ObjectName,
    store: &Store<'_>,
    settings: &Settings,
) -> Result<String, Fault> {
    let namespace = &name.namespace;
    if settings.unreadable_secrets.contains(namespace) {
        return Ok(format!(
            "Secret {name} cannot be read, as no Secret of namespace {namespace} can: bind the Role \
             mcp-control-secrets there (a RoleBinding to the ServiceAccount mcp-controller of namespace mcp-system), as \
             kubectl apply -n {namespace} -k wasmplugin/install/secrets does"
        ));
    }
    if settings.unseen_secrets.contains(namespace) {
        let message = format!(
            "whether Secret {name} is there is not known: the apiserver has not given the Secrets of namespace \
             {namespace} yet, and is asked on"
        );
        return Err(Fault::new(Reason::Pending, message));
    }
    if settings.carrier == Carrier::Istio && !store.is_unreadable(Kind::Secret, name) {
        let label = draft.generation.secret_label();
        return Ok(format!(
            "no Secret {name} with the label {label}: \"true\" exists: create it, or add the label"
        ));
    }
    Ok(format!("Secret {name} {}", store.lack(Kind::Secret, name)))
}

fn beside(draft: &Draft<'_>, name: &str) -> ObjectName {
    ObjectName {
        namespace: draft.name.namespace.clone(),
        name: name.to_owned(),
    }
}

/// A value of a Secret. Only `stringData`, which stands in manifests alone, has placeholders.
fn value(
    secret: &Secret,
    key: &str,
    variables: &BTreeMap<String, String>,
) -> Result<Option<Vec<u8>>, Fault> {
    let placeholder = |message: String| Fault::new(Reason::CredentialPlaceholder, message);
    if let Some(text) = secret.string_data.as_ref().and_then(|data| data.get(key)) {
        let expanded = expand(text, variables).map_err(|error| placeholder(error.to_string()))?;
        return Ok(Some(expanded.into_bytes()));
    }
    let Some(bytes) = secret.data.as_ref().and_then(|data| data.get(key)) else {
        return Ok(None);
    };
    let name = std::str::from_utf8(&bytes.0).ok().and_then(left_over);
    match name {
        Some(name) => Err(placeholder(format!(
            "the value is still ${name}: replace it before the Secret is made, as the guide's shell does"
        ))),
        None => Ok(Some(bytes.0.clone())),
    }
}

/// What to do where a Secret has not the key that `field` names.
fn lacking(secret: &Secret, (name, key): (&ObjectName, &str), field: &str) -> String {
    let text = secret.string_data.iter().flat_map(|data| data.keys());
    let data = secret.data.iter().flat_map(|data| data.keys());
    let keys: Vec<_> = text.chain(data).cloned().collect();
    match keys.as_slice() {
        [] => format!("Secret {name} has no key {key}, nor any other: add it"),
        keys => format!(
            "Secret {name} has no key {key}: name one that it has ({}) in {field}, or add it",
            keys.join(", ")
        ),
    }
}

/// A line end after the value is taken off: it comes from the tools that write such files.
fn header_value(bytes: &[u8]) -> Result<Credential, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the value is not UTF-8".to_owned())?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err("the value is empty: put the credential there".to_owned());
    }
    if !text
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic())
    {
        return Err(
            "the value cannot be a header: it has other than visible ASCII characters".to_owned(),
        );
    }
    Ok(Credential(text.to_owned()))
}

/// Why a text is not one or more certificates (RFC 5280, 4.1; RFC 7468, 5).
fn flaw(text: &str) -> Option<String> {
    let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    let certificates: Vec<_> = blocks.map(is_certificate).collect();
    if certificates.is_empty() {
        let flaw = "no PEM certificates (-----BEGIN CERTIFICATE-----): put the certificate of the authority there";
        return Some(flaw.to_owned());
    }
    let damaged = certificates.iter().position(|is_one| !is_one)?;
    Some(format!(
        "certificate number {} of {} is damaged: copy it again",
        damaged + 1,
        certificates.len()
    ))
}

/// Whatever is in its fields: whom to trust is the user's to say.
fn is_certificate(block: &str) -> bool {
    let Some((body, _)) = block.split_once("-----END CERTIFICATE-----") else {
        return false;
    };
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD
        .decode(body)
        .is_ok_and(|der| CertificateInner::<Raw>::from_der(&der).is_ok())
}
