//! The answers of an [`super::Upstream`].

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::stream::{self, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::sync::oneshot;

use super::{Received, Server, member};
use crate::feed::Feed;
use crate::script::{Answer, TRAILER};
use crate::sessions::MARK;

/// Before an answer on an event stream.
const NOTIFICATION: &str = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"working"}}"#;

impl Server {
    pub(super) fn initialize(&self, request: &Received) -> Response {
        let id = member(&request.body, "id").unwrap_or_else(|| "null".to_owned());
        let apps = if self.script.apps {
            r#","extensions":{"io.modelcontextprotocol/ui":{}}"#
        } else {
            ""
        };
        let result = format!(
            r#"{{"protocolVersion":"{}","capabilities":{{"tools":{{}},"prompts":{{}},"resources":{{}},"completions":{{}},"logging":{{}}{apps}}},"serverInfo":{{"name":"scripted","version":"1"}}}}"#,
            self.script.protocol_version
        );
        let mut response = self.result(&id, &result);
        if self.script.sessions {
            let session = format!(
                "upstream-{}",
                self.next_session.fetch_add(1, Ordering::Relaxed)
            );
            response
                .headers_mut()
                .insert("mcp-session-id", HeaderValue::from_str(&session).unwrap());
            self.sessions.lock().unwrap().insert(session);
        }
        response
    }

    pub(super) fn lost_session(&self, request: &Received) -> Response {
        let id = member(&request.body, "id").unwrap_or_else(|| "null".to_owned());
        let body = format!(
            r#"{{"jsonrpc":"2.0","error":{{"code":-32000,"message":"Bad Request: No valid session ID provided"}},"id":{id}}}"#
        );
        let mut response = json(body);
        *response.status_mut() = StatusCode::from_u16(self.script.lost_session_status).unwrap();
        response
    }

    /// One page of a list; the cursor is the number of the page's first item.
    pub(super) fn page(
        &self,
        request: &Received,
        id: &str,
        list: &str,
        items: &[String],
    ) -> Response {
        let first = member(&request.body, "params")
            .and_then(|params| member(params.as_bytes(), "cursor"))
            .and_then(|cursor| serde_json::from_str::<String>(&cursor).ok())
            .map_or(0, |cursor| cursor.parse().unwrap());
        let size = if self.script.page_items == 0 {
            items.len().max(1)
        } else {
            self.script.page_items
        };
        let page: Vec<_> = items.iter().skip(first).take(size).cloned().collect();
        let next = first + size;
        let cursor = if next < items.len() {
            format!(r#","nextCursor":"{next}""#)
        } else {
            String::new()
        };
        let page = page.join(",");
        if super::stateless::is_of_the_era(request) {
            let caching = r#""resultType":"complete","ttlMs":0,"cacheScope":"private""#;
            return self.result(id, &format!(r#"{{"{list}":[{page}]{cursor},{caching}}}"#));
        }
        self.result(id, &format!(r#"{{"{list}":[{page}]{cursor}}}"#))
    }

    pub(super) fn result(&self, id: &str, result: &str) -> Response {
        let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
        if self.script.streams {
            events(vec![NOTIFICATION.to_owned(), message])
        } else {
            json(message)
        }
    }

    pub(super) async fn call(
        self: Arc<Self>,
        request: &Received,
        id: String,
        session: String,
    ) -> Response {
        let params = member(&request.body, "params").unwrap_or_else(|| "{}".to_owned());
        let name: Value = member(params.as_bytes(), "name")
            .map_or(Value::Null, |name| serde_json::from_str(&name).unwrap());
        let tool = self
            .script
            .tools
            .iter()
            .find(|tool| name == tool.name.as_str());
        let Some(answer) = tool.map(|tool| tool.answer.clone()) else {
            return json(format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32602,"message":"Unknown tool: {name}"}}}}"#
            ));
        };
        self.play(answer, request, (id, session)).await
    }

    /// Ends a call so; the revision counts in results that echo.
    pub(super) async fn play(
        self: Arc<Self>,
        answer: Answer,
        request: &Received,
        (id, session): (String, String),
    ) -> Response {
        let params = member(&request.body, "params").unwrap_or_else(|| "{}".to_owned());
        let echo = |id: &str, params: &str| {
            let kind = if super::stateless::is_of_the_era(request) {
                r#""resultType":"complete","#
            } else {
                ""
            };
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{{kind}"content":[],"structuredContent":{{"params":{params}}}}}}}"#
            )
        };
        match answer {
            Answer::Echo => json(echo(&id, &params)),
            Answer::EchoStream => events(vec![NOTIFICATION.to_owned(), echo(&id, &params)]),
            Answer::EchoTrailer => trailed(json(echo(&id, &params))),
            Answer::Slow(duration) => {
                tokio::time::sleep(duration).await;
                json(echo(&id, &params))
            }
            Answer::Response {
                status,
                headers,
                body,
            } => whole(status, headers, body.replace("$ID", &id)),
            Answer::Progress(count) => {
                let mut messages = progress(&params, count);
                messages.push(echo(&id, &params));
                events(messages)
            }
            Answer::ProgressThenHang => hang_stream(&self, request, &progress(&params, 1)),
            Answer::Cut { content_type, part } => cut(content_type, part.replace("$ID", &id)),
            Answer::Fed(feed) => streamed(feed.messages().map(|message| event(&message))),
            Answer::Hang => {
                let _hanging = Hanging::new(&self, request);
                std::future::pending().await
            }
            Answer::HangStream => hang_stream(&self, request, &[NOTIFICATION.to_owned()]),
            Answer::Ask {
                id: question,
                method,
                params,
            } => self.ask(&id, &session, (question, method, params)),
            Answer::NeedsInput(rounds) => super::stateless::need_input(rounds, &id, &params)
                .unwrap_or_else(|| json(echo(&id, &params))),
            Answer::LoseSession => {
                self.sessions.lock().unwrap().clear();
                self.lost_session(request)
            }
        }
    }

    fn ask(
        &self,
        id: &str,
        session: &str,
        (question, method, params): (&str, &str, &str),
    ) -> Response {
        let (sender, answer) = oneshot::channel();
        let key = serde_json::from_str(question).unwrap();
        self.asked
            .lock()
            .unwrap()
            .insert((session.to_owned(), key), sender);
        let asked =
            format!(r#"{{"jsonrpc":"2.0","id":{question},"method":"{method}","params":{params}}}"#);
        let id = id.to_owned();
        let last = stream::once(async move {
            let answer = answer.await.unwrap_or_default();
            let answer = String::from_utf8_lossy(&answer).into_owned();
            event(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[],"structuredContent":{{"answer":{answer}}}}}}}"#
            ))
        });
        streamed(stream::iter([event(&asked)]).chain(last))
    }
}

