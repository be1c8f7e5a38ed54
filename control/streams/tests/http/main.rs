//! `mcp-streams` over HTTP, between a client of the tests and a gateway of the tests.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails here fails a test"
)]

mod batches;
mod client;
mod get;
mod listen;
mod stand_in;
mod subscriptions;

use std::net::SocketAddr;
use std::time::Duration;

use mcp_streams::{Listen, Listener, Settings, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use client::Client;
use stand_in::Gateway;

/// For what happens at once, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(10);

/// The program, and the gateway that it asks.
struct Bench {
    gateway: Gateway,
    client: Client,
    end: Option<oneshot::Sender<()>>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Bench {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let gateway = Gateway::start().await;
        let address = format!("http://{}", gateway.address);
        let mut settings = Settings::new(address.parse().unwrap());
        settings.poll = Duration::from_millis(5);
        settings.retry = Duration::from_millis(5);
        settings.recheck = Duration::from_millis(50);
        settings.second_look = Duration::from_millis(20);
        change(&mut settings);
        let listen = Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = listen.bind().await.unwrap();
        let Listener::Tcp(tcp) = &listener else {
            panic!("not TCP");
        };
        let client = Client::new(tcp.local_addr().unwrap());
        let (end, ended) = oneshot::channel();
        let shutdown = async move {
            let _ = ended.await;
        };
        let serving = tokio::spawn(serve(listener, settings, shutdown));
        let end = Some(end);
        Self {
            gateway,
            client,
            end,
            serving,
        }
    }

    /// Lets the program end.
    fn end(&mut self) {
        self.end.take().unwrap().send(()).unwrap();
    }

    /// Waits until it has.
    async fn ended(self) {
        let served = timeout(PATIENCE, self.serving).await;
        served.expect("it goes on").unwrap().unwrap();
    }
}

#[tokio::test]
async fn it_listens_on_a_socket_and_says_that_it_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("streams");
    // What a former process may have left.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let listen: Listen = format!("unix:{}", path.display()).parse().unwrap();
    let listener = listen.bind().await.unwrap();
    let settings = Settings::new("http://127.0.0.1:9".parse().unwrap());
    let (end, ended) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, settings, async { drop(ended.await) }));
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    timeout(PATIENCE, read).await.unwrap().unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n"),
        "{answer}"
    );
    end.send(()).unwrap();
    timeout(PATIENCE, serving).await.unwrap().unwrap().unwrap();
}
