//! Conversations that wait for a client to come back, by a name that nobody can guess.

use std::collections::HashMap;

/// Random bits of a name, in bytes.
pub(crate) const NAME_BYTES: usize = 16;

/// Whose conversation it is, and about what: whoever shows another claim gets nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The digest of the caller and its credentials, from the filter.
    pub(crate) caller: String,
    /// Of the call.
    pub(crate) method: String,
    /// The name or the URI of what it asks for.
    pub(crate) name: String,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Parked<T> {
    entries: HashMap<String, (Claim, T)>,
}

impl<T> Default for Parked<T> {
    fn default() -> Self {
        let entries = HashMap::new();
        Self { entries }
    }
}

impl<T> Parked<T> {
    /// Puts one under a name that is random. Who does has a place in some room.
    pub(crate) fn park(&mut self, name: String, claim: Claim, what: T) {
        self.entries.insert(name, (claim, what));
    }

    /// Takes one away. A name is good once, and for its own claim alone.
    pub(crate) fn take(&mut self, name: &str, claim: &Claim) -> Option<T> {
        self.find(name, |of| of == claim)?;
        self.forget(name)
    }

    /// One that stays, where its claim `fits`.
    pub(crate) fn find(&self, name: &str, fits: impl FnOnce(&Claim) -> bool) -> Option<&T> {
        let (claim, what) = self.entries.get(name)?;
        fits(claim).then_some(what)
    }

    /// Whoever waited under this name waits no more.
    pub(crate) fn forget(&mut self, name: &str) -> Option<T> {
        self.entries.remove(name).map(|(_, what)| what)
    }
}

/// The text of a name: letters and digits.
pub(crate) fn name(random: [u8; NAME_BYTES]) -> String {
    use std::fmt::Write as _;
    random.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(caller: &str, name: &str) -> Claim {
        Claim {
            caller: caller.to_owned(),
            method: "tools/call".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn what_is_parked_is_given_once_and_to_its_own_caller_alone() {
        let mut parked = Parked::default();
        let state = name([0xab; NAME_BYTES]);
        assert_eq!(state, "ab".repeat(16));
        parked.park(state.clone(), claim("a", "t"), 7);
        assert_eq!(parked.take(&state, &claim("b", "t")), None);
        assert_eq!(parked.take(&state, &claim("a", "u")), None);
        assert_eq!(parked.take("other", &claim("a", "t")), None);
        assert_eq!(parked.take(&state, &claim("a", "t")), Some(7));
        assert_eq!(parked.take(&state, &claim("a", "t")), None);
    }

    #[test]
    fn what_is_forgotten_is_gone() {
        let mut parked = Parked::default();
        parked.park("1".to_owned(), claim("a", "t"), 1);
        assert_eq!(parked.forget("1"), Some(1));
        assert_eq!(parked.find("1", |_| true), None);
    }
}
