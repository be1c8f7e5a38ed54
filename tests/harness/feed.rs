//! What a test has servers say on the event streams that answer calls, while it goes on.

use futures::stream::{self, Stream};
use tokio::sync::broadcast;

/// Messages that wait for a call that is slow to take them; a test says few.
const ROOM: usize = 64;

/// See the module. Every call that is open hears all that is said from its beginning on.
#[derive(Clone, Debug)]
pub struct Feed(broadcast::Sender<Option<String>>);

impl Default for Feed {
    fn default() -> Self {
        Self(broadcast::Sender::new(ROOM))
    }
}

impl Feed {
    /// Says a message on every stream that is open.
    pub fn say(&self, message: &str) {
        self.tell(Some(message.to_owned()));
    }

    /// Ends every stream that is open.
    pub fn end(&self) {
        self.tell(None);
    }

    /// How many streams are open.
    pub fn listeners(&self) -> usize {
        self.0.receiver_count()
    }

    fn tell(&self, message: Option<String>) {
        self.0.send(message).expect("a stream that is open");
    }

    /// What is said from now on, to the end.
    pub(crate) fn messages(&self) -> impl Stream<Item = String> + Send + 'static {
        stream::unfold(self.0.subscribe(), |mut heard| async move {
            let message = heard.recv().await.expect("a message, in time")?;
            Some((message, heard))
        })
    }
}
