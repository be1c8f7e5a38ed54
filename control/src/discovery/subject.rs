//! What discovery is told about a registration.

use crate::gateway_client::Credential;
use crate::object::ObjectName;

/// One registration that can be reached through the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The registration.
    pub name: ObjectName,
    /// Hostname of its route.
    pub host: String,
    /// Path of the registration.
    pub path: String,
    /// What the server is sent as `Authorization`.
    pub credential: Option<Credential>,
}
