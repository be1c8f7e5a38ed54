//! What discovery tells.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::object::ObjectName;
use crate::offer::Offer;
use crate::render::Finding;

use super::DiscoveryError;

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
                *finding = Finding {
                    offer: Some(Arc::clone(offer)),
                    fault: None,
                };
            }
            Outcome::Failed(error) => finding.fault = Some(error.fault()),
            Outcome::Lost(error) => {
                *finding = Finding {
                    offer: None,
                    fault: Some(error.fault()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_stays_until_it_is_lost_and_a_fault_until_it_is_over() {
        let name = ObjectName {
            namespace: "mcp-test".into(),
            name: "github".into(),
        };
        let error = DiscoveryError::GatewayUnreachable {
            cause: "down".into(),
        };
        let mut findings = BTreeMap::new();
        let mut after = |outcome| {
            Event {
                name: name.clone(),
                outcome,
            }
            .record(&mut findings);
            let finding = &findings[&name];
            (finding.offer.is_some(), finding.fault.is_some())
        };
        assert_eq!(after(Outcome::Failed(error.clone())), (false, true));
        assert_eq!(after(Outcome::Found(Arc::default())), (true, false));
        assert_eq!(after(Outcome::Failed(error.clone())), (true, true));
        assert_eq!(after(Outcome::Found(Arc::default())), (true, false));
        assert_eq!(after(Outcome::Lost(error)), (false, true));
    }
}
