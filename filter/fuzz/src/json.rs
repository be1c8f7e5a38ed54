//! Documents, messages and event streams.

use mcp_filter_core::json::{
    Capture, Field, IdRewriter, InvalidJson, Message, MessageRules, Plan, Scanner, Site, ValueKind,
    splice, text,
};
use mcp_filter_core::sse::{EventStreamEditor, StreamEnd, events};
use serde_json::value::RawValue;

use super::pieces::cuts;

/// Bytes of a value that are kept, small so that the bound is met.
const KEEP: usize = 48;

type Scan = (
    Result<(), InvalidJson>,
    Option<ValueKind>,
    Vec<(Option<Capture>, Option<u64>, Option<Vec<u8>>)>,
);

fn scan<'a>(plan: Plan, keep: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Scan {
    let mut scanner = Scanner::new(plan, keep);
    let fed = pieces.into_iter().try_for_each(|piece| scanner.feed(piece));
    let verdict = fed.and_then(|()| scanner.finish());
    let found = Field::ALL.map(|field| {
        let raw = scanner.raw(field).map(<[u8]>::to_vec);
        (scanner.capture(field), scanner.key_end(field), raw)
    });
    (verdict, scanner.root(), found.to_vec())
}

/// A document: any cut tells the same, what is kept stands there, and the grammar is that of `serde_json`.
pub fn scanner(bytes: &[u8]) {
    for plan in [
        Plan::FromClient,
        Plan::FromServer,
        Plan::FromServerWithTasks,
    ] {
        let whole = scan(plan, KEEP, [bytes]);
        for pieces in cuts(bytes) {
            assert_eq!(scan(plan, KEEP, pieces), whole);
        }
        for (capture, _, raw) in &whole.2 {
            if let (Some(capture), Some(raw)) = (capture, raw) {
                let place = capture.start as usize..capture.end as usize;
                assert_eq!(bytes.get(place), Some(raw.as_slice()));
            }
        }
    }
    let inside = [b"[", bytes, b"]"].concat();
    let (verdict, ..) = scan(Plan::FromClient, KEEP, [inside.as_slice()]);
    match serde_json::from_slice::<&RawValue>(&inside) {
        Ok(_) => assert_eq!(verdict, Ok(())),
        // Its bound on depth is far lower.
        Err(error) if error.to_string().starts_with("recursion limit") => {}
        Err(error) => assert!(verdict.is_err(), "serde_json says {error}"),
    }
}

/// Puts into each place what it holds already, or a mark.
#[derive(Clone, Copy)]
enum Rules {
    Same,
    Mark,
}

struct Passed {
    rules: Rules,
    seen: Vec<Message>,
}

impl Passed {
    fn new(rules: Rules) -> Self {
        Self {
            rules,
            seen: Vec::new(),
        }
    }
}

impl MessageRules for Passed {
    fn passes(&mut self, method: &str) -> bool {
        matches!(self.rules, Rules::Same) || !method.ends_with("list_changed")
    }

    fn rewrite(&mut self, _site: Site, raw: &[u8], _method: Option<&str>) -> Option<Vec<u8>> {
        match self.rules {
            Rules::Same => Some(raw.to_vec()),
            Rules::Mark => Some(format!("\"mark {}\"", raw.len()).into_bytes()),
        }
    }

    fn ended(&mut self, message: Message) {
        self.seen.push(message);
    }
}

fn rewrite<'a>(
    mut rewriter: IdRewriter,
    rules: Rules,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Option<(Vec<u8>, Message)> {
    let mut rules = Passed::new(rules);
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&rewriter.feed(piece, &mut rules).ok()?);
    }
    Some((out, rewriter.finish().ok()?))
}

/// A server's message: any cut passes the same, and an edit that changes nothing leaves every byte.
pub fn id_rewriter(bytes: &[u8]) {
    let new = [IdRewriter::new, IdRewriter::with_tasks];
    for (rules, new) in [Rules::Same, Rules::Mark]
        .into_iter()
        .flat_map(|rules| new.map(|new| (rules, new)))
    {
        let whole = rewrite(new(KEEP), rules, [bytes]);
        for pieces in cuts(bytes) {
            assert_eq!(rewrite(new(KEEP), rules, pieces), whole);
        }
        if let (Rules::Same, Some((out, _))) = (rules, &whole) {
            assert_eq!(out, bytes);
        }
        if let Some((out, _)) = whole {
            let again = rewrite(new(KEEP), rules, [out.as_slice()]);
            assert!(again.is_some() || matches!(rules, Rules::Mark));
        }
    }
}

type Edited = Option<(Vec<u8>, StreamEnd, Vec<Message>)>;

fn edit<'a>(rules: Rules, strip: bool, pieces: impl IntoIterator<Item = &'a [u8]>) -> Edited {
    let mut editor = EventStreamEditor::new(KEEP);
    if strip {
        editor = editor.strip_ids().with_tasks();
    }
    let (mut out, mut rules) = (Vec::new(), Passed::new(rules));
    for piece in pieces {
        out.extend_from_slice(&editor.feed(piece, &mut rules).ok()?);
    }
    Some((out, editor.finish(), rules.seen))
}

/// An event stream: any cut passes the same, an edit that changes nothing leaves every byte, and no reader of the
/// edited stream sees more or fewer messages than were looked at.
pub fn event_stream(bytes: &[u8]) {
    for (rules, strip) in [
        (Rules::Same, false),
        (Rules::Same, true),
        (Rules::Mark, true),
    ] {
        let whole = edit(rules, strip, [bytes]);
        for pieces in cuts(bytes) {
            assert_eq!(edit(rules, strip, pieces), whole);
        }
        let Some((out, end, seen)) = whole else {
            continue;
        };
        let passed = seen.iter().filter(|message| !message.dropped).count();
        let is_message = |event: &mcp_filter_core::sse::Event<'_>| {
            event.is_message() && !event.data.trim_ascii().is_empty()
        };
        assert_eq!(events(&out).filter(is_message).count(), passed);
        match (rules, strip, end) {
            (Rules::Same, false, StreamEnd::Complete) => assert_eq!(out, bytes),
            (Rules::Same, false, StreamEnd::Cut) => assert!(bytes.starts_with(&out)),
            _ => assert!(!strip || events(&out).all(|event| event.id.is_none())),
        }
    }
}

/// A prefix and, in the next line, a string token: what is left of it spells the rest of the text.
pub fn name_token(bytes: &[u8]) {
    let Some((prefix, token)) = bytes
        .iter()
        .position(|&byte| byte == b'\n')
        .and_then(|end| bytes.split_at_checked(end))
    else {
        return;
    };
    let token = token.get(1..).unwrap_or_default();
    let Ok(prefix) = std::str::from_utf8(prefix) else {
        return;
    };
    let decoded = text::decode(token);
    let stripped = splice::strip_prefix(token, prefix);
    // Only what the scanner lets pass as a string is a token.
    let Ok(other) = serde_json::from_slice::<String>(token) else {
        return;
    };
    let tokens = !token.first().is_some_and(u8::is_ascii_whitespace)
        && !token.last().is_some_and(u8::is_ascii_whitespace);
    if tokens {
        assert_eq!(decoded.as_deref(), Some(other.as_str()));
        let left = stripped.as_deref().and_then(text::decode);
        assert_eq!(left.as_deref(), other.strip_prefix(prefix));
        let spelled = splice::string_token(&other);
        assert_eq!(text::decode(&spelled), decoded);
    }
}
