//! What a scan looks at: fields, and the keys on the way to them.

use super::ValueKind;

/// The values that a plan may capture, each at one path from the root of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Field {
    /// `jsonrpc`
    JsonRpc,
    /// `id`
    Id,
    /// `method`
    Method,
    /// `result`: presence and kind only, its bytes are not kept.
    Result,
    /// `error`: presence and kind only.
    Error,
    /// `params`: presence and kind only.
    Params,
    /// `params.name`
    Name,
    /// `params.uri`
    Uri,
    /// `params.cursor`
    Cursor,
    /// `params.ref.type`
    RefType,
    /// `params.ref.name`
    RefName,
    /// `params.ref.uri`
    RefUri,
    /// `params.requestId`
    RequestId,
    /// `params.level`
    Level,
    /// `params.protocolVersion`
    ProtocolVersion,
    /// `params.capabilities`: raw object, see [`Scanner::raw`](super::Scanner::raw).
    Capabilities,
    /// `params._meta`: presence, kind and place only.
    Meta,
    /// `params._meta.progressToken`
    ProgressToken,
    /// `params._meta["io.modelcontextprotocol/protocolVersion"]`
    MetaProtocolVersion,
    /// `params._meta["io.modelcontextprotocol/clientCapabilities"]`
    MetaClientCapabilities,
    /// `params._meta["io.modelcontextprotocol/logLevel"]`
    MetaLogLevel,
    /// `error.code`
    ErrorCode,
    /// `params.taskId`
    TaskId,
    /// `params._meta["io.modelcontextprotocol/related-task"].taskId`
    RelatedTaskId,
    /// `result._meta["io.modelcontextprotocol/related-task"].taskId`
    ResultRelatedTaskId,
    /// `result.taskId`
    ResultTaskId,
    /// `result.task.taskId`
    ResultTaskTaskId,
    /// `result.protocolVersion`
    ResultProtocolVersion,
    /// `result.resultType`
    ResultType,
    /// `result.ttlMs`
    ResultTtl,
    /// `result.cacheScope`
    ResultCacheScope,
    /// `result.isError`: presence, kind and place only. It decides nothing, so it may stand twice; the last one counts.
    ResultIsError,
}

/// Which fields matter to a scan; the others are only checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// What a client sends: every field but those of `result`, of which it has
    /// `result._meta["io.modelcontextprotocol/related-task"].taskId` alone.
    FromClient,
    /// What an upstream server sends: `jsonrpc`, `id`, `method`, `result`, `error`, `params`, `params.requestId`,
    /// `params.level`, `params._meta.progressToken`, `error.code` and every field of `result`.
    FromServer,
    /// The same and every field that names a task.
    FromServerWithTasks,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 32] = [
        Self::JsonRpc,
        Self::Id,
        Self::Method,
        Self::Result,
        Self::Error,
        Self::Params,
        Self::Name,
        Self::Uri,
        Self::Cursor,
        Self::RefType,
        Self::RefName,
        Self::RefUri,
        Self::RequestId,
        Self::Level,
        Self::ProtocolVersion,
        Self::Capabilities,
        Self::Meta,
        Self::ProgressToken,
        Self::MetaProtocolVersion,
        Self::MetaClientCapabilities,
        Self::MetaLogLevel,
        Self::ErrorCode,
        Self::TaskId,
        Self::RelatedTaskId,
        Self::ResultRelatedTaskId,
        Self::ResultTaskId,
        Self::ResultTaskTaskId,
        Self::ResultProtocolVersion,
        Self::ResultType,
        Self::ResultTtl,
        Self::ResultCacheScope,
        Self::ResultIsError,
    ];

    pub(super) const COUNT: usize = Self::ALL.len();

    /// Whether the bytes of a value of this kind are kept.
    pub(super) fn keeps(self, kind: ValueKind) -> bool {
        match self {
            Self::Result | Self::Error | Self::Params | Self::Meta | Self::ResultIsError => false,
            Self::Capabilities => true,
            _ => !matches!(kind, ValueKind::Object | ValueKind::Array),
        }
    }

    /// The most bytes of a value that are kept where `keep` are of a single string. An object of capabilities has room for
    /// those of many extensions.
    pub(super) fn most(self, keep: usize) -> usize {
        match self {
            Self::Capabilities => keep.saturating_mul(16),
            _ => keep,
        }
    }
}

/// MCP 2025-11-25, basic/utilities/tasks, Related Task Metadata.
const RELATED_TASK: &[u8] = b"io.modelcontextprotocol/related-task";

/// An object whose keys are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// Nothing: before the document, or in one that is no object.
    Nothing,
    Message,
    Params,
    Meta,
    Ref,
    RelatedTask,
    Result,
    Error,
    ResultMeta,
    ResultRelatedTask,
    ResultTask,
}

