//! What breaks a rule, and what just keeps it.

use serde_json::{Value, json};

use super::schema::{Check, Rule};

/// Values of a field, for a pattern as it stands in the schema.
struct Pattern {
    pattern: &'static str,
    refused: &'static [&'static str],
    taken: &'static [&'static str],
}

const PATTERNS: [Pattern; 4] = [
    Pattern {
        pattern: "^/",
        refused: &["", "mcp", "http://example.com/mcp", " /mcp"],
        taken: &["/"],
    },
    Pattern {
        pattern: "^[a-z0-9][a-z0-9_]*$",
        refused: &[
            "", "_", "_x", "Github_", "gitHub", "a-b", "a.b", "é", "a_\n",
        ],
        taken: &["a", "0", "a_", "0__9z"],
    },
    Pattern {
        pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$",
        refused: &[
            "",
            "5",
            "s",
            "soon",
            "1d",
            "1.5s",
            "-1s",
            "100000s",
            "1h1m1s1ms1s",
            "1s ",
        ],
        taken: &["0s", "1ms", "99999h", "1h1m1s1ms"],
    },
    Pattern {
        pattern: "^https?://",
        refused: &[
            "",
            "ftp://example.com",
            "example.com",
            "httpss://example.com",
            " https://example.com",
        ],
        taken: &["http://example.com", "https://example.com"],
    },
];

/// What every object has.
const ENVELOPE: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Members of `spec` beside those of a complete object; null takes one away.
struct Change {
    /// What is stored before; nothing, where the object is new.
    before: Option<Value>,
    after: Value,
}

/// For a rule of `x-kubernetes-validations`, by its message.
struct Expression {
    message: &'static str,
    refused: Vec<Change>,
    taken: Vec<Change>,
}

fn new(after: Value) -> Change {
    Change {
        before: None,
        after,
    }
}

fn change(before: Value, after: Value) -> Change {
    Change {
        before: Some(before),
        after,
    }
}

fn expressions() -> [Expression; 3] {
    let prefix = |prefix: Value| json!({"prefix": prefix, "userSpecificList": null});
    let tool_prefix = |prefix: Value| json!({"toolPrefix": prefix});
    let none = || Value::Null;
    [
        Expression {
            message: "prefix cannot change once it is set: make a new registration",
            refused: vec![
                change(prefix("a_".into()), prefix("b_".into())),
                change(prefix("a_".into()), prefix(none())),
            ],
            taken: vec![
                change(prefix("a_".into()), prefix("a_".into())),
                change(prefix(none()), prefix("a_".into())),
                change(prefix(none()), prefix(none())),
            ],
        },
        Expression {
            message: "toolPrefix cannot change once it is set: make a new MCPServer",
            refused: vec![
                change(tool_prefix("a_".into()), tool_prefix("b_".into())),
                change(tool_prefix("a_".into()), tool_prefix(none())),
            ],
            taken: vec![
                change(tool_prefix("a_".into()), tool_prefix("a_".into())),
                change(tool_prefix(none()), tool_prefix("a_".into())),
                change(tool_prefix(none()), tool_prefix(none())),
            ],
        },
        Expression {
            message: "userSpecificList needs a prefix",
            refused: vec![new(json!({"userSpecificList": "Enabled", "prefix": null}))],
            taken: vec![
                new(json!({"userSpecificList": "Enabled", "prefix": "a"})),
                new(json!({"userSpecificList": "Disabled", "prefix": null})),
                new(json!({"userSpecificList": null, "prefix": null})),
            ],
        },
    ]
}

/// An object that is written.
pub(super) struct Case {
    /// What is there before.
    pub(super) stored: Option<Value>,
    pub(super) object: Value,
    /// What the apiserver says of it; nothing where it takes it.
    pub(super) words: Vec<String>,
}

/// What has to be tried for a rule, by changes of an object that is complete.
pub(super) fn cases(rule: &Rule, complete: &Value) -> Vec<Case> {
    if let Check::Expression(message) = &rule.check {
        return changes(rule, complete, message);
    }
    let (refused, taken) = values(rule, complete);
    let case = |value: Value, words: Vec<String>| {
        let mut object = complete.clone();
        let place = object.pointer_mut(&rule.place.pointer);
        *place.unwrap_or_else(|| panic!("{rule}: the complete object lacks it")) = value;
        Case {
            stored: None,
            object,
            words,
        }
    };
    let refused = refused.into_iter().map(|value| case(value, words(rule)));
    refused
        .chain(taken.into_iter().map(|value| case(value, Vec::new())))
        .collect()
}

fn changes(rule: &Rule, complete: &Value, message: &str) -> Vec<Case> {
    let expressions = expressions();
    let mut expressions = expressions.iter();
    let expression = expressions.find(|expression| expression.message == message);
    let expression = expression.unwrap_or_else(|| panic!("{rule} has no case: write some"));
    let case = |change: &Change, words: Vec<String>| {
        let before = change.before.as_ref();
        Case {
            stored: before.map(|before| with(complete, before)),
            object: with(complete, &change.after),
            words,
        }
    };
    let refused = expression.refused.iter();
    let refused = refused.map(|change| case(change, words(rule)));
    let taken = expression.taken.iter();
    refused
        .chain(taken.map(|change| case(change, Vec::new())))
        .collect()
}

