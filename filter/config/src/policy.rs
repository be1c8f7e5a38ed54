use serde::{Deserialize, Serialize};

/// What a request must satisfy before it is routed to a server, and what is set on it then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// `namespace/name` of the object it was made from, for logs and errors.
    pub name: String,
    /// Evaluated in order; the first whose condition does not hold denies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Headers set on the upstream request once every rule held. They replace what the client sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_headers: Vec<SetHeader>,
    /// Client headers that carry credentials for this policy's server; no other server ever sees them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credential_headers: Vec<String>,
}

/// A condition and the answer to a request that does not meet it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Must hold.
    pub requires: Condition,
    /// Sent byte for byte where it does not.
    pub denial: Denial,
}

/// A predicate on the request. Anything that control cannot express with these, it denies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Condition {
    /// Holds when all of them hold; true when there are none.
    All(Vec<Condition>),
    /// Holds when one of them holds; false when there are none.
    Any(Vec<Condition>),
    /// Holds when the inner one does not.
    Not(Box<Condition>),
    /// Holds when the request has a header of this lower-case name, even an empty one.
    HeaderPresent(String),
    /// Holds when the header is there and its value has these bytes.
    HeaderEquals(HeaderValue),
}

/// A header and the value that it is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct HeaderValue {
    /// Lower-case name.
    pub name: String,
    /// Exact value.
    pub value: String,
}

/// A policy's own refusal. Without headers and body, the filter answers with this status in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Denial {
    /// HTTP status, 400 to 599.
    pub status: u16,
    /// Headers of the answer, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderValue>,
    /// Body of the answer.
    #[serde(default)]
    pub body: String,
}

/// A header set on the upstream request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SetHeader {
    /// Lower-case name.
    pub name: String,
    /// Concatenated in order.
    pub value: Vec<ValuePart>,
}

/// One piece of a header value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ValuePart {
    /// This text.
    Literal(String),
    /// The value of the client's header of this lower-case name, byte for byte; empty when absent.
    Header(String),
}
