//! What a registration asks for, in either generation of the kinds.

use std::str::FromStr;

use k8s_openapi::jiff::Timestamp;
use mcp_filter_config::Timeouts;

use super::store::Store;
use crate::api::{
    CaCertSecretRef, CredentialRef, McpServer, McpServerRegistration, RouteRef, State,
    UserSpecificList,
};
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

/// Which kind a registration is of. The newer one comes first among equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Generation {
    /// `MCPServerRegistration`
    Newer,
    /// `MCPServer`
    Older,
}

impl Generation {
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Newer => "MCPServerRegistration",
            Self::Older => "MCPServer",
        }
    }

    pub(super) fn group(self) -> &'static str {
        match self {
            Self::Newer => "mcp.kuadrant.io",
            Self::Older => "mcp.kagenti.com",
        }
    }

    /// The label that a credential's Secret must have.
    pub(super) fn secret_label(self) -> &'static str {
        match self {
            Self::Newer => McpServerRegistration::SECRET_LABEL,
            Self::Older => McpServer::SECRET_LABEL,
        }
    }
}

/// A registration as it was written.
#[derive(Clone, Debug)]
pub(super) struct Draft<'a> {
    pub(super) name: ObjectName,
    pub(super) generation: Generation,
    pub(super) created: Option<Timestamp>,
    /// `metadata.generation`
    pub(super) written: Option<i64>,
    pub(super) prefix: Option<&'a str>,
    pub(super) route: &'a RouteRef,
    pub(super) path: &'a str,
    pub(super) credential: Option<&'a CredentialRef>,
    pub(super) certificates: Option<&'a CaCertSecretRef>,
    pub(super) is_enabled: bool,
    /// Its timeouts, or the rule of its kind that it breaks.
    pub(super) timeouts: Result<Timeouts, Fault>,
    pub(super) unsupported: Vec<String>,
}

/// All registrations, oldest first.
pub(super) fn drafts<'a>(store: &Store<'a>) -> Vec<Draft<'a>> {
    let newer = store
        .registrations
        .iter()
        .map(|(name, object)| newer(name, object));
    let older = store
        .servers
        .iter()
        .map(|(name, object)| older(name, object));
    let mut drafts: Vec<_> = newer.chain(older).collect();
    drafts.sort_by(|a, b| {
        let age = |d: &Draft<'_>| (d.created, d.name.clone(), d.generation);
        age(a).cmp(&age(b))
    });
    drafts
}

fn newer<'a>(name: &ObjectName, object: &'a McpServerRegistration) -> Draft<'a> {
    let spec = &object.spec;
    let is_own = |words: &[String]| !words.is_empty() && words != ["uncategorised"];
    let fields = [
        (
            "spec.userSpecificList",
            spec.user_specific_list == Some(UserSpecificList::Enabled),
        ),
        (
            "spec.tokenURLElicitation",
            spec.token_url_elicitation.is_some(),
        ),
        ("spec.category", is_own(&spec.category)),
        ("spec.hint", spec.hint.is_some()),
        ("spec.tags", !spec.tags.is_empty()),
    ];
    Draft {
        name: name.clone(),
        generation: Generation::Newer,
        created: object
            .metadata
            .creation_timestamp
            .as_ref()
            .map(|time| time.0),
        written: object.metadata.generation,
        prefix: spec.prefix.as_deref(),
        route: &spec.target_ref,
        path: &spec.path,
        credential: spec.credential_ref.as_ref(),
        certificates: spec.ca_cert_secret_ref.as_ref(),
        is_enabled: spec.state == State::Enabled,
        timeouts: expect_valid(object).and_then(|()| timeouts(object)),
        unsupported: fields
            .iter()
            .filter(|(_, is_set)| *is_set)
            .map(|(f, _)| (*f).to_owned())
            .collect(),
    }
}

fn older<'a>(name: &ObjectName, object: &'a McpServer) -> Draft<'a> {
    let spec = &object.spec;
    Draft {
        name: name.clone(),
        generation: Generation::Older,
        created: object
            .metadata
            .creation_timestamp
            .as_ref()
            .map(|time| time.0),
        written: object.metadata.generation,
        prefix: spec.tool_prefix.as_deref(),
        route: &spec.target_ref,
        path: &spec.path,
        credential: spec.credential_ref.as_ref(),
        certificates: None,
        is_enabled: true,
        timeouts: expect_path(&spec.path)
            .and_then(|()| expect_older_prefix(spec.tool_prefix.as_deref()))
            .map(|()| Timeouts::default()),
        unsupported: Vec::new(),
    }
}

