//! The stream of `GET` (MCP 2025-11-25, basic/transports, "Listening for Messages from the Server").

mod voice;

use std::sync::Arc;

use axum::response::Response;
use http::HeaderMap;

use crate::admission::{NotAdmitted, admit};
use crate::held::{Held, inbox};
use crate::metrics::Counted;
use crate::refusal::Refusal;
use crate::request::{Outer, takes_events};
use crate::state::State;
use voice::{GetVoice, seen};

/// Opens a stream for the session of `outer`, whose headers are `headers`.
pub(crate) async fn open(outer: Outer, headers: &HeaderMap, state: Arc<State>) -> Response {
    let opened = if takes_events(headers) {
        hold(outer, &state).await
    } else {
        Err(Refusal::NotAcceptable)
    };
    opened.unwrap_or_else(|refusal| refusal.respond_to_get())
}

async fn hold(outer: Outer, state: &State) -> Result<Response, Refusal> {
    let permit = state.streams.enter(&outer.share)?;
    let catalog = match admit(&outer.caller, state).await {
        Ok(catalog) => catalog,
        Err(NotAdmitted::Told(reply)) => return Ok(reply.pass_on()),
        Err(NotAdmitted::Refused(refusal)) => return Err(refusal),
    };
    let voice = GetVoice::new(
        seen(outer.last_event.as_ref(), catalog),
        outer.caller.revision(),
    );
    let place = state.watch.join(outer.caller.clone(), catalog);
    let (inbox, messages) = inbox();
    let session =
        state
            .sessions
            .attach((&outer.caller, &outer.share), place.member().clone(), inbox);
    let kept = (session, Counted::new(&state.metrics.get_streams));
    Ok(Held::new(voice, (place, messages), (kept, permit), state).respond())
}
