//! What the gateway answers.

use axum::body::{Body, Bytes, to_bytes};
use futures::{StreamExt as _, stream};
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::{Response, StatusCode};
use mcp_filter_core::Era;
use mcp_filter_core::streams;

use crate::caller::SESSION_ID;
use crate::events::EventReader;
use crate::request::era;

/// Head and body of an inner response.
#[derive(Debug)]
pub(crate) struct Reply {
    response: Response<Body>,
    most: usize,
}

impl Reply {
    /// An answer of which at most `most` bytes are read at once.
    pub(crate) fn new(response: Response<Body>, most: usize) -> Self {
        Self { response, most }
    }

    /// HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// All headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// `namespace/name` of the server that the request went to.
    pub(crate) fn server(&self) -> Option<&HeaderValue> {
        self.headers().get(streams::SERVER_NAME)
    }

    /// How that server speaks.
    pub(crate) fn era(&self) -> Option<Era> {
        self.headers().get(streams::ERA).and_then(era)
    }

    /// The session that it has opened.
    pub(crate) fn session(&self) -> Option<&HeaderValue> {
        self.headers().get(SESSION_ID)
    }

    /// Whether the body is a stream of events.
    pub(crate) fn is_stream(&self) -> bool {
        let kind = self.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let essence = kind.and_then(|kind| kind.split(|byte| *byte == b';').next());
        essence.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"text/event-stream"))
    }

    /// The messages of a stream.
    pub(crate) fn events(self) -> EventReader {
        EventReader::new(self.response.into_body(), self.most)
    }

    /// The whole body; `None` when it was cut or is too large.
    pub(crate) async fn read(self) -> Option<Bytes> {
        to_bytes(self.response.into_body(), self.most).await.ok()
    }

    /// The whole body, or where it is too large, all of it as a stream. One that was cut is cut then, too.
    pub(crate) async fn read_or_rest(self) -> (Option<Bytes>, Body) {
        let mut pieces = self.response.into_body().into_data_stream();
        let mut read = Vec::new();
        while read.len() <= self.most {
            match pieces.next().await {
                Some(Ok(piece)) => read.extend_from_slice(&piece),
                None => return (Some(read.into()), Body::empty()),
                Some(Err(error)) => {
                    let cut = stream::iter([Ok(Bytes::from(read)), Err(error)]);
                    return (None, Body::from_stream(cut));
                }
            }
        }
        let first = stream::iter([Ok(Bytes::from(read))]);
        (None, Body::from_stream(first.chain(pieces)))
    }

    /// The whole body, and with it still the answer; `None` when it was cut or is too large.
    pub(crate) async fn whole(self) -> Option<(Self, Bytes)> {
        let (head, body) = self.response.into_parts();
        let body = to_bytes(body, self.most).await.ok()?;
        let response = Response::from_parts(head, Body::from(body.clone()));
        Some((
            Self {
                response,
                most: self.most,
            },
            body,
        ))
    }

    /// As it is, for the client: but for what was said to this program, or of the inner connection.
    pub(crate) fn pass_on(self) -> Response<Body> {
        let mut response = self.response;
        let kept = response.headers_mut();
        let ours = |name: &&HeaderName| name.as_str().starts_with(streams::PURPOSE);
        let ours: Vec<HeaderName> = kept.keys().filter(ours).cloned().collect();
        for name in &ours {
            kept.remove(name);
        }
        for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            kept.remove(name);
        }
        kept.remove(streams::SERVER_NAME);
        response
    }
}
