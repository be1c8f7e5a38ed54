use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use mcp_filter_config::{PluginConfig, Role, Telemetry, VERSION};
use mcp_filter_core::Table;
use mcp_filter_core::slots::count_upstream_sessions;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};

use crate::calls::{self, Calls};
use crate::clock::Clock;
use crate::complaint::Complaint;
use crate::flow::{Flow, Half};
use crate::gate::Gate;
use crate::handshake;
use crate::host;
use crate::metrics::{self, Metrics};
use crate::series::Statistics;
use crate::shared_slots::HostSlots;
use crate::stream::{Closed, Stream};

/// How often streams that wait are looked at.
const TICK: Duration = Duration::from_secs(1);

/// Called once in each VM.
pub(crate) fn start() {
    // The host drops what is below its own level.
    proxy_wasm::set_log_level(LogLevel::Debug);
    proxy_wasm::set_root_context(|id| Box::new(Plugin::new(id)));
}

/// A plugin context: one configuration in one VM.
#[derive(Debug)]
pub(crate) struct Plugin {
    id: u32,
    /// What was configured last and is served; the host refuses requests until there is something.
    serving: Option<Serving>,
}

#[derive(Debug)]
enum Serving {
    Exchanges(Half, Rc<Shared>),
    Gate(Rc<Complaint>),
}

/// What the streams of one plugin share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) table: Rc<Table>,
    pub(crate) metrics: Rc<Metrics>,
    pub(crate) statistics: Statistics,
    /// Whether access logs are told of each request.
    pub(crate) leaves_filter_state: bool,
    pub(crate) calls: Calls,
    pub(crate) clock: Clock,
    pub(crate) complaint: Complaint,
    ticking: RefCell<BTreeMap<u32, Weak<RefCell<Flow>>>>,
}

impl Plugin {
    pub(crate) fn new(id: u32) -> Self {
        Self { id, serving: None }
    }

    fn configure(&mut self, bytes: &[u8]) -> Result<(), String> {
        let config = read(bytes)?;
        #[cfg(feature = "faults")]
        if let Some(refusal) = crate::faults::refusal(&config) {
            return Err(refusal);
        }
        let table = Table::compile(&config).map_err(|error| error.to_string())?;
        let half = match config.role {
            Role::Hold => Half::Whole,
            Role::Route => Half::Route,
            Role::Gate => {
                self.serving = Some(Serving::Gate(Rc::default()));
                handshake::set_gate(self.id, true);
                return Ok(());
            }
        };
        handshake::set_gate(self.id, false);
        host::set_tick_period(TICK).map_err(|error| format!("no ticks: {error:?}"))?;
        let shared = Shared::new(Rc::new(table), config.telemetry);
        shared.metrics.serve_generation(&config.generation);
        self.serving = Some(Serving::Exchanges(half, Rc::new(shared)));
        log::info!(
            "serving generation {:?} as {:?}",
            config.generation,
            config.role
        );
        Ok(())
    }
}

/// A configuration of another version may have another shape, so its version is the reason to be told.
fn read(bytes: &[u8]) -> Result<PluginConfig, String> {
    serde_json::from_slice(bytes).map_err(|error| {
        let version = serde_json::from_slice::<serde_json::Value>(bytes).ok();
        match version.and_then(|config| config.get("version")?.as_u64()) {
            Some(version) if version != u64::from(VERSION) => {
                format!("version {version} is not version {VERSION}, which this filter reads")
            }
            _ => format!("not a plugin configuration: {error}"),
        }
    })
}

impl Shared {
    fn new(table: Rc<Table>, telemetry: Telemetry) -> Self {
        let metrics = metrics::of_this_vm();
        Self {
            statistics: Statistics::new(metrics.series(), &table, telemetry.stats),
            leaves_filter_state: telemetry.filter_state,
            table,
            metrics,
            calls: Calls::default(),
            clock: Clock::default(),
            complaint: Complaint::default(),
            ticking: RefCell::default(),
        }
    }

    /// From now on the stream is looked at on each tick.
    pub(crate) fn tick(&self, id: u32, flow: Weak<RefCell<Flow>>) {
        self.ticking.borrow_mut().insert(id, flow);
    }

    /// The opposite.
    pub(crate) fn stop_ticking(&self, id: u32) {
        self.ticking.borrow_mut().remove(&id);
    }

    fn count_sessions(&self) {
        let (table, now_ms) = (&self.table, self.clock.now_ms());
        let lifetime_ms = table.sessions().ttl_seconds().saturating_mul(1000);
        let slots = &mut HostSlots;
        let count = count_upstream_sessions(slots, table.limits(), lifetime_ms, now_ms);
        self.metrics.remember_sessions(count);
    }

    fn streams_to_tick(&self) -> Vec<Rc<RefCell<Flow>>> {
        self.ticking
            .borrow()
            .values()
            .filter_map(Weak::upgrade)
            .collect()
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        handshake::set_gate(self.id, false);
    }
}

impl Context for Plugin {
    fn on_http_call_response(&mut self, id: u32, headers: usize, body_size: usize, _: usize) {
        if let Some(Serving::Exchanges(_, shared)) = &self.serving {
            end_call(shared, id, headers, body_size);
        }
    }
}

impl RootContext for Plugin {
    fn on_configure(&mut self, size: usize) -> bool {
        let configured = host::plugin_configuration(size)
            .map_err(|error| format!("not readable: {error:?}"))
            .and_then(|bytes| self.configure(&bytes));
        match configured {
            Ok(()) => true,
            Err(reason) => {
                log::error!("configuration refused, the last good one goes on: {reason}");
                false
            }
        }
    }

    fn on_queue_ready(&mut self, queue: u32) {
        for flow in handshake::woken(queue) {
            if let Ok(mut flow) = flow.try_borrow_mut() {
                flow.on_wake();
            }
        }
        let _ = host::enter(self.id);
    }

    fn on_tick(&mut self) {
        let Some(Serving::Exchanges(_, shared)) = &self.serving else {
            return;
        };
        shared.clock.read();
        shared.metrics.tell();
        shared.count_sessions();
        for flow in shared.streams_to_tick() {
            if let Ok(mut flow) = flow.try_borrow_mut() {
                flow.on_tick();
            }
        }
        let _ = host::enter(self.id);
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(match &self.serving {
            Some(Serving::Exchanges(half, shared)) => {
                Box::new(Stream::new(Flow::new(id, *half, shared.clone())))
            }
            Some(Serving::Gate(complaint)) => Box::new(Gate::new(id, complaint.clone())),
            None => Box::new(Closed),
        })
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// Brings the end of a call to the stream that waits for it.
pub(crate) fn end_call(shared: &Shared, id: u32, headers: usize, body_size: usize) {
    let outcome = calls::outcome(headers, body_size);
    shared.clock.read();
    if headers == 0 {
        shared.metrics.call_failed();
    }
    if let Some((flow, token)) = shared.calls.take(id)
        && let Ok(mut flow) = flow.try_borrow_mut()
    {
        flow.on_call(token, outcome);
    }
}
