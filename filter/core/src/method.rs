//! The JSON-RPC methods that clients send, sorted by what a gateway does with them.

use crate::catalog::ListKind;

/// A method name of a client's request or notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `initialize`
    Initialize,
    /// `ping`
    Ping,
    /// `tools/list`, `prompts/list`, `resources/list`, `resources/templates/list`
    List(ListKind),
    /// `logging/setLevel`
    SetLevel,
    /// A request for one server.
    Routed(RoutedMethod),
    /// `server/discover`, the stateless revision's first request.
    ServerDiscover,
    /// `subscriptions/listen`, by which a client of the stateless revision listens
    Listen,
    /// `notifications/cancelled`
    Cancelled,
    /// `notifications/progress` and `notifications/roots/list_changed`, for the upstream sessions of the sender.
    ForUpstreams,
    /// Any other notification.
    Notification,
    /// Anything else.
    Other,
}

/// Requests that one upstream server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoutedMethod {
    /// `tools/call`
    ToolsCall,
    /// `prompts/get`
    PromptsGet,
    /// `resources/read`
    ResourcesRead,
    /// `resources/subscribe`
    ResourcesSubscribe,
    /// `resources/unsubscribe`
    ResourcesUnsubscribe,
    /// `completion/complete`
    Complete,
    /// `tasks/get`
    TasksGet,
    /// `tasks/result`
    TasksResult,
    /// `tasks/cancel`
    TasksCancel,
    /// `tasks/update`, of the stateless revision's extension alone
    TasksUpdate,
}

impl Method {
    /// The method of this name. Names are case-sensitive.
    pub fn parse(name: &str) -> Self {
        match name {
            "initialize" => Self::Initialize,
            "ping" => Self::Ping,
            "tools/list" => Self::List(ListKind::Tools),
            "prompts/list" => Self::List(ListKind::Prompts),
            "resources/list" => Self::List(ListKind::Resources),
            "resources/templates/list" => Self::List(ListKind::ResourceTemplates),
            "logging/setLevel" => Self::SetLevel,
            "tools/call" => Self::Routed(RoutedMethod::ToolsCall),
            "prompts/get" => Self::Routed(RoutedMethod::PromptsGet),
            "resources/read" => Self::Routed(RoutedMethod::ResourcesRead),
            "resources/subscribe" => Self::Routed(RoutedMethod::ResourcesSubscribe),
            "resources/unsubscribe" => Self::Routed(RoutedMethod::ResourcesUnsubscribe),
            "completion/complete" => Self::Routed(RoutedMethod::Complete),
            "tasks/get" => Self::Routed(RoutedMethod::TasksGet),
            "tasks/result" => Self::Routed(RoutedMethod::TasksResult),
            "tasks/cancel" => Self::Routed(RoutedMethod::TasksCancel),
            "tasks/update" => Self::Routed(RoutedMethod::TasksUpdate),
            "server/discover" => Self::ServerDiscover,
            "subscriptions/listen" => Self::Listen,
            "notifications/cancelled" => Self::Cancelled,
            "notifications/progress" | "notifications/roots/list_changed" => Self::ForUpstreams,
            name if name.starts_with("notifications/") => Self::Notification,
            _ => Self::Other,
        }
    }

    /// Its name on the wire; of those that are not told apart, what stands for all of them.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Ping => "ping",
            Self::List(ListKind::Tools) => "tools/list",
            Self::List(ListKind::Prompts) => "prompts/list",
            Self::List(ListKind::Resources) => "resources/list",
            Self::List(ListKind::ResourceTemplates) => "resources/templates/list",
            Self::SetLevel => "logging/setLevel",
            Self::Routed(method) => method.as_str(),
            Self::ServerDiscover => "server/discover",
            Self::Listen => "subscriptions/listen",
            Self::Cancelled => "notifications/cancelled",
            Self::ForUpstreams | Self::Notification => "notifications/*",
            Self::Other => "other",
        }
    }
}

impl RoutedMethod {
    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToolsCall => "tools/call",
            Self::PromptsGet => "prompts/get",
            Self::ResourcesRead => "resources/read",
            Self::ResourcesSubscribe => "resources/subscribe",
            Self::ResourcesUnsubscribe => "resources/unsubscribe",
            Self::Complete => "completion/complete",
            Self::TasksGet => "tasks/get",
            Self::TasksResult => "tasks/result",
            Self::TasksCancel => "tasks/cancel",
            Self::TasksUpdate => "tasks/update",
        }
    }

    /// Whether it begins or ends what is told of later.
    pub(crate) fn is_subscription(self) -> bool {
        matches!(self, Self::ResourcesSubscribe | Self::ResourcesUnsubscribe)
    }

    /// Whether it is about a task that an earlier request has created.
    pub fn is_about_task(self) -> bool {
        matches!(
            self,
            Self::TasksGet | Self::TasksResult | Self::TasksCancel | Self::TasksUpdate
        )
    }

    /// The request that a caller must be allowed, too: what one may not read, one may not watch, and what one may not
    /// call, one may not ask for later.
    pub fn wants_right_to(self) -> Option<Self> {
        match self {
            Self::ResourcesSubscribe | Self::ResourcesUnsubscribe => Some(Self::ResourcesRead),
            Self::TasksGet | Self::TasksResult | Self::TasksCancel | Self::TasksUpdate => {
                Some(Self::ToolsCall)
            }
            Self::ToolsCall | Self::PromptsGet | Self::ResourcesRead | Self::Complete => None,
        }
    }
}
