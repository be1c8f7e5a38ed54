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
    /// Holds when the caller's verified token has a claim with this path, whatever it is. The names lead from the
    /// outermost claim inwards: 1 to 8, of at most 256 bytes each.
    ///
    /// Envoy hands claims over without their types. So an empty text counts as no claim, and neither a condition on a
    /// claim that is null, or has null in it, holds nor its opposite.
    ClaimPresent(Vec<String>),
    /// Holds when the claim is exactly this text.
    ClaimEquals(ClaimValue),
    /// Holds when the claim is a list that has this text as an item.
    ClaimContains(ClaimValue),
    /// Holds when the claim is a text of words with single spaces between them, of which this is one, as in `scope`
    /// (RFC 8693, section 4.2), or a list of words, as which Istio leaves `scope` and `permission`.
    ClaimHasWord(ClaimValue),
    /// Holds when the call has this part at all.
    CallPresent(CallPart),
    /// Holds when this part of the call is exactly the text.
    CallEquals(CallValue),
    /// Holds when the claim is a list that has this part of the call as an item. Where the call has no such part or the
    /// claim is no list, neither it nor its opposite holds.
    ClaimContainsCall(ClaimOfCall),
}

impl Condition {
    /// Whether it depends on what is called.
    pub fn reads_call(&self) -> bool {
        match self {
            Self::All(inner) | Self::Any(inner) => inner.iter().any(Self::reads_call),
            Self::Not(inner) => inner.reads_call(),
            Self::CallPresent(_) | Self::CallEquals(_) | Self::ClaimContainsCall(_) => true,
            Self::HeaderPresent(_)
            | Self::HeaderEquals(_)
            | Self::ClaimPresent(_)
            | Self::ClaimEquals(_)
            | Self::ClaimContains(_)
            | Self::ClaimHasWord(_) => false,
        }
    }
}

/// A part of a routed request. A policy of an endpoint reads none: its rules are asked before the request is interpreted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum CallPart {
    /// The method, such as `tools/call`.
    Method,
    /// `namespace/name` of the server.
    Server,
    /// The server's own name of the tool.
    Tool,
    /// The server's own name of the prompt, also of the one for which an argument is completed.
    Prompt,
    /// The resource's URI, or the text of the template for which an argument is completed.
    Resource,
}

/// A part of the call and the text that it is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CallValue {
    /// What is compared.
    pub part: CallPart,
    /// Exact text.
    pub value: String,
}

/// A claim of the caller's verified token that lists what may be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClaimOfCall {
    /// The claim: names from the outermost inwards, as in [`Condition::ClaimPresent`].
    pub path: Vec<String>,
    /// What is looked for in it.
    pub part: CallPart,
}

/// A claim of the caller's verified token and the text that it is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClaimValue {
    /// The claim: names from the outermost inwards, as in [`Condition::ClaimPresent`].
    pub path: Vec<String>,
    /// Exact text, without control characters.
    pub value: String,
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

/// A policy's own refusal. Without headers and body, the filter answers with this status in its own words: a JSON-RPC
/// error, and where it takes another token, a challenge in `WWW-Authenticate`.
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
    /// The text that the caller's verified token has for the claim with this path; empty when there is none. Where the
    /// claim is no text that a header may have, the request is refused.
    Claim(Vec<String>),
}
