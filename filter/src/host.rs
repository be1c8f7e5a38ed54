//! Every hostcall of the crate: typed, and safe from the SDK's panics.
//!
//! The SDK panics on each status that it does not expect, and a panic ends the VM for every listener that shares it.
//! So what could bring such a status is excluded here or, where it depends on the state of the stream, by the caller:
//! header maps are written only while they are held, buffers only while they exist.

use std::time::{Duration, UNIX_EPOCH};

use mcp_filter_core::{Headers, HttpCall, LocalResponse};
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType, MetricType, Status};

/// What the host refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostError {
    /// A header value that is not UTF-8, which the SDK cannot send.
    NotText,
    /// The host's own refusal.
    Refused(Status),
}

impl From<Status> for HostError {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}

/// One of the two directions of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the client to the upstream.
    Request,
    /// Back.
    Response,
}

impl Direction {
    fn headers(self) -> MapType {
        match self {
            Self::Request => MapType::HttpRequestHeaders,
            Self::Response => MapType::HttpResponseHeaders,
        }
    }

    fn trailers(self) -> MapType {
        match self {
            Self::Request => MapType::HttpRequestTrailers,
            Self::Response => MapType::HttpResponseTrailers,
        }
    }

    fn body(self) -> BufferType {
        match self {
            Self::Request => BufferType::HttpRequestBody,
            Self::Response => BufferType::HttpResponseBody,
        }
    }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    let now = hostcalls::get_current_time()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    now.map_or(0, |elapsed| {
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    })
}

/// Asks for `on_tick` of the current plugin context.
pub(crate) fn set_tick_period(period: Duration) -> Result<(), HostError> {
    Ok(hostcalls::set_tick_period(period)?)
}

/// The plugin's configuration. Only to be asked for in `on_configure`.
pub(crate) fn plugin_configuration(size: usize) -> Result<Vec<u8>, HostError> {
    buffer(BufferType::PluginConfiguration, 0, size)
}

/// Hostcalls that follow act on the stream or plugin context `id`, until the callback ends or this is called again.
pub(crate) fn enter(id: u32) -> Result<(), HostError> {
    Ok(hostcalls::set_effective_context(id)?)
}

/// All headers. Empty when they are no longer held.
pub(crate) fn headers(direction: Direction) -> Headers {
    map(direction.headers())
}

/// One header. The map must be held.
pub(crate) fn header(direction: Direction, name: &str) -> Option<Vec<u8>> {
    hostcalls::get_map_value_bytes(direction.headers(), name)
        .ok()
        .flatten()
}

/// Sets a header, or removes it with `None`. The map must be held.
pub(crate) fn set_header(direction: Direction, name: &str, value: Option<&[u8]>) {
    if let Err(status) = hostcalls::set_map_value_bytes(direction.headers(), name, value) {
        log::error!("header {name} not changed: {status:?}");
    }
}

/// Adds a value to a header. The map must be held.
pub(crate) fn add_header(direction: Direction, name: &str, value: &[u8]) {
    if let Err(status) = hostcalls::add_map_value_bytes(direction.headers(), name, value) {
        log::error!("header {name} not added: {status:?}");
    }
}

/// Takes all trailers away. Only while the host tells of them.
pub(crate) fn drop_trailers(direction: Direction) {
    let trailers = direction.trailers();
    for (name, _) in map(trailers).iter() {
        if let Err(status) = hostcalls::set_map_value_bytes(trailers, name, None) {
            log::error!("trailer {name} not taken away: {status:?}");
        }
    }
}

/// Bytes of a body that the host has at hand.
pub(crate) fn body(direction: Direction, start: usize, length: usize) -> Vec<u8> {
    buffer(direction.body(), start, length).unwrap_or_default()
}

/// Puts `bytes` in place of the whole body that the host has at hand. There must be one, be it empty.
pub(crate) fn set_body(direction: Direction, bytes: &[u8]) {
    if let Err(status) = hostcalls::set_buffer(direction.body(), 0, usize::MAX, bytes) {
        log::error!("body not changed: {status:?}");
    }
}

