//! Calls beside the streams: sent for an exchange, their ends brought back to it.
//!
//! The host makes every call in the plugin's context, so it outlives the stream that wanted it and always ends.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use mcp_filter_core::{CallOutcome, CallToken, HttpCall};

use crate::flow::Flow;
use crate::host;
use crate::metrics::Metrics;

/// Calls in flight whose end somebody waits for, by the host's id.
#[derive(Debug, Default)]
pub(crate) struct Calls(RefCell<HashMap<u32, Waiting>>);

#[derive(Debug)]
struct Waiting {
    flow: Weak<RefCell<Flow>>,
    token: CallToken,
}

impl Calls {
    /// Sends one. Gives its token when the host refused it and somebody waits.
    pub(crate) fn dispatch(
        &self,
        call: &HttpCall,
        flow: &Weak<RefCell<Flow>>,
        metrics: &Metrics,
    ) -> Result<(), Option<CallToken>> {
        metrics.call();
        match host::dispatch(call) {
            Ok(id) => {
                if let Some(token) = call.token {
                    self.0.borrow_mut().insert(
                        id,
                        Waiting {
                            flow: flow.clone(),
                            token,
                        },
                    );
                }
                Ok(())
            }
            Err(error) => {
                log::warn!("call to cluster {} not sent: {error:?}", call.cluster);
                metrics.call_failed();
                Err(call.token)
            }
        }
    }

    /// The end of the call `id`: who waits for it, if it still lives.
    pub(crate) fn take(&self, id: u32) -> Option<(Rc<RefCell<Flow>>, CallToken)> {
        let waiting = self.0.borrow_mut().remove(&id)?;
        Some((waiting.flow.upgrade()?, waiting.token))
    }
}

/// Reads how the call ended. Without headers there was no response.
pub(crate) fn outcome(headers: usize, body_size: usize) -> CallOutcome {
    if headers == 0 {
        return CallOutcome::Failed;
    }
    CallOutcome::Answered {
        headers: host::call_headers(),
        body: host::call_body(body_size),
    }
}
