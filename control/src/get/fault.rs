//! Something that is not as its author wants it.

use std::fmt;

use serde::Serialize;

use super::reference::Reference;
use crate::printable::printable;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fault {
    /// File and line, of a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
    /// Absent where a file is wrong as a whole.
    #[serde(flatten)]
    pub(super) object: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    pub(super) message: String,
}

impl Fault {
    /// What is wrong with an object.
    pub(super) fn new(object: Reference, reason: impl Into<String>, message: String) -> Self {
        Self {
            place: None,
            object: Some(object),
            reason: Some(reason.into()),
            message,
        }
    }

    /// What is wrong with something else.
    pub(super) fn bare(place: Option<String>, message: String) -> Self {
        Self {
            place,
            object: None,
            reason: None,
            message,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = self.object.as_ref().map(Reference::to_string);
        let parts = [
            self.place.as_deref(),
            object.as_deref(),
            self.reason.as_deref(),
        ];
        for part in parts.into_iter().flatten() {
            write!(f, "{}: ", printable(part))?;
        }
        // Further lines are a manifest to apply; they cannot be taken for a fault.
        let lines: Vec<_> = self.message.lines().map(printable).collect();
        f.write_str(&lines.join("\n    "))
    }
}
