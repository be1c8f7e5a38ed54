//! What the servers offer, read through the gateway.
//!
//! One pass is `initialize`, `notifications/initialized`, all pages of the lists that the server announced, and the end
//! of the session. Definitions keep the bytes in which the server wrote them; of each item only its name is read.

mod error;
mod event;
mod protocol_fault;
mod subject;

pub use error::DiscoveryError;
pub use event::{Event, Outcome};
pub use protocol_fault::ProtocolFault;
pub use subject::Subject;
