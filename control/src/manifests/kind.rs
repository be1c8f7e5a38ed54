use std::fmt;

use crate::object::ObjectName;

/// A kind of object that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each variant is the kind of its name")]
pub enum Kind {
    Namespace,
    Secret,
    Service,
    EndpointSlice,
    GatewayClass,
    Gateway,
    HttpRoute,
    ReferenceGrant,
    ServiceEntry,
    DestinationRule,
    AuthPolicy,
    McpGatewayExtension,
    McpServerRegistration,
    McpServer,
    McpVirtualServer,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Namespace,
        Self::Secret,
        Self::Service,
        Self::EndpointSlice,
        Self::GatewayClass,
        Self::Gateway,
        Self::HttpRoute,
        Self::ReferenceGrant,
        Self::ServiceEntry,
        Self::DestinationRule,
        Self::AuthPolicy,
        Self::McpGatewayExtension,
        Self::McpServerRegistration,
        Self::McpServer,
        Self::McpVirtualServer,
    ];

    /// As it stands in `kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Namespace => "Namespace",
            Self::Secret => "Secret",
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::GatewayClass => "GatewayClass",
            Self::Gateway => "Gateway",
            Self::HttpRoute => "HTTPRoute",
            Self::ReferenceGrant => "ReferenceGrant",
            Self::ServiceEntry => "ServiceEntry",
            Self::DestinationRule => "DestinationRule",
            Self::AuthPolicy => "AuthPolicy",
            Self::McpGatewayExtension => "MCPGatewayExtension",
            Self::McpServerRegistration => "MCPServerRegistration",
            Self::McpServer => "MCPServer",
            Self::McpVirtualServer => "MCPVirtualServer",
        }
    }

    /// The values of `apiVersion` that are read.
    pub fn api_versions(self) -> &'static [&'static str] {
        match self {
            Self::Namespace | Self::Secret | Self::Service => &["v1"],
            Self::EndpointSlice => &["discovery.k8s.io/v1"],
            Self::GatewayClass | Self::Gateway | Self::HttpRoute | Self::ReferenceGrant => &[
                "gateway.networking.k8s.io/v1",
                "gateway.networking.k8s.io/v1beta1",
            ],
            Self::ServiceEntry | Self::DestinationRule => &[
                "networking.istio.io/v1",
                "networking.istio.io/v1beta1",
                "networking.istio.io/v1alpha3",
            ],
            Self::AuthPolicy => &["kuadrant.io/v1"],
            Self::McpGatewayExtension | Self::McpServerRegistration | Self::McpVirtualServer => {
                &["mcp.kuadrant.io/v1", "mcp.kuadrant.io/v1alpha1"]
            }
            Self::McpServer => &["mcp.kagenti.com/v1alpha1"],
        }
    }

    /// Whether its objects stand in no namespace.
    pub fn is_cluster_scoped(self) -> bool {
        matches!(self, Self::Namespace | Self::GatewayClass)
    }

    /// Whether it is this project's own, so that every field of it is known.
    pub fn is_own(self) -> bool {
        matches!(
            self,
            Self::McpGatewayExtension
                | Self::McpServerRegistration
                | Self::McpServer
                | Self::McpVirtualServer
        )
    }

    /// Whether control writes what became of its objects into their status.
    pub fn is_told(self) -> bool {
        self.is_own() || self == Self::AuthPolicy
    }

    /// The kind whose name this is, in any group and whatever the case.
    pub(super) fn spelt_like(kind: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(kind))
    }

    /// The values of `apiVersion` that are read, for people.
    pub(super) fn versions_text(self) -> String {
        self.api_versions().join(" or ")
    }

    /// The kind of this group and name. The version may be one that is not read.
    pub(super) fn find(api_version: &str, kind: &str) -> Option<Self> {
        let group = group(api_version);
        Self::ALL.into_iter().find(|known| {
            known.as_str() == kind
                && known
                    .api_versions()
                    .first()
                    .is_some_and(|v| self::group(v) == group)
        })
    }
}

/// The part before the version; empty for Kubernetes' core.
pub(super) fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// What makes an object the same object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// Kind.
    pub kind: Kind,
    /// Namespace (empty where the kind has none) and name.
    pub name: ObjectName,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind.is_cluster_scoped() {
            write!(f, "{} {}", self.kind.as_str(), self.name.name)
        } else {
            write!(f, "{} {}", self.kind.as_str(), self.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn a_kind_is_found_by_group_and_name_in_any_version() {
        assert_eq!(Kind::find("v1", "Secret"), Some(Kind::Secret));
        assert_eq!(
            Kind::find("mcp.kuadrant.io/v9", "MCPServerRegistration"),
            Some(Kind::McpServerRegistration)
        );
        assert_eq!(Kind::find("example.com/v1", "Secret"), None);
        assert_eq!(Kind::find("v1", "Pod"), None);
    }
}
