//! Level `apiserver`: the kinds, on a real kube-apiserver. See `tests/README.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests end by a panic"
)]

/// Makes each `async fn` a test.
macro_rules! tests {
    ($($(#[$meta:meta])* async fn $name:ident() $body:block)*) => {
        $(
            $(#[$meta])*
            #[test]
            fn $name() {
                harness::runtime::run(async $body);
            }
        )*
    };
}

mod admission;
mod cluster;
mod columns;
mod guides;
