use super::{EventStreamEditor, StreamEnd};
use crate::json::{InvalidJson, InvalidMessage, Message, MessageKind, MessageRules, Site};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const HOLD: usize = 200;

/// Seals every id as `"s<id>"`, leaves out what is about `list_changed`, and remembers what it saw.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sealed {
    seen: Vec<(MessageKind, Option<String>, Option<String>, bool)>,
}

impl MessageRules for Sealed {
    fn passes(&mut self, method: &str) -> bool {
        !method.ends_with("list_changed")
    }

    fn rewrite(&mut self, _site: Site, raw: &[u8], _method: Option<&str>) -> Option<Vec<u8>> {
        Some([b"\"s", raw, b"\""].concat())
    }

    fn ended(&mut self, message: Message) {
        let id = message.id.map(|id| String::from_utf8(id).unwrap());
        self.seen
            .push((message.kind, message.method, id, message.dropped));
    }
}

type Outcome = Result<(String, StreamEnd, Sealed), InvalidMessage>;

fn edit<'a>(editor: EventStreamEditor, pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let (mut editor, mut rules, mut out) = (editor, Sealed::default(), Vec::new());
    for piece in pieces {
        out.extend_from_slice(&editor.feed(piece, &mut rules)?);
    }
    Ok((String::from_utf8(out).unwrap(), editor.finish(), rules))
}

/// Whole, and one byte at a time.
fn both(editor: impl Fn() -> EventStreamEditor, stream: &str) -> Outcome {
    let whole = edit(editor(), std::iter::once(stream.as_bytes()));
    assert_eq!(edit(editor(), stream.as_bytes().chunks(1)), whole);
    whole
}

fn edited(stream: &str) -> String {
    both(|| EventStreamEditor::new(HOLD), stream).unwrap().0
}

fn refused(stream: &str) -> InvalidMessage {
    both(|| EventStreamEditor::new(HOLD), stream).unwrap_err()
}

#[test]
fn ids_change_and_everything_around_them_stays() {
    let stream = ": hi\r\n\r\nevent: message\r\nid: 9\r\nretry: 5\r\nx: y\r\ndata:{\"id\":1,\"result\":{}}\r\n\r\n\
        data: {\"method\":\"ping\",\rdata: \"id\":2}\r\r";
    let expected = stream
        .replace("\"id\":1", "\"id\":\"s1\"")
        .replace("\"id\":2", "\"id\":\"s2\"");
    let (out, end, rules) = both(|| EventStreamEditor::new(HOLD), stream).unwrap();
    assert_eq!(out, expected);
    assert_eq!(end, StreamEnd::Complete);
    let ping = Some("ping".to_owned());
    let expected = [
        (MessageKind::Response, None, Some("1".to_owned()), false),
        (MessageKind::Request, ping, Some("2".to_owned()), false),
    ];
    assert_eq!(rules.seen, expected);
}

#[test]
fn an_event_is_left_out_whole() {
    let dropped = "event: message\r\nid: 4\r\ndata: {\"jsonrpc\":\"2.0\",\r\ndata: \"method\":\"notifications/tools/list_changed\"\r\ndata:}\r\n: bye\r\n\r\n";
    let kept = "data: {\"method\":\"notifications/message\"}\n\n";
    let (out, _, rules) = both(
        || EventStreamEditor::new(HOLD),
        &format!(": a\r\n{dropped}{kept}{dropped}"),
    )
    .unwrap();
    assert_eq!(out, format!(": a\r\n{kept}"));
    let dropped: Vec<bool> = rules.seen.iter().map(|seen| seen.3).collect();
    assert_eq!(dropped, [true, false, true]);
}

#[test]
fn an_event_too_large_to_be_held_is_no_longer_left_out() {
    let with_padding = |padding: usize| {
        format!(
            "data: {{\"params\":\"{}\",\"method\":\"list_changed\"}}\n\n",
            "x".repeat(padding)
        )
    };
    let padding = HOLD - "data: {\"params\":\"\",\"method\":\"list_changed\"".len();
    assert_eq!(edited(&with_padding(padding)), "");
    assert_eq!(
        edited(&with_padding(padding + 1)),
        with_padding(padding + 1)
    );
}

#[test]
fn lines_before_the_data_are_held_no_longer_than_that_either() {
    let stream = format!(
        "x: {}\ndata: {{\"method\":\"list_changed\"}}\n\n",
        "x".repeat(HOLD)
    );
    assert_eq!(edited(&stream), stream);
}

#[test]
fn an_id_that_is_not_understood_in_time_is_refused() {
    let with_padding = |padding: usize| {
        let comment = "x".repeat(padding);
        format!("data: {{\"id\":1,\n: {comment}\ndata: \"method\":\"ping\"}}\n\n")
    };
    let padding = HOLD - "1,\n: \ndata: \"method\":\"ping\"".len();
    let expected = with_padding(padding).replace("\"id\":1", "\"id\":\"s1\"");
    assert_eq!(edited(&with_padding(padding)), expected);
    assert_eq!(
        refused(&with_padding(padding + 1)),
        InvalidMessage::HeldTooLong
    );
}

#[test]
fn id_lines_are_stripped_when_asked() {
    let stream = "\u{feff}id: 1\r\ndata:\r\n\r\nidx: 2\r\nid\r\ndata: {\"id\":1,\r\nid: 3\r\ndata:\"result\":0}\r\n\r\nid: 4";
    let expected =
        "\u{feff}data:\r\n\r\nidx: 2\r\ndata: {\"id\":\"s1\",\r\ndata:\"result\":0}\r\n\r\n";
    let (out, end, _) = both(|| EventStreamEditor::new(HOLD).strip_ids(), stream).unwrap();
    assert_eq!(out, expected);
    assert_eq!(end, StreamEnd::Cut);
}

