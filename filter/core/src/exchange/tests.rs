//! Whole exchanges, driven as the adapter drives them.

mod calls;
mod driver;
mod edges;
mod lists;
mod repair;
mod responses;
mod server_requests;
mod sessions;
mod ticks;
