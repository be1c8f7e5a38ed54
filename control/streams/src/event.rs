//! Events as they are written (WHATWG HTML, "Server-sent events").

use axum::body::Bytes;

/// A line that clients pass over: it keeps connections from being taken for dead.
pub(crate) const KEEP_ALIVE: Bytes = Bytes::from_static(b":\n\n");

/// The event that opens a stream of the session revisions: an id to come back with, and after how many milliseconds
/// (MCP 2025-11-25, basic/transports, "Sending Messages to the Server", 6). Clients of former revisions may take data that
/// is empty for a message that is broken.
pub(crate) fn priming(id: &str, retry: u32, with_data: bool) -> Bytes {
    let data = if with_data { "data:\n" } else { "" };
    format!("id: {id}\nretry: {retry}\n{data}\n").into()
}

/// One message. Line ends in it, which JSON allows between tokens, make lines of their own.
pub(crate) fn message(id: Option<&str>, data: &[u8]) -> Bytes {
    let mut event = Vec::with_capacity(data.len() + 64);
    if let Some(id) = id {
        event.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    for line in data.split(|byte| matches!(byte, b'\n' | b'\r')) {
        event.extend_from_slice(b"data: ");
        event.extend_from_slice(line);
        event.push(b'\n');
    }
    event.push(b'\n');
    event.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_filter_core::sse::events;

    #[test]
    fn a_message_is_read_as_it_was() {
        let event = message(Some("a"), b"{\"a\":\n1}");
        assert_eq!(&event[..], b"id: a\ndata: {\"a\":\ndata: 1}\n\n");
        let read = events(&event).next().unwrap();
        assert_eq!(&read.data[..], b"{\"a\":\n1}");
        assert_eq!(
            &message(None, b"{}\r\n")[..],
            b"data: {}\ndata: \ndata: \n\n"
        );
    }

    #[test]
    fn what_opens_a_stream_is_no_message() {
        let event = priming("a", 1000, true);
        assert_eq!(&event[..], b"id: a\nretry: 1000\ndata:\n\n");
        assert!(events(&event).all(|event| event.data.is_empty()));
        assert_eq!(events(&priming("a", 1000, false)).count(), 0);
        assert_eq!(events(&KEEP_ALIVE).count(), 0);
    }
}
