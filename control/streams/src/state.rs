//! What all requests share.

use tokio::sync::watch;

use crate::bridge::Conversations;
use crate::gateway::Gateway;
use crate::room::{Bound, Room};
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::tasks::Tasks;
use crate::watch::Watch;

/// See the module.
#[derive(Debug)]
pub(crate) struct State {
    /// The inner leg.
    pub(crate) gateway: Gateway,
    /// Who waits for changes of the catalog.
    pub(crate) watch: Watch,
    /// Sessions with a stream.
    pub(crate) sessions: Sessions,
    /// Between the eras.
    pub(crate) conversations: Conversations,
    /// What the program was told.
    pub(crate) settings: Settings,
    /// Turns true when the program ends.
    pub(crate) ending: watch::Receiver<bool>,
    /// For streams.
    pub(crate) streams: Room,
    /// For calls between the eras: those that wait for their clients leave room for streams.
    pub(crate) calls: Room,
    /// Those that hold something at a server.
    pub(crate) tasks: Tasks,
}

impl State {
    /// Nothing is held yet.
    pub(crate) fn new(settings: Settings, ending: watch::Receiver<bool>) -> Self {
        let gateway = Gateway::new(&settings);
        let bounds = settings.bounds;
        let bound = |what, most| Bound { what, most };
        let streams = bound("streams", bounds.streams);
        let streams_each = bound("streams of one client", bounds.per_client);
        let calls = bound("calls between the eras", bounds.calls);
        let calls_each = bound("calls of one client between the eras", bounds.per_client);
        Self {
            watch: Watch::new(gateway.clone(), &settings),
            sessions: Sessions::new(gateway.clone(), &settings),
            streams: Room::new(streams, streams_each),
            calls: Room::new(calls, calls_each),
            tasks: Tasks::new(),
            gateway,
            conversations: Conversations::new(&settings.bounds),
            settings,
            ending,
        }
    }
}
