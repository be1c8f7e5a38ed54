//! The rules that stand in the schemas of `crds/`, of each served version of each kind.

use std::fmt;

use harness::component;
use serde_json::Value;

/// One rule of one version of a kind.
#[derive(Debug)]
pub(super) struct Rule {
    /// With the group.
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) place: Place,
    pub(super) check: Check,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            kind,
            place,
            check,
        } = self;
        write!(f, "{version} {kind} {} {check:?}", place.field)
    }
}

/// Where a rule holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// In an object, as a JSON pointer; of lists the first item.
    pub(super) pointer: String,
    /// The same, as the apiserver says it.
    pub(super) field: String,
}

impl Place {
    /// A member of what is here.
    pub(super) fn member(&self, name: &str) -> Self {
        let dot = if self.field.is_empty() { "" } else { "." };
        Self {
            pointer: format!("{}/{name}", self.pointer),
            field: format!("{}{dot}{name}", self.field),
        }
    }

    fn item(&self) -> Self {
        Self {
            pointer: format!("{}/0", self.pointer),
            field: format!("{}[0]", self.field),
        }
    }
}

/// What has to be so.
#[derive(Clone, Debug)]
pub(super) enum Check {
    Enum(Vec<Value>),
    Expression(String),
    Format(String),
    Keys(Vec<String>),
    MaxItems(usize),
    MaxLength(usize),
    Maximum(i64),
    MinItems(usize),
    MinLength(usize),
    Minimum(i64),
    Pattern(String),
    Required { member: String, all: Vec<String> },
    Type(String),
}

/// All of them.
pub(super) fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    for definition in component::own_kinds() {
        let definition: Value = serde_saphyr::from_str(&definition).unwrap();
        let spec = &definition["spec"];
        for version in spec["versions"].as_array().unwrap() {
            assert_eq!(version["served"], true, "a version that nobody is served");
            let mut found = Vec::new();
            let schema = &version["schema"]["openAPIV3Schema"];
            walk(schema, &Place::default(), &mut found);
            // What is no object is no request.
            found.retain(|(place, check)| {
                !(place.field.is_empty() && matches!(check, Check::Type(_)))
            });
            rules.extend(found.into_iter().map(|(place, check)| Rule {
                version: format!("{}/{}", text(&spec["group"]), text(&version["name"])),
                kind: text(&spec["names"]["kind"]),
                place,
                check,
            }));
        }
    }
    rules
}

fn walk(schema: &Value, place: &Place, found: &mut Vec<(Place, Check)>) {
    for (keyword, value) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "properties" => {
                for (name, schema) in value.as_object().unwrap() {
                    walk(schema, &place.member(name), found);
                }
            }
            "items" => walk(value, &place.item(), found),
            _ => found.extend(
                checks(keyword, value)
                    .into_iter()
                    .map(|check| (place.clone(), check)),
            ),
        }
    }
}

fn checks(keyword: &str, value: &Value) -> Vec<Check> {
    let check = match keyword {
        "default" | "description" | "title" => return Vec::new(),
        "required" => {
            let all = texts(value);
            let required = |member: &String| Check::Required {
                member: member.clone(),
                all: all.clone(),
            };
            return all.iter().map(required).collect();
        }
        "x-kubernetes-validations" => {
            let rules = value.as_array().unwrap().iter();
            let messages = rules.map(|rule| text(&rule["message"]));
            return messages.map(Check::Expression).collect();
        }
        "x-kubernetes-list-type" => {
            assert_eq!(value, "map", "its keys are the rule; a set has none");
            return Vec::new();
        }
        "x-kubernetes-list-map-keys" => Check::Keys(texts(value)),
        "enum" => Check::Enum(value.as_array().unwrap().clone()),
        // The apiserver holds nobody to the width of a number.
        "format" if value == "int32" || value == "int64" => return Vec::new(),
        "format" => Check::Format(text(value)),
        "maxItems" => Check::MaxItems(count(value)),
        "maxLength" => Check::MaxLength(count(value)),
        "maximum" => Check::Maximum(whole(value)),
        "minItems" => Check::MinItems(count(value)),
        "minLength" => Check::MinLength(count(value)),
        "minimum" => Check::Minimum(whole(value)),
        "pattern" => Check::Pattern(text(value)),
        "type" => Check::Type(text(value)),
        other => panic!("the schemas have {other}, of which there is no case: write some"),
    };
    vec![check]
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(text).collect()
}

fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// Bounds are written with a decimal point.
fn whole(value: &Value) -> i64 {
    let text = value.to_string();
    text.trim_end_matches(".0").parse().unwrap()
}
