//! The world that tests share which stop neither its control nor a gateway, and tell their own tools by a prefix.

use std::ops::Deref;

use harness::cluster_gateway::ClusterGateway;
use harness::control::Control;
use harness::runtime;
use tokio::sync::OnceCell;

use crate::world::{PATIENT, World};

/// The Gateway to which routes are attached unless a test says otherwise.
const COMMON: &str = "mcp-gateway";

/// Gateways of one test each, which changes them.
pub(crate) const CONTESTED: &str = "contested";
pub(crate) const DISTANT: &str = "distant";
pub(crate) const GUARDED: &str = "guarded";

const GATEWAYS: [&str; 4] = [COMMON, CONTESTED, DISTANT, GUARDED];

/// See the module.
struct Running {
    world: World,
    control: Control,
}

/// The shared world in use; when the test fails, it shows the log of its control.
pub(crate) struct Shared(&'static Running);

/// The shared one. When it does not start, the first test waits for it in vain and the others fail at once.
pub(crate) async fn shared() -> Shared {
    static RUNNING: OnceCell<Option<Running>> = OnceCell::const_new();
    let start = || async { runtime::spawn(start()).await.ok() };
    let running = RUNNING.get_or_init(start).await.as_ref();
    Shared(running.expect("the world starts; why not is said above"))
}

async fn start() -> Running {
    let world = World::with_gateways(&GATEWAYS).await;
    let control = world.control_with("shared", PATIENT).await;
    Running { world, control }
}

impl Shared {
    /// One of [`GATEWAYS`].
    pub(crate) fn gateway_of(&self, name: &str) -> &ClusterGateway {
        let place = GATEWAYS.iter().position(|known| *known == name);
        &self.gateways[place.expect("a gateway")]
    }
}

impl Deref for Shared {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0.world
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0.control.process().log());
        }
    }
}
