//! Where the two halves of a pair find each other: `route` leaves its stream here, `gate` fetches it.
//!
//! Both plugins are the same module in the same VM, so they share this static state.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::rc::{Rc, Weak};

use crate::flow::Flow;
use crate::host::{self, HostError};
use crate::random;

/// The request header that names the stream. Removed from whatever comes in, set on every request by `route`,
/// removed by `gate`: never seen by a client or an upstream.
pub(crate) const TAG: &str = "x-mcp-gate";

thread_local! {
    static TABLE: RefCell<HashMap<u32, Entry>> = RefCell::new(HashMap::new());
    /// Plugin contexts that are gates.
    static GATES: RefCell<BTreeSet<u32>> = const { RefCell::new(BTreeSet::new()) };
    /// The queue's name: shared queues are common to all workers, so each VM has its own.
    static QUEUE: OnceCell<String> = const { OnceCell::new() };
}

#[derive(Debug)]
struct Entry {
    nonce: u64,
    flow: Weak<RefCell<Flow>>,
}

/// What `route` tells `gate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// Nothing to wait for.
    Pass,
    /// Wait for the stream with this context id.
    Hold {
        /// Of `route`'s stream context.
        context: u32,
        /// Told to nobody else, so that no client can name a stream.
        nonce: u64,
    },
}

impl Tag {
    /// Reads the header's value; `None` for what `route` never writes.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let value = std::str::from_utf8(value).ok()?;
        if value == "pass" {
            return Some(Self::Pass);
        }
        let (context, nonce) = value.strip_prefix("hold:")?.split_once(':')?;
        Some(Self::Hold {
            context: context.parse().ok()?,
            nonce: u64::from_str_radix(nonce, 16).ok()?,
        })
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => formatter.write_str("pass"),
            Self::Hold { context, nonce } => write!(formatter, "hold:{context}:{nonce:016x}"),
        }
    }
}

/// From now on the plugin is a gate, or none any more.
pub(crate) fn set_gate(plugin: u32, is_gate: bool) {
    GATES.with_borrow_mut(|gates| {
        if is_gate {
            gates.insert(plugin);
        } else {
            gates.remove(&plugin);
        }
    });
}

/// Whether there is a gate in this VM. Without one no stream will ever be fetched.
pub(crate) fn has_gate() -> bool {
    GATES.with_borrow(|gates| !gates.is_empty())
}

/// Leaves a stream for its gate to find.
pub(crate) fn open(context: u32, flow: Weak<RefCell<Flow>>) -> Tag {
    let nonce = random::number();
    TABLE.with_borrow_mut(|table| table.insert(context, Entry { nonce, flow }));
    Tag::Hold { context, nonce }
}

/// The stream that `tag` names, if it lives and the nonce is its own.
pub(crate) fn join(context: u32, nonce: u64) -> Option<Rc<RefCell<Flow>>> {
    TABLE.with_borrow(|table| {
        table
            .get(&context)
            .filter(|entry| entry.nonce == nonce)?
            .flow
            .upgrade()
    })
}

/// The stream is over, or needs no gate any more.
pub(crate) fn close(context: u32) {
    TABLE.with_borrow_mut(|table| table.remove(&context));
}

/// Has `woken` called for this stream once the callback at hand and all that the host does after it are over.
pub(crate) fn wake_later(context: u32) -> Result<(), HostError> {
    QUEUE.with(|queue| {
        let name = queue.get_or_init(|| format!("mcp_filter.{:016x}", random::number()));
        host::enqueue(name, &context.to_le_bytes())
    })
}

/// The streams that are to be woken.
pub(crate) fn woken(queue: u32) -> Vec<Rc<RefCell<Flow>>> {
    let mut flows = Vec::new();
    while let Some(item) = host::dequeue(queue) {
        let context = item.try_into().ok().map(u32::from_le_bytes);
        flows.extend(context.and_then(find));
    }
    flows
}

fn find(context: u32) -> Option<Rc<RefCell<Flow>>> {
    TABLE.with_borrow(|table| table.get(&context)?.flow.upgrade())
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_tag_reads_as_it_was_written() {
        for tag in [
            Tag::Pass,
            Tag::Hold {
                context: 17,
                nonce: 0xabc,
            },
            Tag::Hold {
                context: u32::MAX,
                nonce: u64::MAX,
            },
        ] {
            assert_eq!(Tag::parse(tag.to_string().as_bytes()), Some(tag));
        }
    }

    #[test]
    fn what_is_no_tag_is_not_read_as_one() {
        for value in [
            "",
            "PASS",
            "pass ",
            "hold",
            "hold:",
            "hold:1",
            "hold:1:",
            "hold::1",
            "hold:-1:1",
            "hold:1:g",
            "hold:1:1:1",
        ] {
            assert_eq!(Tag::parse(value.as_bytes()), None, "{value}");
        }
        assert_eq!(Tag::parse(b"hold:1:\xff"), None);
    }
}
