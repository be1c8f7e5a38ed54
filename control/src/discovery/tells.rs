//! Lists of which a server tells that they have changed.

use crate::offer::Offer;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tells {
    /// `notifications/tools/list_changed`
    pub tools: bool,
    /// `notifications/prompts/list_changed`
    pub prompts: bool,
    /// `notifications/resources/list_changed`: of templates, too.
    pub resources: bool,
}

impl Tells {
    pub(super) fn any(self) -> bool {
        self != Self::default()
    }

    /// What the method of a notification tells.
    pub(super) fn by(method: &str) -> Self {
        let none = Self::default();
        match method {
            "notifications/tools/list_changed" => Self {
                tools: true,
                ..none
            },
            "notifications/prompts/list_changed" => Self {
                prompts: true,
                ..none
            },
            "notifications/resources/list_changed" => Self {
                resources: true,
                ..none
            },
            _ => none,
        }
    }

    /// What either tells.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            tools: self.tools || other.tools,
            prompts: self.prompts || other.prompts,
            resources: self.resources || other.resources,
        }
    }

    /// Those of them that are the same in both.
    pub(super) fn unchanged(self, one: &Offer, other: &Offer) -> Self {
        let has_same_resources =
            one.resources == other.resources && one.resource_templates == other.resource_templates;
        Self {
            tools: self.tools && one.tools == other.tools,
            prompts: self.prompts && one.prompts == other.prompts,
            resources: self.resources && has_same_resources,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offer::Definition;

    const ALL: Tells = Tells {
        tools: true,
        prompts: true,
        resources: true,
    };

    #[test]
    fn each_notification_tells_of_one_list() {
        let lists = ["tools", "prompts", "resources"];
        let told = lists.map(|list| Tells::by(&format!("notifications/{list}/list_changed")));
        assert!(told.iter().all(|one| one.any() && *one != ALL));
        let together = told.into_iter().fold(Tells::default(), Tells::and);
        assert_eq!(together, ALL);
        assert!(!Tells::by("notifications/resources/updated").any());
    }

    #[test]
    fn only_what_was_told_and_is_the_same_is_unchanged() {
        let with = |uri: &str| Offer {
            resource_templates: vec![Definition::new(uri, "{}")],
            ..Offer::default()
        };
        let (one, other) = (with("a:{b}"), with("a:{c}"));
        let but_resources = Tells {
            resources: false,
            ..ALL
        };
        assert_eq!(ALL.unchanged(&one, &one), ALL);
        assert_eq!(ALL.unchanged(&one, &other), but_resources);
        assert!(!Tells::default().unchanged(&one, &one).any());
    }
}
