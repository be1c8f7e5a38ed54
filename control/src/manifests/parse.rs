use serde::Deserialize;
use serde_json::Value;

use super::decode::{Refusal, Source, decode, object};
use super::document::documents;
use super::kind::Kind;
use super::{ManifestError, Parsed, Place, Refused, Severity, Sourced};

/// Reads a file's text: YAML with any number of documents, or JSON where the file's name ends so.
/// `file` names it in places.
pub fn parse(file: &str, text: &str) -> Parsed {
    let mut reader = Reader {
        file,
        lines_before: 0,
        first_line: 1,
        parsed: Parsed::default(),
    };
    if file.ends_with(".json") {
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
    metadata: Option<NameOnly>,
}

#[derive(Deserialize)]
struct NameOnly {
    name: Option<String>,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    items: Vec<Value>,
}

struct Reader<'a> {
    file: &'a str,
    lines_before: u64,
    first_line: u64,
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
            None => {
                let reason = format!("kind {kind} ({api_version}) is not read here: skipped");
                self.note(self.first_line, reason, Severity::Warning);
            }
        }
    }

    fn list(&mut self, source: &Source<'_>) {
        match decode::<List>(source, &mut Vec::new()) {
            Ok(list) => list
                .items
                .iter()
                .for_each(|item| self.document(Source::Value(item))),
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
            .and_then(|()| object(kind, source, &mut unknown))
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
                let reason = match kind {
                    Kind::Secret if refusal.line.is_some() => {
                        "a value has not the type of its field, or needs quotes".to_owned()
                    }
                    _ => refusal.reason,
                };
                let reason = format!("{} {name}: {reason}", kind.as_str());
                self.refuse(Refusal { reason, ..refusal }, kind == Kind::AuthPolicy);
            }
        }
    }

    fn refuse(&mut self, refusal: Refusal, policy: bool) {
        let line = refusal
            .line
            .map_or(self.first_line, |line| self.lines_before + line);
        self.note(line, refusal.reason, Severity::Error);
        let place = Place {
            file: self.file.to_owned(),
            line: self.first_line,
        };
        self.parsed.refused.push(Refused { place, policy });
    }

    fn note(&mut self, line: u64, reason: impl Into<String>, severity: Severity) {
        let place = Place {
            file: self.file.to_owned(),
            line,
        };
        self.parsed.errors.push(ManifestError {
            place,
            reason: reason.into(),
            severity,
        });
    }
}

