use std::cell::RefCell;
use std::rc::Rc;

use mcp_filter_core::rejection::Rejection;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::flow::Flow;
use crate::host;
use crate::plugin;

/// A stream context of the roles `hold` and `route`: each callback is handed to the flow.
#[derive(Debug)]
pub(crate) struct Stream(Rc<RefCell<Flow>>);

impl Stream {
    pub(crate) fn new(flow: Rc<RefCell<Flow>>) -> Self {
        Self(flow)
    }

    /// The host never calls back into a flow that is at work; were it to, the direction would be held.
    fn with(&self, callback: impl FnOnce(&mut Flow) -> Action) -> Action {
        self.0
            .try_borrow_mut()
            .map_or(Action::Pause, |mut flow| callback(&mut flow))
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, id: u32, headers: usize, body_size: usize, _: usize) {
        let shared = self.0.try_borrow().ok().map(|flow| flow.shared());
        if let Some(shared) = shared {
            plugin::end_call(&shared, id, headers, body_size);
        }
    }

    fn on_done(&mut self) -> bool {
        if let Ok(mut flow) = self.0.try_borrow_mut() {
            flow.on_done();
        }
        true
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        self.with(|flow| flow.on_request_headers(end_of_stream))
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.with(|flow| flow.on_request_body(size, end_of_stream))
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        self.with(Flow::on_request_trailers)
    }

    fn on_http_response_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        self.with(|flow| flow.on_response_headers(end_of_stream))
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.with(|flow| flow.on_response_body(size, end_of_stream))
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        self.with(Flow::on_response_trailers)
    }
}

/// The stream context of a plugin that has no configuration: nothing passes.
#[derive(Debug)]
pub(crate) struct Closed;

impl Context for Closed {}

impl HttpContext for Closed {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        if let Err(error) = host::send_local_response(&Rejection::NotConfigured.response(None)) {
            log::error!("local response not sent: {error:?}");
        }
        Action::Pause
    }
}
