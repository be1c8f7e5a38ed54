//! A pause of a request's body that the SDK does not know: StopIterationAndWatermark. The host keeps what has come, out
//! of the filter's sight, and the sender waits when it is too much; after an ordinary pause the host would refuse it.
//!
//! `scripts/build-filter` puts `mcp_on_request_body` in the place of the SDK's callback. In a module without
//! that step, every pause is an ordinary one.

use std::cell::Cell;

thread_local! {
    /// What the callback at hand can answer, and will.
    static ANSWER: Cell<Answer> = const { Cell::new(Answer::Ordinary) };
}

/// How the callback for a request's body may pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Only as the SDK does.
    Ordinary,
    /// Out of sight, if it is asked for.
    Offered,
    /// Out of sight.
    Wanted,
}

/// In the callback for a piece of a request's body that will answer Pause: has the host keep the body out of sight.
/// Tells whether it will.
pub(crate) fn pause_out_of_sight() -> bool {
    let offered = ANSWER.get() != Answer::Ordinary;
    if offered {
        ANSWER.set(Answer::Wanted);
    }
    offered
}

/// The callback itself.
#[allow(
    unsafe_code,
    reason = "an export beside the SDK's; both take and give plain numbers"
)]
mod export {
    use super::{ANSWER, Answer};

    /// Proxy-Wasm ABI 0.2.1, `proxy_on_request_body`: StopIterationAndBuffer.
    const PAUSE: u32 = 1;
    /// The same: StopIterationAndWatermark.
    const PAUSE_OUT_OF_SIGHT: u32 = 2;

    // SAFETY: the SDK exports this function, with an action of 32 bits as its result.
    unsafe extern "C" {
        safe fn proxy_on_request_body(context: u32, size: usize, end_of_stream: bool) -> u32;
    }

    // SAFETY: no other symbol has this name.
    #[unsafe(no_mangle)]
    extern "C" fn mcp_on_request_body(context: u32, size: usize, end_of_stream: bool) -> u32 {
        ANSWER.set(Answer::Offered);
        let action = proxy_on_request_body(context, size, end_of_stream);
        match (action, ANSWER.replace(Answer::Ordinary)) {
            (PAUSE, Answer::Wanted) => PAUSE_OUT_OF_SIGHT,
            _ => action,
        }
    }
}