#[test]
fn what_stood_behind_a_gap_does_not_become_the_mark_of_the_stream() {
    let gap = "data: {\"method\":\"x/list_changed\"}\n\n";
    let rest = "\u{feff}data: x\n\n";
    for cut in 1..gap.len() + 4 {
        let stream = format!("{gap}{rest}");
        let pieces = [&stream.as_bytes()[..cut], &stream.as_bytes()[cut..]];
        let mut editor = EventStreamEditor::new(HOLD);
        let mut rules = Sealed::default();
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&editor.feed(piece, &mut rules).unwrap());
        }
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!(":\n{rest}"),
            "cut at {cut}"
        );
    }
}

#[test]
fn a_stripped_line_takes_no_line_end_of_its_neighbours_with_it() {
    let stripped = |stream| {
        both(|| EventStreamEditor::new(HOLD).strip_ids(), stream)
            .unwrap()
            .0
    };
    assert_eq!(
        stripped("data:\rid: 1\n\ndata:\n\n"),
        "data:\r\n\ndata:\n\n"
    );
    assert_eq!(stripped("data:\r\nid: 1\n\n"), "data:\r\n\n");
    assert_eq!(stripped("data:\rid: 1\r\n\n"), "data:\r\n\n");
    assert_eq!(stripped("data:\rid: 1\r\r"), "data:\r\r");
}

#[test]
fn events_without_a_message_pass() {
    let stream = "id: 1\ndata:\n\nevent: ping\ndata: not JSON\ndata: at all\n\nretry: 3\n\n:\n\ndata:  \ndata\n\n";
    let (out, _, rules) = both(|| EventStreamEditor::new(HOLD), stream).unwrap();
    assert_eq!(out, stream);
    assert_eq!(rules, Sealed::default());
}

#[test]
fn a_comment_passes_at_once_and_a_large_message_streams() {
    let mut editor = EventStreamEditor::new(HOLD);
    let mut rules = Sealed::default();
    let comment = b": keep-alive\n\n";
    assert_eq!(&*editor.feed(comment, &mut rules).unwrap(), comment);
    assert_eq!(
        &*editor
            .feed(b"event: message\ndata: {\"id\":1,", &mut rules)
            .unwrap(),
        b""
    );
    let out = editor.feed(b"\"result\":{\"a\":\"", &mut rules).unwrap();
    assert_eq!(
        &*out,
        b"event: message\ndata: {\"id\":\"s1\",\"result\":{\"a\":\""
    );
    let part = [b'x'; 1000];
    for _ in 0..100 {
        let out = editor.feed(&part, &mut rules).unwrap();
        assert!(matches!(out, std::borrow::Cow::Borrowed(same) if same == part));
    }
    assert_eq!(&*editor.feed(b"\"}}\n\n", &mut rules).unwrap(), b"\"}}\n\n");
}

#[test]
fn an_event_that_was_cut_is_told() {
    let (out, end, _) = both(|| EventStreamEditor::new(HOLD), "data: {\"id\":1,").unwrap();
    assert_eq!((out.as_str(), end), ("", StreamEnd::Cut));
    let (out, end, _) = both(|| EventStreamEditor::new(HOLD), "data: {\"result\":[").unwrap();
    assert_eq!((out.as_str(), end), ("data: {\"result\":[", StreamEnd::Cut));
    let (_, end, _) = both(|| EventStreamEditor::new(HOLD), "\n\n: a").unwrap();
    assert_eq!(end, StreamEnd::Cut);
}

#[test]
fn a_message_that_is_none_is_refused() {
    let cases = [
        ("data: {\"id\":1}\n\n", InvalidMessage::NotAMessage),
        (
            "data: [{\"id\":1,\"result\":1}]\n\n",
            InvalidMessage::NotAMessage,
        ),
        (
            "data: {\"id\":1\n\n",
            InvalidMessage::Json(InvalidJson::Truncated),
        ),
        (
            "data: \"a\ndata: b\"\n\n",
            InvalidMessage::Json(InvalidJson::Syntax(2)),
        ),
        (
            "data: {\"id\":1,\"id\":1}\n\n",
            InvalidMessage::Json(InvalidJson::DuplicateKey(8)),
        ),
    ];
    for (stream, error) in cases {
        assert_eq!(refused(stream), error, "{stream}");
    }
}

#[test]
fn a_number_may_end_with_its_line() {
    assert_eq!(
        edited("data: {\"method\":\"m\",\"id\":5\ndata: }\n\n"),
        "data: {\"method\":\"m\",\"id\":\"s5\"\ndata: }\n\n"
    );
}

#[test]
fn an_event_that_changes_its_kind_behind_its_data_is_refused() {
    for stream in [
        "event: ping\ndata: {\"id\":1,\"result\":{}}\nevent: message\n\n",
        "event: ping\ndata: {\"id\":1,\"result\":{}}\nevent\n\n",
        "data: {\"id\":1,\"result\":{}}\nevent: ping\n\n",
    ] {
        assert_eq!(refused(stream), InvalidMessage::LateKind, "{stream}");
    }
    let same = "event: ping\ndata: x\nevent: pong\n\n";
    assert_eq!(edited(same), same);
    let same = "data: {\"method\":\"m\"}\nevent: message\n\n";
    assert_eq!(edited(same), same);
}

#[test]
fn a_message_that_is_left_out_must_be_one_to_its_end() {
    let stream = "data: {\"method\":\"list_changed\",\"result\":{}}\n\n";
    assert_eq!(refused(stream), InvalidMessage::NotAMessage);
    let unended = "data: {\"method\":\"list_changed\",\"result\":";
    assert_eq!(refused(unended), InvalidMessage::NotAMessage);
}
