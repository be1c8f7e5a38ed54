//! Level `gateway`: the filter in a gateway of Istio, as a cluster would run it. See `tests/README.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests end by a panic"
)]

#[macro_use]
extern crate harness;

mod adopt;
mod authentication;
mod bad_input;
mod calls;
mod changes;
mod credentials;
mod envoy_filters;
mod faults;
mod identities;
mod image;
mod images;
mod managed;
mod manifests;
mod mesh;
mod newer_guide;
mod older_guide;
mod part_2;
mod platform;
mod plugins;
mod readme;
mod registry;
mod second_gateway;
mod streams;
mod tls_listener;
mod token_keys;
mod tokens;
mod upgrade;
mod watch;
