//! Requests of callers who share a session at a server: there each has an id that no other one has.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::reading::Reading;
use super::request_facts::SessionClaim;
use super::route::Route;
use crate::identity::Identity;
use crate::json::{IdRewriter, MessageRules, Site, same_id};
use crate::session_id::Session;
use crate::slots::Owner;
use crate::{Context, Table};

/// Random bytes of an id: no two requests get the same one, whatever worker or replica they pass.
const UNIQUE_BYTES: usize = 16;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sharing {
    /// Of those who share.
    pub(crate) identity: Identity,
    /// The id in the request as the server gets it: one JSON token.
    pub(crate) server_id: Vec<u8>,
}

impl Sharing {
    /// How a request on its way along `route` shares a session with others. It does not where the client is in a
    /// session of its own or nobody in particular, where the server has no sessions, and where the request's id has
    /// not come yet.
    pub(crate) fn of(
        reading: &Reading,
        route: &Route,
        table: &Table,
        context: &mut Context<'_>,
    ) -> Option<Self> {
        let may_share = reading.facts.session == SessionClaim::Absent
            && table.server(route.server).issues_sessions
            && reading.id().is_some();
        let identity = may_share.then(|| (context.identity)())?;
        (identity != Identity::ANONYMOUS).then(|| Self {
            identity,
            server_id: unique_id(context),
        })
    }
}

/// By whom a session at a server is found again; `None`: it lasts for one request.
pub(crate) fn owner(session: Option<&Session>, sharing: Option<&Sharing>) -> Option<Owner> {
    let of_sharing = || sharing.map(|sharing| Owner::Identity(sharing.identity));
    session.map(Owner::of).or_else(of_sharing)
}

/// The request's id as its server knows it, where it is known by now.
pub(crate) fn server_id<'a>(
    sharing: Option<&'a Sharing>,
    client_id: Option<&'a [u8]>,
) -> Option<&'a [u8]> {
    sharing.map_or(client_id, |sharing| Some(&sharing.server_id))
}

/// Puts the client's id back into a JSON answer that comes in pieces.
#[derive(Debug)]
pub(crate) struct IdRestorer {
    rewriter: IdRewriter,
    ids: RestoredId,
    /// What can go on.
    restored: Vec<u8>,
}

/// The two ids of one request.
#[derive(Clone, Debug)]
pub(crate) struct RestoredId {
    /// As the client wrote it.
    pub(crate) client_id: Vec<u8>,
    /// As the server got it.
    pub(crate) server_id: Vec<u8>,
}

impl IdRestorer {
    /// Of an answer of which nothing has come.
    pub(crate) fn new(ids: RestoredId) -> Self {
        Self {
            rewriter: IdRewriter::new(IdRewriter::HOLD),
            ids,
            restored: Vec::new(),
        }
    }

    /// The next piece. Tells whether it can be read.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> bool {
        match self.rewriter.feed(piece, &mut self.ids) {
            Ok(bytes) => {
                self.restored.extend_from_slice(&bytes);
                true
            }
            Err(_) => false,
        }
    }

    /// What has come since the last time and can go on.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.restored)
    }
}

impl RestoredId {
    /// What stands in an answer in the place of `raw`.
    pub(crate) fn restore(&self, raw: &[u8]) -> Option<Vec<u8>> {
        same_id(raw, &self.server_id).then(|| self.client_id.clone())
    }
}

impl MessageRules for RestoredId {
    fn rewrite(&mut self, site: Site, raw: &[u8], method: Option<&str>) -> Option<Vec<u8>> {
        let is_answer = site == Site::Id && method.is_none();
        is_answer.then(|| self.restore(raw)).flatten()
    }
}

/// An id, as a JSON token, that no other request of the session has.
pub(crate) fn unique_id(context: &mut Context<'_>) -> Vec<u8> {
    let mut unique = [0; UNIQUE_BYTES];
    (context.random)(&mut unique);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(unique)).into_bytes()
}
