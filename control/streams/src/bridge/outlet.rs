//! The client's end of a stream.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::event;

/// Messages that wait for a client that reads slowly: then the server waits, too.
const AHEAD: usize = 8;

/// See the module. Dropped, it ends the stream.
#[derive(Debug)]
pub(crate) struct Outlet(mpsc::Sender<Bytes>);

/// The client reads no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

impl Outlet {
    /// One with the response that it writes.
    pub(crate) fn open() -> (Self, Response) {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let events = stream::unfold(receiver, |mut receiver| async move {
            let event: Bytes = receiver.recv().await?;
            Some((Ok::<_, std::convert::Infallible>(event), receiver))
        });
        let mut response = Response::new(Body::from_stream(events));
        let headers = [
            (CONTENT_TYPE, "text/event-stream"),
            (CACHE_CONTROL, "no-cache"),
            // MCP 2026-07-28, basic/transports/streamable-http.
            (HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        response.headers_mut().extend(headers);
        (Self(sender), response)
    }

    /// One message.
    ///
    /// # Errors
    /// When nobody reads it.
    pub(crate) async fn send(&self, message: &str) -> Result<(), Gone> {
        self.write(event::message(None, message.as_bytes())).await
    }

    /// What `awaited` is, with a word to the client after each `silence`.
    ///
    /// # Errors
    /// When the client is gone first.
    pub(crate) async fn meanwhile<T>(
        &self,
        silence: Duration,
        awaited: impl Future<Output = T>,
    ) -> Result<T, Gone> {
        tokio::pin!(awaited);
        loop {
            tokio::select! {
                biased;
                () = self.0.closed() => return Err(Gone),
                waited = timeout(silence, &mut awaited) => match waited {
                    Ok(value) => return Ok(value),
                    Err(_) => self.write(event::KEEP_ALIVE).await?,
                }
            }
        }
    }

    async fn write(&self, bytes: Bytes) -> Result<(), Gone> {
        self.0.send(bytes).await.map_err(|_| Gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use futures::StreamExt as _;

    #[tokio::test]
    async fn a_client_reads_what_is_sent_until_the_outlet_is_dropped() {
        let (outlet, response) = Outlet::open();
        outlet.send("{}").await.unwrap();
        drop(outlet);
        let body = to_bytes(response.into_body(), 64).await.unwrap();
        assert_eq!(&body[..], b"data: {}\n\n");
    }

    #[tokio::test]
    async fn a_client_that_is_gone_is_noticed_while_nothing_comes() {
        let (outlet, response) = Outlet::open();
        drop(response);
        let waited = outlet.meanwhile(Duration::from_secs(60), std::future::pending::<()>());
        assert_eq!(waited.await, Err(Gone));
        assert_eq!(outlet.send("{}").await, Err(Gone));
    }

    #[tokio::test]
    async fn a_client_that_waits_hears_something_now_and_then() {
        let (outlet, response) = Outlet::open();
        let mut pieces = response.into_body().into_data_stream();
        let heard = async {
            for _ in 0..2 {
                let piece = pieces.next().await.unwrap().unwrap();
                assert_eq!(&piece[..], b":\n\n");
            }
        };
        let silence = Duration::from_millis(1);
        assert_eq!(outlet.meanwhile(silence, heard).await, Ok(()));
    }
}
