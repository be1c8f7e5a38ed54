//! The session in which a call of a client without one is made. It ends with its conversation, however that ends.

use std::sync::Arc;

use axum::body::Bytes;

use super::members::ObjectWriter;
use super::message;
use crate::caller::Caller;
use crate::gateway::{NoSession, Purpose, Reply, Unreachable};
use crate::state::State;

/// See the module.
#[derive(Debug)]
pub(crate) struct Membership {
    state: Arc<State>,
    member: Caller,
    /// The id of the call that the server still works on.
    running: Option<String>,
}

impl Membership {
    /// Opens a session for `caller` with these client capabilities, an object.
    ///
    /// # Errors
    /// When the gateway opens none.
    pub(crate) async fn open(
        state: &Arc<State>,
        caller: &Caller,
        capabilities: &str,
    ) -> Result<Self, NoSession> {
        let member = state.gateway.open_session(caller, capabilities).await?;
        Ok(Self {
            state: Arc::clone(state),
            member,
            running: None,
        })
    }

    /// From now on it is this request's caller for whom the session is used: the same one, who may show newer
    /// credentials.
    pub(crate) fn go_on_as(&mut self, caller: &Caller) {
        if let Some(id) = self.member.session() {
            self.member = caller.in_session(id);
        }
    }

    /// Makes the call with this id.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub(crate) async fn call(&mut self, id: &str, body: String) -> Result<Reply, Unreachable> {
        self.running = Some(id.to_owned());
        self.post(body).await
    }

    /// The server has answered the call.
    pub(crate) fn answered(&mut self) {
        self.running = None;
    }

    /// Sends an answer to a request of the server.
    pub(crate) fn answer(&self, response: String) -> impl Future<Output = ()> + Send + 'static {
        let (state, member) = (Arc::clone(&self.state), self.member.clone());
        async move {
            let answered = (state.gateway).post(&member, &Purpose::Call, response.into());
            match answered.await {
                Ok(reply) if reply.status().is_success() => {}
                // Its stream tells what becomes of the call.
                Ok(reply) => tracing::debug!(status = %reply.status(), "a server took no answer"),
                Err(error) => tracing::debug!(%error, "a server got no answer"),
            }
        }
    }

    async fn post(&self, body: String) -> Result<Reply, Unreachable> {
        let gateway = &self.state.gateway;
        let body = Bytes::from(body);
        gateway.post(&self.member, &Purpose::Call, body).await
    }

    /// MCP 2025-11-25, basic/utilities/cancellation: a call that nobody waits for is cancelled.
    async fn end(state: &State, member: &Caller, running: Option<String>) {
        if let Some(id) = running {
            let params = ObjectWriter::default().member("requestId", &id).end();
            let cancelled = message::notification("notifications/cancelled", Some(&params));
            let told = state.gateway.post(member, &Purpose::Call, cancelled.into());
            if let Err(error) = told.await {
                tracing::debug!(%error, "a server was not told that its call is cancelled");
            }
        }
        state.gateway.close_session(member).await;
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let (state, member) = (Arc::clone(&self.state), self.member.clone());
        let running = self.running.take();
        let tasks = self.state.tasks.clone();
        tasks.spawn(async move { Self::end(&state, &member, running).await });
    }
}
