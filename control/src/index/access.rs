//! Who may have a gateway serve.

use std::collections::BTreeSet;

use gateway_api::httproutes::HttpRoute;

use super::store::Store;
use super::{attachment, gateways};
use crate::manifests::Object;
use crate::object::ObjectName;

/// See the module. As objects say it that can be read.
#[derive(Debug)]
pub struct Access<'a>(Store<'a>);

impl<'a> Access<'a> {
    /// By these objects.
    pub fn new(objects: impl IntoIterator<Item = &'a Object>) -> Self {
        Self(Store::new(objects, BTreeSet::new()))
    }

    /// Whether an MCPGatewayExtension of `namespace` may make `gateway` serve: one of its own namespace, or one that a
    /// ReferenceGrant lets in.
    pub fn may_extend(&self, namespace: &str, gateway: &ObjectName) -> bool {
        gateways::may_extend(namespace, gateway, &self.0)
    }

    /// The route of this name, where it is there.
    pub fn route(&self, name: &ObjectName) -> Option<&'a HttpRoute> {
        self.0.routes.get(name).copied()
    }

    /// The gateways that a route asks for and that do not close themselves to its namespace, whatever keeps it from being
    /// attached.
    pub fn asked(&self, name: &ObjectName, route: &HttpRoute) -> impl Iterator<Item = ObjectName> {
        attachment::asked(name, route, &self.0)
    }
}
