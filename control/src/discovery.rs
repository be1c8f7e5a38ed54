//! What the servers offer, read through the gateway.
//!
//! One pass is `initialize`, `notifications/initialized`, all pages of the lists that the server announced, and the end
//! of the session; then `server/discover` of the stateless revision 2026-07-28 and, where the server speaks that, its
//! lists once more. A server that refuses `initialize` may speak that revision alone. Definitions keep the bytes in which
//! the server wrote them; of each item only its name is read.
//! [`Discovery`] makes a pass over each server at once, then every minute, at once when the server tells that a list
//! has changed, and with growing pauses while it fails.

mod absence;
mod capabilities;
mod connection;
mod deadline;
mod definition;
mod eras;
mod error;
mod event;
mod event_decoder;
mod event_stream;
mod handshake;
mod listener;
mod lists;
mod members;
mod message;
mod mirrored_headers;
mod protocol_fault;
mod quote;
mod refusal;
mod rounds;
mod schedule;
mod server;
mod shape;
mod side;
mod stateless;
mod subject;
mod subscription;
mod tells;
mod watcher;

pub use error::DiscoveryError;
pub use event::{Event, Outcome};
pub use protocol_fault::ProtocolFault;
pub use rounds::Rounds;
pub use schedule::Timing;
pub use subject::{PublicEndpoint, Subject};
pub use tells::Tells;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::gateway_client::GatewayClient;
use crate::object::ObjectName;

use server::GatewayServer;
use watcher::{Links, Watcher};

/// Events that wait to be taken; beyond them the watchers wait.
const QUEUE: usize = 64;

/// Follows all servers, each in a task of its own.
#[derive(Debug)]
pub struct Discovery {
    client: GatewayClient,
    timing: Timing,
    endpoint: watch::Sender<Option<PublicEndpoint>>,
    followed: BTreeMap<ObjectName, Followed>,
    tasks: JoinSet<()>,
    epoch: u64,
    teller: mpsc::Sender<(u64, ObjectName, Outcome)>,
    told: mpsc::Receiver<(u64, ObjectName, Outcome)>,
}

#[derive(Debug)]
struct Followed {
    subject: Subject,
    epoch: u64,
    hurry: Arc<Notify>,
    /// Dropped to end the watcher.
    _stop: oneshot::Sender<()>,
}

impl Discovery {
    /// Follows nobody yet. Must be used within a tokio runtime.
    pub fn new(client: GatewayClient, timing: Timing) -> Self {
        let (teller, told) = mpsc::channel(QUEUE);
        Self {
            client,
            timing,
            endpoint: watch::Sender::new(None),
            followed: BTreeMap::new(),
            tasks: JoinSet::new(),
            epoch: 0,
            teller,
            told,
        }
    }

    /// Where the filter tells its generation. With it, a failure of the gateway is told from a server's also where
    /// the gateway answers in the server's place; without it, every answer counts as the server's.
    pub fn ask_at(&self, endpoint: Option<PublicEndpoint>) {
        self.endpoint.send_replace(endpoint);
    }

    /// Follows exactly these. One that is new or has changed in any way gets a pass at once; the others go on
    /// undisturbed. Call it when the gateway already has the routes and endpoints that lead to them.
    pub fn follow(&mut self, subjects: impl IntoIterator<Item = Subject>) {
        let mut before = std::mem::take(&mut self.followed);
        for subject in subjects {
            let name = subject.name.clone();
            let followed = match before.remove(&name) {
                Some(followed) if followed.subject == subject => followed,
                _ => self.start(subject),
            };
            self.followed.insert(name, followed);
        }
    }

    /// Asks for a pass over one server at once; what is known of it stays.
    pub fn hurry(&self, name: &ObjectName) {
        if let Some(followed) = self.followed.get(name) {
            followed.hurry.notify_one();
        }
    }

    /// The next outcome, in the order of the passes' ends. Nothing is lost when this future is dropped.
    pub async fn next(&mut self) -> Event {
        loop {
            let Some((epoch, name, outcome)) = self.told.recv().await else {
                return std::future::pending().await;
            };
            while self.tasks.try_join_next().is_some() {}
            if self
                .followed
                .get(&name)
                .is_some_and(|followed| followed.epoch == epoch)
            {
                return Event { name, outcome };
            }
        }
    }

    /// Ends all sessions with the servers. Takes two seconds at most.
    pub async fn stop(mut self) {
        self.followed.clear();
        // Watchers that wait to tell something need not.
        self.told.close();
        while self.tasks.join_next().await.is_some() {}
    }

    fn start(&mut self, subject: Subject) -> Followed {
        self.epoch += 1;
        let epoch = self.epoch;
        let hurry = Arc::new(Notify::new());
        let (stopper, stop) = oneshot::channel();
        let (client, endpoint) = (self.client.clone(), self.endpoint.subscribe());
        let server = GatewayServer::new(client, subject.clone(), endpoint, self.timing.pass);
        let watcher = Watcher::new(subject.name.clone(), server, self.timing);
        let outcomes = self.teller.clone();
        let links = Links {
            outcomes,
            epoch,
            hurry: Arc::clone(&hurry),
            stop,
        };
        self.tasks.spawn(watcher.run(links));
        Followed {
            subject,
            epoch,
            hurry,
            _stop: stopper,
        }
    }
}
