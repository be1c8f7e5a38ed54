//! The gateway of local mode: Envoy, its files, and what it is to serve.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::restarts::Restarts;
use crate::envoy::admin::{Admin, NoAnswer};
use crate::envoy::extension::Extension;
use crate::envoy::plan::Service;
use crate::envoy::process::{Launch, LaunchError, Process};
use crate::envoy::push::{Files, PushError, Pusher};
use crate::envoy::subscription::Subscription;

/// Between two looks at a starting Envoy.
const LOOK: Duration = Duration::from_millis(20);

/// From starting Envoy to being sure that it will not serve.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long requests that the filter decided before still find their routes and clusters.
const GRACE: Duration = Duration::from_secs(5);

/// How long the ends of streams may take through Envoy.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// From a failed change to the next try.
const RETRY: Duration = Duration::from_secs(1);

/// There is no gateway, or no more.
#[derive(Debug, thiserror::Error)]
pub(super) enum GatewayError {
    #[error("cannot listen at {address}: {cause}{}", advice(cause))]
    Address {
        address: SocketAddr,
        cause: io::Error,
    },
    #[error(transparent)]
    Launch(#[from] LaunchError),
    #[error(transparent)]
    Push(#[from] PushError),
    #[error(transparent)]
    Admin(#[from] NoAnswer),
    #[error("Envoy has ended ({how}). Its last words:\n{last_words}")]
    Ended { how: String, last_words: String },
    #[error("Envoy does not serve after {} s", PATIENCE.as_secs())]
    NotServing,
}

fn advice(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::AddrInUse => {
            ": stop what listens there, or choose another address with --listen"
        }
        io::ErrorKind::PermissionDenied => ": choose a port above 1023 with --listen",
        _ => ": choose an address of this machine with --listen",
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Gateway {
    launch: Launch,
    files: Files,
    admin: Admin,
    process: Process,
    address: SocketAddr,
    _port: TcpSocket,
    pushing: JoinHandle<()>,
    wanted: watch::Sender<Arc<Wanted>>,
    done: watch::Sender<u64>,
    seen: watch::Receiver<u64>,
    restarts: Restarts,
}

/// What is to be served, and the number of the wish.
#[derive(Debug)]
struct Wanted {
    number: u64,
    service: Service,
}

/// What happens to a gateway.
#[derive(Debug)]
pub(super) enum News {
    /// The wish of this number is served, or was given up.
    Served(u64),
    /// Envoy has ended, and nobody asked for that.
    Ended(GatewayError),
}

impl Gateway {
    /// Starts Envoy and waits until it serves.
    pub(super) async fn start(
        launch: Launch,
        mut files: Files,
        service: Service,
    ) -> Result<Self, GatewayError> {
        let (port, address) = hold(files.setup().listen)?;
        files.listen_at(address);
        files.write_all(&service)?;
        let admin = Admin::new(&files.setup().admin_socket)?;
        let process = start(&launch, &files, &admin).await?;
        let done = watch::Sender::new(0);
        let wanted = watch::Sender::new(Arc::new(Wanted {
            number: 0,
            service: service.clone(),
        }));
        let pusher = Pusher::new(
            files.clone(),
            admin.clone(),
            process.tail().clone(),
            service,
        );
        let pushing = tokio::spawn(push(pusher, wanted.subscribe(), done.clone()));
        let seen = done.subscribe();
        let restarts = Restarts::default();
        Ok(Self {
            launch,
            files,
            admin,
            process,
            address,
            _port: port,
            pushing,
            wanted,
            done,
            seen,
            restarts,
        })
    }

    /// Where clients on this machine connect.
    pub(super) fn address(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            ip if !ip.is_unspecified() => ip,
            ip if ip.is_ipv4() => Ipv4Addr::LOCALHOST.into(),
            _ => Ipv6Addr::LOCALHOST.into(),
        };
        SocketAddr::new(ip, self.address.port())
    }

    /// Asks for this to be served, instead of whatever was asked for before.
    pub(super) fn want(&self, service: Service) {
        let number = self.wish() + 1;
        self.wanted
            .send_replace(Arc::new(Wanted { number, service }));
    }

    /// The number of the last wish.
    pub(super) fn wish(&self) -> u64 {
        self.wanted.borrow().number
    }

    /// Whether a wish or a later one is served, or was given up.
    pub(super) fn has_served(&self, wish: u64) -> bool {
        *self.done.borrow() >= wish
    }

    /// What happens next. Nothing is lost when this future is dropped.
    pub(super) async fn news(&mut self) -> News {
        tokio::select! {
            error = ended(&mut self.process) => News::Ended(error),
            Ok(()) = self.seen.changed() => News::Served(*self.seen.borrow_and_update()),
        }
    }

    /// Starts Envoy again after it has ended, unless it has ended too often.
    pub(super) async fn restart(&mut self, mut error: GatewayError) -> Result<(), GatewayError> {
        self.pushing.abort();
        loop {
            let Some(wait) = self.restarts.after_end(Instant::now()) else {
                return Err(error);
            };
            tracing::error!("{error}");
            tracing::warn!("starting Envoy again in {} ms", wait.as_millis());
            sleep(wait).await;
            match self.start_again().await {
                Ok(()) => break,
                Err(again @ GatewayError::Ended { .. }) => error = again,
                Err(other) => return Err(other),
            }
        }
        tracing::info!("Envoy serves again");
        Ok(())
    }

    async fn start_again(&mut self) -> Result<(), GatewayError> {
        let wanted = Arc::clone(&self.wanted.borrow());
        let (number, service) = (wanted.number, wanted.service.clone());
        self.files.write_all(&service)?;
        let process = start(&self.launch, &self.files, &self.admin).await?;
        self.process = process;
        let tail = self.process.tail().clone();
        let pusher = Pusher::new(self.files.clone(), self.admin.clone(), tail, service);
        self.done.send_replace(number);
        self.pushing = tokio::spawn(push(pusher, self.wanted.subscribe(), self.done.clone()));
        Ok(())
    }

    /// Waits until what `mcp-streams` said last has gone on to its clients, a second at most.
    pub(super) async fn pass_on_streams(&self) {
        let until = Instant::now() + LAST_WORDS;
        while Instant::now() < until
            && self
                .admin
                .progress()
                .await
                .is_ok_and(|progress| progress.streams() > 0)
        {
            sleep(LOOK).await;
        }
    }

    /// Ends Envoy.
    pub(super) async fn stop(self) {
        self.pushing.abort();
        self.process.stop().await;
    }
}

/// Takes the address, and chooses its port where that is 0, for as long as the socket lives.
///
/// It never listens, so Envoy can, now and after a restart; the system gives the port to nobody who does not name it.
fn hold(address: SocketAddr) -> Result<(TcpSocket, SocketAddr), GatewayError> {
    let bind = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    };
    bind().map_err(|cause| GatewayError::Address { address, cause })
}

async fn start(launch: &Launch, files: &Files, admin: &Admin) -> Result<Process, GatewayError> {
    let mut process = launch.start()?;
    let serves = tokio::select! {
        error = ended(&mut process) => return Err(error),
        serves = serving(files, admin) => serves,
        () = sleep(PATIENCE) => Err(GatewayError::NotServing),
    };
    match serves {
        Ok(()) => Ok(process),
        Err(error) => {
            let error = match error {
                GatewayError::Push(PushError::Refused { what, .. }) => {
                    let reason = process.tail().complaints_since(0);
                    PushError::Refused { what, reason }.into()
                }
                other => other,
            };
            process.stop().await;
            Err(error)
        }
    }
}

async fn serving(files: &Files, admin: &Admin) -> Result<(), GatewayError> {
    let filters = Extension::chain(files.setup().instances)
        .iter()
        .map(|one| Subscription::Filter(*one));
    let needed: Vec<_> = filters
        .chain([
            Subscription::Listeners,
            Subscription::Routes,
            Subscription::Issuers,
        ])
        .collect();
    loop {
        sleep(LOOK).await;
        // Until it answers, it is starting.
        let Ok(progress) = admin.progress().await else {
            continue;
        };
        if let Some(what) = needed.iter().find(|what| progress.refusals(**what) > 0) {
            // Its words may still be on their way.
            sleep(LOOK).await;
            return Err(PushError::Refused {
                what: *what,
                reason: String::new(),
            }
            .into());
        }
        if admin.is_live().await.unwrap_or(false)
            && let Ok(Some(_)) = admin.listen_address().await
        {
            return Ok(());
        }
    }
}

async fn ended(process: &mut Process) -> GatewayError {
    let how = match process.ended().await {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    GatewayError::Ended {
        how,
        last_words: process.tail().last_words(),
    }
}

/// Fulfils the latest wish, over and over.
async fn push(
    mut pusher: Pusher,
    mut wanted: watch::Receiver<Arc<Wanted>>,
    done: watch::Sender<u64>,
) {
    loop {
        let now = Arc::clone(&wanted.borrow_and_update());
        let retry = match pusher.apply(&now.service).await {
            Ok(()) => false,
            Err(error) => {
                tracing::error!("{error}; what was served before goes on");
                !matches!(error, PushError::Refused { .. })
            }
        };
        done.send_replace(now.number);
        let untidy = !retry && !pusher.is_tidy(&now.service);
        tokio::select! {
            changed = wanted.changed() => if changed.is_err() { return },
            () = sleep(RETRY), if retry => {}
            () = sleep(GRACE), if untidy => {
                if let Err(error) = pusher.tidy(&now.service).await {
                    tracing::warn!("{error}");
                }
                // What could not be taken away is tried again with the next change.
                if wanted.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_address_in_use_says_what_to_do() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = hold(address).unwrap_err().to_string();
        assert!(
            error.contains(&address.to_string()) && error.contains("--listen"),
            "{error}"
        );
    }

    #[test]
    fn a_chosen_port_is_for_those_who_name_it_one_after_the_other() {
        let (port, address) = hold("127.0.0.1:0".parse().unwrap()).unwrap();
        for _ in 0..2 {
            assert!(TcpListener::bind(address).is_ok());
        }
        let unaware = TcpSocket::new_v4().unwrap();
        assert!(unaware.bind(address).is_err());
        drop(port);
        assert!(unaware.bind(address).is_ok());
    }
}
