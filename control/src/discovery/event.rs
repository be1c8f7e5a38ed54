//! What discovery tells.

use std::collections::BTreeMap;
use std::sync::Arc;

use mcp_filter_config::ListChanged;

use crate::object::ObjectName;
use crate::offer::Offer;
use crate::render::Finding;

use super::{DiscoveryError, Tells};

/// The outcome of one pass over one registration.
#[derive(Clone, Debug)]
pub struct Event {
    /// The registration.
    pub name: ObjectName,
    /// What the pass led to.
    pub outcome: Outcome,
}

/// What one pass led to. Whoever listens keeps the last [`Outcome::Found`] until [`Outcome::Lost`].
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Reached, handshake done, lists read. Sent after the first good pass, after one that changed something, and
    /// after one that ended a failure.
    Found(Arc<Offer>),
    /// The server has told of these lists that they have changed, and a pass has found that they have not. Sent now and
    /// then, if a server tells so ceaselessly.
    Unchanged(Tells),
    /// The pass failed; what was found before stays. Sent after every failed pass.
    Failed(DiscoveryError),
    /// As `Failed`, and the server has failed so often in a row that its last offer is to be dropped. Also where
    /// there never was one.
    Lost(DiscoveryError),
}

impl Event {
    /// Changes what is known of the servers accordingly.
    pub fn record(&self, findings: &mut BTreeMap<ObjectName, Finding>) {
        let finding = findings.entry(self.name.clone()).or_default();
        match &self.outcome {
            Outcome::Found(offer) => {
                finding.offer = Some(Arc::clone(offer));
                finding.fault = None;
            }
            Outcome::Unchanged(told) => count(&mut finding.list_changed, *told),
            Outcome::Failed(error) => finding.fault = Some(error.fault()),
            Outcome::Lost(error) => {
                finding.offer = None;
                finding.fault = Some(error.fault());
            }
        }
    }
}

fn count(counts: &mut ListChanged, told: Tells) {
    let counts = [
        (&mut counts.tools, told.tools),
        (&mut counts.prompts, told.prompts),
        (&mut counts.resources, told.resources),
    ];
    for (count, told) in counts {
        *count = count.wrapping_add(u32::from(told));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> ObjectName {
        ObjectName {
            namespace: "mcp-test".into(),
            name: "github".into(),
        }
    }

    #[test]
    fn an_offer_stays_until_it_is_lost_and_a_fault_until_it_is_over() {
        let error = DiscoveryError::GatewayUnreachable {
            cause: "down".into(),
        };
        let mut findings = BTreeMap::new();
        let mut after = |outcome| {
            Event {
                name: name(),
                outcome,
            }
            .record(&mut findings);
            let finding = &findings[&name()];
            (finding.offer.is_some(), finding.fault.is_some())
        };
        assert_eq!(after(Outcome::Failed(error.clone())), (false, true));
        assert_eq!(after(Outcome::Found(Arc::default())), (true, false));
        assert_eq!(after(Outcome::Failed(error.clone())), (true, true));
        assert_eq!(after(Outcome::Found(Arc::default())), (true, false));
        assert_eq!(after(Outcome::Unchanged(Tells::default())), (true, false));
        assert_eq!(after(Outcome::Lost(error)), (false, true));
    }

    #[test]
    fn news_of_no_change_are_counted_by_their_lists_and_outlast_an_offer() {
        let mut findings = BTreeMap::new();
        let mut after = |outcome| {
            let event = Event {
                name: name(),
                outcome,
            };
            event.record(&mut findings);
            let ListChanged {
                tools,
                prompts,
                resources,
            } = findings[&name()].list_changed;
            (tools, prompts, resources)
        };
        let told = |tools, resources| {
            Outcome::Unchanged(Tells {
                tools,
                prompts: false,
                resources,
            })
        };
        assert_eq!(after(told(true, false)), (1, 0, 0));
        assert_eq!(after(told(true, true)), (2, 0, 1));
        assert_eq!(after(Outcome::Found(Arc::default())), (2, 0, 1));
    }
}
