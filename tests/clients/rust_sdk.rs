//! The Rust SDK's client, `rmcp`, in this process.
#![allow(
    deprecated,
    reason = "the revisions with sessions have samples and roots"
)]

use std::sync::{Arc, Mutex};

use harness::scenario::{Era, List, Named, Scenario, Seen, Step};
use http::{HeaderName, HeaderValue};
use rmcp::handler::client::ClientHandler;
use rmcp::model::{
    ArgumentInfo, ClientConfig, ClientRequest, CompleteRequestParams, CreateMessageRequestParams,
    CreateMessageResult, ElicitRequestParams, ElicitResult, ElicitationAction, ErrorData,
    GetPromptRequestParams, ListRootsResult, ProgressNotificationParam, ProtocolVersion,
    ReadResourceRequestParams, Request,
};
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt, NotificationContext, PeerRequestOptions, RequestContext,
    RoleClient, RunningService,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// What happens while it waits for an answer.
#[derive(Clone, Debug, Default)]
struct Heard {
    asked: Arc<Mutex<Vec<String>>>,
    progress: Arc<Mutex<Vec<Value>>>,
    news: Arc<Notify>,
}

/// Runs a scenario against `url`, on a thread of its own: the library handles each notification in a task of its own, and
/// only on one thread do these tasks run in the order in which they were started.
pub(crate) async fn run(url: &str, scenario: &Scenario) -> Seen {
    let (url, scenario) = (url.to_owned(), scenario.clone());
    let thread = tokio::task::spawn_blocking(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().expect("a runtime");
        runtime.block_on(play(&url, &scenario))
    });
    thread.await.expect("the scenario is played")
}

async fn play(url: &str, scenario: &Scenario) -> Seen {
    let headers = scenario.headers.as_object().into_iter().flatten();
    let headers = headers.map(|(name, value)| {
        let name: HeaderName = name.parse().unwrap();
        let value: HeaderValue = value.as_str().unwrap().parse().unwrap();
        (name, value)
    });
    let config =
        StreamableHttpClientTransportConfig::with_uri(url).custom_headers(headers.collect());
    let transport = StreamableHttpClientTransport::from_config(config);
    let heard = Heard::default();
    let client = heard
        .clone()
        .serve_with_lifecycle(transport, lifecycle(scenario.era));
    let client = client.await.expect("a handshake");
    let mut outcomes = Vec::new();
    for step in &scenario.steps {
        heard.progress.lock().unwrap().clear();
        let outcome = take(&client, &heard, step).await;
        outcomes.push(outcome.unwrap_or_else(|error| json!({"error": error})));
    }
    let server = client.peer().peer_info().expect("a handshake");
    client.cancel().await.expect("an orderly end");
    let asked = heard.asked.lock().unwrap().clone();
    Seen {
        revision: server.protocol_version.to_string(),
        outcomes,
        asked,
    }
}

fn lifecycle(era: Era) -> ClientLifecycleMode {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    match era {
        Era::Sessions => ClientLifecycleMode::Initialize,
        Era::Newest => ClientLifecycleMode::Auto {
            preferred_versions,
            legacy_version: None,
        },
        Era::Stateless => ClientLifecycleMode::Discover { preferred_versions },
    }
}

async fn take(
    client: &RunningService<RoleClient, Heard>,
    heard: &Heard,
    step: &Step,
) -> Result<Value, String> {
    let result = match step {
        Step::List(list) => return Ok(json!({"items": items(client, *list).await?})),
        Step::GiveUp(call) => return give_up(client, heard, call).await,
        Step::Call(call) => {
            let result = value(client.call_tool(params(call)).await)?;
            let progress = heard.progress.lock().unwrap().clone();
            return Ok(json!({"result": result, "progress": progress}));
        }
        Step::Prompt(prompt) => {
            let params: GetPromptRequestParams = params(prompt);
            value(client.get_prompt(params).await)
        }
        Step::Read(uri) => value(
            client
                .read_resource(ReadResourceRequestParams::new(uri))
                .await,
        ),
        Step::Complete {
            reference,
            name,
            value: given,
        } => {
            let reference = read(reference.clone());
            let params = CompleteRequestParams::new(reference, ArgumentInfo::new(*name, *given));
            value(client.complete(params).await)
        }
        Step::Ping => {
            let ping = ClientRequest::PingRequest(Default::default());
            value(client.send_request(ping).await)
        }
    };
    Ok(json!({"result": result?}))
}

async fn items(client: &RunningService<RoleClient, Heard>, list: List) -> Result<Value, String> {
    match list {
        List::Tools => value(client.list_all_tools().await),
        List::Prompts => value(client.list_all_prompts().await),
        List::Resources => value(client.list_all_resources().await),
        List::Templates => value(client.list_all_resource_templates().await),
    }
}

async fn give_up(
    client: &RunningService<RoleClient, Heard>,
    heard: &Heard,
    call: &Named,
) -> Result<Value, String> {
    let request = ClientRequest::CallToolRequest(Request::new(params(call)));
    let options = PeerRequestOptions::no_options();
    let handle = client.send_cancellable_request(request, options).await;
    let handle = handle.map_err(|error| error.to_string())?;
    while heard.progress.lock().unwrap().is_empty() {
        heard.news.notified().await;
    }
    let cancelled = handle.cancel(Some("not wanted any more".to_owned())).await;
    cancelled.map_err(|error| error.to_string())?;
    let progress = heard.progress.lock().unwrap().clone();
    Ok(json!({"gaveUp": true, "progress": progress}))
}

/// Of a tool or a prompt, as the library has them.
fn params<T: DeserializeOwned>(named: &Named) -> T {
    read(json!({"name": named.name, "arguments": named.arguments}))
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a value of the library's type")
}

fn value<T: serde::Serialize, E: std::fmt::Display>(result: Result<T, E>) -> Result<Value, String> {
    let result = result.map_err(|error| error.to_string())?;
    Ok(serde_json::to_value(result).expect("JSON"))
}

impl Heard {
    fn asks(&self, method: &str) {
        self.asked.lock().unwrap().push(method.to_owned());
    }
}

impl ClientHandler for Heard {
    fn get_info(&self) -> ClientConfig {
        read(json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {"elicitation": {}, "sampling": {}, "roots": {"listChanged": true}},
            "clientInfo": {"name": "tests-rmcp", "version": "1"},
        }))
    }

    async fn create_elicitation(
        &self,
        _: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.asks("elicitation/create");
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(json!({"name": "Ada"})))
    }

    async fn create_message(
        &self,
        _: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        self.asks("sampling/createMessage");
        let content = json!({"type": "text", "text": "sampled"});
        Ok(read(
            json!({"role": "assistant", "model": "none", "content": content}),
        ))
    }

    async fn list_roots(
        &self,
        _: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        self.asks("roots/list");
        Ok(read(
            json!({"roots": [{"uri": "file:///tests", "name": "tests"}]}),
        ))
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        let word = serde_json::to_value(params).expect("JSON");
        self.progress.lock().unwrap().push(word);
        self.news.notify_one();
    }
}
