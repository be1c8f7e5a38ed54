//! The types that MCP gives to the members of a definition (MCP 2025-11-25, schema).
//!
//! Official SDKs read a list with typed parsers and refuse the **whole** list when one item has a member of another
//! type. Through a gateway that item would cost its client every server's tools, so it is left out here. Members that
//! MCP does not name are nobody's concern, and pass.

use serde_json::value::RawValue;

use super::members::Members;

/// What a value must be.
#[derive(Debug)]
pub(super) enum Shape {
    Array(&'static Shape),
    Boolean,
    /// A JSON object that parsers keep as a tree: of two members with one key the last counts.
    Map {
        members: &'static [Member],
        values: Option<&'static Shape>,
    },
    Number,
    /// A JSON object that parsers read into a type: a key that stands twice is refused.
    Object(&'static [Member]),
    OneOf(&'static [&'static str]),
    String,
}

/// A member that MCP names.
#[derive(Debug)]
pub(super) struct Member {
    key: &'static str,
    required: bool,
    shape: &'static Shape,
}

const fn optional(key: &'static str, shape: &'static Shape) -> Member {
    Member {
        key,
        required: false,
        shape,
    }
}

const fn required(key: &'static str, shape: &'static Shape) -> Member {
    Member {
        key,
        required: true,
        shape,
    }
}

const ANY_OBJECT: Shape = Shape::Map {
    members: &[],
    values: None,
};

const SCHEMA: Shape = Shape::Map {
    members: &[
        required("type", &Shape::OneOf(&["object"])),
        optional(
            "properties",
            &Shape::Map {
                members: &[],
                values: Some(&ANY_OBJECT),
            },
        ),
        optional("required", &Shape::Array(&Shape::String)),
    ],
    values: None,
};

const ICONS: Shape = Shape::Array(&Shape::Object(&[
    required("src", &Shape::String),
    optional("mimeType", &Shape::String),
    optional("sizes", &Shape::Array(&Shape::String)),
    optional("theme", &Shape::OneOf(&["light", "dark"])),
]));

const RESOURCE_ANNOTATIONS: Shape = Shape::Object(&[
    optional(
        "audience",
        &Shape::Array(&Shape::OneOf(&["user", "assistant"])),
    ),
    optional("priority", &Shape::Number),
    optional("lastModified", &Shape::String),
]);

pub(super) const TOOL: Shape = Shape::Object(&[
    required("name", &Shape::String),
    optional("title", &Shape::String),
    optional("description", &Shape::String),
    required("inputSchema", &SCHEMA),
    optional("outputSchema", &SCHEMA),
    optional(
        "annotations",
        &Shape::Object(&[
            optional("title", &Shape::String),
            optional("readOnlyHint", &Shape::Boolean),
            optional("destructiveHint", &Shape::Boolean),
            optional("idempotentHint", &Shape::Boolean),
            optional("openWorldHint", &Shape::Boolean),
        ]),
    ),
    optional(
        "execution",
        &Shape::Object(&[optional(
            "taskSupport",
            &Shape::OneOf(&["forbidden", "optional", "required"]),
        )]),
    ),
    optional("icons", &ICONS),
    optional("_meta", &ANY_OBJECT),
]);

pub(super) const PROMPT: Shape = Shape::Object(&[
    required("name", &Shape::String),
    optional("title", &Shape::String),
    optional("description", &Shape::String),
    optional(
        "arguments",
        &Shape::Array(&Shape::Object(&[
            required("name", &Shape::String),
            optional("title", &Shape::String),
            optional("description", &Shape::String),
            optional("required", &Shape::Boolean),
        ])),
    ),
    optional("icons", &ICONS),
    optional("_meta", &ANY_OBJECT),
]);

pub(super) const RESOURCE: Shape = Shape::Object(&[
    required("uri", &Shape::String),
    required("name", &Shape::String),
    optional("title", &Shape::String),
    optional("description", &Shape::String),
    optional("mimeType", &Shape::String),
    optional("size", &Shape::Number),
    optional("annotations", &RESOURCE_ANNOTATIONS),
    optional("icons", &ICONS),
    optional("_meta", &ANY_OBJECT),
]);

pub(super) const RESOURCE_TEMPLATE: Shape = Shape::Object(&[
    required("uriTemplate", &Shape::String),
    required("name", &Shape::String),
    optional("title", &Shape::String),
    optional("description", &Shape::String),
    optional("mimeType", &Shape::String),
    optional("annotations", &RESOURCE_ANNOTATIONS),
    optional("icons", &ICONS),
    optional("_meta", &ANY_OBJECT),
]);

impl Shape {
    /// Why `value`, found at `path`, has not this shape. An empty path is the definition itself.
    pub(super) fn check(&self, path: &str, value: &RawValue) -> Result<(), String> {
        match self {
            Self::Array(shape) => {
                let items: Vec<&RawValue> = read(path, value, "an array")?;
                items
                    .iter()
                    .enumerate()
                    .try_for_each(|(i, item)| shape.check(&format!("{path}[{i}]"), item))
            }
            Self::Boolean => read::<bool>(path, value, "a boolean").map(drop),
            Self::Map { members, values } => {
                let object: Members<'_> = read(path, value, "an object")?;
                check_members(members, path, &object)?;
                let Some(shape) = values else { return Ok(()) };
                object
                    .iter()
                    .try_for_each(|(key, value)| shape.check(&join(path, key), value))
            }
            Self::Number => read::<f64>(path, value, "a number").map(drop),
            Self::Object(members) => {
                let object: Members<'_> = read(path, value, "an object")?;
                if let Some(key) = object.duplicate() {
                    return Err(format!("{} stands twice", join(path, key)));
                }
                check_members(members, path, &object)
            }
            Self::OneOf(allowed) => {
                let expected = allowed.join(" or ");
                let text: String = read(path, value, &expected)?;
                let known = allowed.contains(&text.as_str());
                known
                    .then_some(())
                    .ok_or_else(|| format!("{path} is not {expected}"))
            }
            Self::String => read::<String>(path, value, "a string").map(drop),
        }
    }
}

fn check_members(members: &[Member], path: &str, object: &Members<'_>) -> Result<(), String> {
    for member in members {
        match object.last(member.key) {
            Some(value) => member.shape.check(&join(path, member.key), value)?,
            None if member.required => return Err(format!("no {}", join(path, member.key))),
            None => {}
        }
    }
    Ok(())
}

fn read<'a, T>(path: &str, value: &'a RawValue, expected: &str) -> Result<T, String>
where
    T: serde::Deserialize<'a>,
{
    let subject = if path.is_empty() { "it" } else { path };
    serde_json::from_str(value.get()).map_err(|_| format!("{subject} is not {expected}"))
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
