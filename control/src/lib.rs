//! `mcp-control`: turns registrations into the filter's configuration, and discovery into true status.
//!
//! ```text
//! manifests (a folder, or Kubernetes) -> index -> render -> PluginConfig (and, in local mode, Envoy's own files)
//!                                          ^
//!                            discovery (through the gateway)
//! ```
//! `index` and `render` are pure. What is Kubernetes' or Envoy's stands at the edge.

pub mod api;
pub mod args;
pub mod attach;
pub mod authpolicy;
mod cause;
pub mod cel;
pub mod cluster;
mod columns;
mod configuration;
pub mod crds;
pub mod discovery;
pub mod envoy;
pub mod gateway_client;
pub mod get;
pub mod image;
pub mod index;
pub mod issuers;
pub mod labels;
pub mod local;
pub mod manifests;
pub mod network;
pub mod object;
pub mod offer;
mod printable;
pub mod registry;
pub mod render;
mod resource;
mod selection;
mod signals;
pub mod status_table;
mod timer;
pub mod tls;
pub mod verdict;
