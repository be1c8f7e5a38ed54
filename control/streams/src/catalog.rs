//! What the lists are made of, and what is to be told when it has changed.

use serde::Deserialize;

/// A digest of each list, as one client sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Catalog {
    /// Of tools.
    pub(crate) tools: u64,
    /// Of prompts.
    pub(crate) prompts: u64,
    /// Of resources and their templates.
    pub(crate) resources: u64,
}

/// A list of which clients can be told that it has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    /// `tools/list`
    Tools,
    /// `prompts/list`
    Prompts,
    /// `resources/list` and `resources/templates/list`
    Resources,
}

impl List {
    /// All of them, in the order in which they are told.
    pub(crate) const ALL: [Self; 3] = [Self::Tools, Self::Prompts, Self::Resources];

    /// The notification that it has changed.
    pub(crate) fn notification(self) -> &'static str {
        match self {
            Self::Tools => "notifications/tools/list_changed",
            Self::Prompts => "notifications/prompts/list_changed",
            Self::Resources => "notifications/resources/list_changed",
        }
    }
}

#[derive(Deserialize)]
struct Digests<'a> {
    tools: &'a str,
    prompts: &'a str,
    resources: &'a str,
}

impl Catalog {
    /// Reads the gateway's document.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let digests: Digests<'_> = serde_json::from_slice(body).ok()?;
        Some(Self {
            tools: digest(digests.tools)?,
            prompts: digest(digests.prompts)?,
            resources: digest(digests.resources)?,
        })
    }

    /// The lists that are not what they were in `former`.
    pub(crate) fn changed_since(&self, former: &Self) -> impl Iterator<Item = List> + use<> {
        let (now, then) = (*self, *former);
        List::ALL
            .into_iter()
            .filter(move |list| now.of(*list) != then.of(*list))
    }

    /// Takes over one list of `newer`.
    pub(crate) fn adopt(&mut self, list: List, newer: &Self) {
        match list {
            List::Tools => self.tools = newer.tools,
            List::Prompts => self.prompts = newer.prompts,
            List::Resources => self.resources = newer.resources,
        }
    }

    fn of(&self, list: List) -> u64 {
        match list {
            List::Tools => self.tools,
            List::Prompts => self.prompts,
            List::Resources => self.resources,
        }
    }

    /// As text, for the id of an event.
    pub(crate) fn write(&self) -> String {
        format!(
            "{:016x}.{:016x}.{:016x}",
            self.tools, self.prompts, self.resources
        )
    }

    /// What [`Self::write`] has written, with anything after a further dot.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '.');
        let mut next = || parts.next().and_then(digest);
        let (tools, prompts, resources) = (next()?, next()?, next()?);
        Some(Self {
            tools,
            prompts,
            resources,
        })
    }
}

/// Sixteen hexadecimal digits.
fn digest(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = (digits && text.len() == 16).then_some(text)?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMER: Catalog = Catalog {
        tools: 255,
        prompts: 1,
        resources: u64::MAX,
    };

    #[test]
    fn digests_are_sixteen_digits_each() {
        let read = Catalog::read(
            br#"{"tools":"00000000000000ff","prompts":"0000000000000001","resources":"ffffffffffffffff"}"#,
        );
        assert_eq!(read, Some(FORMER));
        for text in [
            "",
            "ff",
            "+0000000000000ff",
            "00000000000000fg",
            "00000000000000ff0",
        ] {
            assert_eq!(digest(text), None, "{text}");
        }
        assert_eq!(Catalog::read(b"{}"), None);
    }

    #[test]
    fn what_is_written_is_parsed() {
        let text = FORMER.write();
        assert_eq!(Catalog::parse(&text), Some(FORMER));
        assert_eq!(Catalog::parse(&format!("{text}.7.8")), Some(FORMER));
        for foreign in ["", "7", "a.b.c", &text[1..], &text[..49], "\u{e9}"] {
            assert_eq!(Catalog::parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn lists_change_one_by_one() {
        let mut seen = FORMER;
        let now = Catalog {
            tools: 0,
            prompts: 1,
            resources: 0,
        };
        let changed: Vec<List> = now.changed_since(&seen).collect();
        assert_eq!(changed, [List::Tools, List::Resources]);
        seen.adopt(List::Tools, &now);
        assert_eq!(
            now.changed_since(&seen).collect::<Vec<_>>(),
            [List::Resources]
        );
    }
}
