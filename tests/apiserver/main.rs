//! Level `apiserver`: the kinds, on a real kube-apiserver. See `tests/README.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests end by a panic"
)]

#[macro_use]
extern crate harness;

mod admission;
mod auth_policies;
mod cluster;
mod columns;
mod conflicts;
mod discovery_refused;
mod drift;
mod end_to_end;
mod events;
mod gateways;
mod get;
mod grants;
mod guides;
mod hosts;
mod install;
mod keys;
mod leadership;
mod older_kind;
mod outage;
mod pairs;
mod permissions;
mod poison;
mod pushes;
mod reasons;
mod restart;
mod rights;
mod shared;
mod stand_in;
mod streams;
mod transitions;
mod upgrade;
mod virtual_servers;
mod world;
