//! `text/event-stream` (WHATWG HTML, Server-sent events): read whole, or edited while it passes.
//!
//! [`events()`] reads a body that is complete. [`EventStreamEditor`] looks into the JSON-RPC messages of a stream that
//! passes, in any chunking and with bounded memory, and leaves every byte as it is that its rules do not change.

mod editor;
mod events;
mod lines;

pub use editor::{EventStreamEditor, StreamEnd};
pub use events::{Event, Events, events};
