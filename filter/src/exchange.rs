//! Which exchange decides: the core's, or in tests one that follows a script.

#[cfg(not(any(test, feature = "scripted")))]
pub(crate) use mcp_filter_core::Exchange;
#[cfg(any(test, feature = "scripted"))]
pub(crate) use script::Exchange;

#[cfg(any(test, feature = "scripted"))]
mod script;
