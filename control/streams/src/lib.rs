//! The streams that a filter cannot hold: `GET` of the session revisions of MCP, `subscriptions/listen` of 2026-07-28, and
//! conversations between the eras.
//!
//! ```text
//! client -> Envoy (filter) --outer leg--> mcp-streams --inner leg--> Envoy (filter) -> server
//! ```
//!
//! A client of the gateway itself: whatever it needs of a server it asks the gateway for, with the headers of the client on
//! whose behalf it acts. Policies, credentials, sessions and ids stay in the filter and are evaluated for that client; here
//! is no credential, no key and no way around the gateway.
//!
//! * [`serve()`] runs it on a [`Listener`]; [`Settings`] say where the gateway is, and how much is held at once.
//! * `request` reads the outer leg, `gateway` speaks the inner one, `router` decides what becomes of a request.

mod address;
mod admission;
pub mod args;
mod batch;
mod body;
mod bridge;
mod caller;
mod catalog;
mod doubt;
mod event;
mod events;
mod gateway;
mod get;
mod held;
mod listen;
mod message;
mod metrics;
mod refusal;
mod relay;
mod request;
mod room;
mod router;
mod serve;
mod sessions;
mod settings;
mod share;
mod state;
mod subscribe;
mod subscription_id;
mod tasks;
mod uris;
mod watch;

pub use address::{InvalidListen, Listen, Listener};
pub use serve::serve;
pub use settings::{Bounds, GatewayAddress, InvalidGateway, Settings};
