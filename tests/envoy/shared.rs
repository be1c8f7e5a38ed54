//! Gateways that many tests share. None of those tests changes, stops or measures its gateway or its servers.

use std::ops::Deref;

use harness::caller::Protocol;
use harness::everything::Everything;
use harness::gateway::{Gateway, Role};
use harness::github::{GitHub, token};
use harness::manifests::{Manifests, Server};
use harness::raw_upstream::RawUpstream;
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::Upstream;
use tokio::sync::OnceCell;

/// A gateway before servers of this process.
#[derive(Debug)]
pub(crate) struct Scripted {
    pub(crate) gateway: Gateway,
    /// Prefix `plain_`: no sessions.
    pub(crate) plain: Upstream,
    /// Prefix `kept_`: with sessions.
    pub(crate) kept: Upstream,
    /// Prefix `guarded_`: wants `Authorization`, which a policy makes from `x-guarded-token`. With sessions.
    pub(crate) guarded: Upstream,
    /// Prefix `hasty_`: may be silent for one second.
    pub(crate) hasty: Upstream,
    /// Prefix `raw_`: breaks HTTP.
    pub(crate) _raw: RawUpstream,
}

/// A gateway that joins server-everything (prefix `everything_`) and github-mcp-server (prefix `github_`, whose policy
/// makes `Authorization` from `x-github-pat`).
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) gateway: Gateway,
    pub(crate) everything: Everything,
    pub(crate) github: GitHub,
}

/// What [`Scripted::guarded`] wants; the policy adds `Bearer ` to the client's `x-guarded-token`.
pub(crate) const GUARDED_TOKEN: &str = "guarded-secret";

/// The scripted gateway of a role.
pub(crate) async fn scripted(role: Role) -> Used<Scripted> {
    static CELLS: [OnceCell<Scripted>; 2] = [const { OnceCell::const_new() }; 2];
    Used(
        CELLS[index(role)]
            .get_or_init(|| start_scripted(role))
            .await,
    )
}

/// The joined gateway of a role.
pub(crate) async fn joined(role: Role) -> Used<Joined> {
    static CELLS: [OnceCell<Joined>; 2] = [const { OnceCell::const_new() }; 2];
    Used(CELLS[index(role)].get_or_init(|| start_joined(role)).await)
}

/// A shared gateway in use; when the test fails, it shows the gateway's log.
#[derive(Debug)]
pub(crate) struct Used<T: HasGateway>(&'static T);

/// Something with a gateway in it.
pub(crate) trait HasGateway: 'static {
    fn gateway(&self) -> &Gateway;
}

impl HasGateway for Scripted {
    fn gateway(&self) -> &Gateway {
        &self.gateway
    }
}

impl HasGateway for Joined {
    fn gateway(&self) -> &Gateway {
        &self.gateway
    }
}

impl<T: HasGateway> Used<T> {
    /// A client without a session.
    pub(crate) fn client(&self, protocol: Protocol) -> Client {
        Client::new(self.gateway().address(), protocol)
    }

    /// A client with a session.
    pub(crate) async fn connected(&self, protocol: Protocol) -> Client {
        Client::connected(self.gateway().address(), protocol).await
    }
}

impl<T: HasGateway> Deref for Used<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}

impl<T: HasGateway> Drop for Used<T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.gateway().process().log());
        }
    }
}

fn index(role: Role) -> usize {
    usize::from(role == Role::Pair)
}

async fn start_scripted(role: Role) -> Scripted {
    let plain = Upstream::start(Script::standard()).await;
    // With resources, too: a URI that nobody lists would go to the only server that has any.
    let kept = Script {
        resources: vec![r#"{"uri":"kept://one","name":"one"}"#.to_owned()],
        ..without_resources(Script::standard().with_sessions())
    };
    let kept = Upstream::start(kept).await;
    let authorization = Some(format!("Bearer {GUARDED_TOKEN}"));
    let guarded = Script {
        authorization,
        ..without_resources(Script::standard().with_sessions())
    };
    let guarded = Upstream::start(guarded).await;
    let hasty = Upstream::start(without_resources(Script::standard())).await;
    let raw = RawUpstream::start().await;
    let manifests = Manifests::gateway()
        .server(&Server::new("plain", plain.address()))
        .server(&Server::new("kept", kept.address()))
        .server(
            &Server::new("guarded", guarded.address())
                .credential(&format!("Bearer {GUARDED_TOKEN}"))
                .swapping("x-guarded-token"),
        )
        .server(&Server::new("hasty", hasty.address()).timeouts("1s", "1s"))
        .server(&Server::new("raw", raw.address()));
    let gateway = Gateway::start(role, &manifests).await;
    Scripted {
        gateway,
        plain,
        kept,
        guarded,
        hasty,
        _raw: raw,
    }
}

/// Resources have no prefix, so only one of several servers can offer the same.
fn without_resources(script: Script) -> Script {
    Script {
        resources: Vec::new(),
        resource_templates: Vec::new(),
        ..script
    }
}

async fn start_joined(role: Role) -> Joined {
    let everything = Everything::start().await;
    let github = GitHub::start().await;
    let manifests = Manifests::gateway()
        .server(&Server::new("everything", everything.address()))
        .server(
            // It takes requests on loopback for loopback's names alone.
            &Server::new("github", github.address())
                .authority("localhost")
                .credential(&format!("Bearer {}", token('d')))
                .swapping("x-github-pat"),
        );
    let gateway = Gateway::start(role, &manifests).await;
    Joined {
        gateway,
        everything,
        github,
    }
}
