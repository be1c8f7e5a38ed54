//! What is told about an object: the reasons of conditions, in one place.

use std::fmt;

use crate::object::ObjectName;
use crate::printable::printable;

/// Why an object is as it is: `status.conditions[].reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Reached through the gateway, handshake done, lists read.
    Ready,
    /// Nothing in the objects has to be changed.
    Accepted,
    /// The gateway is known to serve it.
    Programmed,
    /// The gateways of a policy's target are known to enforce it.
    Enforced,
    /// The gateway serves an older configuration than it was given.
    NotProgrammed,
    /// Accepted; it is not known yet whether the server offers it, or whether the gateway serves it.
    Pending,
    /// `spec.state: Disabled`
    Disabled,
    /// An older registration on the same gateway has the prefix.
    PrefixConflict,
    /// Ready, but an older registration has some of the names.
    NameConflict,
    /// Ready, but not every client takes some names of its tools.
    NamesNotPortable,
    /// `targetRef` or something that it leads to does not exist; no gateway lists a tool of a virtual server.
    TargetNotFound,
    /// The route leads to nothing that can be a server.
    TargetUnsupported,
    /// The route is attached to no gateway.
    NotAttached,
    /// The Secret does not exist.
    CredentialNotFound,
    /// The Secret lacks the label.
    CredentialNotLabelled,
    /// The Secret lacks the key, or its value cannot be a header.
    CredentialKeyMissing,
    /// The Secret has an unexpanded `$NAME`.
    CredentialPlaceholder,
    /// The CA certificates cannot be used.
    CertificateInvalid,
    /// The server cannot be reached.
    UpstreamUnreachable,
    /// The server answered 401 or 403.
    UpstreamRefused,
    /// The server does not speak MCP as it should.
    ProtocolError,
    /// A policy uses what cannot be enforced; everything that it governs is denied.
    PolicyUnsupported,
    /// What the server offers does not fit the configuration.
    CatalogTooLarge,
    /// No `MCPGatewayExtension` serves the route's gateway.
    NoGatewayExtension,
    /// The gateway cannot be reached, so nothing is known about the server.
    GatewayUnreachable,
    /// The apiserver does not take the gateway's configuration.
    PushRefused,
    /// Nobody has made the gateway's WasmPlugins, and they are not control's to make.
    WasmPluginNotFound,
    /// There are others beside the gateway's WasmPlugins that control makes, or in their place.
    WasmPluginConflict,
    /// Control does not give a gateway the image that it is to have, for it has none that works.
    ImageUnusable,
    /// The gateway serves, by an older image than it is to have.
    ImageKept,
    /// A policy refused control's own requests.
    DiscoveryRefused,
    /// A field, or a whole object, that is accepted but has no effect yet.
    Unsupported,
    /// Another MCPGatewayExtension has the listener, and is older.
    ListenerConflict,
    /// An older policy is for the same, or policies of different listeners for one host.
    Conflicted,
    /// Each listener of the policy's Gateway has a policy of its own.
    Overridden,
    /// The issuer of tokens does not tell its keys.
    IssuerUnreachable,
    /// Tokens are taken whomever they were issued for.
    AudienceNotChecked,
    /// A policy asks for claims where no token is verified.
    TokensNotVerified,
    /// The specification breaks a rule of its kind.
    Invalid,
}

impl Reason {
    /// As it stands in a condition.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Accepted => "Accepted",
            Self::Programmed => "Programmed",
            Self::Enforced => "Enforced",
            Self::NotProgrammed => "NotProgrammed",
            Self::Pending => "Pending",
            Self::Disabled => "Disabled",
            Self::PrefixConflict => "PrefixConflict",
            Self::NameConflict => "NameConflict",
            Self::NamesNotPortable => "NamesNotPortable",
            Self::TargetNotFound => "TargetNotFound",
            Self::TargetUnsupported => "TargetUnsupported",
            Self::NotAttached => "NotAttached",
            Self::CredentialNotFound => "CredentialNotFound",
            Self::CredentialNotLabelled => "CredentialNotLabelled",
            Self::CredentialKeyMissing => "CredentialKeyMissing",
            Self::CredentialPlaceholder => "CredentialPlaceholder",
            Self::CertificateInvalid => "CertificateInvalid",
            Self::UpstreamUnreachable => "UpstreamUnreachable",
            Self::UpstreamRefused => "UpstreamRefused",
            Self::ProtocolError => "ProtocolError",
            Self::PolicyUnsupported => "PolicyUnsupported",
            Self::CatalogTooLarge => "CatalogTooLarge",
            Self::NoGatewayExtension => "NoGatewayExtension",
            Self::GatewayUnreachable => "GatewayUnreachable",
            Self::PushRefused => "PushRefused",
            Self::WasmPluginNotFound => "WasmPluginNotFound",
            Self::WasmPluginConflict => "WasmPluginConflict",
            Self::ImageUnusable => "ImageUnusable",
            Self::ImageKept => "ImageKept",
            Self::DiscoveryRefused => "DiscoveryRefused",
            Self::Unsupported => "Unsupported",
            Self::ListenerConflict => "ListenerConflict",
            Self::Conflicted => "Conflicted",
            Self::Overridden => "Overridden",
            Self::IssuerUnreachable => "IssuerUnreachable",
            Self::AudienceNotChecked => "AudienceNotChecked",
            Self::TokensNotVerified => "TokensNotVerified",
            Self::Invalid => "Invalid",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wrong with an object, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Fault {
    /// Why.
    pub reason: Reason,
    /// For people: names what is wrong and what would be right.
    pub message: String,
}

impl Fault {
    /// A fault with this reason. What the message quotes cannot end its line.
    pub fn new(reason: Reason, message: impl AsRef<str>) -> Self {
        Self {
            reason,
            message: printable(message.as_ref()),
        }
    }

    /// Of an object that cannot be read, and why not.
    pub fn unreadable(reason: &str) -> Self {
        let message = format!("the object cannot be read, correct it: {reason}");
        Self::new(Reason::Invalid, message)
    }

    /// The fault with a manifest in the lines after its message, for people to apply.
    pub fn with_manifest(mut self, lines: &[String]) -> Self {
        for line in lines {
            self.message.push('\n');
            self.message.push_str(&printable(line));
        }
        self
    }
}

/// `status` of the condition `Ready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Served, and proved to work.
    True,
    /// Not served.
    False,
    /// Not known, for want of a try or of a gateway.
    Unknown,
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        })
    }
}

/// All that is told about one registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The registration.
    pub name: ObjectName,
    /// Its kind: `MCPServerRegistration` or `MCPServer`.
    pub kind: &'static str,
    /// Condition `Ready`.
    pub ready: Readiness,
    /// Its reason.
    pub reason: Reason,
    /// Its message.
    pub message: String,
    /// Tools that are served under this registration's prefix, once discovered.
    pub tools: Option<usize>,
    /// Likewise.
    pub prompts: Option<usize>,
    /// Likewise, templates included.
    pub resources: Option<usize>,
    /// Federated names and resource URIs that an older registration has.
    pub conflicts: Vec<String>,
    /// Fields that have no effect yet, for condition `Unsupported`.
    pub unsupported: Vec<String>,
}
