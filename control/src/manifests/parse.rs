use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::decode::{Refusal, Source, decode, object};
use super::document::documents;
use super::kind::{Kind, group};
use super::{Identity, ManifestError, Parsed, Place, Refused, Severity, Sourced};
use crate::object::ObjectName;
use crate::printable::printable;

/// Reads a file's text: YAML with any number of documents, or JSON where the file's name ends so.
/// `file` names it in places.
pub fn parse(file: &str, text: &str) -> Parsed {
    let mut reader = Reader {
        file,
        lines_before: 0,
        first_line: 1,
        in_list: false,
        parsed: Parsed::default(),
    };
    if file.to_ascii_lowercase().ends_with(".json") {
        reader.document(Source::Json(text));
        return reader.parsed;
    }
    for document in documents(text) {
        reader.lines_before = document.lines_before;
        reader.first_line = document.first_line;
        reader.document(Source::Yaml(document.text));
    }
    reader.parsed
}

/// What every object has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    api_version: Option<String>,
    kind: Option<String>,
    metadata: Option<Names>,
}

#[derive(Deserialize)]
struct Names {
    name: Option<String>,
    namespace: Option<String>,
}

/// A Secret's values as they are written.
#[derive(Deserialize)]
struct Encoded {
    data: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    items: Vec<Value>,
}

impl Header {
    fn identity(&self, kind: Kind) -> Identity {
        let names = self.metadata.as_ref();
        let text = |field: fn(&Names) -> Option<&String>| names.and_then(field).cloned();
        let namespace = match kind.is_cluster_scoped() {
            true => String::new(),
            false => text(|n| n.namespace.as_ref()).unwrap_or_else(|| "default".to_owned()),
        };
        let name = text(|n| n.name.as_ref()).unwrap_or_default();
        let name = ObjectName { namespace, name };
        Identity { kind, name }
    }
}

struct Reader<'a> {
    file: &'a str,
    lines_before: u64,
    first_line: u64,
    /// The lines of a list's items are not known.
    in_list: bool,
    parsed: Parsed,
}

impl Reader<'_> {
    fn document(&mut self, source: Source<'_>) {
        let header = match decode::<Option<Header>>(&source, &mut Vec::new()) {
            Ok(Some(header)) => header,
            Ok(None) => return,
            Err(refusal) => return self.refuse(refusal, says_auth_policy(&source)),
        };
        let (Some(api_version), Some(kind)) = (&header.api_version, &header.kind) else {
            let reason = "no Kubernetes object: `apiVersion` and `kind` must be given".to_owned();
            return self.refuse(Refusal { line: None, reason }, false);
        };
        if kind == "List" && api_version == "v1" {
            return self.list(&source);
        }
        match Kind::find(api_version, kind) {
            Some(known) => self.object(known, &header, &source),
            None => self.unread(api_version, kind),
        }
    }

    /// A kind that is not read. One that no apiserver would know either, and that is nearly one that is, is misspelt.
    fn unread(&mut self, api_version: &str, kind: &str) {
        let like = Kind::spelt_like(kind);
        if let Some(meant) = like {
            let of_group = Kind::find(api_version, meant.as_str()).is_some();
            let reason = match (of_group, group(api_version)) {
                (true, _) => Some(format!("kind {kind}: write {}", meant.as_str())),
                (false, "") => Some(format!(
                    "kind {kind}: apiVersion {api_version} has no such kind; write {}",
                    meant.versions_text()
                )),
                (false, _) => None,
            };
            if let Some(reason) = reason {
                return self.refuse(Refusal { line: None, reason }, meant == Kind::AuthPolicy);
            }
        }
        let mut reason = format!("kind {kind} ({api_version}) is not read here: skipped");
        if let Some(like) = like {
            let (name, versions) = (like.as_str(), like.versions_text());
            reason.push_str(&format!("; {name} is read with apiVersion {versions}"));
        }
        self.note(self.first_line, reason, Severity::Warning);
    }

    fn list(&mut self, source: &Source<'_>) {
        match decode::<List>(source, &mut Vec::new()) {
            Ok(list) => {
                let outside = std::mem::replace(&mut self.in_list, true);
                for item in list.items {
                    self.document(Source::Json(&item.to_string()));
                }
                self.in_list = outside;
            }
            Err(refusal) => self.refuse(refusal, says_auth_policy(source)),
        }
    }

    fn object(&mut self, kind: Kind, header: &Header, source: &Source<'_>) {
        let name = header
            .metadata
            .as_ref()
            .and_then(|m| m.name.as_deref())
            .unwrap_or_default();
        let version = header.api_version.as_deref().unwrap_or_default();
        let mut unknown = Vec::new();
        let result = expect_version(kind, version)
            .and_then(|()| expect_name(name))
            .and_then(|()| {
                object(kind, source, &mut unknown)
                    .map_err(|refusal| discreet(kind, source, refusal))
            })
            .and_then(|object| expect_known(kind, &unknown).map(|()| object));
        match result {
            Ok(object) => {
                for field in unknown {
                    let reason = format!("{} {name}: `{field}` has no effect here", kind.as_str());
                    self.note(self.first_line, reason, Severity::Warning);
                }
                let place = Place {
                    file: self.file.to_owned(),
                    line: self.first_line,
                };
                self.parsed.objects.push(Sourced { object, place });
            }
            Err(refusal) => {
                let object = [kind.as_str(), name].join(" ");
                let reason = format!("{}: {}", object.trim_end(), refusal.reason);
                self.refuse(Refusal { reason, ..refusal }, kind == Kind::AuthPolicy);
                if let Some(refused) = self.parsed.refused.last_mut() {
                    refused.identity = Some(header.identity(kind));
                }
            }
        }
    }

    fn refuse(&mut self, refusal: Refusal, policy: bool) {
        let line = refusal
            .line
            .filter(|_| !self.in_list)
            .map_or(self.first_line, |line| self.lines_before + line);
        self.note(line, refusal.reason, Severity::Error);
        let place = Place {
            file: self.file.to_owned(),
            line: self.first_line,
        };
        self.parsed.refused.push(Refused {
            place,
            identity: None,
            policy,
        });
    }

    fn note(&mut self, line: u64, reason: impl Into<String>, severity: Severity) {
        let place = Place {
            file: self.file.to_owned(),
            line,
        };
        self.parsed.errors.push(ManifestError {
            place,
            reason: printable(&reason.into()),
            severity,
        });
    }
}