fn expect_version(kind: Kind, version: &str) -> Result<(), Refusal> {
    if kind.api_versions().contains(&version) {
        return Ok(());
    }
    let known = kind.api_versions().join(" or ");
    Err(Refusal {
        line: None,
        reason: format!("apiVersion {version} is not read here; write {known}"),
    })
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
        Source::Value(value) => value.get("kind").and_then(Value::as_str) == Some("AuthPolicy"),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::manifests::{Object, Severity};

    fn errors(file: &str, text: &str) -> Vec<String> {
        parse(file, text)
            .errors
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn registration(spec: &str) -> String {
        let head =
            "# note\n---\napiVersion: mcp.kuadrant.io/v1alpha1\nkind: MCPServerRegistration\n";
        format!("{head}metadata:\n  name: a\nspec:\n{spec}")
    }

    #[test]
    fn an_object_keeps_its_file_and_line() {
        let parsed = parse("f.yaml", &registration("  targetRef:\n    name: x\n"));
        assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
        assert_eq!(parsed.objects[0].place.to_string(), "f.yaml:3");
        let Object::McpServerRegistration(found) = &parsed.objects[0].object else {
            panic!()
        };
        assert_eq!(found.spec.path, "/mcp");
        assert_eq!(found.spec.target_ref.kind, "HTTPRoute");
        assert_eq!(found.spec.category, ["uncategorised"]);
    }

    #[test]
    fn refusals_name_the_line_of_the_file() {
        let cases = [
            (
                "  prefix: 1\n",
                "f.yaml:8: MCPServerRegistration a: The string value [1] must be quoted",
            ),
            (
                "  targetRef:\n    nam: x\n",
                "f.yaml:9: MCPServerRegistration a: missing field `name`",
            ),
            (
                "  state: Enabld\n",
                "f.yaml:8: MCPServerRegistration a: unknown variant `Enabld`, expected one of Enabled, Disabled",
            ),
            (
                "  prefx: a_\n  targetRef:\n    name: x\n",
                "f.yaml:3: MCPServerRegistration a: there is no field `spec.prefx`: correct its name or take it out",
            ),
            ("  a: b\n c: d\n", "f.yaml:9: "),
            ("\t\tx: y\n", "f.yaml:8: "),
            ("  prefix: *a\n", "f.yaml:8: "),
            (
                "  path: /a\n  path: /b\n",
                "f.yaml:9: duplicate mapping key: path",
            ),
        ];
        for (spec, expected) in cases {
            let errors = errors("f.yaml", &registration(spec));
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(errors[0].starts_with(expected), "{errors:?}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let missing = "no Kubernetes object: `apiVersion` and `kind` must be given";
        assert_eq!(
            errors("f.yaml", "\na: b\n"),
            [format!("f.yaml:2: {missing}")]
        );
        assert_eq!(
            errors("f.yaml", "- a\n"),
            ["f.yaml:1: a mapping is expected"]
        );
        assert_eq!(
            errors("f.yaml", "hello\n"),
            ["f.yaml:1: a mapping is expected"]
        );
        assert!(errors("f.yaml", "null\n---\n# nothing\n").is_empty());
        assert!(errors("f.json", "[]").len() == 1);
    }

    #[test]
    fn one_bad_document_leaves_the_others_alone() {
        let good = "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n";
        let parsed = parse("f.yaml", &format!("{good}---\nkind: [\n{good}"));
        assert_eq!(parsed.objects.len(), 2);
        assert_eq!(parsed.errors.len(), 1);
        assert_eq!(parsed.refused.len(), 1);
        assert_eq!(parsed.objects[1].place.line, 9);
    }

    #[test]
    fn versions_and_names_that_kubernetes_would_refuse_are_refused() {
        let text =
            "apiVersion: mcp.kuadrant.io/v2\nkind: MCPServerRegistration\nmetadata:\n  name: a\n";
        let known = "mcp.kuadrant.io/v1 or mcp.kuadrant.io/v1alpha1";
        let expected = format!(
            "f.yaml:1: MCPServerRegistration a: apiVersion mcp.kuadrant.io/v2 is not read here; write {known}"
        );
        assert_eq!(errors("f.yaml", text), [expected]);
        let text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: A/b\n";
        assert!(errors("f.yaml", text)[0].contains("`metadata.name` must be given"));
    }

    #[test]
    fn fields_of_others_kinds_that_have_no_effect_are_told() {
        let head = "apiVersion: networking.istio.io/v1beta1\nkind: DestinationRule\nmetadata:\n  name: a\n";
        let text =
            format!("{head}spec:\n  host: x\n  trafficPolicy:\n    outlierDetection: {{}}\n");
        let parsed = parse("f.yaml", &text);
        assert_eq!(parsed.objects.len(), 1);
        assert_eq!(parsed.errors[0].severity, Severity::Warning);
        let expected =
            "f.yaml:1: DestinationRule a: `spec.trafficPolicy.outlierDetection` has no effect here";
        assert_eq!(parsed.errors[0].to_string(), expected);
    }

    #[test]
    fn a_list_is_read_item_by_item() {
        let text = "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\
             {\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"a\"}},\
             {\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"b\", \"labels\": {\"c\": 1}}}]}";
        for file in ["f.json", "f.yaml"] {
            let parsed = parse(file, text);
            assert_eq!(parsed.objects.len(), 1);
            assert_eq!(parsed.errors.len(), 1);
            assert!(
                parsed.errors[0].reason.starts_with("Secret b: "),
                "{}",
                parsed.errors[0]
            );
        }
    }

    #[test]
    fn a_secret_that_cannot_be_read_is_not_shown() {
        let head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  token: ";
        for value in ["12345", "[12345]", "{12345: 12345}"] {
            let errors = errors("f.yaml", &format!("{head}{value}\n"));
            assert_eq!(errors.len(), 1);
            assert!(!errors[0].contains("12345"), "{errors:?}");
            assert!(errors[0].starts_with("f.yaml:6: Secret a: "), "{errors:?}");
        }
    }

    #[test]
    fn an_unreadable_policy_is_known_as_one() {
        for text in [
            "kind: AuthPolicy\na: [",
            "- kind: 'AuthPolicy'\n  a: [",
            "apiVersion: kuadrant.io/v1\nkind: AuthPolicy\n",
        ] {
            assert!(parse("f.yaml", text).refused[0].policy, "{text}");
        }
        assert!(parse("f.json", "{\"kind\":\"AuthPolicy\",").refused[0].policy);
        assert!(!parse("f.yaml", "# AuthPolicy\nkind: Secret\na: [").refused[0].policy);
    }
}
