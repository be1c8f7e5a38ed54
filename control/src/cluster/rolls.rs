//! Of which image the pair of each gateway is to be that control makes.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::FilterImage;
use super::attachments::Attachments;
use super::inspection::Inspection;
use super::model::Gateway;

use super::roll::{Past, Roll};
use crate::image::Image;
use crate::object::ObjectName;
use crate::registry::Registry;

/// See the module.
#[derive(Debug)]
pub(super) struct Rolls {
    wanted: Image,
    /// `None` where nobody wants to know what the registry says.
    inspection: Option<Inspection>,
    pasts: BTreeMap<ObjectName, Past>,
}

impl Rolls {
    /// To this image, once the registry has said that it can be had.
    pub(super) fn new(wanted: &FilterImage, registry: Option<Registry>) -> Self {
        let wanted = wanted.image.clone();
        Self {
            inspection: registry.map(|registry| Inspection::new(registry, wanted.clone())),
            wanted,
            pasts: BTreeMap::new(),
        }
    }

    /// Waits until more is known of the image.
    pub(super) async fn next(&mut self) {
        match &mut self.inspection {
            Some(inspection) => inspection.next().await,
            None => std::future::pending().await,
        }
    }

    /// Decides for each gateway that has a configuration.
    pub(super) fn decide(
        &mut self,
        gateways: &BTreeMap<ObjectName, Gateway>,
        attachments: &Attachments,
    ) -> BTreeMap<ObjectName, Roll> {
        self.pasts.retain(|name, _| gateways.contains_key(name));
        let since = Instant::now();
        let mut rolls = BTreeMap::new();
        for (name, gateway) in gateways {
            let past = self.pasts.entry(name.clone());
            let past = past.or_insert(Past { there: None, since });
            past.see(attachments.managed(name, &self.wanted));
            if let Some(config) = gateway.config() {
                let roll = Roll::of(&self.wanted, past, self.inspection.as_ref(), config);
                rolls.insert(name.clone(), roll);
            }
        }
        if let Some(inspection) = &mut self.inspection
            && rolls.values().any(Roll::is_open)
        {
            inspection.require();
        }
        rolls
    }
}
