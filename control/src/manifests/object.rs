use gateway_api::gatewayclasses::GatewayClass;
use gateway_api::gateways::Gateway;
use gateway_api::httproutes::HttpRoute;
use gateway_api::referencegrants::ReferenceGrant;
use k8s_openapi::api::core::v1::{Namespace, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::{Error, Value};

use super::kind::{Identity, Kind};
use crate::api::{
    AuthPolicy, DestinationRule, McpGatewayExtension, McpServer, McpServerRegistration,
    McpVirtualServer, ServiceEntry,
};
use crate::object::ObjectName;

/// An object of a kind that is read.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each variant is the kind of its name")]
pub enum Object {
    Namespace(Box<Namespace>),
    Secret(Box<Secret>),
    Service(Box<Service>),
    EndpointSlice(Box<EndpointSlice>),
    GatewayClass(Box<GatewayClass>),
    Gateway(Box<Gateway>),
    HttpRoute(Box<HttpRoute>),
    ReferenceGrant(Box<ReferenceGrant>),
    ServiceEntry(Box<ServiceEntry>),
    DestinationRule(Box<DestinationRule>),
    AuthPolicy(Box<AuthPolicy>),
    McpGatewayExtension(Box<McpGatewayExtension>),
    McpServerRegistration(Box<McpServerRegistration>),
    McpServer(Box<McpServer>),
    McpVirtualServer(Box<McpVirtualServer>),
}

impl Object {
    /// Reads what an apiserver gives: it has checked the fields, so those that are not known are nobody's mistake.
    ///
    /// # Errors
    /// What of it is not as its kind has it.
    pub fn from_api(kind: Kind, object: Value) -> Result<Self, serde_path_to_error::Error<Error>> {
        fn read<T: DeserializeOwned>(
            object: Value,
        ) -> Result<Box<T>, serde_path_to_error::Error<Error>> {
            serde_path_to_error::deserialize(object).map(Box::new)
        }
        Ok(match kind {
            Kind::Namespace => Self::Namespace(read(object)?),
            Kind::Secret => Self::Secret(read(object)?),
            Kind::Service => Self::Service(read(object)?),
            Kind::EndpointSlice => Self::EndpointSlice(read(object)?),
            Kind::GatewayClass => Self::GatewayClass(read(object)?),
            Kind::Gateway => Self::Gateway(read(object)?),
            Kind::HttpRoute => Self::HttpRoute(read(object)?),
            Kind::ReferenceGrant => Self::ReferenceGrant(read(object)?),
            Kind::ServiceEntry => Self::ServiceEntry(read(object)?),
            Kind::DestinationRule => Self::DestinationRule(read(object)?),
            Kind::AuthPolicy => Self::AuthPolicy(read(object)?),
            Kind::McpGatewayExtension => Self::McpGatewayExtension(read(object)?),
            Kind::McpServerRegistration => Self::McpServerRegistration(read(object)?),
            Kind::McpServer => Self::McpServer(read(object)?),
            Kind::McpVirtualServer => Self::McpVirtualServer(read(object)?),
        })
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Namespace(_) => Kind::Namespace,
            Self::Secret(_) => Kind::Secret,
            Self::Service(_) => Kind::Service,
            Self::EndpointSlice(_) => Kind::EndpointSlice,
            Self::GatewayClass(_) => Kind::GatewayClass,
            Self::Gateway(_) => Kind::Gateway,
            Self::HttpRoute(_) => Kind::HttpRoute,
            Self::ReferenceGrant(_) => Kind::ReferenceGrant,
            Self::ServiceEntry(_) => Kind::ServiceEntry,
            Self::DestinationRule(_) => Kind::DestinationRule,
            Self::AuthPolicy(_) => Kind::AuthPolicy,
            Self::McpGatewayExtension(_) => Kind::McpGatewayExtension,
            Self::McpServerRegistration(_) => Kind::McpServerRegistration,
            Self::McpServer(_) => Kind::McpServer,
            Self::McpVirtualServer(_) => Kind::McpVirtualServer,
        }
    }

    /// Its metadata.
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Namespace(o) => &o.metadata,
            Self::Secret(o) => &o.metadata,
            Self::Service(o) => &o.metadata,
            Self::EndpointSlice(o) => &o.metadata,
            Self::GatewayClass(o) => &o.metadata,
            Self::Gateway(o) => &o.metadata,
            Self::HttpRoute(o) => &o.metadata,
            Self::ReferenceGrant(o) => &o.metadata,
            Self::ServiceEntry(o) => &o.metadata,
            Self::DestinationRule(o) => &o.metadata,
            Self::AuthPolicy(o) => &o.metadata,
            Self::McpGatewayExtension(o) => &o.metadata,
            Self::McpServerRegistration(o) => &o.metadata,
            Self::McpServer(o) => &o.metadata,
            Self::McpVirtualServer(o) => &o.metadata,
        }
    }

    /// Namespace and name. The namespace is `default` where none is named, and empty where the kind has none.
    pub fn name(&self) -> ObjectName {
        let metadata = self.metadata();
        let namespace = match &metadata.namespace {
            _ if self.kind().is_cluster_scoped() => String::new(),
            Some(namespace) => namespace.clone(),
            None => "default".to_owned(),
        };
        ObjectName {
            namespace,
            name: metadata.name.clone().unwrap_or_default(),
        }
    }

    /// Kind and name.
    pub fn identity(&self) -> Identity {
        Identity {
            kind: self.kind(),
            name: self.name(),
        }
    }
}
