//! The id of a request: towards its client, and towards its server.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::routed::Routed;
use super::tasks::Tasks;
use super::translation::Translation;
use crate::json::{IdRewriter, MessageRules, ResultMembers, Scanner, Site, same_id};
use crate::{Context, Table};

/// How long an id is that is made here, as a token: 22 digits of base64 in quotes.
pub(crate) const UNIQUE_LENGTH: u64 = 24;

/// Random bytes of an id: no two requests get the same one, whatever worker or replica they pass.
const UNIQUE_BYTES: usize = 16;

/// See the module. Both as JSON tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestId {
    /// As the client wrote it; `None` until it is known, and for a client's answer.
    client: Option<Vec<u8>>,
    /// What stands in its place at the server, where callers share a session there.
    substitute: Option<Vec<u8>>,
}

impl RequestId {
    /// The client's, and what stands in its place at the server.
    pub(crate) fn new(client: Option<Vec<u8>>, substitute: Option<Vec<u8>>) -> Self {
        Self { client, substitute }
    }

    /// More has come of the request.
    pub(crate) fn learn(&mut self, client: Option<Vec<u8>>) {
        self.client = client;
    }

    /// As the client knows it.
    pub(crate) fn client(&self) -> Option<&[u8]> {
        self.client.as_deref()
    }

    /// As the server knows it.
    pub(crate) fn server(&self) -> Option<&[u8]> {
        self.substitute.as_deref().or(self.client())
    }

    /// Whether the server knows another one than the client.
    pub(crate) fn is_substituted(&self) -> bool {
        self.substitute.is_some()
    }
}

/// What changes on the answer to one request: the client's id comes into the place of the server's, its names of tasks
/// into that of theirs, and what its era tells in other words is told so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerRules<'a> {
    /// Of the request.
    pub(crate) id: &'a RequestId,
    /// Between the eras of server and client.
    pub(crate) translation: Translation,
    /// How the server's tasks are named to the client.
    pub(crate) tasks: Option<&'a Tasks>,
    /// What the exchange knows.
    pub(crate) table: &'a Table,
}

impl MessageRules for AnswerRules<'_> {
    fn rewrite(&mut self, site: Site, raw: &[u8], method: Option<&str>) -> Option<Vec<u8>> {
        match (site, method) {
            (Site::Id, None) => {
                let substitute = self.id.substitute.as_deref()?;
                same_id(raw, substitute).then(|| self.id.client.clone())?
            }
            (Site::ErrorCode, None) => self.translation.code(raw),
            (Site::CacheScope, None) => self.translation.scope(raw),
            (
                Site::Id
                | Site::RequestId
                | Site::ProgressToken
                | Site::ErrorCode
                | Site::CacheScope,
                _,
            ) => None,
            _ => self.tasks?.rewrite(self.table, site, raw, method),
        }
    }

    fn complete(&mut self, members: ResultMembers) -> Vec<u8> {
        self.translation.missing(members)
    }
}

/// Makes the client's answer of a server's JSON that comes in pieces.
#[derive(Debug)]
pub(crate) struct AnswerEditor {
    rewriter: IdRewriter,
    id: RequestId,
    translation: Translation,
    tasks: Option<Tasks>,
    /// What can go on.
    edited: Vec<u8>,
}

impl AnswerEditor {
    /// Of an answer of which nothing has come; `None` where it goes on as it comes.
    pub(crate) fn of(routed: &Routed) -> Option<Self> {
        let (id, route, translation) = (&routed.id, &routed.route, routed.translation);
        let tasks = route.tasks.as_ref().filter(|tasks| tasks.are_in_result());
        let tasks = tasks.map(|tasks| tasks.in_session_of(route));
        if tasks.is_none() && !id.is_substituted() && translation.is_none() {
            return None;
        }
        Some(Self {
            rewriter: match tasks {
                Some(_) => IdRewriter::with_tasks(IdRewriter::HOLD),
                None => IdRewriter::new(IdRewriter::HOLD),
            },
            id: id.clone(),
            translation,
            tasks,
            edited: Vec::new(),
        })
    }

    /// The next piece. Tells whether it can be read.
    pub(crate) fn feed(&mut self, piece: &[u8], table: &Table) -> bool {
        let mut rules = AnswerRules {
            id: &self.id,
            translation: self.translation,
            tasks: self.tasks.as_ref(),
            table,
        };
        match self.rewriter.feed(piece, &mut rules) {
            Ok(bytes) => {
                self.edited.extend_from_slice(&bytes);
                true
            }
            Err(_) => false,
        }
    }

    /// It is over. Tells whether it could be read.
    pub(crate) fn finish(&mut self) -> bool {
        self.rewriter.finish().is_ok()
    }

    /// What is known of it by now.
    pub(crate) fn scanner(&self) -> &Scanner {
        self.rewriter.scanner()
    }

    /// What has come since the last time and can go on.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.edited)
    }
}

/// An id, as a JSON token, that no other request has.
pub(crate) fn unique(context: &mut Context<'_>) -> Vec<u8> {
    let mut unique = [0; UNIQUE_BYTES];
    (context.random)(&mut unique);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(unique)).into_bytes()
}
