//! The server of the outer leg.

use std::future::Future;
use std::io;
use std::sync::Arc;

use tokio::sync::watch;

use crate::address::Listener;
use crate::router;
use crate::settings::Settings;
use crate::state::State;

/// Serves until `shutdown` is ready, then ends all streams in order, and at servers what was begun for their clients.
///
/// # Errors
/// What the operating system says.
pub async fn serve(
    listener: Listener,
    settings: Settings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (end, ending) = watch::channel(false);
    let drain = settings.drain;
    let state = Arc::new(State::new(settings, ending.clone()));
    let tasks = state.tasks.clone();
    let router = router::router(state);
    let server = async {
        let ended = ended(ending.clone());
        let served = match listener {
            Listener::Tcp(listener) => {
                axum::serve(listener, router)
                    .with_graceful_shutdown(ended)
                    .await
            }
            Listener::Unix(listener) => {
                axum::serve(listener, router)
                    .with_graceful_shutdown(ended)
                    .await
            }
        };
        tasks.ended().await;
        served
    };
    let overdue = async {
        shutdown.await;
        end.send_replace(true);
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        served = server => served,
        () = overdue => Ok(()),
    }
}

/// Ready when the program ends.
pub(crate) async fn ended(mut ending: watch::Receiver<bool>) {
    // One that is gone has ended.
    let _ = ending.wait_for(|ends| *ends).await;
}
