//! Whether a stream may be opened.

use http::StatusCode;
use tokio::time::sleep;

use crate::caller::Caller;
use crate::catalog::Catalog;
use crate::gateway::{Checked, Reply};
use crate::refusal::Refusal;
use crate::serve::ended;
use crate::state::State;

/// Why it may not.
#[derive(Debug)]
pub(crate) enum NotAdmitted {
    /// The gateway refuses the client, in its own words.
    Told(Reply),
    /// See the refusal.
    Refused(Refusal),
}

/// What the lists of `caller` are, for which a stream is to be opened. On the way here the gateway has let the client pass:
/// where it now does not serve what it has just sent here, it is asked once more.
///
/// # Errors
/// When the client may have none, or the gateway does not say.
pub(crate) async fn admit(caller: &Caller, state: &State) -> Result<Catalog, NotAdmitted> {
    let mut checked = state.gateway.check(caller).await;
    if checked.as_ref().is_ok_and(may_pass) {
        tokio::select! {
            () = sleep(state.settings.second_look) => checked = state.gateway.check(caller).await,
            () = ended(state.ending.clone()) => {}
        }
    }
    match checked {
        Ok(Checked::Good(catalog)) => Ok(catalog),
        Ok(Checked::Ended(reply)) => Err(NotAdmitted::Told(reply)),
        Ok(Checked::Strange) => {
            tracing::warn!(
                "a stream was not opened: who answers is not the gateway of this program"
            );
            Err(NotAdmitted::Refused(Refusal::Gateway))
        }
        Err(error) => {
            tracing::warn!(%error, "a stream was not opened");
            Err(NotAdmitted::Refused(Refusal::Gateway))
        }
    }
}

/// Whether it is of the gateway and not of the client: of one whose token or session has just ended, nothing is doubted.
fn may_pass(checked: &Checked) -> bool {
    match checked {
        Checked::Good(_) => false,
        Checked::Strange => true,
        Checked::Ended(reply) => matches!(
            reply.status(),
            StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED
        ),
    }
}
