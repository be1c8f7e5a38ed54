//! Which image a gateway's filter is to be of.

use mcp_filter_config::PluginConfig;

use super::images::{Images, Unusable};
use crate::image::Image;
use crate::registry::Understood;

/// What a gateway's pair is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct There {
    pub(super) image: Image,
    /// By what it was given.
    pub(super) understood: Understood,
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
    /// To the image that is wanted, if its filter can read the configuration.
    ///
    /// An image that nobody can pull closes a gateway: Istio's agent answers 403 to everything. And a filter that starts
    /// with what it cannot read answers 500. So neither takes the place of one that works.
    pub(super) fn of(
        wanted: &Image,
        there: Option<There>,
        images: &Images,
        config: &PluginConfig,
    ) -> Self {
        let reads_it = |there: &There| there.understood.lacks(config).is_none();
        let there = there.filter(reads_it);
        if let Some(there) = &there
            && there.image == *wanted
        {
            return Self::To(wanted.clone());
        }
        let why = match images.suits(wanted, config) {
            Ok(()) => return Self::To(wanted.clone()),
            Err(Unusable::NotYetKnown) => None,
            Err(Unusable::Unreadable(why) | Unusable::Unsuitable(why)) => {
                Some(format!("the filter's image {wanted} is not used: {why}"))
            }
        };
        match there {
            Some(there) => Self::Keep(there.image, why),
            None => Self::Wait(why),
        }
    }
}

#[cfg(test)]
mod tests {
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

    /// A pair that was given a configuration of this version.
    fn there(digit: char, version: u32) -> Option<There> {
        Some(There {
            image: image(digit),
            understood: Understood::of_given(&json!({"version": version})),
        })
    }

    #[test]
    fn a_gateway_gets_the_wanted_image_once_its_filter_is_known_to_read_the_configuration() {
        let wanted = image('b');
        let images = Images::knowing(&wanted, reads("1"));
        for there in [None, there('a', 1), there('b', 1)] {
            assert_eq!(
                Roll::of(&wanted, there, &images, &config()),
                Roll::To(wanted.clone())
            );
        }
        let unasked = Images::new(None);
        assert_eq!(
            Roll::of(&wanted, None, &unasked, &config()),
            Roll::To(wanted)
        );
    }

    #[test]
    fn until_then_it_keeps_the_one_that_it_has_or_waits() {
        let wanted = image('b');
        for outcome in [
            Err(Unreadable::NotFound),
            Err(Unreadable::NotOurs),
            reads("2"),
        ] {
            let images = Images::knowing(&wanted, outcome);
            let kept = Roll::of(&wanted, there('a', 1), &images, &config());
            assert!(matches!(kept, Roll::Keep(kept, Some(_)) if kept == image('a')));
            for there in [None, there('a', 2)] {
                let waits = Roll::of(&wanted, there, &images, &config());
                assert!(matches!(waits, Roll::Wait(Some(_))), "{waits:?}");
            }
        }
        let unknown = Images::knowing(&image('c'), reads("1"));
        let kept = Roll::of(&wanted, there('a', 1), &unknown, &config());
        assert_eq!(kept, Roll::Keep(image('a'), None), "nothing to tell yet");
    }

    #[test]
    fn the_image_that_it_has_needs_no_registry() {
        let wanted = image('b');
        let images = Images::knowing(&wanted, Err(Unreadable::NotFound));
        let roll = Roll::of(&wanted, there('b', 1), &images, &config());
        assert_eq!(roll, Roll::To(wanted));
    }
}
