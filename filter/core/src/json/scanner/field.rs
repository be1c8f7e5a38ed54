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
    /// What a client sends: every field but those of `result`.
    FromClient,
    /// What an upstream server sends: `jsonrpc`, `id`, `method`, `result`, `error`, `params`, `params.requestId`,
    /// `params._meta.progressToken`, `error.code` and every field of `result`.
    FromServer,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 27] = [
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
}

/// An object whose keys are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// Nothing: before the document, or in one that is no object.
    Nothing,
    Message,
    Params,
    Meta,
    Ref,
    Result,
    Error,
}

/// A key that leads to a captured value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Field(Field),
    Ref,
}

impl Key {
    /// The longest spelling: every character of the longest key as `\uXXXX`, and two quotes.
    pub(super) const MAX_TOKEN: usize = 6 * "io.modelcontextprotocol/clientCapabilities".len() + 2;

    /// One bit of its own, where it may stand only once.
    pub(super) fn bit(self) -> u64 {
        match self {
            Self::Field(Field::ResultIsError) => 0,
            Self::Field(field) => 1 << field as u8,
            Self::Ref => 1 << Field::COUNT,
        }
    }

    pub(super) fn field(self) -> Option<Field> {
        match self {
            Self::Field(field) => Some(field),
            Self::Ref => None,
        }
    }

    /// What an object under this key is watched as.
    pub(super) fn object(self, plan: Plan) -> Option<Watched> {
        match (self, plan) {
            (Self::Field(Field::Params), _) => Some(Watched::Params),
            (Self::Field(Field::Result), Plan::FromServer) => Some(Watched::Result),
            (Self::Field(Field::Error), Plan::FromServer) => Some(Watched::Error),
            (Self::Field(Field::Meta), _) => Some(Watched::Meta),
            (Self::Ref, _) => Some(Watched::Ref),
            (Self::Field(_), _) => None,
        }
    }
}

impl Watched {
    /// One bit of its own.
    pub(super) fn bit(self) -> u8 {
        1 << self as u8
    }

    /// How many levels are around its keys.
    pub(super) fn depth(self) -> u32 {
        match self {
            Self::Nothing => 0,
            Self::Message => 1,
            Self::Params | Self::Result | Self::Error => 2,
            Self::Meta | Self::Ref => 3,
        }
    }

    /// The object around it.
    pub(super) fn parent(self) -> Self {
        match self {
            Self::Nothing | Self::Message => Self::Nothing,
            Self::Params | Self::Result | Self::Error => Self::Message,
            Self::Meta | Self::Ref => Self::Params,
        }
    }

    /// The field at which it stands.
    pub(super) fn field(self) -> Option<Field> {
        match self {
            Self::Params => Some(Field::Params),
            Self::Result => Some(Field::Result),
            Self::Error => Some(Field::Error),
            Self::Meta => Some(Field::Meta),
            Self::Nothing | Self::Message | Self::Ref => None,
        }
    }

    /// What `key` would lead to if it were spelled in the right case.
    pub(super) fn key_in_other_case(self, plan: Plan, key: &[u8]) -> Option<Key> {
        let may_be = |byte: &u8| byte.is_ascii_uppercase() || !byte.is_ascii();
        if !key.iter().any(may_be) {
            return None;
        }
        let lower = lower_case(key)?;
        let spelled = match lower.as_str() {
            "requestid" => "requestId",
            "protocolversion" => "protocolVersion",
            "progresstoken" => "progressToken",
            "io.modelcontextprotocol/protocolversion" => "io.modelcontextprotocol/protocolVersion",
            "io.modelcontextprotocol/clientcapabilities" => {
                "io.modelcontextprotocol/clientCapabilities"
            }
            "io.modelcontextprotocol/loglevel" => "io.modelcontextprotocol/logLevel",
            "resulttype" => "resultType",
            "ttlms" => "ttlMs",
            "cachescope" => "cacheScope",
            other => other,
        };
        self.key(plan, spelled.as_bytes())
    }

    /// What `key` in it leads to.
    pub(super) fn key(self, plan: Plan, key: &[u8]) -> Option<Key> {
        match (self, plan) {
            (Self::Message, _) => message_key(key),
            (Self::Params, Plan::FromClient) => client_params_key(key),
            (Self::Params, Plan::FromServer) => server_params_key(key),
            (Self::Meta, _) => meta_key(key, plan),
            (Self::Ref, _) => ref_key(key),
            (Self::Result, _) => result_key(key),
            (Self::Error, _) => (key == b"code").then_some(Key::Field(Field::ErrorCode)),
            (Self::Nothing, _) => None,
        }
    }
}

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
        b"protocolVersion" => Field::ProtocolVersion,
        b"capabilities" => Field::Capabilities,
        b"_meta" => Field::Meta,
        b"ref" => return Some(Key::Ref),
        _ => return None,
    };
    Some(Key::Field(field))
}

fn server_params_key(key: &[u8]) -> Option<Key> {
    match key {
        b"requestId" => Some(Key::Field(Field::RequestId)),
        b"_meta" => Some(Key::Field(Field::Meta)),
        _ => None,
    }
}

fn result_key(key: &[u8]) -> Option<Key> {
    let field = match key {
        b"protocolVersion" => Field::ResultProtocolVersion,
        b"resultType" => Field::ResultType,
        b"ttlMs" => Field::ResultTtl,
        b"cacheScope" => Field::ResultCacheScope,
        b"isError" => Field::ResultIsError,
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
        _ => return None,
    };
    Some(Key::Field(field))
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
