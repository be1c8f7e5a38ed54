//! Level `clients`: what clients that nobody here wrote do at the gateway. See `tests/README.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests end by a panic"
)]

/// Makes of each function a test for each client. Those that speak what they are told do it in both ways in which the
/// filter can stand in Envoy; what a client chooses does not depend on that.
macro_rules! for_every_client {
    ($(async fn $name:ident($role:ident, $client:ident) $body:block)*) => {
        $(
            mod $name {
                use super::*;

                async fn run($role: harness::gateway::Role, $client: $crate::client::Client) $body

                $crate::programmed!();
                $crate::tests! {
                    inspector_before_a_hold: (Hold, INSPECTOR),
                    inspector_of_its_own_choice: (Pair, INSPECTOR_NEWEST),
                }
            }
        )*
    };
}
pub(crate) use for_every_client;

/// The same for those that are more than a command line.
macro_rules! for_every_programmed_client {
    ($(async fn $name:ident($role:ident, $client:ident) $body:block)*) => {
        $(
            mod $name {
                use super::*;

                async fn run($role: harness::gateway::Role, $client: $crate::client::Client) $body

                $crate::programmed!();
            }
        )*
    };
}
pub(crate) use for_every_programmed_client;

macro_rules! programmed {
    () => {
        $crate::tests! {
            typescript_before_a_hold: (Hold, TYPESCRIPT),
            typescript_before_a_pair: (Pair, TYPESCRIPT),
            typescript_client_before_a_hold: (Hold, TYPESCRIPT_CLIENT),
            typescript_client_before_a_pair: (Pair, TYPESCRIPT_CLIENT),
            typescript_client_of_its_own_choice: (Pair, TYPESCRIPT_CLIENT_NEWEST),
            python_before_a_hold: (Hold, PYTHON),
            python_before_a_pair: (Pair, PYTHON),
            python_of_its_own_choice: (Pair, PYTHON_NEWEST),
            fastmcp_before_a_hold: (Hold, FAST_MCP),
            fastmcp_before_a_pair: (Pair, FAST_MCP),
            fastmcp_of_its_own_choice: (Pair, FAST_MCP_NEWEST),
            rmcp_before_a_hold: (Hold, RMCP),
            rmcp_before_a_pair: (Pair, RMCP),
            rmcp_of_its_own_choice: (Pair, RMCP_NEWEST),
        }
    };
}
pub(crate) use programmed;

macro_rules! tests {
    ($($test:ident: ($role:ident, $client:ident),)*) => {
        $(
            #[test]
            fn $test() {
                harness::runtime::run(run(harness::gateway::Role::$role, $crate::client::$client));
            }
        )*
    };
}
pub(crate) use tests;

mod cancelled;
mod client;
mod everything;
mod github;
mod rust_sdk;
mod shared;
