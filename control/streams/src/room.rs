//! Room for so many at once, of which one client has a share: nobody keeps all others out.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::HeaderValue;

use crate::refusal::Refusal;

/// See the module. Copies are the same room.
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    all: Bound,
    each: Bound,
    taken: Mutex<Taken>,
}

/// How many of what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    /// In a sentence, after "too many".
    pub(crate) what: &'static str,
    /// So many and no more.
    pub(crate) most: NonZeroUsize,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// By the digest of the client and its credentials, from the filter. Who has none is not in it.
    by_client: HashMap<HeaderValue, usize>,
}

/// One place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    room: Room,
    client: HeaderValue,
}

impl Bound {
    fn check(self, taken: usize) -> Result<(), Refusal> {
        let Self { what, most } = self;
        let most = most.get();
        if taken < most {
            Ok(())
        } else {
            Err(Refusal::TooMany { what, most })
        }
    }
}

impl Room {
    /// With places for `all`, and so many of them for each client.
    pub(crate) fn new(all: Bound, each: Bound) -> Self {
        Self(Arc::new(Shared {
            all,
            each,
            taken: Mutex::default(),
        }))
    }

    /// One more place, for the client of this digest.
    ///
    /// # Errors
    /// When there is none, or the client has its share.
    pub(crate) fn enter(&self, client: &HeaderValue) -> Result<Permit, Refusal> {
        let Shared { all, each, taken } = &*self.0;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        all.check(taken.all)?;
        let own = taken.by_client.get(client).copied().unwrap_or_default();
        each.check(own)?;
        taken.all += 1;
        taken.by_client.insert(client.clone(), own + 1);
        Ok(Permit {
            room: self.clone(),
            client: client.clone(),
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let taken = self.room.0.taken.lock();
        let mut taken = taken.unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        let own = taken.by_client.remove(&self.client).unwrap_or_default();
        if own > 1 {
            taken.by_client.insert(self.client.clone(), own - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: HeaderValue = HeaderValue::from_static("alice");
    const BOB: HeaderValue = HeaderValue::from_static("bob");

    fn room(all: usize, each: usize) -> Room {
        let bound = |what, most| Bound {
            what,
            most: NonZeroUsize::new(most).unwrap(),
        };
        Room::new(bound("in all", all), bound("of one", each))
    }

    fn refused(room: &Room, client: &HeaderValue) -> Refusal {
        room.enter(client).unwrap_err()
    }

    #[test]
    fn one_who_has_its_share_leaves_room_for_others() {
        let room = room(3, 2);
        let (one, _two) = (room.enter(&ALICE).unwrap(), room.enter(&ALICE).unwrap());
        let (what, most) = ("of one", 2);
        assert_eq!(refused(&room, &ALICE), Refusal::TooMany { what, most });
        let _three = room.enter(&BOB).unwrap();
        let (what, most) = ("in all", 3);
        assert_eq!(refused(&room, &BOB), Refusal::TooMany { what, most });
        drop(one);
        assert!(room.enter(&ALICE).is_ok());
    }

    #[test]
    fn nothing_is_kept_of_who_has_left() {
        let room = room(2, 2);
        drop((room.enter(&ALICE).unwrap(), room.enter(&ALICE).unwrap()));
        let taken = room.0.taken.lock().unwrap();
        assert!(taken.by_client.is_empty() && taken.all == 0);
    }
}
