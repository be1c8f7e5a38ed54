//! Gives up on an apiserver that takes a request and never answers it.

use std::time::Duration;

use http::Request;
use kube::Client;
use kube::client::Body;
use tokio::time::timeout;
use tower::service_fn;

/// An apiserver itself ends what takes longer than its `--request-timeout`, 60 seconds where nobody has set another.
const ANSWER: Duration = Duration::from_secs(70);

/// Longer than a watch may last (290 seconds, kube's own): nothing at all comes on a connection that is not there any
/// more. For what begins in time and does not go on.
pub(super) const SILENCE: Duration = Duration::from_secs(330);

#[derive(Debug, thiserror::Error)]
#[error("the apiserver does not answer")]
struct NoAnswer;

/// The same client, but a request fails whose answer does not begin in time. That of a watch begins at once.
pub(super) fn impatient(client: Client) -> Client {
    let namespace = client.default_namespace().to_owned();
    let service = service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move {
            match timeout(ANSWER, client.send(request)).await {
                Ok(answer) => answer,
                Err(_) => Err(kube::Error::Service(NoAnswer.into())),
            }
        }
    });
    Client::new(service, namespace)
}
