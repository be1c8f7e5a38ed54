//! The headers by which a client's request is found again in traces and logs. They go with each call made for it.

use std::borrow::Cow;

use super::upstream_headers::is_private;
use crate::{Headers, Table};

/// W3C Trace Context, and the name that Envoy gives to a request.
const NAMES: [&str; 3] = ["traceparent", "tracestate", "x-request-id"];

/// Longest value that goes on, in bytes.
const LONGEST_VALUE: usize = 1024;

/// Those of a client's request, in order. A value that not every host could send is left out, and so is a header that a
/// policy takes for a credential.
pub(crate) fn of(headers: &Headers, table: &Table) -> Vec<(Cow<'static, str>, Vec<u8>)> {
    let known = headers.iter().filter_map(|(name, value)| {
        let known = NAMES.into_iter().find(|known| *known == name)?;
        is_plain(value).then(|| (Cow::Borrowed(known), value.to_vec()))
    });
    known.filter(|(name, _)| !is_private(table, name)).collect()
}

fn is_plain(value: &[u8]) -> bool {
    value.len() <= LONGEST_VALUE && value.iter().all(|byte| matches!(byte, 0x20..=0x7e))
}
