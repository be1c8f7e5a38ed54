//! Tasks without which the program does not end: what was begun in a client's name is ended at the server.

use tokio::runtime::Handle;
use tokio::sync::watch;

/// See the module. Each task holds a receiver: who waits, waits until there is none.
#[derive(Clone, Debug)]
pub(crate) struct Tasks(watch::Sender<()>);

impl Tasks {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// Begins one. Without a runtime the program has ended, and what is left of it expires.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let running = self.0.subscribe();
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                // It may begin another while it is dropped, which is before it counts as ended.
                task.await;
                drop(running);
            });
        }
    }

    /// Ready when none is left.
    pub(crate) async fn ended(&self) {
        self.0.closed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::sync::oneshot;
    use tokio::time::timeout;

    #[tokio::test]
    async fn they_have_ended_when_the_last_one_has_and_what_it_began() {
        let tasks = Tasks::new();
        tasks.ended().await;
        let (end, ends) = oneshot::channel::<()>();
        let inner = tasks.clone();
        tasks.spawn(async move {
            inner.clone().spawn(async { drop(ends.await) });
        });
        let at_once = Duration::from_millis(1);
        assert!(timeout(at_once, tasks.ended()).await.is_err());
        end.send(()).unwrap();
        tasks.ended().await;
    }
}
