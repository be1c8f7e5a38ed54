//! Level `envoy`: the gateway on a stock Envoy, between servers and clients that are not its own. See `tests/README.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests end by a panic"
)]

#[macro_use]
extern crate harness;

/// Makes each function two tests, one for each way in which the filter can stand in Envoy.
macro_rules! in_both_roles {
    ($($(#[$note:meta])* async fn $name:ident($role:ident) $body:block)*) => {
        $(
            $(#[$note])*
            mod $name {
                use super::*;

                async fn run($role: harness::gateway::Role) $body

                #[test]
                fn hold() {
                    harness::runtime::run(run(harness::gateway::Role::Hold));
                }

                #[test]
                fn pair() {
                    harness::runtime::run(run(harness::gateway::Role::Pair));
                }
            }
        )*
    };
}

/// Makes each function four tests: in both roles, over HTTP/1.1 and HTTP/2.
macro_rules! everywhere {
    ($(async fn $name:ident($role:ident, $protocol:ident) $body:block)*) => {
        $(
            mod $name {
                use super::*;
                use harness::caller::Protocol::{Http1, Http2};
                use harness::gateway::Role::{Hold, Pair};

                async fn run($role: harness::gateway::Role, $protocol: harness::caller::Protocol) $body

                #[test]
                fn hold_http1() {
                    harness::runtime::run(run(Hold, Http1));
                }

                #[test]
                fn hold_http2() {
                    harness::runtime::run(run(Hold, Http2));
                }

                #[test]
                fn pair_http1() {
                    harness::runtime::run(run(Pair, Http1));
                }

                #[test]
                fn pair_http2() {
                    harness::runtime::run(run(Pair, Http2));
                }
            }
        )*
    };
}

mod access_logs;
mod apps;
mod authentication;
mod bad_input;
mod batches;
mod board;
mod bridge;
mod calls;
mod cancellation;
mod chains;
mod exposition;
mod faults;
mod first_calls;
mod headers;
mod hidden_tools;
mod listening;
mod lists;
mod local_authentication;
mod log_levels;
mod login;
mod odd_servers;
mod plumbing;
mod policies;
mod reload;
mod server_requests;
mod session_gauge;
mod sessions;
mod shared;
mod stateless_clients;
mod stateless_servers;
mod statistics;
mod streams;
mod subscriptions;
mod tasks;
mod traces;
mod updates;
mod virtual_servers;