/// Counts a call that hangs, for as long as it does.
struct Hanging(Arc<Server>, String);

impl Hanging {
    fn new(server: &Arc<Server>, request: &Received) -> Self {
        let mark = request.header(MARK).unwrap_or_default().to_owned();
        server.hanging.lock().unwrap().push(mark.clone());
        Self(Arc::clone(server), mark)
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        let mut hanging = self.0.hanging.lock().unwrap();
        if let Some(at) = hanging.iter().position(|mark| *mark == self.1) {
            hanging.remove(at);
        }
    }
}

/// A JSON-RPC error: code, message, data.
pub(super) fn error(status: u16, id: &str, (code, message, data): (i64, &str, &Value)) -> Response {
    let data = if data.is_null() {
        String::new()
    } else {
        format!(r#","data":{data}"#)
    };
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"{message}"{data}}}}}"#
    );
    let headers = vec![("content-type", b"application/json".to_vec())];
    whole(status, headers, body)
}

pub(super) fn json(body: String) -> Response {
    whole(
        200,
        vec![("content-type", b"application/json".to_vec())],
        body,
    )
}

fn whole(status: u16, headers: Vec<(&'static str, Vec<u8>)>, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response
            .headers_mut()
            .append(name, HeaderValue::from_bytes(&value).unwrap());
    }
    response
}

fn trailed(response: Response) -> Response {
    let (name, value) = TRAILER;
    let trailers = HeaderMap::from_iter([(
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    )]);
    response.map(|body| Body::new(body.with_trailers(async { Some(Ok(trailers)) })))
}

fn event(message: &str) -> Bytes {
    let data = message.replace('\n', "\ndata: ");
    Bytes::from(format!("event: message\ndata: {data}\n\n"))
}

fn events(messages: Vec<String>) -> Response {
    streamed(stream::iter(messages).map(|message| event(&message)))
}

/// What is said outside calls.
pub(super) fn said(first: Option<String>, feed: &Feed) -> Response {
    let said = feed.messages();
    streamed(
        stream::iter(first)
            .chain(said)
            .map(|message| event(&message)),
    )
}

fn streamed(pieces: impl stream::Stream<Item = Bytes> + Send + 'static) -> Response {
    let body = Body::from_stream(pieces.map(Ok::<_, Infallible>));
    let mut response = Response::new(body);
    response.headers_mut().insert(
        "content-type",
        HeaderValue::from_static("text/event-stream"),
    );
    response
}

fn cut(content_type: &'static str, part: String) -> Response {
    let broken = std::io::Error::other("the connection breaks here");
    let pieces = stream::iter([Ok(Bytes::from(part))]).chain(stream::once(async {
        // Lets the part leave before the connection goes.
        tokio::time::sleep(Duration::from_millis(30)).await;
        Err::<Bytes, _>(broken)
    }));
    let mut response = Response::new(Body::from_stream(pieces));
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static(content_type));
    response
}

pub(super) fn talk_back() -> Response {
    let question = r#"{"jsonrpc":"2.0","id":"of-the-server","method":"ping"}"#;
    streamed(stream::iter([event(question)]).chain(stream::pending()))
}

/// So many words of progress of a call with these `params`; none where nobody asked for them.
fn progress(params: &str, count: u32) -> Vec<String> {
    let token = member(params.as_bytes(), "_meta")
        .and_then(|meta| member(meta.as_bytes(), "progressToken"));
    let words = token.into_iter().flat_map(|token| {
        (1..=count).map(move |step| {
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{step},"total":{count},"message":"step {step}"}}}}"#
            )
        })
    });
    words.collect()
}

fn hang_stream(server: &Arc<Server>, request: &Received, first: &[String]) -> Response {
    let hanging = Hanging::new(server, request);
    let silence = stream::once(async move {
        let _hanging = hanging;
        std::future::pending().await
    });
    let first: Vec<Bytes> = first.iter().map(|message| event(message)).collect();
    streamed(stream::iter(first).chain(silence))
}
