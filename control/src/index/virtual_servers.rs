//! Virtual servers are read, and not served.

use super::store::Store;
use super::{Carrier, Notice, Settings};
use crate::manifests::Kind;
use crate::verdict::{Fault, Reason};

/// What becomes of those who ask for one, and of those who do not.
pub(crate) const NOT_SERVED: &str = "without effect here: virtual servers are not served yet. A request with the \
                                     header x-mcp-virtualserver gets an error, and one without it is shown everything";

/// What is told about each where the carrier is our own. In a cluster its status says so.
pub(super) fn notices(store: &Store<'_>, settings: &Settings) -> impl Iterator<Item = Notice> {
    let is_told = settings.carrier == Carrier::Own;
    let told = store.virtual_servers.keys().filter(move |_| is_told);
    told.map(|name| Notice {
        kind: Kind::McpVirtualServer.as_str(),
        name: name.clone(),
        accepted: true,
        fault: Fault::new(Reason::Unsupported, NOT_SERVED),
    })
}
