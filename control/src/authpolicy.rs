//! Kuadrant's AuthPolicy, compiled to what the filter enforces. What cannot be enforced denies.

mod claims;
mod denial;
mod gateway;
mod pattern;
mod route;
mod spec;

use serde_json::Value;

use crate::api::AuthPolicy;
pub use claims::{checks_audience, reads_claims};
pub use gateway::{authentication, closed};
pub use route::{compile, deny_all};

/// What a policy is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An HTTPRoute in the policy's namespace.
    Route(String),
    /// A Gateway in the policy's namespace.
    Gateway {
        /// Its name.
        name: String,
        /// The only listener that it is for; all of them where absent.
        listener: Option<String>,
    },
    /// Something that no policy can be for.
    Other {
        /// Its kind, misspelt perhaps.
        kind: String,
        /// Its name.
        name: String,
    },
    /// The policy does not say in a readable way, so it is for all of its namespace.
    Unreadable,
}

/// What a policy is for.
pub fn target(policy: &AuthPolicy) -> Target {
    let target = policy.spec.0.get("targetRef");
    let field = |name: &str| target.and_then(|t| t.get(name)).and_then(Value::as_str);
    match (field("kind"), field("name")) {
        (Some("HTTPRoute"), Some(name)) => Target::Route(name.to_owned()),
        (Some("Gateway"), Some(name)) => Target::Gateway {
            name: name.to_owned(),
            listener: field("sectionName").map(str::to_owned),
        },
        (Some(kind), Some(name)) => Target::Other {
            kind: kind.to_owned(),
            name: name.to_owned(),
        },
        _ => Target::Unreadable,
    }
}

#[cfg(test)]
mod tests;
