//! Requests of control itself: discovery on the way that calls take, and the question which configuration is live.

use std::borrow::Cow;

use crate::control_signature::{
    self, CONTROL_HEADER, CREDENTIAL_HEADER, GENERATION_HEADER, RESPONSE_DETAILS_HEADER,
    RESPONSE_FROM_HEADER, SignedRequest,
};
use crate::headers::Headers;
use crate::step::{
    HeaderEdit, LocalResponse, Release, RequestStep, ResponseBody, ResponseHeadStep, ResponseSource,
};
use crate::{Context, Table, slots};

/// A request that carries control's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ControlRequest;

impl ControlRequest {
    /// Recognises control by its signature over method, host, path, time, nonce and credential.
    pub(crate) fn recognise(
        headers: &Headers,
        table: &Table,
        context: &mut Context<'_>,
    ) -> Option<Self> {
        let signature = headers.first(CONTROL_HEADER)?;
        let request = SignedRequest {
            method: headers.first(":method")?,
            host: headers.first(":authority")?,
            path: headers.first(":path")?,
            credential: headers.first(CREDENTIAL_HEADER),
        };
        let nonce =
            control_signature::verify(table.control_keys(), &request, context.now_ms, signature)?;
        slots::is_first_use(context.slots, &nonce, context.now_ms).then_some(Self)
    }

    /// The path of discovery: everything passes, the credential in its proper place.
    pub(crate) fn pass(headers: &Headers) -> RequestStep {
        let authorization = match headers.first(CREDENTIAL_HEADER) {
            Some(credential) => {
                HeaderEdit::Set(Cow::Borrowed("authorization"), credential.to_vec())
            }
            None => HeaderEdit::Remove(Cow::Borrowed("authorization")),
        };
        let edits = vec![
            authorization,
            HeaderEdit::Remove(Cow::Borrowed(CREDENTIAL_HEADER)),
            HeaderEdit::Remove(Cow::Borrowed(CONTROL_HEADER)),
            HeaderEdit::Set(Cow::Borrowed("accept-encoding"), b"identity".to_vec()),
        ];
        RequestStep::Release(Release {
            headers: edits,
            ..Release::default()
        })
    }

    /// The answer to a signed GET of an endpoint: which configuration is live.
    pub(crate) fn generation(table: &Table) -> LocalResponse {
        LocalResponse {
            status: 200,
            headers: vec![(Cow::Borrowed("content-type"), b"application/json".to_vec())],
            body: format!("{{\"generation\":\"{}\"}}", table.generation()).into_bytes(),
            reason: "generation",
        }
    }

    /// Tells control which configuration answered, and whether a server did; if none did, why.
    pub(crate) fn on_response(self, table: &Table, source: ResponseSource<'_>) -> ResponseHeadStep {
        let (from, details): (&[u8], _) = match source {
            ResponseSource::Upstream => (b"upstream", None),
            ResponseSource::Envoy(details) => (b"envoy", Some(details)),
        };
        let details = match details {
            Some(details) => {
                HeaderEdit::Set(Cow::Borrowed(RESPONSE_DETAILS_HEADER), details.to_vec())
            }
            // A server's word for it is none.
            None => HeaderEdit::Remove(Cow::Borrowed(RESPONSE_DETAILS_HEADER)),
        };
        let edits = vec![
            details,
            HeaderEdit::Set(
                Cow::Borrowed(GENERATION_HEADER),
                table.generation().as_bytes().to_vec(),
            ),
            HeaderEdit::Set(Cow::Borrowed(RESPONSE_FROM_HEADER), from.to_vec()),
        ];
        ResponseHeadStep::Continue(edits, ResponseBody::Ignore)
    }
}
