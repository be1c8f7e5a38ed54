//! Natively only: the test framework does not run in node.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{EventStreamEditor, StreamEnd};
use crate::{
    json::{
        IdRewriter, Message, MessageRules, Site,
        strategies::{cuts, message, pieces, spoiled},
    },
    sse::events,
};

/// Edits everything, or nothing.
struct Edits {
    all: bool,
    seen: Vec<Message>,
}

impl MessageRules for Edits {
    fn passes(&mut self, method: &str) -> bool {
        !self.all || method.len() > 4
    }

    fn rewrite(&mut self, _site: Site, raw: &[u8], _method: Option<&str>) -> Option<Vec<u8>> {
        self.all
            .then(|| format!("\"edited {}\"", raw.len()).into_bytes())
    }

    fn ended(&mut self, message: Message) {
        self.seen.push(message);
    }
}

type Outcome = Option<(Vec<u8>, StreamEnd, Vec<Message>)>;

fn edit(hold: usize, strip: bool, all: bool, pieces: &[&[u8]]) -> Outcome {
    let mut editor = EventStreamEditor::new(hold);
    if strip {
        editor = editor.strip_ids();
    }
    let mut rules = Edits {
        all,
        seen: Vec::new(),
    };
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&editor.feed(piece, &mut rules).ok()?);
    }
    Some((out, editor.finish(), rules.seen))
}

/// Events with messages over one or more lines, and lines of every other sort.
fn stream() -> impl Strategy<Value = String> {
    let end = || select(vec!["\n", "\r\n", "\r"]);
    let data = (message(), vec(any::<prop::sample::Index>(), 0..3), end());
    let data = data.prop_map(|(message, cuts, end)| {
        let mut text = message;
        for cut in cuts {
            let at = (0..=text.len())
                .filter(|&at| text.is_char_boundary(at))
                .collect::<Vec<_>>();
            // Only where white space may stand does a line feed leave the message as it is.
            let at = at
                .into_iter()
                .filter(|&at| text[..at].ends_with([',', '{']))
                .collect::<Vec<_>>();
            if let Some(&at) = at.get(cut.index(at.len().max(1))) {
                text.insert_str(at, &format!("{end}data: "));
            }
        }
        format!("data: {text}{end}")
    });
    let other = select(vec![
        ": comment",
        ":",
        "event: message",
        "event:",
        "event: ping",
        "id: 1",
        "id",
        "retry: 10",
        "x",
        "data",
        "data:",
        "dataa: x",
        "\u{feff}data: {}",
    ]);
    let other = (other, end()).prop_map(|(line, end)| format!("{line}{end}"));
    let line = prop_oneof![3 => data, 2 => other, 3 => end().prop_map(str::to_owned)];
    ("\u{feff}?", vec(line, 0..12)).prop_map(|(mark, lines)| mark + &lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_chunking_of_a_stream_passes_the_same(
        bytes in spoiled(stream()), cuts in cuts(), hold in 0..200_usize, strip: bool,
    ) {
        let whole = edit(hold, strip, true, &[&bytes]);
        prop_assert_eq!(edit(hold, strip, true, &pieces(&bytes, &cuts)), whole);
    }

    #[test]
    fn without_an_edit_every_byte_passes(stream in stream(), cuts in cuts()) {
        if let Some((out, end, _)) = edit(4096, false, false, &pieces(stream.as_bytes(), &cuts)) {
            match end {
                StreamEnd::Complete => prop_assert_eq!(out, stream.as_bytes()),
                StreamEnd::Cut => prop_assert!(stream.as_bytes().starts_with(&out)),
            }
        }
    }

    /// A reader of the edited stream sees the messages that a reader of the first stream would, each edited.
    #[test]
    fn a_stream_is_edited_message_by_message(stream in stream(), cuts in cuts()) {
        let Some((out, _, _)) = edit(4096, true, true, &pieces(stream.as_bytes(), &cuts)) else {
            return Ok(());
        };
        let mut expected = Vec::new();
        for event in events(stream.as_bytes()) {
            if !event.is_message() || event.data.trim_ascii().is_empty() {
                expected.push((event.kind.map(<[u8]>::to_vec), event.data.to_vec()));
                continue;
            }
            let mut rules = Edits { all: true, seen: Vec::new() };
            let mut rewriter = IdRewriter::new(4096);
            let Ok(data) = rewriter.feed(&event.data, &mut rules) else { return Ok(()) };
            let Ok(message) = rewriter.finish() else { return Ok(()) };
            if message.method.is_none_or(|method| rules.passes(&method)) {
                expected.push((event.kind.map(<[u8]>::to_vec), data.to_vec()));
            }
        }
        let read = events(&out).map(|event| {
            prop_assert_eq!(event.id, None);
            Ok((event.kind.map(<[u8]>::to_vec), event.data.to_vec()))
        });
        prop_assert_eq!(read.collect::<Result<Vec<_>, TestCaseError>>()?, expected);
    }
}
