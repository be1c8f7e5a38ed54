//! Whole exchanges, driven as the adapter drives them.

mod announced_length;
mod authentication;
mod batches;
mod calls;
mod claims;
mod driver;
mod edges;
mod hidden;
mod identities;
mod large_bodies;
mod lists;
mod log_levels;
mod repair;
mod responses;
mod server_requests;
mod sessions;
mod sharing;
mod stateless;
mod subscriptions;
mod tasks;
mod ticks;
mod told;
mod traces;
mod unsound_answers;
mod virtual_servers;
mod well_known;
