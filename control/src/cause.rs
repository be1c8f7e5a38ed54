//! Why something has failed, in the words of what has failed first.

/// The innermost cause: what the outer layers say is only that a request failed.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