/// Lets a held direction go on, once the callback has ended.
pub(crate) fn resume(direction: Direction) {
    let resumed = match direction {
        Direction::Request => hostcalls::resume_http_request(),
        Direction::Response => hostcalls::resume_http_response(),
    };
    if let Err(status) = resumed {
        log::error!("stream not resumed: {status:?}");
    }
}

/// Resets the stream, once the callback has ended.
pub(crate) fn reset(direction: Direction) {
    let reset = match direction {
        Direction::Request => hostcalls::reset_http_request(),
        Direction::Response => hostcalls::reset_http_response(),
    };
    if let Err(status) = reset {
        log::error!("stream not reset: {status:?}");
    }
}

/// Answers the stream, once the callback has ended. A header that is not UTF-8 is left out.
pub(crate) fn send_local_response(response: &LocalResponse) -> Result<(), HostError> {
    let (headers, rest) = text(&response.headers);
    if rest > 0 {
        log::error!("{rest} headers of a local response left out: not UTF-8");
    }
    Ok(hostcalls::send_http_response(
        response.status.into(),
        headers,
        Some(&response.body),
    )?)
}

/// Sends a request beside the stream; gives the id under which its end is told.
pub(crate) fn dispatch(call: &HttpCall) -> Result<u32, HostError> {
    let (headers, rest) = text(&call.headers);
    if rest > 0 {
        return Err(HostError::NotText);
    }
    // Zero would mean no bound at all, and the host takes a signed number.
    let timeout = Duration::from_millis(call.timeout_ms.clamp(1, i32::MAX as u64));
    Ok(hostcalls::dispatch_http_call(
        &call.cluster,
        headers,
        Some(&call.body),
        Vec::new(),
        timeout,
    )?)
}

/// Headers of the response to a call. Only to be asked for in the callback that tells its end.
pub(crate) fn call_headers() -> Headers {
    map(MapType::HttpCallResponseHeaders)
}

/// Body of the response to a call. Only to be asked for in the callback that tells its end.
pub(crate) fn call_body(size: usize) -> Vec<u8> {
    buffer(BufferType::HttpCallResponseBody, 0, size).unwrap_or_default()
}

/// What Envoy says of the response at hand: [`UPSTREAM`], or which of its own answers it is.
pub(crate) fn response_details() -> Vec<u8> {
    let details = hostcalls::get_property(vec!["response", "code_details"]);
    details.ok().flatten().unwrap_or_default()
}

/// The details of an upstream's response.
pub(crate) const UPSTREAM: &[u8] = b"via_upstream";

/// Where Envoy's `jwt_authn` leaves the claims of a token that it has verified, as Istio tells it to.
const CLAIMS: [&str; 4] = [
    "metadata",
    "filter_metadata",
    "envoy.filters.http.jwt_authn",
    "payload",
];

/// All claims of the verified token, as a serialized map.
pub(crate) fn token_claims() -> Result<Option<Vec<u8>>, HostError> {
    Ok(hostcalls::get_property(CLAIMS.to_vec())?)
}

/// One claim of the verified token, by the names that lead to it.
pub(crate) fn token_claim(path: &[String]) -> Result<Option<Vec<u8>>, HostError> {
    let path = CLAIMS.into_iter().chain(path.iter().map(String::as_str));
    Ok(hostcalls::get_property(path.collect())?)
}

/// A value of shared data and the number of its last write.
pub(crate) fn shared_data(key: &str) -> Option<(Vec<u8>, u32)> {
    let (value, version) = hostcalls::get_shared_data(key).ok()?;
    version.map(|version| (value.unwrap_or_default(), version))
}

/// Writes shared data; with a version only over that very write. Tells whether it wrote.
pub(crate) fn set_shared_data(key: &str, value: &[u8], version: Option<u32>) -> bool {
    hostcalls::set_shared_data(key, Some(value), version).is_ok()
}

/// Puts an item into the shared queue `name`, of which the current plugin context is told when the event loop turns.
pub(crate) fn enqueue(name: &str, item: &[u8]) -> Result<(), HostError> {
    // Registering anew makes this plugin context the one that is told; the host knows the name already.
    let queue = hostcalls::register_shared_queue(name)?;
    Ok(hostcalls::enqueue_shared_queue(queue, Some(item))?)
}

