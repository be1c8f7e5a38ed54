//! Discovery against servers that do right, do wrong, or do nothing. No gateway stands between: the client needs an
//! address only.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails here fails a test"
)]

mod asking;
mod bytes;
mod fake_server;
mod faults;
mod following;
mod news;
mod pages;
mod session;
mod stateless;
mod streams;
