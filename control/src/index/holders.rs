//! Who has which prefix on which gateway, and which name.

use std::collections::{BTreeMap, BTreeSet};

use super::registration::Draft;
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Holders {
    prefixes: BTreeMap<(ObjectName, String), ObjectName>,
    names: BTreeSet<ObjectName>,
}

impl Holders {
    /// The oldest keeps. One that cannot be served for another reason keeps, too, or its names would go to another
    /// server while it is repaired.
    pub(super) fn take(&mut self, draft: &Draft<'_>, gateways: &[ObjectName]) -> Result<(), Fault> {
        if gateways.is_empty() {
            return Ok(());
        }
        if !self.names.insert(draft.name.clone()) {
            let message = format!(
                "a registration of the other kind is named {}, too: rename one of them",
                draft.name
            );
            return Err(Fault::new(Reason::Invalid, message));
        }
        let Some(prefix) = draft.prefix.filter(|prefix| !prefix.is_empty()) else {
            return Ok(());
        };
        for gateway in gateways {
            if let Some(older) = self.prefixes.get(&(gateway.clone(), prefix.to_owned())) {
                let message = format!(
                    "{older} has prefix {prefix} on Gateway {gateway}, and is older: choose another prefix"
                );
                return Err(Fault::new(Reason::PrefixConflict, message));
            }
        }
        for gateway in gateways {
            self.prefixes
                .insert((gateway.clone(), prefix.to_owned()), draft.name.clone());
        }
        Ok(())
    }
}
