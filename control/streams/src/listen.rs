//! `subscriptions/listen` (MCP 2026-07-28, basic/utilities/subscriptions).

mod request;
mod subscriptions;
mod voice;

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use serde_json::value::RawValue;

use crate::admission::{NotAdmitted, admit};
use crate::held::{Held, inbox};
use crate::message::Message;
use crate::metrics::Counted;
use crate::refusal::Refusal;
use crate::request::Outer;
use crate::state::State;
use request::ListenRequest;
use subscriptions::Subscriptions;
use voice::ListenVoice;

/// Opens a subscription.
pub(crate) async fn open(outer: Outer, state: Arc<State>) -> Response {
    let Some(message) = Message::read(&outer.body) else {
        return Refusal::NotAMessage.respond(None, outer.era);
    };
    let id = message.id;
    let opened = match (id, ListenRequest::read(&message)) {
        (None, _) => Err(Refusal::NotAMessage),
        (_, Err(refusal)) => Err(refusal),
        (Some(id), Ok(request)) => hold(&outer, (id, request), &state).await,
    };
    opened.unwrap_or_else(|refusal| refusal.respond(id, outer.era))
}

async fn hold(
    outer: &Outer,
    (id, mut request): (&RawValue, ListenRequest),
    state: &State,
) -> Result<Response, Refusal> {
    let uris = (request.uris.len(), request.uris.bytes());
    state.settings.bounds.hold_uris(uris, " of one stream")?;
    let permit = state.streams.enter(&outer.share)?;
    let catalog = match admit(&outer.caller, state).await {
        Ok(catalog) => catalog,
        Err(NotAdmitted::Told(reply)) if is_of_client(reply.status()) => {
            return Ok(reply.pass_on());
        }
        Err(NotAdmitted::Told(_)) => return Err(Refusal::Gateway),
        Err(NotAdmitted::Refused(refusal)) => return Err(refusal),
    };
    let place = state.watch.join(outer.caller.clone(), catalog);
    let (inbox, messages) = inbox();
    let to = (inbox, place.member().clone());
    let kept = Subscriptions::open(&outer.caller, &mut request, to, state).await;
    let kept = (kept, Counted::new(&state.metrics.listens));
    let voice = ListenVoice::new(id, request, catalog);
    Ok(Held::new(voice, (place, messages), (kept, permit), state).respond())
}

/// Whether the gateway refuses the client. Any other status answers a `GET`, and not this client's request.
fn is_of_client(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}
