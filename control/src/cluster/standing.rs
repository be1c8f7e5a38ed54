//! How a registration stands over all gateways that it reaches.

use super::status::Facts;
use crate::index::Registration;
use crate::manifests::{Identity, Kind};
use crate::object::ObjectName;
use crate::verdict::{Fault, Readiness, Reason, Verdict};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) verdict: Verdict,
    pub(super) facts: Facts,
}

impl Standing {
    /// The worst of `verdicts` counts. Where a registration reaches no gateway, the fault that keeps it from one does.
    pub(super) fn of<'a>(
        registration: &Registration,
        verdicts: impl Iterator<Item = (&'a ObjectName, Verdict)>,
        facts: Facts,
    ) -> Self {
        let verdicts: Vec<_> = verdicts.collect();
        let is_alone = verdicts.len() < 2;
        let tools = verdicts.iter().filter_map(|(_, one)| one.tools).max();
        let prompts = verdicts.iter().filter_map(|(_, one)| one.prompts).max();
        let resources = verdicts.iter().filter_map(|(_, one)| one.resources).max();
        let mut conflicts: Vec<_> = verdicts
            .iter()
            .flat_map(|(_, one)| one.conflicts.clone())
            .collect();
        conflicts.sort();
        conflicts.dedup();
        let worst = verdicts
            .into_iter()
            .min_by_key(|(_, verdict)| rank(verdict.ready));
        let verdict = match worst {
            None => nowhere(registration),
            Some((gateway, mut verdict)) => {
                if !is_alone && verdict.ready != Readiness::True {
                    verdict.message = format!("through Gateway {gateway}: {}", verdict.message);
                }
                Verdict {
                    tools,
                    prompts,
                    resources,
                    conflicts,
                    ..verdict
                }
            }
        };
        Self { verdict, facts }
    }

    /// Which object it is about.
    pub(super) fn identity(&self) -> Identity {
        let kind = match self.verdict.kind {
            "MCPServer" => Kind::McpServer,
            _ => Kind::McpServerRegistration,
        };
        Identity {
            kind,
            name: self.verdict.name.clone(),
        }
    }
}

fn rank(readiness: Readiness) -> u8 {
    match readiness {
        Readiness::False => 0,
        Readiness::Unknown => 1,
        Readiness::True => 2,
    }
}

fn nowhere(registration: &Registration) -> Verdict {
    let (ready, reason, message) = match &registration.outcome {
        Err(fault) => (Readiness::False, fault.reason, fault.message.clone()),
        Ok(_) => (
            Readiness::Unknown,
            Reason::Pending,
            "its gateways have no configuration yet".to_owned(),
        ),
    };
    Verdict {
        name: registration.name.clone(),
        kind: registration.kind,
        ready,
        reason,
        message,
        tools: None,
        prompts: None,
        resources: None,
        conflicts: Vec::new(),
        unsupported: registration.unsupported.clone(),
    }
}

/// What is told about a registration that cannot be read.
pub(super) fn unreadable(identity: &Identity, reason: &str) -> Verdict {
    let fault = Fault::unreadable(reason);
    Verdict {
        name: identity.name.clone(),
        kind: identity.kind.as_str(),
        ready: Readiness::False,
        reason: fault.reason,
        message: fault.message,
        tools: None,
        prompts: None,
        resources: None,
        conflicts: Vec::new(),
        unsupported: Vec::new(),
    }
}
