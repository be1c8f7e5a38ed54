//! Level `auth`: the guide's logins at Keycloak, on a stock Envoy in local mode. See `tests/README.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests end by a panic"
)]

use std::ops::Deref;

use harness::keycloak::Keycloak;
use tokio::sync::OnceCell;

/// Makes each function two tests, one for each way in which the filter can stand in Envoy. They get the level's
/// Keycloak.
macro_rules! in_both_roles {
    ($(async fn $name:ident($role:ident, $keycloak:ident) $body:block)*) => {
        $(
            mod $name {
                use super::*;

                async fn run($role: harness::gateway::Role, $keycloak: $crate::Used) $body

                #[test]
                fn hold() {
                    let keycloak = $crate::shared();
                    harness::runtime::run(run(harness::gateway::Role::Hold, keycloak));
                }

                #[test]
                fn pair() {
                    let keycloak = $crate::shared();
                    harness::runtime::run(run(harness::gateway::Role::Pair, keycloak));
                }
            }
        )*
    };
}

mod claude_code;
mod guide;
mod part_2;
mod run;

/// The level's Keycloak in use; when the test fails, it shows what Keycloak has said.
#[derive(Debug)]
struct Used(&'static Keycloak);

impl Deref for Used {
    type Target = Keycloak;

    fn deref(&self) -> &Keycloak {
        self.0
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.process().log());
        }
    }
}

/// The one Keycloak of all tests: it takes long to start and half a gigabyte.
fn shared() -> Used {
    static CELL: OnceCell<Keycloak> = OnceCell::const_new();
    Used(harness::runtime::prepare(CELL.get_or_init(Keycloak::start)))
}
