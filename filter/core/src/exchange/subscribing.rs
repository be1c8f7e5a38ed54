//! What clients ask to be told of later: `resources/subscribe` of the session revisions, `subscriptions/listen` of
//! 2026-07-28. `mcp-streams` serves both, and asks the servers for them.

use super::reading::Reading;
use super::request::Outcome;
use super::route::Route;
use super::streaming::{LISTEN, ToStreams, server_headers};
use super::{Exchange, local_answer};
use crate::Context;
use crate::era::Era;
use crate::method::RoutedMethod;
use crate::rejection::Rejection;
use crate::streams::Purpose;

impl Exchange {
    /// What becomes of a subscription that a session may have, where it does not go to its server: it goes to
    /// `mcp-streams`, and from there comes for a server that knows none, which is listened to instead.
    pub(super) fn subscription(
        &self,
        method: RoutedMethod,
        route: &Route,
        reading: &Reading,
    ) -> Option<Outcome> {
        self.table.streams()?;
        if !method.is_subscription() {
            return None;
        }
        match &reading.facts.purpose {
            None => {
                reading.facts.valid_session()?;
                Some(Outcome::Stream(ToStreams {
                    method: method.as_str(),
                    server: Some(route.server),
                }))
            }
            Some(_) if route.era == Era::Stateless => {
                let id = reading.id().unwrap_or_default();
                let mut done = local_answer::done(id, "subscription");
                done.headers.extend(server_headers(&self.table, route));
                Some(Outcome::Respond(done))
            }
            Some(_) => None,
        }
    }

    /// MCP 2026-07-28, basic/utilities/subscriptions.
    pub(super) fn listen_for(
        &mut self,
        reading: &Reading,
        context: &mut Context<'_>,
    ) -> Result<Outcome, Rejection> {
        match &reading.facts.purpose {
            Some(Purpose::Server(name)) => self.listen_at(name, reading, context),
            None if self.table.streams().is_some() => {
                let (method, server) = (LISTEN, None);
                Ok(Outcome::Stream(ToStreams { method, server }))
            }
            Some(Purpose::Catalog | Purpose::Call | Purpose::Member) | None => {
                Err(Rejection::MethodNotFound)
            }
        }
    }

    fn listen_at(
        &mut self,
        name: &str,
        reading: &Reading,
        context: &mut Context<'_>,
    ) -> Result<Outcome, Rejection> {
        let mut servers = self.table.servers().filter(|(_, server)| server.stateless);
        let found = servers.find(|(_, server)| server.name == name);
        let (server, _) = found.ok_or(Rejection::MethodNotFound)?;
        let mut route = Route::to(server, LISTEN);
        route.era = Era::Stateless;
        self.told.subject = Some(route.subject());
        match route.apply_policies(&self.table, &reading.facts, context) {
            Ok(()) => Ok(Outcome::Route(route)),
            Err(denied) => denied.into(),
        }
    }
}