/// Takes an item out of a shared queue.
pub(crate) fn dequeue(queue: u32) -> Option<Vec<u8>> {
    hostcalls::dequeue_shared_queue(queue).ok().flatten()
}

/// Defines a counter.
pub(crate) fn define_counter(name: &str) -> Option<u32> {
    hostcalls::define_metric(MetricType::Counter, name).ok()
}

/// Defines a gauge.
pub(crate) fn define_gauge(name: &str) -> Option<u32> {
    hostcalls::define_metric(MetricType::Gauge, name).ok()
}

/// Defines a histogram.
pub(crate) fn define_histogram(name: &str) -> Option<u32> {
    hostcalls::define_metric(MetricType::Histogram, name).ok()
}

/// Adds to a counter.
pub(crate) fn increment(metric: u32, by: i64) {
    let _ = hostcalls::increment_metric(metric, by);
}

/// Sets a gauge, or adds a value to a histogram.
pub(crate) fn record(metric: u32, value: u64) {
    let _ = hostcalls::record_metric(metric, value);
}

/// Leaves `value` in the filter state of the stream, where access logs find it as `wasm.<name>`. Gives the status with
/// which the host refused that.
pub(crate) fn set_filter_state(name: &str, value: &str) -> Result<(), u32> {
    property::set(name, value)
}

/// A whole map; empty where the host has none.
fn map(kind: MapType) -> Headers {
    let block = pairs::block(kind).unwrap_or_else(|status| {
        log::error!("no map {kind:?}: status {status}");
        Vec::new()
    });
    Headers::from_block(block)
}

/// The map as the host hands it over. The SDK would make two allocations for each header of it, and panic on a name
/// that is not text.
#[allow(
    unsafe_code,
    reason = "a raw import; the call is sound by what the host promises"
)]
mod pairs {
    use proxy_wasm::types::MapType;

    unsafe extern "C" {
        fn proxy_get_header_map_pairs(kind: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    }

    pub(super) fn block(kind: MapType) -> Result<Vec<u8>, u32> {
        let (mut data, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: the host writes a pointer and a length, to the places that are borrowed meanwhile.
        match unsafe { proxy_get_header_map_pairs(kind as u32, &raw mut data, &raw mut size) } {
            0 if data.is_null() => Ok(Vec::new()),
            // SAFETY: the host took these bytes from the SDK's `proxy_on_memory_allocate`, which gives a boxed slice of
            // this length away, and has filled them.
            0 => Ok(unsafe { Vec::from_raw_parts(data, size, size) }),
            status => Err(status),
        }
    }
}

/// A property as the host takes it. The SDK would panic where another filter has made one of this name that cannot be
/// changed.
#[allow(
    unsafe_code,
    reason = "a raw import; the call is sound by what the host promises"
)]
mod property {
    unsafe extern "C" {
        fn proxy_set_property(
            path: *const u8,
            path_size: usize,
            value: *const u8,
            value_size: usize,
        ) -> u32;
    }

    pub(super) fn set(path: &str, value: &str) -> Result<(), u32> {
        // SAFETY: the host reads both texts, which are borrowed meanwhile.
        match unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) }
        {
            0 => Ok(()),
            status => Err(status),
        }
    }
}

fn buffer(kind: BufferType, start: usize, length: usize) -> Result<Vec<u8>, HostError> {
    if length == 0 {
        return Ok(Vec::new());
    }
    Ok(hostcalls::get_buffer(kind, start, length)?.unwrap_or_default())
}

/// The pairs whose values are UTF-8, and how many are not.
fn text<N: AsRef<str>>(pairs: &[(N, Vec<u8>)]) -> (Vec<(&str, &str)>, usize) {
    let headers: Vec<_> = pairs
        .iter()
        .filter_map(|(name, value)| Some((name.as_ref(), std::str::from_utf8(value).ok()?)))
        .collect();
    let rest = pairs.len().saturating_sub(headers.len());
    (headers, rest)
}
