use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::Value;
use serde_saphyr::Error;
use serde_saphyr::budget::{Budget, BudgetBreach};

use super::Object;
use super::kind::Kind;

/// How the reader begins to refuse a key that is there twice.
const DUPLICATE: &str = "duplicate mapping key";

const TOO_MANY_ALIASES: &str = "too many aliases: write the values out";

/// From which an object is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    /// One YAML document.
    Yaml(&'a str),
    /// One JSON text.
    Json(&'a str),
}

/// Why something cannot be read.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// From 1, within the source, where known.
    pub(super) line: Option<u64>,
    /// What is wrong.
    pub(super) reason: String,
}

/// Reads a value; `unknown` gets the paths of fields that its type has not.
///
/// One reader serves both forms: the compiler makes it anew for each type, which is most of what it has to do here.
pub(super) fn decode<T: DeserializeOwned>(
    source: &Source<'_>,
    unknown: &mut Vec<String>,
) -> Result<T, Refusal> {
    let mut read = |text: &str| yaml(text, unknown);
    match source {
        Source::Yaml(text) => read(text),
        Source::Json(text) => {
            let value = json(text)?;
            read(text).or_else(|refusal| {
                if refusal.reason.starts_with(DUPLICATE) {
                    return Err(refusal);
                }
                // All JSON is YAML but for some white space and escapes; without them its lines are lost.
                read(&value.to_string()).map_err(|other| match other.reason == refusal.reason {
                    true => refusal,
                    false => Refusal {
                        line: None,
                        ..other
                    },
                })
            })
        }
    }
}

fn json(text: &str) -> Result<Value, Refusal> {
    serde_json::from_str(text).map_err(|error| {
        let place = format!(" at line {} column {}", error.line(), error.column());
        Refusal {
            line: Some(error.line() as u64).filter(|line| *line > 0),
            reason: error.to_string().replace(&place, ""),
        }
    })
}

fn yaml<T: DeserializeOwned>(text: &str, unknown: &mut Vec<String>) -> Result<T, Refusal> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        // As Kubernetes has it: `true` and `1` are no strings unless quoted.
        no_schema: true,
    };
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |input| {
        typed(input, unknown)
    })
    .map_err(|error| refusal(&error))
}

/// The library's own line is the document's, not the file's, so it is taken out of the text.
fn refusal(error: &Error) -> Refusal {
    let text = excess(error).unwrap_or_else(|| error.to_string());
    let place = error.location().filter(|location| location.line() > 0);
    let reason = match place {
        Some(l) => text.replace(&format!(" at line {}, column {}", l.line(), l.column()), ""),
        None => text,
    };
    let reason = match reason.split_once(", set DuplicateKeyPolicy") {
        Some((reason, _)) => reason.to_owned(),
        None => reason
            .replace("expected mapping start", "a mapping is expected")
            .replace("expected sequence start", "a list is expected")
            .replace("expected string scalar", "a string is expected")
            .replace("invalid u16", "a number from 0 to 65535 is expected")
            .replace(
                "invalid i32",
                "a number from -2147483648 to 2147483647 is expected",
            )
            .replace("invalid u32", "a number from 0 to 4294967295 is expected"),
    };
    Refusal {
        line: place.map(|location| location.line()),
        reason,
    }
}

/// What is more than the reader takes, in our words.
fn excess(mut error: &Error) -> Option<String> {
    while let Error::AliasError { error: inner, .. } = error {
        error = inner;
    }
    let most = Budget::default();
    let breach = match error {
        Error::Budget { breach, .. } => breach,
        Error::AliasReplayLimitExceeded { .. } | Error::AliasExpansionLimitExceeded { .. } => {
            return Some(TOO_MANY_ALIASES.to_owned());
        }
        _ => return None,
    };
    Some(match breach {
        BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } => {
            format!("too large: more than {} values", most.max_nodes)
        }
        BudgetBreach::Depth { .. } => {
            format!(
                "too deep: values within more than {} others",
                most.max_depth
            )
        }
        BudgetBreach::Aliases { .. }
        | BudgetBreach::Anchors { .. }
        | BudgetBreach::AliasAnchorRatio { .. }
        | BudgetBreach::MergeKeys { .. } => TOO_MANY_ALIASES.to_owned(),
        _ => "too large".to_owned(),
    })
}

fn typed<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    input: D,
    unknown: &mut Vec<String>,
) -> Result<T, D::Error> {
    serde_ignored::deserialize(input, |path| {
        let path = path.to_string().replace(".?", "");
        if !matches!(path.as_str(), "apiVersion" | "kind") {
            unknown.push(path);
        }
    })
}

/// Reads an object of a kind.
pub(super) fn object(
    kind: Kind,
    source: &Source<'_>,
    unknown: &mut Vec<String>,
) -> Result<Object, Refusal> {
    Ok(match kind {
        Kind::Namespace => Object::Namespace(decode(source, unknown)?),
        Kind::Secret => Object::Secret(decode(source, unknown)?),
        Kind::Service => Object::Service(decode(source, unknown)?),
        Kind::EndpointSlice => Object::EndpointSlice(decode(source, unknown)?),
        Kind::GatewayClass => Object::GatewayClass(decode(source, unknown)?),
        Kind::Gateway => Object::Gateway(decode(source, unknown)?),
        Kind::HttpRoute => Object::HttpRoute(decode(source, unknown)?),
        Kind::ReferenceGrant => Object::ReferenceGrant(decode(source, unknown)?),
        Kind::ServiceEntry => Object::ServiceEntry(decode(source, unknown)?),
        Kind::DestinationRule => Object::DestinationRule(decode(source, unknown)?),
        Kind::AuthPolicy => Object::AuthPolicy(decode(source, unknown)?),
        Kind::McpGatewayExtension => Object::McpGatewayExtension(decode(source, unknown)?),
        Kind::McpServerRegistration => Object::McpServerRegistration(decode(source, unknown)?),
        Kind::McpServer => Object::McpServer(decode(source, unknown)?),
        Kind::McpVirtualServer => Object::McpVirtualServer(decode(source, unknown)?),
    })
}
