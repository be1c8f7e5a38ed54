use std::cell::RefCell;
use std::rc::Rc;

use mcp_filter_core::rejection::Rejection;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::complaint::Complaint;
use crate::flow::Flow;
use crate::handshake::{self, TAG, Tag};
use crate::host::{self, Direction};
use crate::plugin;

/// The second half of a pair: holds the headers until `route` has decided.
#[derive(Debug)]
pub(crate) struct Gate {
    id: u32,
    complaint: Rc<Complaint>,
    /// The stream that is waited for.
    flow: Option<Rc<RefCell<Flow>>>,
}

impl Gate {
    pub(crate) fn new(id: u32, complaint: Rc<Complaint>) -> Self {
        Self {
            id,
            complaint,
            flow: None,
        }
    }

    fn hold(&mut self, flow: Rc<RefCell<Flow>>, behind: Option<Tag>) -> Action {
        let action = match flow.try_borrow_mut() {
            Ok(mut flow) => flow.on_gate(self.id, behind),
            Err(_) => return self.refuse("gate came while its stream was at work"),
        };
        self.flow = Some(flow);
        action
    }

    /// Of the stream that was held here; all others go on.
    fn of_stream(&self, callback: impl FnOnce(&mut Flow) -> Action) -> Action {
        let flow = self
            .flow
            .as_ref()
            .and_then(|flow| flow.try_borrow_mut().ok());
        flow.map_or(Action::Continue, |mut flow| callback(&mut flow))
    }

    /// Without its other half a gate would hold for ever.
    fn refuse(&self, reason: &str) -> Action {
        self.complaint.half_missing(reason);
        if let Err(error) = host::send_local_response(&Rejection::HalfMissing.response(None)) {
            log::error!("local response not sent: {error:?}");
        }
        Action::Pause
    }
}

impl Context for Gate {
    /// Calls that were sent while the gate was at work are told to it, though they are the stream's: the host shows
    /// their responses to that plugin alone.
    fn on_http_call_response(&mut self, id: u32, headers: usize, body_size: usize, _: usize) {
        let flow = self.flow.as_ref().and_then(|flow| flow.try_borrow().ok());
        if let Some((stream, shared)) = flow.map(|flow| (flow.id, flow.shared()))
            && host::enter(stream).is_ok()
        {
            plugin::end_call(&shared, id, headers, body_size);
        }
    }

    fn on_done(&mut self) -> bool {
        if let Some(flow) = self.flow.take()
            && let Ok(mut flow) = flow.try_borrow_mut()
        {
            flow.on_gate_done();
        }
        true
    }
}

impl HttpContext for Gate {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let tag = host::header(Direction::Request, TAG);
        match tag.as_deref().and_then(Tag::parse) {
            Some(tag) if tag.passes => {
                handshake::pass_on(tag);
                Action::Continue
            }
            Some(tag) => match handshake::join(tag) {
                Some(flow) => self.hold(flow, tag.behind()),
                None => self.refuse("gate was told of a stream that is not there"),
            },
            None => self.refuse("gate was reached without route before it"),
        }
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.of_stream(|flow| flow.on_gate_response_body(size, end_of_stream))
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        self.of_stream(Flow::on_gate_response_trailers)
    }
}
