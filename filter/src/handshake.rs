//! Where the two halves of a pair find each other: `route` leaves its stream here, `gate` fetches it.
//!
//! Both plugins are the same module in the same VM, so they share this static state.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::rc::{Rc, Weak};

use crate::flow::Flow;
use crate::host::{self, Direction, HostError};
use crate::random;

/// The request header that names the stream. Removed from whatever comes in, set on every request by `route`,
/// removed by the last `gate`: never seen by a client or an upstream.
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

/// What `route` tells `gate` of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Whether there is nothing to wait for.
    pub(crate) passes: bool,
    /// The id of `route`'s stream context.
    context: u32,
    /// Told to nobody else, so that no client can name a stream.
    nonce: u64,
    /// How many gates it meets: a pair may stand within another one of the same VM while the one takes the place of the
    /// other.
    gates: u8,
}

impl Tag {
    /// Reads the header's value; `None` for what `route` never writes.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(value).ok()?.split(':');
        let mut next = || parts.next();
        let passes = match next()? {
            "pass" => true,
            "hold" => false,
            _ => return None,
        };
        let tag = Self {
            passes,
            context: next()?.parse().ok()?,
            nonce: u64::from_str_radix(next()?, 16).ok()?,
            gates: next()?.parse().ok()?,
        };
        next().is_none().then_some(tag)
    }

    /// For a stream that has nothing to wait for.
    pub(crate) fn passing(self) -> Self {
        Self {
            passes: true,
            ..self
        }
    }

    /// Where `value` is of a `route` that stands before this one in the same VM: with one gate more. A stream that has
    /// met its gate already stands before no `route`: its tag has come from elsewhere.
    pub(crate) fn within(value: &[u8]) -> Option<Self> {
        let tag = Self::parse(value)?;
        let outer = join(tag)?;
        if outer.try_borrow().ok()?.gate.is_some() {
            return None;
        }
        Some(Self {
            gates: tag.gates.checked_add(1)?,
            ..tag
        })
    }

    /// For the gates behind the one that was told this.
    pub(crate) fn behind(self) -> Option<Self> {
        let gates = self.gates.checked_sub(1)?;
        (gates > 0).then_some(Self {
            passes: true,
            gates,
            ..self
        })
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            context,
            nonce,
            gates,
            ..
        } = self;
        let what = if self.passes { "pass" } else { "hold" };
        write!(formatter, "{what}:{context}:{nonce:016x}:{gates}")
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
    Tag {
        passes: false,
        context,
        nonce,
        gates: 1,
    }
}

/// Writes the tag, or takes it away, in the request headers that the context in effect holds.
pub(crate) fn tell(tag: Option<Tag>) {
    let value = tag.map(|tag| tag.to_string());
    let value = value.as_deref().map(str::as_bytes);
    host::set_header(Direction::Request, TAG, value);
}

/// A gate lets a stream pass that has nothing to wait for. Behind the last gate nobody finds the stream any more.
pub(crate) fn pass_on(tag: Tag) {
    let behind = tag.behind();
    tell(behind);
    if behind.is_none() && join(tag).is_some() {
        close(tag.context);
    }
}

/// The stream that `tag` names, if it lives and the nonce is its own.
pub(crate) fn join(tag: Tag) -> Option<Rc<RefCell<Flow>>> {
    TABLE.with_borrow(|table| {
        table
            .get(&tag.context)
            .filter(|entry| entry.nonce == tag.nonce)?
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
        for (passes, context, nonce, gates) in
            [(true, 17, 0xabc, 1), (false, u32::MAX, u64::MAX, u8::MAX)]
        {
            let tag = Tag {
                passes,
                context,
                nonce,
                gates,
            };
            assert_eq!(Tag::parse(tag.to_string().as_bytes()), Some(tag));
        }
    }

    #[test]
    fn what_is_no_tag_is_not_read_as_one() {
        for value in [
            "",
            "pass",
            "PASS:1:1:1",
            "pass ",
            "hold",
            "hold:",
            "hold:1",
            "hold:1:1",
            "hold:1:1:",
            "hold::1:1",
            "hold:-1:1:1",
            "hold:1:g:1",
            "hold:1:1:256",
            "hold:1:1:1:1",
        ] {
            assert_eq!(Tag::parse(value.as_bytes()), None, "{value}");
        }
        assert_eq!(Tag::parse(b"hold:1:1:\xff"), None);
    }
}
