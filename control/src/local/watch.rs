//! Tells when something may have changed in the folders.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often to look without being told: some file systems tell nothing, and a folder that was replaced tells no
/// more.
const LOOK: Duration = Duration::from_millis(500);

/// Watches some folders.
#[derive(Debug)]
pub(super) struct Watch {
    told: Arc<Notify>,
    look: Interval,
    /// Ends the watch when dropped.
    _watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Watches from now on. Must be called within a tokio runtime.
    pub(super) fn new(folders: &[PathBuf]) -> Self {
        let told = Arc::new(Notify::new());
        let watcher = watcher(folders, Arc::clone(&told));
        let watcher = watcher
            .inspect_err(|error| tracing::warn!("looking for changes twice a second only: {error}"))
            .ok();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            told,
            look,
            _watcher: watcher,
        }
    }

    /// Waits until a look at the folders is due. Nothing is lost when this future is dropped.
    pub(super) async fn due(&mut self) {
        tokio::select! {
            () = self.told.notified() => {}
            _ = self.look.tick() => {}
        }
    }
}

fn watcher(folders: &[PathBuf], told: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| is_change(event.kind)) {
            told.notify_one();
        }
    })?;
    for folder in folders {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// Our own reading is no change.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_folder_that_tells_nothing_is_looked_at_all_the_same() {
        let mut watch = Watch::new(&["/nonexistent".into()]);
        for _ in 0..3 {
            watch.due().await;
        }
    }

    #[tokio::test]
    async fn a_written_file_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let told = Arc::new(Notify::new());
        let _watcher = watcher(&[directory.path().to_owned()], Arc::clone(&told)).unwrap();
        std::fs::write(directory.path().join("a.yaml"), "").unwrap();
        told.notified().await;
    }

    #[test]
    fn reading_is_no_change() {
        assert!(!is_change(EventKind::Access(AccessKind::Open(
            AccessMode::Read
        ))));
        assert!(is_change(EventKind::Access(AccessKind::Close(
            AccessMode::Write
        ))));
    }
}
