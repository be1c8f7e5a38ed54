//! Room for so many at once, of which one client has a share: nobody keeps all others out.
//!
//! Who is named by no token may show any number of credentials and open any number of sessions, each with a share. So all
//! of these together have no more than half of the room.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::metrics::counter::Counter;

use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::share::Share;

/// See the module. Copies are the same room.
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// In a sentence, after "too many".
    what: &'static str,
    bounds: RoomBounds,
    refused: Counter,
    taken: Mutex<Taken>,
}

/// How many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoomBounds {
    /// Of all clients.
    pub(crate) all: NonZeroUsize,
    /// Of one.
    pub(crate) each: NonZeroUsize,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// By clients that no token names.
    unnamed: usize,
    /// Who has none is not in it.
    by_share: HashMap<Share, usize>,
}

/// What of the room is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// All of it.
    All,
    /// What there is for clients that no token names.
    Unnamed,
    /// The client's share.
    Share,
}

/// One place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    room: Room,
    share: Share,
}

impl RoomBounds {
    fn unnamed(self) -> usize {
        self.all.get().div_ceil(2)
    }
}

impl Full {
    /// Whether there is more of it for `wanting` once one of `leaving` goes.
    pub(crate) fn is_eased(self, wanting: &Share, leaving: &Share) -> bool {
        match self {
            Self::All => true,
            Self::Unnamed => !leaving.is_named(),
            Self::Share => leaving == wanting,
        }
    }
}

impl Room {
    /// With places for these, of which there may be too many.
    pub(crate) fn new(what: &'static str, bounds: RoomBounds, metrics: &Metrics) -> Self {
        Self(Arc::new(Shared {
            what,
            bounds,
            refused: metrics.refused(what),
            taken: Mutex::default(),
        }))
    }

    /// One more place, of this share.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn enter(&self, share: &Share) -> Result<Permit, Refusal> {
        self.try_enter(share).map_err(|full| self.refuse(full))
    }

    /// The same, for who can make room.
    ///
    /// # Errors
    /// What is used up.
    pub(crate) fn try_enter(&self, share: &Share) -> Result<Permit, Full> {
        let Shared { bounds, taken, .. } = &*self.0;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by_share.get(share).copied().unwrap_or_default();
        // Nobody in particular has no share in particular.
        if *share != Share::Nobody && own >= bounds.each.get() {
            return Err(Full::Share);
        }
        // Before the whole of it: no place of one who has a name would help.
        if !share.is_named() && taken.unnamed >= bounds.unnamed() {
            return Err(Full::Unnamed);
        }
        if taken.all >= bounds.all.get() {
            return Err(Full::All);
        }
        taken.all += 1;
        taken.unnamed += usize::from(!share.is_named());
        taken.by_share.insert(share.clone(), own + 1);
        Ok(Permit {
            room: self.clone(),
            share: share.clone(),
        })
    }

    /// Refuses a client, which is told that.
    pub(crate) fn refuse(&self, full: Full) -> Refusal {
        let Shared {
            what,
            bounds,
            refused,
            ..
        } = &*self.0;
        refused.inc();
        let (whose, most) = match full {
            Full::All => ("", bounds.all.get()),
            Full::Unnamed => (" of clients that no token names", bounds.unnamed()),
            Full::Share => (" of one client", bounds.each.get()),
        };
        Refusal::TooMany { what, whose, most }
    }
}

impl Permit {
    /// Whose it is.
    pub(crate) fn share(&self) -> &Share {
        &self.share
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let taken = self.room.0.taken.lock();
        let mut taken = taken.unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        let unnamed = usize::from(!self.share.is_named());
        taken.unnamed = taken.unnamed.saturating_sub(unnamed);
        let own = taken.by_share.remove(&self.share).unwrap_or_default();
        if own > 1 {
            taken.by_share.insert(self.share.clone(), own - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::HeaderValue;

    const ALICE: Share = Share::Named(HeaderValue::from_static("alice"));
    const BOB: Share = Share::Named(HeaderValue::from_static("bob"));

    fn shown(text: &'static str) -> Share {
        Share::Shown(HeaderValue::from_static(text))
    }

    fn room(all: usize, each: usize) -> Room {
        let bound = |most| NonZeroUsize::new(most).unwrap();
        let (all, each) = (bound(all), bound(each));
        Room::new("places", RoomBounds { all, each }, &Metrics::new())
    }

    fn refused(room: &Room, share: &Share) -> Full {
        room.try_enter(share).unwrap_err()
    }

    #[test]
    fn one_who_has_its_share_leaves_room_for_others() {
        let room = room(3, 2);
        let (one, _two) = (room.enter(&ALICE).unwrap(), room.enter(&ALICE).unwrap());
        assert_eq!(refused(&room, &ALICE), Full::Share);
        let _three = room.enter(&BOB).unwrap();
        assert_eq!(refused(&room, &BOB), Full::All);
        drop(one);
        assert!(room.enter(&ALICE).is_ok());
    }

    #[test]
    fn whoever_shows_many_things_leaves_half_to_those_who_have_a_name() {
        let room = room(4, 1);
        let _one = room.enter(&shown("a")).unwrap();
        assert_eq!(refused(&room, &shown("a")), Full::Share);
        let two = room.enter(&shown("b")).unwrap();
        assert_eq!(refused(&room, &shown("c")), Full::Unnamed);
        assert_eq!(refused(&room, &Share::Nobody), Full::Unnamed);
        let _three = room.enter(&ALICE).unwrap();
        drop(two);
        assert!(room.enter(&Share::Nobody).is_ok());
    }

    #[test]
    fn where_all_is_used_up_half_of_it_is_still_nobodys_who_has_no_name() {
        let room = room(2, 2);
        let _held = (
            room.enter(&ALICE).unwrap(),
            room.enter(&shown("a")).unwrap(),
        );
        assert_eq!(refused(&room, &shown("b")), Full::Unnamed);
        assert_eq!(refused(&room, &BOB), Full::All);
    }

    #[test]
    fn those_who_cannot_be_told_apart_have_no_share_in_common() {
        let room = room(8, 1);
        let _held: Vec<Permit> = (0..4)
            .map(|_| room.enter(&Share::Nobody).unwrap())
            .collect();
        assert_eq!(refused(&room, &Share::Nobody), Full::Unnamed);
    }

    #[test]
    fn nothing_is_kept_of_who_has_left() {
        let room = room(2, 2);
        drop((
            room.enter(&ALICE).unwrap(),
            room.enter(&shown("a")).unwrap(),
        ));
        let taken = room.0.taken.lock().unwrap();
        assert!(taken.by_share.is_empty() && (taken.all, taken.unnamed) == (0, 0));
    }

    #[test]
    fn what_is_used_up_is_told_and_counted() {
        let room = room(8, 3);
        let told = |full| room.refuse(full).to_string();
        let expected = "too many places of one client: at most 3 are served at once";
        assert_eq!(told(Full::Share), expected);
        let expected =
            "too many places of clients that no token names: at most 4 are served at once";
        assert_eq!(told(Full::Unnamed), expected);
        assert_eq!(room.0.refused.get(), 2);
    }
}
