//! What is known of a condition while something that it reads is not.

/// Whether something can be true, and whether it can be false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance {
    pub(super) holds: bool,
    fails: bool,
}

impl From<Option<bool>> for Chance {
    fn from(known: Option<bool>) -> Self {
        Self {
            holds: known == Some(true),
            fails: known == Some(false),
        }
    }
}

impl Chance {
    /// It can be both.
    pub(super) const EITHER: Self = Self {
        holds: true,
        fails: true,
    };

    /// Of what is true for some of several, or for none, and never for all.
    pub(super) fn of_some(is_for_some: bool) -> Self {
        match is_for_some {
            true => Self::EITHER,
            false => Some(false).into(),
        }
    }

    /// Of the opposite.
    pub(super) fn not(self) -> Self {
        Self {
            holds: self.fails,
            fails: self.holds,
        }
    }

    /// Of all of them.
    pub(super) fn all(each: impl Iterator<Item = Self>) -> Self {
        let all = Self {
            holds: true,
            fails: false,
        };
        each.fold(all, |all, one| Self {
            holds: all.holds && one.holds,
            fails: all.fails || one.fails,
        })
    }

    /// Of one of them.
    pub(super) fn any(each: impl Iterator<Item = Self>) -> Self {
        Self::all(each.map(Self::not)).not()
    }
}
