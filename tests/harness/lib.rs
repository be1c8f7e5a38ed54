//! What the end-to-end levels share: upstream servers, the gateway under test, and clients.
//!
//! Everything that outlives one test runs on one runtime ([`runtime`]), listens on loopback at a port of the system's
//! choosing, and ends with the test program. Failures end a test by a panic that says what was waited for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a harness ends its test by a panic"
)]

pub mod authority;
pub mod bare_envoy;
pub mod caller;
pub mod claude_code;
pub mod clients;
pub mod cluster_gateway;
pub mod component;
pub mod control;
pub mod deployment;
pub mod document;
pub mod everything;
pub mod feed;
pub mod forward;
pub mod gateway;
pub mod github;
pub mod image;
pub mod inspector;
pub mod install;
pub mod issuer;
pub mod istio;
pub mod jwt;
pub mod keycloak;
pub mod kubectl;
pub mod kubernetes;
pub mod load;
pub mod loopback_proxy;
pub mod manifests;
pub mod message;
pub mod oidc_provider;
pub mod port;
pub mod proc;
pub mod process;
pub mod raw_upstream;
pub mod registry;
pub mod rendered;
pub mod runtime;
pub mod scenario;
pub mod script;
pub mod sessions;
pub mod stateless;
pub mod terminator;
pub mod upstream;
pub mod wait;
pub mod wire;

/// Makes each `async fn` a test.
#[macro_export]
macro_rules! tests {
    ($($(#[$meta:meta])* async fn $name:ident() $body:block)*) => {
        $(
            $(#[$meta])*
            #[test]
            fn $name() {
                $crate::runtime::run(async $body);
            }
        )*
    };
}
