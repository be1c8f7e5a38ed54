//! The Kubernetes kinds of this project, and those of others that no library has.
//!
//! `v1` and `v1alpha1` of a kind have one schema, so one type reads both.
//!
//! The derive of the schema copies each specification into a scope of its own, which the lint then takes for unreachable.

mod auth_policy;
mod destination_rule;
#[allow(unreachable_pub, reason = "see the module")]
mod mcp_gateway_extension;
#[allow(unreachable_pub, reason = "see the module")]
mod mcp_server;
#[allow(unreachable_pub, reason = "see the module")]
mod mcp_server_registration;
#[allow(unreachable_pub, reason = "see the module")]
mod mcp_virtual_server;
mod reference;
mod service_entry;

pub use auth_policy::{AuthPolicy, AuthPolicySpec, AuthPolicyStatus};
pub use destination_rule::{
    ConnectionPool, DestinationRule, DestinationRuleSpec, H2UpgradePolicy, HttpSettings,
    PortPolicy, PortSelector, TcpSettings, TlsMode, TlsSettings, TrafficPolicy,
};
pub use mcp_gateway_extension::{
    CaCertBundleRef, HttpRouteManagement, ListenerRef, McpGatewayExtension,
    McpGatewayExtensionSpec, McpGatewayExtensionStatus, OauthProtectedResource, SecretRef,
    TrustedHeadersKey, UrlElicitation,
};
pub use mcp_server::{McpServer, McpServerSpec, McpServerStatus};
pub use mcp_server_registration::{
    McpServerRegistration, McpServerRegistrationSpec, McpServerRegistrationStatus,
    RegistrationTimeouts, State, TokenUrlElicitation, UserSpecificList,
};
pub use mcp_virtual_server::{McpVirtualServer, McpVirtualServerSpec, McpVirtualServerStatus};
pub use reference::{CaCertSecretRef, CredentialRef, RouteRef};
pub use service_entry::{Endpoint, Resolution, ServiceEntry, ServiceEntrySpec, ServicePort};
