//! The gateways that the tests share. No test changes or stops one.

use harness::everything::Everything;
use harness::gateway::{Gateway, Role};
use harness::github::{GitHub, token};
use harness::manifests::{Manifests, Server};
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use tokio::sync::OnceCell;

/// A gateway that joins three servers.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) gateway: Gateway,
    /// Prefix `everything_`.
    pub(crate) everything: Everything,
    /// Prefix `github_`: its policy makes `Authorization` from `x-github-pat`.
    pub(crate) github: GitHub,
    /// Prefix `scripted_`, with sessions.
    pub(crate) scripted: Upstream,
}

/// That of a role. When the test fails, it shows the gateway's log.
pub(crate) async fn chain(role: Role) -> Used {
    static CELLS: [OnceCell<Chain>; 2] = [const { OnceCell::const_new() }; 2];
    let cell = &CELLS[usize::from(role == Role::Pair)];
    Used(cell.get_or_init(|| start(role)).await)
}

/// See [`chain`].
#[derive(Debug)]
pub(crate) struct Used(&'static Chain);

impl std::ops::Deref for Used {
    type Target = Chain;

    fn deref(&self) -> &Chain {
        self.0
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.gateway.process().log());
        }
    }
}

async fn start(role: Role) -> Chain {
    let everything = Everything::start().await;
    let github = GitHub::start().await;
    let tools = vec![
        Tool::new("progress", Answer::Progress(5)),
        Tool::new("progress_then_hang", Answer::ProgressThenHang),
    ];
    let scripted = Upstream::start(Script::with_tools(tools).with_sessions()).await;
    let manifests = Manifests::gateway()
        .server(&Server::new("everything", everything.address()))
        .server(
            // It takes requests on loopback for loopback's names alone.
            &Server::new("github", github.address())
                .authority("localhost")
                .credential(&format!("Bearer {}", token('d')))
                .swapping("x-github-pat"),
        )
        .server(&Server::new("scripted", scripted.address()));
    let gateway = Gateway::start(role, &manifests).await;
    Chain {
        gateway,
        everything,
        github,
        scripted,
    }
}
