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
mod cluster;
mod columns;
mod drift;
mod end_to_end;
mod events;
mod gateways;
mod get;
mod guides;
mod install;
mod leadership;
mod permissions;
mod poison;
mod reasons;
mod restart;
mod stand_in;
mod virtual_servers;
mod world;