/// A key that leads to a captured value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Field(Field),
    Ref,
    RelatedTask,
    ResultMeta,
    ResultRelatedTask,
    ResultTask,
}

impl Key {
    /// The longest spelling: every character of the longest key as `\uXXXX`, and two quotes.
    pub(super) const MAX_TOKEN: usize = 6 * "io.modelcontextprotocol/clientCapabilities".len() + 2;

    /// One bit of its own, where it may stand only once.
    pub(super) fn bit(self) -> u64 {
        let object = |place: usize| 1 << (Field::COUNT + place);
        match self {
            Self::Field(Field::ResultIsError) => 0,
            Self::Field(field) => 1 << field as u8,
            Self::Ref => object(0),
            Self::RelatedTask => object(1),
            Self::ResultMeta => object(2),
            Self::ResultRelatedTask => object(3),
            Self::ResultTask => object(4),
        }
    }

    pub(super) fn field(self) -> Option<Field> {
        match self {
            Self::Field(field) => Some(field),
            _ => None,
        }
    }

    /// What an object under this key is watched as.
    pub(super) fn object(self, plan: Plan) -> Option<Watched> {
        match self {
            Self::Field(Field::Params) => Some(Watched::Params),
            Self::Field(Field::Meta) => Some(Watched::Meta),
            Self::Field(Field::Result) => Some(Watched::Result),
            Self::Field(Field::Error) if plan != Plan::FromClient => Some(Watched::Error),
            Self::Field(_) => None,
            Self::Ref => Some(Watched::Ref),
            Self::RelatedTask => Some(Watched::RelatedTask),
            Self::ResultMeta => Some(Watched::ResultMeta),
            Self::ResultRelatedTask => Some(Watched::ResultRelatedTask),
            Self::ResultTask => Some(Watched::ResultTask),
        }
    }
}

impl Watched {
    /// One bit of its own.
    pub(super) fn bit(self) -> u16 {
        1 << self as u8
    }

    /// How many levels are around its keys.
    pub(super) fn depth(self) -> u32 {
        match self {
            Self::Nothing => 0,
            Self::Message => 1,
            Self::Params | Self::Result | Self::Error => 2,
            Self::Meta | Self::Ref | Self::ResultMeta | Self::ResultTask => 3,
            Self::RelatedTask | Self::ResultRelatedTask => 4,
        }
    }

    /// The object around it.
    pub(super) fn parent(self) -> Self {
        match self {
            Self::Nothing | Self::Message => Self::Nothing,
            Self::Params | Self::Result | Self::Error => Self::Message,
            Self::Meta | Self::Ref => Self::Params,
            Self::ResultMeta | Self::ResultTask => Self::Result,
            Self::RelatedTask => Self::Meta,
            Self::ResultRelatedTask => Self::ResultMeta,
        }
    }

    /// The field at which it stands.
    pub(super) fn field(self) -> Option<Field> {
        match self {
            Self::Params => Some(Field::Params),
            Self::Result => Some(Field::Result),
            Self::Error => Some(Field::Error),
            Self::Meta => Some(Field::Meta),
            _ => None,
        }
    }

    /// What `key` would lead to if it were spelled in the right case.
    pub(super) fn key_in_other_case(self, plan: Plan, key: &[u8]) -> Option<Key> {
        let may_be = |byte: &u8| byte.is_ascii_uppercase() || !byte.is_ascii();
        let is_folded = |(folded, _): &(&str, &str)| folded.as_bytes() == key;
        if !key.iter().any(may_be) && !MIXED_CASE.iter().any(is_folded) {
            return None;
        }
        let lower = lower_case(key)?;
        let spelled = MIXED_CASE.iter().find(|(folded, _)| *folded == lower);
        let spelled = spelled.map_or(lower.as_str(), |(_, spelled)| spelled);
        self.key(plan, spelled.as_bytes())
    }

    /// What `key` in it leads to.
    pub(super) fn key(self, plan: Plan, key: &[u8]) -> Option<Key> {
        match (self, plan) {
            (Self::Message, _) => message_key(key),
            (Self::Params, Plan::FromClient) => client_params_key(key),
            (Self::Params, Plan::FromServer | Plan::FromServerWithTasks) => {
                server_params_key(key, plan)
            }
            (Self::Meta, _) => meta_key(key, plan),
            (Self::Ref, _) => ref_key(key),
            (Self::RelatedTask, _) => task_key(key, Field::RelatedTaskId),
            (Self::Result, _) => result_key(key, plan),
            (Self::Error, _) => (key == b"code").then_some(Key::Field(Field::ErrorCode)),
            (Self::ResultMeta, _) => (key == RELATED_TASK).then_some(Key::ResultRelatedTask),
            (Self::ResultRelatedTask, _) => task_key(key, Field::ResultRelatedTaskId),
            (Self::ResultTask, _) => task_key(key, Field::ResultTaskTaskId),
            (Self::Nothing, _) => None,
        }
    }
}