fn expect_version(kind: Kind, version: &str) -> Result<(), Refusal> {
    if kind.api_versions().contains(&version) {
        return Ok(());
    }
    let known = kind.versions_text();
    Err(Refusal {
        line: None,
        reason: format!("apiVersion {version} is not read here; write {known}"),
    })
}

/// Without what stands in a Secret.
fn discreet(kind: Kind, source: &Source<'_>, refusal: Refusal) -> Refusal {
    if kind != Kind::Secret {
        return refusal;
    }
    let reason = match not_base64(source) {
        Some(key) => format!("`data.{key}` is not base64: encode it, or put it into `stringData`"),
        None => "a value has not the type of its field, or needs quotes".to_owned(),
    };
    Refusal { reason, ..refusal }
}

fn not_base64(source: &Source<'_>) -> Option<String> {
    let encoded: Encoded = decode(source, &mut Vec::new()).ok()?;
    let mut data = encoded.data?.into_iter();
    data.find(|(_, value)| STANDARD.decode(value).is_err())
        .map(|(key, _)| key)
}

/// An RFC 1123 subdomain, which Kubernetes asks of names.
fn expect_name(name: &str) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if !name.is_empty() && name.len() <= 253 && name.chars().all(allowed) {
        return Ok(());
    }
    let reason = "`metadata.name` must be given, in lower-case letters, digits, `-` and `.`";
    Err(Refusal {
        line: None,
        reason: reason.to_owned(),
    })
}

/// A misspelt field of the own kinds must not be overlooked; those of other kinds may be for others.
fn expect_known(kind: Kind, unknown: &[String]) -> Result<(), Refusal> {
    match unknown.first() {
        Some(field) if kind.is_own() => Err(Refusal {
            line: None,
            reason: format!("there is no field `{field}`: correct its name or take it out"),
        }),
        _ => Ok(()),
    }
}

/// Whether an unreadable text is meant for a policy, as far as one can tell.
fn says_auth_policy(source: &Source<'_>) -> bool {
    match source {
        Source::Yaml(text) => text.lines().any(|line| {
            let value = line.trim().trim_start_matches("- ").strip_prefix("kind:");
            value.is_some_and(|v| v.trim().trim_matches(['"', '\'']).starts_with("AuthPolicy"))
        }),
        Source::Json(text) => text.contains("\"AuthPolicy\""),
    }
}

#[cfg(test)]
mod tests;
