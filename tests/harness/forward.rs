//! Sends a request on to a server, as it is.

use std::error::Error;
use std::net::SocketAddr;

use http::{Request, Response, Uri, Version, header};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Over a connection of its own, of HTTP/1.1, which ends when the response's body is dropped. `authority` becomes the
/// `Host`. What the response says of that connection is taken away.
///
/// # Errors
///
/// The server cannot be reached, or answers no HTTP.
pub async fn forward<B>(
    request: Request<B>,
    server: SocketAddr,
    authority: Option<String>,
) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>>
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let stream = TcpStream::connect(server).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().cloned();
    head.uri = path.map(Uri::from).unwrap_or_default();
    head.version = Version::HTTP_11;
    head.headers.remove(header::HOST);
    if let Some(authority) = authority {
        head.headers.insert(header::HOST, authority.parse()?);
    }
    let response = sender.send_request(Request::from_parts(head, body)).await?;
    let (mut head, body) = response.into_parts();
    head.headers.remove(header::CONNECTION);
    head.headers.remove(header::TRANSFER_ENCODING);
    head.version = Version::default();
    Ok(Response::from_parts(head, body))
}
