//! What is promised of a server that is not heard yet.

use tokio::sync::oneshot;

/// The first word of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The server is heard.
    Heard,
    /// It is not, and nobody should count on it.
    Unheard,
}

/// Where the first word comes. Who waits no longer counts on the server from then on.
pub(crate) type Heard = oneshot::Receiver<Word>;

/// Whether somebody counts on the server.
#[derive(Debug)]
pub(super) struct Promise {
    /// As long as somebody waits for a word.
    tell: Option<oneshot::Sender<Word>>,
    is_given: bool,
}

impl Promise {
    /// None yet, with where its word comes.
    pub(super) fn new() -> (Self, Heard) {
        let (tell, heard) = oneshot::channel();
        let promise = Self {
            tell: Some(tell),
            is_given: false,
        };
        (promise, heard)
    }

    /// The server is heard.
    pub(super) fn give(&mut self) {
        if let Some(tell) = self.tell.take() {
            // Who has gone has counted on it before.
            let _ = tell.send(Word::Heard);
        }
        self.is_given = true;
    }

    /// The server is not heard. Tells whether somebody counts on it all the same: a word that was not taken came too late.
    pub(super) fn is_broken(&mut self) -> bool {
        if let Some(tell) = self.tell.take() {
            self.is_given = tell.send(Word::Unheard).is_err();
        }
        self.is_given
    }
}

/// Ready with whether the server may be counted on: unless there is a word against it in time.
pub(crate) async fn may_be_heard(mut heard: Heard, patience: std::time::Duration) -> bool {
    if let Ok(word) = tokio::time::timeout(patience, &mut heard).await {
        return word == Ok(Word::Heard);
    }
    // From here on a word is not taken, and the relay learns that it was too late.
    heard.close();
    heard.try_recv() != Ok(Word::Unheard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn nobody_counts_on_what_is_refused_in_time() {
        let (mut promise, heard) = Promise::new();
        assert!(!promise.is_broken());
        assert!(!may_be_heard(heard, LONG).await);
        assert!(!promise.is_broken());
    }

    #[tokio::test]
    async fn a_promise_that_was_given_late_is_broken_by_each_refusal() {
        let (mut promise, heard) = Promise::new();
        assert!(may_be_heard(heard, Duration::ZERO).await);
        assert!(promise.is_broken() && promise.is_broken());
    }

    #[tokio::test]
    async fn who_is_heard_has_promised() {
        let (mut promise, heard) = Promise::new();
        promise.give();
        assert!(may_be_heard(heard, LONG).await);
        assert!(promise.is_broken());
    }

    #[tokio::test]
    async fn a_relay_that_is_gone_is_not_counted_on() {
        let (promise, heard) = Promise::new();
        drop(promise);
        assert!(!may_be_heard(heard, LONG).await);
    }
}
