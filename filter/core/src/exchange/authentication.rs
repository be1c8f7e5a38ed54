//! Requests to an endpoint that not everybody may use.
//!
//! Nothing of such a request is interpreted before it is known that its caller may send it.

use std::borrow::Cow;
use std::rc::Rc;

use super::denied::{self, Denied};
use super::request_facts::{RequestFacts, Verb};
use super::response::ResponseHead;
use super::{Exchange, Outcome, Phase};
use crate::authentication::Authentication;
use crate::policy::Verdict;
use crate::rejection::Rejection;
use crate::step::{
    HeaderEdit, LocalResponse, RequestStep, ResponseBody, ResponseHeadStep, ResponseSource,
};
use crate::table::Endpoint;
use crate::{Context, Headers, Table};

/// How the details of responses begin with which Envoy's `jwt_authn` refuses a token.
const TOKEN_REFUSED: &[u8] = b"jwt_authn_access_denied";

/// What stands before an endpoint that not everybody may use.
#[derive(Debug)]
pub(crate) struct Guard {
    authentication: Rc<Authentication>,
    /// What its denial names.
    metadata_url: Option<String>,
}

impl Guard {
    /// That of `endpoint`, for a request with these headers.
    pub(super) fn of(endpoint: &Endpoint, headers: &Headers) -> Option<Self> {
        let authentication = Rc::clone(endpoint.authentication()?);
        let metadata_url = authentication
            .tells_metadata()
            .then(|| endpoint.metadata_url(headers))
            .flatten();
        Some(Self {
            authentication,
            metadata_url,
        })
    }

    fn denied(
        &self,
        verdict: Verdict,
        challenge: impl FnOnce() -> Option<String>,
    ) -> Option<LocalResponse> {
        let policy = self.authentication.policy();
        let denied = Denied::unless_allowed(policy, verdict, challenge).err();
        denied.map(Denied::response)
    }
}

/// A request whose caller is refused, while its body comes.
#[derive(Debug)]
pub(crate) struct Refusing {
    response: LocalResponse,
    /// Bytes that may come before the answer.
    patience: u64,
}

impl Refusing {
    fn new(response: LocalResponse, facts: &RequestFacts, table: &Table) -> Self {
        let bound = u64::from(table.limits().replay_bytes);
        let is_large = facts.content_length().is_some_and(|length| length > bound);
        let patience = if is_large { 0 } else { bound };
        Self { response, patience }
    }
}

impl Exchange {
    /// The refusal of a caller who may not use the endpoint.
    pub(super) fn refuse_caller(
        &self,
        facts: &RequestFacts,
        context: &mut Context<'_>,
    ) -> Option<LocalResponse> {
        let guard = self.guard.as_ref()?;
        let claims = facts.claims(&self.table, context);
        let metadata_url = guard.metadata_url.as_deref();
        let verdict = guard
            .authentication
            .judge(&facts.headers, claims, metadata_url);
        let challenge = || denied::challenge(&self.table, &facts.headers, std::iter::empty());
        guard.denied(verdict, challenge)
    }

    /// Refuses a request whose body has begun.
    pub(super) fn begin_refusing(
        &mut self,
        response: LocalResponse,
        facts: &RequestFacts,
        (length, end_of_stream): (usize, bool),
    ) -> RequestStep {
        let refusing = Refusing::new(response, facts, &self.table);
        self.refuse(Box::new(refusing), length, end_of_stream)
    }

    /// The next piece of the body. An early local answer makes Envoy close an HTTP/1.1 connection, so a small body is
    /// taken to its end first.
    pub(super) fn refuse(
        &mut self,
        mut refusing: Box<Refusing>,
        length: usize,
        end_of_stream: bool,
    ) -> RequestStep {
        match refusing.patience.checked_sub(length as u64) {
            Some(patience) if patience > 0 && !end_of_stream => {
                refusing.patience = patience;
                self.phase = Phase::Refusing(refusing);
                RequestStep::Hold
            }
            _ => self.respond(refusing.response),
        }
    }

    /// The answer to a request of whose body nothing counts but that it `is_empty`.
    pub(super) fn answer_bodyless(
        &mut self,
        facts: Box<RequestFacts>,
        is_empty: bool,
        context: &mut Context<'_>,
    ) -> RequestStep {
        let response = match self.refuse_caller(&facts, context) {
            Some(refusal) => refusal,
            None => match Verb::of(&facts.headers) {
                Verb::Get if is_empty => return self.listen(facts, context),
                Verb::Delete => self.end_session(facts, context),
                Verb::Post => Rejection::InvalidJson.response(None),
                Verb::Get | Verb::Other => Rejection::MethodNotAllowed.response(None),
            },
        };
        self.respond(response)
    }

    /// What the client gets in the place of `jwt_authn`'s own refusal of its token.
    pub(super) fn refused_token(&self, source: ResponseSource<'_>) -> Option<LocalResponse> {
        let guard = self.guard.as_ref()?;
        let is_refused =
            matches!(source, ResponseSource::Envoy(details) if details.starts_with(TOKEN_REFUSED));
        let is_open = matches!(
            self.phase,
            Phase::Bodyless(_)
                | Phase::Refusing(_)
                | Phase::Reading(_)
                | Phase::Opening(_)
                | Phase::Routed(_)
                | Phase::Streaming(_)
        );
        if !is_refused || !is_open {
            return None;
        }
        let denial = guard.authentication.denial(guard.metadata_url.as_deref());
        guard.denied(denial, || None)
    }

    /// Puts `response` in the place of Envoy's own.
    pub(super) fn refuse_token(
        &mut self,
        response: LocalResponse,
        head: &ResponseHead,
    ) -> ResponseHeadStep {
        self.end_upstream_session();
        self.told.end(Outcome::Refused);
        let has_room = !head.end_of_stream || response.body.is_empty();
        if !has_room && !self.is_for_head_alone() {
            self.phase = Phase::Answered;
            return ResponseHeadStep::Respond(response);
        }
        let edits = replacements(&response);
        if head.end_of_stream {
            self.phase = Phase::Answered;
            return ResponseHeadStep::Continue(edits, ResponseBody::Ignore);
        }
        self.phase = Phase::Replacing(response.body);
        ResponseHeadStep::Continue(edits, ResponseBody::Inspect)
    }

    fn is_for_head_alone(&self) -> bool {
        matches!(&self.phase, Phase::Bodyless(facts) if facts.headers.is_only(":method", b"HEAD"))
    }
}

/// The edits that make the head of Envoy's refusal that of `response`. What other filters have added stays.
fn replacements(response: &LocalResponse) -> Vec<HeaderEdit> {
    let mut edits = vec![
        HeaderEdit::Set(
            Cow::Borrowed(":status"),
            response.status.to_string().into_bytes(),
        ),
        HeaderEdit::Set(
            Cow::Borrowed("content-length"),
            response.body.len().to_string().into_bytes(),
        ),
        HeaderEdit::Remove(Cow::Borrowed("www-authenticate")),
    ];
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in &response.headers {
        let edit = if seen.contains(&name.as_ref()) {
            HeaderEdit::Add
        } else {
            HeaderEdit::Set
        };
        edits.push(edit(name.clone(), value.clone()));
        seen.push(name);
    }
    edits
}