/// The keys that are not in lower case, by what they are there.
const MIXED_CASE: [(&str, &str); 10] = [
    ("requestid", "requestId"),
    ("protocolversion", "protocolVersion"),
    ("progresstoken", "progressToken"),
    ("taskid", "taskId"),
    (
        "io.modelcontextprotocol/protocolversion",
        "io.modelcontextprotocol/protocolVersion",
    ),
    (
        "io.modelcontextprotocol/clientcapabilities",
        "io.modelcontextprotocol/clientCapabilities",
    ),
    (
        "io.modelcontextprotocol/loglevel",
        "io.modelcontextprotocol/logLevel",
    ),
    ("resulttype", "resultType"),
    ("ttlms", "ttlMs"),
    ("cachescope", "cacheScope"),
];

/// As Go's encoding/json folds keys: letters of both cases are one, and two characters beyond ASCII are letters, too.
fn lower_case(key: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(key).ok()?;
    let letters = text.chars().map(|letter| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    });
    Some(letters.collect())
}

fn message_key(key: &[u8]) -> Option<Key> {
    let field = match key {
        b"jsonrpc" => Field::JsonRpc,
        b"id" => Field::Id,
        b"method" => Field::Method,
        b"result" => Field::Result,
        b"error" => Field::Error,
        b"params" => Field::Params,
        _ => return None,
    };
    Some(Key::Field(field))
}

fn client_params_key(key: &[u8]) -> Option<Key> {
    let field = match key {
        b"name" => Field::Name,
        b"uri" => Field::Uri,
        b"cursor" => Field::Cursor,
        b"requestId" => Field::RequestId,
        b"level" => Field::Level,
        b"taskId" => Field::TaskId,
        b"protocolVersion" => Field::ProtocolVersion,
        b"capabilities" => Field::Capabilities,
        b"_meta" => Field::Meta,
        b"ref" => return Some(Key::Ref),
        _ => return None,
    };
    Some(Key::Field(field))
}

fn server_params_key(key: &[u8], plan: Plan) -> Option<Key> {
    match (key, plan) {
        (b"requestId", _) => Some(Key::Field(Field::RequestId)),
        (b"level", _) => Some(Key::Field(Field::Level)),
        (b"_meta", _) => Some(Key::Field(Field::Meta)),
        (b"taskId", Plan::FromServerWithTasks) => Some(Key::Field(Field::TaskId)),
        _ => None,
    }
}

fn result_key(key: &[u8], plan: Plan) -> Option<Key> {
    let field = match (key, plan) {
        (b"_meta", Plan::FromClient | Plan::FromServerWithTasks) => return Some(Key::ResultMeta),
        (_, Plan::FromClient) => return None,
        (b"task", Plan::FromServerWithTasks) => return Some(Key::ResultTask),
        (b"taskId", Plan::FromServerWithTasks) => Field::ResultTaskId,
        (b"protocolVersion", _) => Field::ResultProtocolVersion,
        (b"resultType", _) => Field::ResultType,
        (b"ttlMs", _) => Field::ResultTtl,
        (b"cacheScope", _) => Field::ResultCacheScope,
        (b"isError", _) => Field::ResultIsError,
        _ => return None,
    };
    Some(Key::Field(field))
}

fn meta_key(key: &[u8], plan: Plan) -> Option<Key> {
    if key == b"progressToken" {
        return Some(Key::Field(Field::ProgressToken));
    }
    let name = key.strip_prefix(b"io.modelcontextprotocol/")?;
    let field = match (name, plan) {
        (b"protocolVersion", Plan::FromClient) => Field::MetaProtocolVersion,
        (b"clientCapabilities", Plan::FromClient) => Field::MetaClientCapabilities,
        (b"logLevel", Plan::FromClient) => Field::MetaLogLevel,
        (b"related-task", Plan::FromClient | Plan::FromServerWithTasks) => {
            return Some(Key::RelatedTask);
        }
        _ => return None,
    };
    Some(Key::Field(field))
}

/// In an object that names a task.
fn task_key(key: &[u8], field: Field) -> Option<Key> {
    (key == b"taskId").then_some(Key::Field(field))
}

fn ref_key(key: &[u8]) -> Option<Key> {
    let field = match key {
        b"type" => Field::RefType,
        b"name" => Field::RefName,
        b"uri" => Field::RefUri,
        _ => return None,
    };
    Some(Key::Field(field))
}