fn invalid<T>(message: String) -> Result<T, Fault> {
    Err(Fault::new(Reason::Invalid, message))
}

/// The rules that the kind's schema has, for registrations that no apiserver has seen.
fn expect_valid(object: &McpServerRegistration) -> Result<(), Fault> {
    let spec = &object.spec;
    expect_path(&spec.path)?;
    expect_prefix(spec.prefix.as_deref())?;
    if spec.user_specific_list == Some(UserSpecificList::Enabled) && spec.prefix.is_none() {
        return invalid("spec.userSpecificList: Enabled needs spec.prefix".to_owned());
    }
    let url = spec
        .token_url_elicitation
        .as_ref()
        .map_or("https://", |e| &e.url);
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return invalid(format!(
            "spec.tokenURLElicitation.url {url} must begin with http:// or https://"
        ));
    }
    let words = [("category", &spec.category, 3), ("tags", &spec.tags, 10)];
    for (field, words, most) in words {
        if words.len() > most {
            return invalid(format!(
                "spec.{field} has {} words; {most} at most",
                words.len()
            ));
        }
        if words
            .iter()
            .any(|word| !(1..=128).contains(&word.chars().count()))
        {
            return invalid(format!("spec.{field}: each word has 1 to 128 characters"));
        }
    }
    if spec
        .hint
        .as_ref()
        .is_some_and(|hint| hint.chars().count() > 256)
    {
        return invalid("spec.hint has more than 256 characters".to_owned());
    }
    Ok(())
}

fn expect_path(path: &str) -> Result<(), Fault> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    if path.starts_with('/') && path.len() <= 8 * 1024 && path.bytes().all(is_plain) {
        return Ok(());
    }
    invalid(format!(
        "spec.path {path:?} must be an absolute path, such as /mcp"
    ))
}

/// `^[a-z0-9][a-z0-9_]*$`
fn expect_prefix(prefix: Option<&str>) -> Result<(), Fault> {
    let Some(prefix) = prefix else {
        return Ok(());
    };
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if prefix.chars().all(inner)
        && !prefix.is_empty()
        && !prefix.starts_with('_')
        && prefix.len() <= 128
    {
        return Ok(());
    }
    invalid(format!(
        "spec.prefix {prefix:?} must be lower-case letters, digits and _, begin with a letter or digit, and have at \
         most 128 of them"
    ))
}

/// The older kind has no pattern; the filter takes what needs no escape anywhere.
fn expect_older_prefix(prefix: Option<&str>) -> Result<(), Fault> {
    let prefix = prefix.unwrap_or_default();
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    if prefix.chars().all(inner) && prefix.len() <= 128 {
        return Ok(());
    }
    invalid(format!(
        "spec.toolPrefix {prefix:?} must be letters, digits, _ - . or /, at most 128"
    ))
}

fn timeouts(object: &McpServerRegistration) -> Result<Timeouts, Fault> {
    let mut timeouts = Timeouts::default();
    let Some(spec) = &object.spec.timeouts else {
        return Ok(timeouts);
    };
    if let Some(text) = &spec.first_byte {
        timeouts.first_byte_ms = milliseconds("spec.timeouts.firstByte", text)?;
    }
    if let Some(text) = &spec.idle {
        timeouts.idle_ms = milliseconds("spec.timeouts.idle", text)?;
    }
    Ok(timeouts)
}

/// A day: the filter takes no more.
const LONGEST_MS: u64 = 24 * 60 * 60 * 1000;

fn milliseconds(field: &str, text: &str) -> Result<u64, Fault> {
    let parsed = gateway_api::Duration::from_str(text).ok();
    match parsed
        .and_then(|d| u64::try_from(d.as_millis()).ok())
        .filter(|ms| (1..=LONGEST_MS).contains(ms))
    {
        Some(milliseconds) => Ok(milliseconds),
        None => invalid(format!(
            "{field} {text:?} must be a duration of at most a day, such as 300s or 1m30s"
        )),
    }
}
