//! The adapter against a fake host (`filter/testhost/env`) and an exchange that follows a script.
//!
//! What is asserted is what the client and the upstream have got to see, never which hostcalls led there.

mod calls;
mod fake_host;
mod hold;
mod identity;
mod pair;
mod plugin;
mod response;
mod settled;
pub(crate) mod watching;
