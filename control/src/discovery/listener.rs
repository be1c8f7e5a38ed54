//! Hears of a server without sessions that its lists have changed: holds the one subscription that control has there.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::connection::Connection;
use super::event_stream::EventStream;
use super::server::Heard;
use super::subscription::{self, Word, word};
use super::tells::Tells;

/// See the module. The subscription ends when this is dropped (MCP 2026-07-28, basic/patterns/cancellation).
#[derive(Debug)]
pub(super) struct Listener {
    connection: Connection,
    tells: Tells,
    open: Option<Open>,
    /// Whether a subscription was tried, and is not open now: what changes meanwhile is not told.
    was_away: bool,
}

#[derive(Debug)]
struct Open {
    stream: EventStream,
    /// When it has to be acknowledged; `None` once it is.
    acknowledged_by: Option<Instant>,
    id: String,
    /// Whether its acknowledgement is news.
    is_again: bool,
}

impl Listener {
    /// Of a server that tells this. Nothing is opened yet.
    pub(super) fn new(connection: Connection, tells: Tells) -> Self {
        Self {
            connection,
            tells,
            open: None,
            was_away: false,
        }
    }

    /// What is asked for.
    pub(super) fn tells(&self) -> Tells {
        self.tells
    }

    /// Waits for news, opening the subscription where it is not open. The server has `patience` to answer and to
    /// acknowledge. When this future is dropped, what was opened stays open.
    pub(super) async fn listen(&mut self, patience: Duration) -> Heard {
        let open = match &mut self.open {
            Some(open) => open,
            None => match self.opened(patience).await {
                Ok(open) => self.open.insert(open),
                Err(heard) => {
                    self.was_away = true;
                    return heard;
                }
            },
        };
        let heard = open.hear(&self.connection).await;
        if !matches!(heard, Heard::Changed(_) | Heard::Reopened) {
            self.open = None;
            self.was_away = true;
        }
        heard
    }

    async fn opened(&self, patience: Duration) -> Result<Open, Heard> {
        let by = Instant::now() + patience;
        let id = new_id();
        let request = subscription::request(self.tells, &id);
        let Ok(Ok(reply)) = timeout_at(by, self.connection.subscribe(request)).await else {
            return Err(Heard::Closed);
        };
        Ok(Open {
            stream: EventStream::of(reply, self.connection.quote()).await?,
            acknowledged_by: Some(by),
            id,
            is_again: self.was_away,
        })
    }
}

impl Open {
    async fn hear(&mut self, connection: &Connection) -> Heard {
        loop {
            let next = self.stream.next();
            let event = match self.acknowledged_by {
                None => next.await,
                Some(by) => timeout_at(by, next).await.unwrap_or_default(),
            };
            let Some(data) = event else {
                return Heard::Closed;
            };
            match word(&data, connection.quote(), &self.id) {
                Word::Acknowledged => {
                    self.acknowledged_by = None;
                    if std::mem::take(&mut self.is_again) {
                        return Heard::Reopened;
                    }
                }
                Word::Changed(told) => {
                    self.acknowledged_by = None;
                    self.is_again = false;
                    return Heard::Changed(told);
                }
                Word::Ended => return Heard::Closed,
                Word::NotOffered => return Heard::NotOffered,
                Word::Other => {}
            }
        }
    }
}

/// Of no subscription before: what is left of a former one is not taken for this one's.
fn new_id() -> String {
    let random = getrandom::u64().unwrap_or_default();
    format!("{}{random:016x}", subscription::ID_PREFIX)
}
