//! The objects, where they can be found.

use std::collections::{BTreeMap, BTreeSet};

use gateway_api::gateways::Gateway;
use gateway_api::httproutes::HttpRoute;
use gateway_api::referencegrants::ReferenceGrant;
use k8s_openapi::api::core::v1::{Namespace, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use crate::api::{
    AuthPolicy, DestinationRule, McpGatewayExtension, McpServer, McpServerRegistration,
    McpVirtualServer, ServiceEntry,
};
use crate::manifests::{Identity, Kind, Object};
use crate::object::ObjectName;

/// Objects by kind and name. Where one is there twice, the first counts.
#[derive(Debug, Default)]
pub(super) struct Store<'a> {
    pub(super) namespaces: BTreeMap<ObjectName, &'a Namespace>,
    pub(super) secrets: BTreeMap<ObjectName, &'a Secret>,
    pub(super) services: BTreeMap<ObjectName, &'a Service>,
    pub(super) endpoint_slices: BTreeMap<ObjectName, &'a EndpointSlice>,
    pub(super) gateways: BTreeMap<ObjectName, &'a Gateway>,
    pub(super) routes: BTreeMap<ObjectName, &'a HttpRoute>,
    pub(super) grants: BTreeMap<ObjectName, &'a ReferenceGrant>,
    pub(super) service_entries: BTreeMap<ObjectName, &'a ServiceEntry>,
    pub(super) destination_rules: BTreeMap<ObjectName, &'a DestinationRule>,
    /// All of them: dropping one would open something.
    pub(super) policies: Vec<(ObjectName, &'a AuthPolicy)>,
    pub(super) extensions: BTreeMap<ObjectName, &'a McpGatewayExtension>,
    pub(super) registrations: BTreeMap<ObjectName, &'a McpServerRegistration>,
    pub(super) servers: BTreeMap<ObjectName, &'a McpServer>,
    pub(super) virtual_servers: BTreeMap<ObjectName, &'a McpVirtualServer>,
    unreadable: BTreeSet<Identity>,
}

impl<'a> Store<'a> {
    pub(super) fn new(
        objects: impl IntoIterator<Item = &'a Object>,
        unreadable: BTreeSet<Identity>,
    ) -> Self {
        let mut store = Self {
            unreadable,
            ..Self::default()
        };
        for object in objects {
            store.add(object);
        }
        let text = |policy: &AuthPolicy| policy.spec.0.to_string();
        store
            .policies
            .sort_by_cached_key(|(name, policy)| (name.clone(), text(policy)));
        store
    }

    /// What is the matter with an object that is not here, and what to do.
    pub(super) fn lack(&self, kind: Kind, name: &ObjectName) -> &'static str {
        match self.is_unreadable(kind, name) {
            true => "could not be read: correct it",
            false => "does not exist: create it",
        }
    }

    /// Whether it is there, but nonsense.
    pub(super) fn is_unreadable(&self, kind: Kind, name: &ObjectName) -> bool {
        let name = name.clone();
        self.unreadable.contains(&Identity { kind, name })
    }

    fn add(&mut self, object: &'a Object) {
        let name = object.name();
        match object {
            Object::Namespace(o) => put(&mut self.namespaces, name, o),
            Object::Secret(o) => put(&mut self.secrets, name, o),
            Object::Service(o) => put(&mut self.services, name, o),
            Object::EndpointSlice(o) => put(&mut self.endpoint_slices, name, o),
            Object::GatewayClass(_) => {}
            Object::Gateway(o) => put(&mut self.gateways, name, o),
            Object::HttpRoute(o) => put(&mut self.routes, name, o),
            Object::ReferenceGrant(o) => put(&mut self.grants, name, o),
            Object::ServiceEntry(o) => put(&mut self.service_entries, name, o),
            Object::DestinationRule(o) => put(&mut self.destination_rules, name, o),
            Object::AuthPolicy(o) => self.policies.push((name, o)),
            Object::McpGatewayExtension(o) => put(&mut self.extensions, name, o),
            Object::McpServerRegistration(o) => put(&mut self.registrations, name, o),
            Object::McpServer(o) => put(&mut self.servers, name, o),
            Object::McpVirtualServer(o) => put(&mut self.virtual_servers, name, o),
        }
    }
}

fn put<'a, T>(map: &mut BTreeMap<ObjectName, &'a T>, name: ObjectName, object: &'a T) {
    map.entry(name).or_insert(object);
}