fn with(complete: &Value, members: &Value) -> Value {
    let mut object = complete.clone();
    let spec = object["spec"].as_object_mut().unwrap();
    for (name, value) in members.as_object().unwrap() {
        spec.insert(name.clone(), value.clone());
    }
    spec.retain(|_, value| !value.is_null());
    object
}

/// What stands at the rule's place: values that break it, and values that just keep it.
fn values(rule: &Rule, complete: &Value) -> (Vec<Value>, Vec<Value>) {
    let now = complete.pointer(&rule.place.pointer);
    let now = now.unwrap_or_else(|| panic!("{rule}: the complete object lacks it"));
    let text = |length: usize| Value::from("x".repeat(length));
    let items = |count: usize| Value::from(vec![now[0].clone(); count]);
    match &rule.check {
        Check::MinLength(least) => (vec![text(least - 1)], vec![text(*least)]),
        Check::MaxLength(most) => (vec![text(most + 1)], vec![text(*most)]),
        Check::Minimum(least) => (vec![json!(least - 1)], vec![json!(least)]),
        Check::Maximum(most) => (vec![json!(most + 1)], vec![json!(most)]),
        Check::MinItems(least) => (vec![items(least - 1)], vec![items(*least)]),
        Check::MaxItems(most) => (vec![items(most + 1)], vec![items(*most)]),
        Check::Enum(all) => (vec![json!(""), json!("Neither")], all.clone()),
        Check::Pattern(pattern) => {
            let mut patterns = PATTERNS.iter();
            let pattern = patterns.find(|known| known.pattern == pattern);
            let pattern = pattern.unwrap_or_else(|| panic!("{rule} has no case: write some"));
            let values = |texts: &[&str]| texts.iter().map(|&text| text.into()).collect();
            (values(pattern.refused), values(pattern.taken))
        }
        Check::Required { member, all } => {
            let (mut without, mut alone) = (now.clone(), now.clone());
            without.as_object_mut().unwrap().remove(member);
            let is_needed = |name: &String| all.contains(name) || ENVELOPE.contains(&name.as_str());
            alone
                .as_object_mut()
                .unwrap()
                .retain(|name, _| is_needed(name));
            (vec![without], vec![alone])
        }
        Check::Keys(keys) => {
            let mut other = now[0].clone();
            for key in keys {
                other[key] = "Other".into();
            }
            (vec![items(2)], vec![json!([now[0], other])])
        }
        Check::Type(wanted) => (vec![of_another_type(wanted)], vec![now.clone()]),
        Check::Format(format) => {
            let (refused, taken) = of_format(format);
            (vec![refused], vec![taken])
        }
        Check::Expression(_) => panic!("{rule}: its cases are whole objects"),
    }
}

fn of_another_type(wanted: &str) -> Value {
    match wanted {
        "string" => 7.into(),
        "array" | "integer" | "object" => "text".into(),
        other => panic!("the schemas have {other}, of which there is no case: write one"),
    }
}

/// A value that is not of this format, and one at its edge.
fn of_format(format: &str) -> (Value, Value) {
    match format {
        "date-time" => ("2026-01-01".into(), "2026-12-31T23:59:59.999Z".into()),
        other => panic!("the schemas have {other}, of which there is no case: write one"),
    }
}

/// What the apiserver says where this rule is broken, the field among it.
fn words(rule: &Rule) -> Vec<String> {
    let field = &rule.place.field;
    let invalid = |words: String| vec![format!("{field}: Invalid value"), words];
    match &rule.check {
        Check::Enum(_) => vec![format!("{field}: Unsupported value")],
        Check::Expression(message) => invalid(message.clone()),
        Check::Format(format) => invalid(format!("must be of type {format}")),
        Check::Keys(_) => vec![format!("{field}[1]: Duplicate value")],
        Check::MaxItems(most) => vec![
            format!("{field}: Too many"),
            format!("at most {most} items"),
        ],
        Check::MaxLength(most) => vec![
            format!("{field}: Too long"),
            format!("more than {most} bytes"),
        ],
        Check::Maximum(most) => invalid(format!("should be less than or equal to {most}")),
        Check::MinItems(least) => invalid(format!("should have at least {least} items")),
        Check::MinLength(least) => invalid(format!("should be at least {least} chars long")),
        Check::Minimum(least) => invalid(format!("should be greater than or equal to {least}")),
        Check::Pattern(pattern) => invalid(format!("should match '{pattern}'")),
        Check::Required { member, .. } => vec![format!(
            "{}: Required value",
            rule.place.member(member).field
        )],
        // The format's name stands there where a string has one.
        Check::Type(_) => invalid("must be of type".to_owned()),
    }
}

/// The hand-written cases to which no rule belongs any more.
pub(super) fn left_over(rules: &[Rule]) -> Vec<&'static str> {
    let is_used = |known: &str| {
        rules.iter().any(|rule| match &rule.check {
            Check::Expression(text) | Check::Pattern(text) => text == known,
            _ => false,
        })
    };
    let patterns = PATTERNS.map(|pattern| pattern.pattern);
    let messages = expressions().map(|expression| expression.message);
    let known = patterns.into_iter().chain(messages);
    known.filter(|known| !is_used(known)).collect()
}
