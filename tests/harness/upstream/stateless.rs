//! An [`super::Upstream`] in the stateless revision 2026-07-28: strict about everything that a client has to say twice
//! (MCP 2026-07-28, basic/transports/streamable-http, Request Metadata).

use std::sync::Arc;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::{self, error, said};
use super::{Received, Server, member, status};
use crate::script::{Discover, Eras};

/// Its date.
pub const REVISION: &str = "2026-07-28";

const META: &str = "io.modelcontextprotocol/";

/// What a request is refused for: status, code, message, data.
type Refusal = (u16, i64, &'static str, Value);

/// Whether a request names the revision, in whichever place.
pub(super) fn is_of_the_era(request: &Received) -> bool {
    let params = params(request);
    request.header("mcp-protocol-version") == Some(REVISION)
        || params["_meta"]
            .get(format!("{META}protocolVersion"))
            .is_some()
}

impl Server {
    /// Serves a request of the era, or refuses one of the other at a server without sessions.
    pub(super) async fn answer_stateless(self: Arc<Self>, request: Received) -> Response {
        if request.method != "POST" {
            return status(StatusCode::METHOD_NOT_ALLOWED);
        }
        let Some(id) = member(&request.body, "id") else {
            return status(StatusCode::ACCEPTED);
        };
        let method = request.rpc_method();
        if method.is_empty() {
            return status(StatusCode::BAD_REQUEST);
        }
        if let Err((status, code, message, data)) = self.check(&request, &method) {
            return error(status, &id, (code, message, &data));
        }
        self.serve_stateless(request, (id, method)).await
    }

    async fn serve_stateless(
        self: Arc<Self>,
        request: Received,
        (id, method): (String, String),
    ) -> Response {
        let script = &self.script;
        match method.as_str() {
            "server/discover" => match script.discover {
                Discover::Answers => self.result(&id, &self.discovered()),
                Discover::Hangs => std::future::pending().await,
            },
            "tools/list" => {
                let more = self.more_tools.lock().unwrap().clone();
                let tools = script.stateless_tools().iter().chain(&more);
                let tools: Vec<_> = tools.map(|tool| tool.definition.clone()).collect();
                self.page(&request, &id, "tools", &tools)
            }
            "prompts/list" => self.page(&request, &id, "prompts", &script.prompts),
            "resources/list" => self.page(&request, &id, "resources", &script.resources),
            "resources/templates/list" => self.page(
                &request,
                &id,
                "resourceTemplates",
                &script.resource_templates,
            ),
            "tools/call" => {
                let name = params(&request)["name"].clone();
                let mut tools = script.stateless_tools().iter();
                match tools.find(|tool| name == tool.name.as_str()) {
                    Some(tool) => {
                        let answer = tool.answer.clone();
                        self.play(answer, &request, (id, String::new())).await
                    }
                    None => error(200, &id, (-32602, "Unknown tool", &Value::Null)),
                }
            }
            "tasks/get" => {
                let task = params(&request)["taskId"].clone();
                self.result(
                    &id,
                    &format!(r#"{{"resultType":"complete","taskId":{task},"status":"working"}}"#),
                )
            }
            "subscriptions/listen" if script.feed.is_some() => {
                let notifications = &params(&request)["notifications"];
                let told = acknowledged(&id, notifications).to_string();
                let feed = script.feed.clone().unwrap_or_default();
                said(Some(told), &feed)
            }
            _ => {
                let params = member(&request.body, "params").unwrap_or_default();
                self.result(
                    &id,
                    &format!(r#"{{"resultType":"complete","echo":{params}}}"#),
                )
            }
        }
    }

    fn discovered(&self) -> String {
        let mut extensions = json!({"io.modelcontextprotocol/tasks": {}});
        if self.script.apps {
            extensions["io.modelcontextprotocol/ui"] = json!({});
        }
        json!({
            "resultType": "complete",
            "supportedVersions": self.supported(),
            "capabilities": {
                "tools": {"listChanged": self.script.tells_changes},
                "prompts": {}, "resources": {}, "completions": {},
                "extensions": extensions,
            },
            "ttlMs": 0,
            "cacheScope": "private",
            "_meta": {format!("{META}serverInfo"): {"name": "scripted", "version": "1"}},
        })
        .to_string()
    }

    fn supported(&self) -> Vec<&str> {
        match self.script.eras {
            Eras::Sessions => vec![self.script.protocol_version],
            Eras::Both => vec![REVISION, self.script.protocol_version],
            Eras::Stateless => vec![REVISION],
        }
    }

    /// In the order in which servers look: header, `_meta`, both equal, known, then what else is said twice.
    fn check(&self, request: &Received, method: &str) -> Result<(), Refusal> {
        let mismatch = |what| (400, -32020, what, Value::Null);
        let header = request.header("mcp-protocol-version");
        let header = header.ok_or((
            400,
            -32020,
            "MCP-Protocol-Version is missing",
            json!({"supported": self.supported()}),
        ))?;
        let params = params(request);
        let meta = |name: &str| &params["_meta"][format!("{META}{name}")];
        let invalid = (400, -32602, "a member of _meta is missing", Value::Null);
        let version = meta("protocolVersion").as_str().ok_or(invalid.clone())?;
        if !meta("clientCapabilities").is_object() {
            return Err(invalid);
        }
        if version != header {
            return Err(mismatch("MCP-Protocol-Version differs from _meta"));
        }
        if version != REVISION {
            let data = json!({"supported": self.supported(), "requested": version});
            return Err((400, -32022, "Unsupported protocol version", data));
        }
        if request.header("mcp-method") != Some(method) {
            return Err(mismatch("Mcp-Method differs from the method"));
        }
        if let Some(name) = named(method, &params)
            && decoded(request.header("mcp-name")).as_deref() != Some(name)
        {
            return Err(mismatch("Mcp-Name differs from the name"));
        }
        if is_of_sessions(method) {
            return Err((404, -32601, "Method not found", Value::Null));
        }
        self.check_parameters(request, &params)
            .map_err(|()| mismatch("Mcp-Param differs from the arguments"))
    }

    /// Top-level parameters alone.
    fn check_parameters(&self, request: &Received, params: &Value) -> Result<(), ()> {
        let mut tools = self.script.stateless_tools().iter();
        let tool = tools.find(|tool| params["name"] == tool.name.as_str());
        let definition = tool.and_then(|tool| serde_json::from_str(&tool.definition).ok());
        let definition: Value = definition.unwrap_or_default();
        let none = Map::new();
        let properties = definition["inputSchema"]["properties"].as_object();
        for (name, schema) in properties.unwrap_or(&none) {
            let Some(header) = schema["x-mcp-header"].as_str() else {
                continue;
            };
            let given = match &params["arguments"][name] {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            };
            if decoded(request.header(&format!("mcp-param-{header}"))) != given {
                return Err(());
            }
        }
        Ok(())
    }
}

/// The first message of a subscription.
fn acknowledged(id: &str, notifications: &Value) -> Value {
    let id: Value = serde_json::from_str(id).unwrap();
    json!({
        "jsonrpc": "2.0",
        "method": "notifications/subscriptions/acknowledged",
        "params": {"_meta": {format!("{META}subscriptionId"): id}, "notifications": notifications},
    })
}

/// A wish for input, where `rounds` are not over yet; 400 where one of them has no answer.
pub(super) fn need_input(rounds: u32, id: &str, params: &str) -> Option<Response> {
    let params: Value = serde_json::from_str(params).unwrap();
    let state = params["requestState"].as_str().map(str::parse::<u32>);
    let done = state.map_or(0, |round| round.expect("a state of this server's"));
    if done > 0 && params["inputResponses"][format!("who-{done}")].is_null() {
        return Some(error(
            400,
            id,
            (-32602, "an answer is missing", &Value::Null),
        ));
    }
    let next = done + 1;
    let question = json!({
        "method": "elicitation/create",
        "params": {"mode": "form", "message": format!("Who? {next}"), "requestedSchema": {"type": "object", "properties": {}}},
    });
    let result = json!({
        "resultType": "input_required",
        "inputRequests": {format!("who-{next}"): question},
        "requestState": next.to_string(),
    });
    (done < rounds).then(|| whole_result(id, &result))
}

fn whole_result(id: &str, result: &Value) -> Response {
    answer::json(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#
    ))
}

fn params(request: &Received) -> Value {
    let params = member(&request.body, "params");
    let params = params.and_then(|params| serde_json::from_str(&params).ok());
    params.unwrap_or_default()
}

/// What `Mcp-Name` repeats.
fn named<'a>(method: &str, params: &'a Value) -> Option<&'a str> {
    match method {
        "tools/call" | "prompts/get" => Some(params["name"].as_str().unwrap_or_default()),
        "resources/read" => Some(params["uri"].as_str().unwrap_or_default()),
        "tasks/get" | "tasks/update" | "tasks/cancel" => {
            Some(params["taskId"].as_str().unwrap_or_default())
        }
        _ => None,
    }
}

fn is_of_sessions(method: &str) -> bool {
    let of_sessions = ["initialize", "ping", "logging/setLevel"];
    of_sessions.contains(&method) || method.ends_with("subscribe")
}

/// A value as it was before it was made fit for a header (Value Encoding).
fn decoded(value: Option<&str>) -> Option<String> {
    let value = value?;
    let sealed = value.strip_prefix("=?base64?");
    match sealed.and_then(|sealed| sealed.strip_suffix("?=")) {
        Some(sealed) => String::from_utf8(STANDARD.decode(sealed).ok()?).ok(),
        None => Some(value.to_owned()),
    }
}
