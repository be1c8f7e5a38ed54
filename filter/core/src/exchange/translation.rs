//! What changes on an answer on its way from a server of one era to a client of another.

use super::reading::Reading;
use super::route::Route;
use crate::era::Era;
use crate::json::{Field, ResultMembers, Scanner};
use crate::log_level::LogLevel;
use crate::method::RoutedMethod;
use crate::streams::Purpose;

const LOG: &str = "notifications/message";
const PRIVATE: &[u8] = br#""private""#;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Translation {
    client: Era,
    server: Era,
    /// Whether the answer says for how long it may be kept: that of `resources/read`.
    is_cacheable: bool,
    /// Whether not everybody may see the answer.
    is_private: bool,
    /// Whether `mcp-streams` makes the call, and knows what becomes of a question.
    takes_questions: bool,
    /// Whether `mcp-streams` answers, which speaks as the client does.
    is_bridged: bool,
    /// From which level on the client has asked for log messages with this request.
    log_level: Option<LogLevel>,
}

impl Translation {
    /// Of the answer to a request that goes by `route`.
    pub(crate) fn new(reading: &Reading, route: &Route) -> Self {
        Self {
            client: reading.era,
            server: route.era,
            is_cacheable: route.method == RoutedMethod::ResourcesRead.as_str(),
            is_private: route.is_private,
            takes_questions: (reading.facts.purpose.as_ref()).is_some_and(Purpose::takes_questions),
            is_bridged: route.is_bridged,
            log_level: log_level(&reading.scanner),
        }
    }

    /// More has come of the request.
    pub(crate) fn learn(&mut self, scanner: &Scanner) {
        self.log_level = self.log_level.or_else(|| log_level(scanner));
    }

    /// Whether nothing changes.
    pub(crate) fn is_none(self) -> bool {
        self.client == Era::Sessions
    }

    /// Whether a status that is no success reaches the client.
    ///
    /// MCP 2026-07-28, basic/transports/streamable-http: 400 and 404 carry JSON-RPC errors there. Clients of sessions
    /// would drop the error, and take 404 for the end of their session.
    pub(crate) fn keeps_status(self, status: u16) -> bool {
        self.client == Era::Stateless
            && (self.server == Era::Stateless || self.is_bridged)
            && matches!(status, 400 | 404)
    }

    /// Whether a notification reaches the client.
    ///
    /// MCP 2026-07-28, server/utilities/logging: no log message without a level in the request. The others of the session
    /// revisions mean nothing without a session.
    pub(crate) fn passes(self, notification: &str) -> bool {
        match (notification, self.client, self.server) {
            (_, Era::Sessions, _) | ("notifications/progress", ..) => true,
            (LOG, ..) => self.log_level.is_some(),
            (_, _, server) => server == Era::Stateless,
        }
    }

    /// Whether a notification that reaches the client does so from some level on: a server of sessions knows nothing of the
    /// level that stands in the request, and no other tells more than it was asked for.
    pub(crate) fn awaits_level(self, notification: &str) -> bool {
        notification == LOG && self.client == Era::Stateless && self.server == Era::Sessions
    }

    /// Whether a log message of this level reaches the client. What is no level is not below another one.
    pub(crate) fn passes_level(self, level: &str) -> bool {
        LogLevel::parse(level).is_none_or(|level| self.log_level.is_none_or(|from| level >= from))
    }

    /// Whether the client could make nothing of a result that asks for input first.
    ///
    /// MCP 2026-07-28, basic/patterns/mrtr.
    pub(crate) fn refuses_input(self) -> bool {
        self.client == Era::Sessions && self.server == Era::Stateless && !self.takes_questions
    }

    /// The scope of an answer in the place of the server's, which knows nothing of who may see it here.
    ///
    /// MCP 2026-07-28, server/utilities/caching: what is public may be shown to anybody, whatever the gateway's policies.
    pub(crate) fn scope(self, scope: &[u8]) -> Option<Vec<u8>> {
        let changes = self.client == Era::Stateless && self.is_private && scope != PRIVATE;
        changes.then(|| PRIVATE.to_vec())
    }

    /// The code of an error in the client's era, where it has another one in the server's.
    ///
    /// MCP 2026-07-28, server/resources, Error Handling.
    pub(crate) fn code(self, code: &[u8]) -> Option<Vec<u8>> {
        let is_missing = self.client == Era::Stateless && self.is_cacheable && code == b"-32002";
        is_missing.then(|| b"-32602".to_vec())
    }

    /// The members that a result lacks for the client.
    ///
    /// MCP 2026-07-28, basic, ResultType: a result without one is complete; server/utilities/caching: both hints stand in
    /// what was read, and nobody else may be shown what a server says nothing of.
    pub(crate) fn missing(self, members: ResultMembers) -> Vec<u8> {
        let Self { is_cacheable, .. } = self;
        if self.client == Era::Sessions {
            return Vec::new();
        }
        let hints = is_cacheable && !members.input_required;
        let missing = [
            (!members.result_type, r#""resultType":"complete""#),
            (hints && !members.ttl, r#""ttlMs":0"#),
            (hints && !members.cache_scope, r#""cacheScope":"private""#),
        ];
        let texts: Vec<&str> = missing
            .iter()
            .filter_map(|(is_missing, text)| is_missing.then_some(*text))
            .collect();
        texts.join(",").into_bytes()
    }
}

fn log_level(scanner: &Scanner) -> Option<LogLevel> {
    LogLevel::parse(&scanner.text(Field::MetaLogLevel)?)
}
