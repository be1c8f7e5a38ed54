//! Which image a gateway's filter is to be of.

use mcp_filter_config::PluginConfig;
use tokio::time::Instant;

use super::inspection::{Inspection, Unusable};
use crate::image::Image;
use crate::registry::Understood;

/// What a gateway's pair is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct There {
    pub(super) image: Image,
    /// By what it was given; `None` where somebody has made that unreadable.
    pub(super) understood: Option<Understood>,
}

/// What a gateway has been, as far as this control has seen.
#[derive(Clone, Debug)]
pub(super) struct Past {
    /// The pair that control has made, when it was seen last.
    pub(super) there: Option<There>,
    /// Since when it is to be served.
    pub(super) since: Instant,
}

impl Past {
    /// Takes in what is there now. What is gone is remembered, since a gateway that had a pair is to have one, and so is
    /// what an image could read before somebody made its configuration unreadable.
    pub(super) fn see(&mut self, now: Option<There>) {
        let Some(now) = now else { return };
        let is_spoilt = now.understood.is_none();
        let is_known = self
            .there
            .as_ref()
            .is_some_and(|there| there.image == now.image);
        if !(is_spoilt && is_known) {
            self.there = Some(now);
        }
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roll {
    /// That which is wanted, and can be had.
    To(Image),
    /// The one that is there, since the wanted one cannot be had: why not, once that is known.
    Keep(Image, Option<String>),
    /// None yet, and why not, once that is known.
    Wait(Option<String>),
}

impl Roll {
    /// To the image that is wanted, if its filter can read the configuration. Without `inspection` nobody wants to know.
    ///
    /// An image that nobody can pull closes a gateway: Istio's agent answers 403 to everything. And a filter that starts
    /// with what it cannot read answers 500. So neither takes the place of one that works.
    pub(super) fn of(
        wanted: &Image,
        past: &Past,
        inspection: Option<&Inspection>,
        config: &PluginConfig,
    ) -> Self {
        // What somebody has spoilt is mended by the image that is to be there, whatever the registry says: an EnvoyFilter
        // without its patches lets requests pass by the filter.
        let reads_it = |there: &&There| match &there.understood {
            Some(understood) => understood.lacks(config).is_none(),
            None => there.image == *wanted,
        };
        let there = past.there.as_ref().filter(reads_it);
        if there.is_some_and(|there| there.image == *wanted) {
            return Self::To(wanted.clone());
        }
        let suits = inspection.map_or(Ok(()), |inspection| inspection.suits(config, past.since));
        let why = match suits {
            Ok(()) => return Self::To(wanted.clone()),
            Err(Unusable::NotYetKnown) => None,
            Err(Unusable::Unreadable(why) | Unusable::Unsuitable(why)) => {
                Some(format!("the filter's image {wanted} is not used: {why}"))
            }
        };
        match there {
            Some(there) => Self::Keep(there.image.clone(), why),
            None => Self::Wait(why),
        }
    }

    /// Whether the registry is to say more.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Keep(_, None) | Self::Wait(None))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::registry::{Unreadable, VERSIONS};

    fn image(digit: char) -> Image {
        let digits = digit.to_string().repeat(64);
        format!("oci://r/filter@sha256:{digits}").parse().unwrap()
    }

    fn config() -> PluginConfig {
        serde_json::from_value(json!({"version": 1, "role": "route"})).unwrap()
    }

    /// Of an image that reads configurations of this version.
    fn reads(version: &str) -> Result<Understood, Unreadable> {
        let annotations = [(VERSIONS.to_owned(), version.to_owned())];
        Ok(Understood::of_annotations(&annotations.into()).unwrap())
    }

    /// That of a gateway whose pair was given a configuration of this version.
    fn past(digit: char, version: u32) -> Past {
        Past {
            there: Some(There {
                image: image(digit),
                understood: Some(Understood::of_given(&json!({"version": version}))),
            }),
            ..new()
        }
    }

    /// That of a gateway without a pair.
    fn new() -> Past {
        Past {
            there: None,
            since: Instant::now(),
        }
    }

    #[test]
    fn a_gateway_gets_the_wanted_image_once_its_filter_is_known_to_read_the_configuration() {
        let wanted = image('b');
        let pasts = [new(), past('a', 1), past('b', 1)];
        let inspection = Inspection::knowing(&wanted, reads("1"));
        for past in pasts {
            assert_eq!(
                Roll::of(&wanted, &past, Some(&inspection), &config()),
                Roll::To(wanted.clone())
            );
        }
        assert_eq!(Roll::of(&wanted, &new(), None, &config()), Roll::To(wanted));
    }

    #[test]
    fn until_then_it_keeps_the_one_that_it_has_or_waits() {
        let wanted = image('b');
        for outcome in [
            Err(Unreadable::NotFound),
            Err(Unreadable::NotOurs),
            reads("2"),
        ] {
            let inspection = Inspection::knowing(&wanted, outcome);
            let kept = Roll::of(&wanted, &past('a', 1), Some(&inspection), &config());
            assert!(matches!(kept, Roll::Keep(kept, Some(_)) if kept == image('a')));
            for past in [new(), past('a', 2)] {
                let waits = Roll::of(&wanted, &past, Some(&inspection), &config());
                assert!(matches!(waits, Roll::Wait(Some(_))), "{waits:?}");
            }
        }
    }

    #[test]
    fn what_the_registry_has_said_before_a_gateway_was_there_is_not_for_it() {
        let wanted = image('b');
        let inspection = Inspection::knowing(&wanted, reads("1"));
        let roll = |past: Past| {
            let since = Instant::now() + Duration::from_secs(1);
            let past = Past { since, ..past };
            Roll::of(&wanted, &past, Some(&inspection), &config())
        };
        assert_eq!(roll(past('a', 1)), Roll::Keep(image('a'), None));
        assert_eq!(roll(new()), Roll::Wait(None));
        assert_eq!(roll(past('b', 1)), Roll::To(wanted.clone()), "it has it");
    }

    #[test]
    fn what_somebody_has_spoilt_is_mended_without_the_registry() {
        let wanted = image('b');
        let inspection = Inspection::knowing(&wanted, Err(Unreadable::NotFound));
        let spoilt = |digit: char| Past {
            there: Some(There {
                image: image(digit),
                understood: None,
            }),
            ..new()
        };
        let roll = |past: Past| Roll::of(&wanted, &past, Some(&inspection), &config());
        assert_eq!(roll(spoilt('b')), Roll::To(wanted.clone()));
        assert!(matches!(roll(spoilt('a')), Roll::Wait(Some(_))));
        let mut seen_before = past('a', 1);
        seen_before.see(spoilt('a').there);
        assert!(matches!(roll(seen_before), Roll::Keep(kept, _) if kept == image('a')));
    }

    #[test]
    fn the_image_that_it_has_needs_no_registry() {
        let wanted = image('b');
        let inspection = Inspection::knowing(&wanted, Err(Unreadable::NotFound));
        let roll = Roll::of(&wanted, &past('b', 1), Some(&inspection), &config());
        assert_eq!(roll, Roll::To(wanted));
    }
}
