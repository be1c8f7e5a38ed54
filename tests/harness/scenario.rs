//! What a client does, step by step, and what it sees; the same for every client that nobody here wrote.

use serde_json::{Value, json};

/// Which revisions of MCP a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// Those with `initialize` alone.
    Sessions,
    /// Whichever is the newest that the server has, too: it asks `server/discover` first.
    Newest,
    /// 2026-07-28 alone, which has no sessions.
    Stateless,
}

impl Era {
    /// As the programs take it.
    fn told(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Newest => "newest",
            Self::Stateless => "stateless",
        }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Sent with every request.
    pub headers: Value,
    /// What the client is told to speak.
    pub era: Era,
    /// In order, over one connection.
    pub steps: Vec<Step>,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `tools/list`
    Tools,
    /// `prompts/list`
    Prompts,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    Templates,
}

impl List {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tools, Self::Prompts, Self::Resources, Self::Templates];

    /// As the programs take it.
    pub fn told(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "templates",
        }
    }
}

/// One step. A client answers elicitations with the name Ada, and requests for samples and roots with one of each.
#[derive(Clone, Debug)]
pub enum Step {
    /// All pages of a list: `items`.
    List(List),
    /// A call, whose progress the client wants to know: `result` and `progress`.
    Call(Named),
    /// A call that the client cancels at the first word of its progress: `gaveUp` and `progress`.
    GiveUp(Named),
    /// `prompts/get`: `result`.
    Prompt(Named),
    /// `resources/read` of a URI: `result`.
    Read(String),
    /// `completion/complete`: `result`.
    Complete {
        /// `ref`
        reference: Value,
        /// The argument's name.
        name: &'static str,
        /// What is there of it.
        value: &'static str,
    },
    /// `ping`, which only the revisions with sessions have.
    Ping,
}

/// A tool or a prompt with its arguments.
#[derive(Clone, Debug)]
pub struct Named {
    /// As it is listed.
    pub name: String,
    /// An object.
    pub arguments: Value,
}

impl Named {
    /// See the type.
    pub fn new(name: impl Into<String>, arguments: Value) -> Self {
        let name = name.into();
        Self { name, arguments }
    }
}

/// What the client saw.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What it speaks with the server.
    pub revision: String,
    /// One for each step: what that says, or `error` with the client's words.
    pub outcomes: Vec<Value>,
    /// Methods of the requests that it answered, in order.
    pub asked: Vec<String>,
}

impl Scenario {
    /// As the programs take it.
    pub(crate) fn told(&self) -> Value {
        let steps: Vec<Value> = self.steps.iter().map(Step::told).collect();
        json!({"headers": self.headers, "era": self.era.told(), "steps": steps})
    }
}

impl Step {
    fn told(&self) -> Value {
        let named = |what: &str, Named { name, arguments }: &Named| json!({"do": what, "name": name, "arguments": arguments});
        match self {
            Self::List(list) => json!({"do": list.told()}),
            Self::Call(call) => named("call", call),
            Self::GiveUp(call) => named("giveUp", call),
            Self::Prompt(prompt) => named("prompt", prompt),
            Self::Read(uri) => json!({"do": "read", "uri": uri}),
            Self::Complete {
                reference,
                name,
                value,
            } => {
                json!({"do": "complete", "ref": reference, "argument": {"name": name, "value": value}})
            }
            Self::Ping => json!({"do": "ping"}),
        }
    }
}

impl Seen {
    /// What a program says.
    pub(crate) fn read(said: &Value) -> Self {
        let texts = |list: &Value| {
            let list = list.as_array().into_iter().flatten();
            list.filter_map(|item| item.as_str().map(str::to_owned))
                .collect()
        };
        Self {
            revision: said["revision"].as_str().unwrap_or_default().to_owned(),
            outcomes: said["outcomes"].as_array().cloned().unwrap_or_default(),
            asked: texts(&said["asked"]),
        }
    }
}
