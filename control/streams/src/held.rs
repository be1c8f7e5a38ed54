//! A response that is held open: what goes into it, and when it ends.

mod body;

pub(crate) use body::{Held, Inbox, inbox};

use axum::body::Bytes;

use crate::catalog::Catalog;

/// How one stream words what there is to say.
pub(crate) trait Voice: Send + 'static {
    /// The first event.
    fn open(&mut self) -> Bytes;

    /// What is to be told of the lists, which are these now.
    fn tell(&mut self, catalog: &Catalog) -> Vec<Bytes>;

    /// A server's message, where it is for this stream.
    fn relay(&mut self, message: &[u8]) -> Option<Bytes>;

    /// The last event, where there is one.
    fn close(&mut self) -> Option<Bytes>;
}
