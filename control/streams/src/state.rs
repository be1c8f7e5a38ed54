//! What all requests share.

use tokio::sync::watch;

use crate::bridge::Conversations;
use crate::gateway::Gateway;
use crate::metrics::Metrics;
use crate::relay::Relays;
use crate::room::{Room, RoomBounds};
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
    /// What servers say to streams.
    pub(crate) relays: Relays,
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
    /// For those of them whose clients shall come back.
    pub(crate) absences: Room,
    /// Of all this.
    pub(crate) metrics: Metrics,
    /// Those that hold something at a server.
    pub(crate) tasks: Tasks,
}

impl State {
    /// Nothing is held yet.
    pub(crate) fn new(settings: Settings, ending: watch::Receiver<bool>) -> Self {
        let gateway = Gateway::new(&settings);
        let bounds = settings.bounds;
        let metrics = Metrics::new();
        let room = |what, all, each| Room::new(what, RoomBounds { all, each }, &metrics);
        let relays = Relays::new(gateway.clone(), &settings, &metrics);
        let (each, parked_each) = (bounds.per_client, bounds.parked_per_client);
        Self {
            watch: Watch::new(gateway.clone(), &settings),
            sessions: Sessions::new(relays.clone(), &settings, &metrics),
            relays,
            streams: room("streams", bounds.streams, each),
            calls: room("calls between the eras", bounds.calls, each),
            absences: room("calls that wait for input", bounds.parked, parked_each),
            tasks: Tasks::new(),
            metrics,
            gateway,
            conversations: Conversations::default(),
            settings,
            ending,
        }
    }
}
