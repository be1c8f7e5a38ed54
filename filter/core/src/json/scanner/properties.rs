//! Natively only: the test framework does not run in node.

use proptest::{collection::vec, prelude::*, sample::select};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Capture, Field, InvalidJson, Plan, Scanner, ValueKind};
use crate::json::strategies::{
    cuts, document, key as key_token, message, pieces, scalar, spoiled, string, value,
};

type Found = (Option<Capture>, Option<u64>, Option<Vec<u8>>);

/// All that a scan tells.
#[derive(Debug, PartialEq)]
struct Outcome {
    verdict: Result<(), InvalidJson>,
    root: Option<ValueKind>,
    found: Vec<Found>,
    params_ended: bool,
}

fn scan(plan: Plan, keep: usize, pieces: &[&[u8]]) -> Outcome {
    let mut scanner = Scanner::new(plan, keep);
    let fed = pieces.iter().try_for_each(|piece| scanner.feed(piece));
    let verdict = fed.and_then(|()| scanner.finish());
    let found = |field: &Field| {
        let raw = scanner.raw(*field).map(<[u8]>::to_vec);
        (scanner.capture(*field), scanner.key_end(*field), raw)
    };
    Outcome {
        verdict,
        root: scanner.root(),
        found: Field::ALL.iter().map(found).collect(),
        params_ended: scanner.params_ended(),
    }
}

/// What another parser makes of a message. It refuses a member that stands twice.
#[derive(Deserialize)]
struct Other<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OtherParams<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestId")]
    request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    capabilities: Option<&'a RawValue>,
}

fn is_scalar(raw: &[u8]) -> bool {
    !raw.starts_with(b"{") && !raw.starts_with(b"[")
}

/// The keys that lead to a value of a client's message, each with the objects around it.
const PATHS: [&[&str]; 23] = [
    &["id"],
    &["method"],
    &["result"],
    &["error"],
    &["params"],
    &["params", "name"],
    &["params", "uri"],
    &["params", "cursor"],
    &["params", "requestId"],
    &["params", "protocolVersion"],
    &["params", "capabilities"],
    &["params", "_meta"],
    &["params", "_meta", "progressToken"],
    &["params", "ref"],
    &["params", "ref", "type"],
    &["params", "ref", "name"],
    &["params", "level"],
    &["params", "taskId"],
    &["params", "_meta", "io.modelcontextprotocol/related-task"],
    &[
        "params",
        "_meta",
        "io.modelcontextprotocol/related-task",
        "taskId",
    ],
    &["result", "_meta"],
    &["result", "_meta", "io.modelcontextprotocol/related-task"],
    &[
        "result",
        "_meta",
        "io.modelcontextprotocol/related-task",
        "taskId",
    ],
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_chunking_of_a_message_tells_the_same(
        bytes in spoiled(message()),
        cuts in cuts(),
        plan in select(vec![Plan::FromClient, Plan::FromServer, Plan::FromServerWithTasks]),
        keep in 0..64_usize,
    ) {
        prop_assert_eq!(scan(plan, keep, &pieces(&bytes, &cuts)), scan(plan, keep, &[&bytes]));
    }

    #[test]
    fn any_chunking_of_any_document_tells_the_same(bytes in spoiled(document()), cuts in cuts()) {
        let cut = scan(Plan::FromClient, 64, &pieces(&bytes, &cuts));
        prop_assert_eq!(cut, scan(Plan::FromClient, 64, &[&bytes]));
    }

    /// Inside an array nothing is captured, so the grammar alone decides. The known differences are beyond what is
    /// made up here: serde_json stops at 128 levels.
    #[test]
    fn the_grammar_is_that_of_serde_json(bytes in spoiled(document())) {
        let document = [b"[", bytes.as_slice(), b"]"].concat();
        let accepted = serde_json::from_slice::<&RawValue>(&document).is_ok();
        let outcome = scan(Plan::FromClient, 64, &[&document]);
        prop_assert_eq!(outcome.verdict.is_ok(), accepted, "{:?}", outcome.verdict);
    }

    #[test]
    fn bytes_of_any_kind_are_accepted_when_serde_json_does(bytes: Vec<u8>) {
        let document = [b"[\"", bytes.as_slice(), b"\"]"].concat();
        let accepted = serde_json::from_slice::<&RawValue>(&document).is_ok();
        prop_assert_eq!(scan(Plan::FromClient, 64, &[&document]).verdict.is_ok(), accepted);
    }

    #[test]
    fn another_parser_reads_the_same_id_method_and_name(bytes in spoiled(message())) {
        let mut scanner = Scanner::new(Plan::FromClient, 4096);
        let verdict = scanner.feed(&bytes).and_then(|()| scanner.finish());
        if verdict.is_err() || scanner.root() != Some(ValueKind::Object) {
            return Ok(());
        }
        let Ok(other) = serde_json::from_slice::<Other<'_>>(&bytes) else {
            // It refuses keys with a lone surrogate, which the grammar permits, wherever it compares keys.
            prop_assert!(bytes.windows(3).any(|escape| escape.eq_ignore_ascii_case(b"\\ud")));
            return Ok(());
        };
        let raw = |value: Option<&RawValue>| {
            value.map(|value| value.get().as_bytes().to_vec()).filter(|raw| is_scalar(raw))
        };
        // It does not tell a member that is null from one that is not there.
        let kept = |field| scanner.raw(field).filter(|raw| raw != b"null").map(<[u8]>::to_vec);
        prop_assert_eq!(kept(Field::Id), raw(other.id));
        prop_assert_eq!(kept(Field::Method), raw(other.method));
        let params = other.params.filter(|params| params.get().starts_with('{'));
        if let Some(params) = params {
            let params = serde_json::from_str::<OtherParams<'_>>(params.get());
            let Ok(params) = params else { return Ok(()) };
            prop_assert_eq!(kept(Field::Name), raw(params.name));
            prop_assert_eq!(kept(Field::RequestId), raw(params.request_id));
            let capabilities = params.capabilities.map(|raw| raw.get().as_bytes().to_vec());
            prop_assert_eq!(kept(Field::Capabilities), capabilities);
        }
    }

    /// What serde_json takes is refused for a key that stands twice, and for nothing else.
    #[test]
    fn only_a_key_that_stands_twice_makes_valid_json_invalid(message in message()) {
        let verdict = scan(Plan::FromClient, 4096, &[message.as_bytes()]).verdict;
        prop_assert!(serde_json::from_str::<&RawValue>(&message).is_ok());
        prop_assert!(matches!(verdict, Ok(()) | Err(InvalidJson::DuplicateKey(_))), "{verdict:?}");
    }

    #[test]
    fn a_routing_key_that_stands_twice_is_refused_in_any_spelling(
        (path, second) in select(PATHS.to_vec()).prop_flat_map(|path| {
            let key = path.last().copied().unwrap_or_default();
            (Just(path), key_token(key))
        }),
        values in (scalar(), scalar()),
        between in vec((string("[A-Z]{0,6}"), value()), 0..3),
        cuts in cuts(),
    ) {
        let (key, around) = path.split_last().unwrap();
        let mut document = format!("{{\"{key}\":{}", values.0);
        for (other, value) in &between {
            document.push_str(&format!(",{other}:{value}"));
        }
        let inside: usize = around.iter().map(|key| key.len() + "{\"\":".len()).sum();
        let place = (inside + document.len() + 1) as u64;
        document.push_str(&format!(",{second}:{}}}", values.1));
        for object in around.iter().rev() {
            document = format!("{{\"{object}\":{document}}}");
        }
        let outcome = scan(Plan::FromClient, 1 << 20, &pieces(document.as_bytes(), &cuts));
        prop_assert_eq!(outcome.verdict, Err(InvalidJson::DuplicateKey(place)));
    }

    #[test]
    fn a_kept_value_is_what_stands_at_its_place(bytes in spoiled(message())) {
        let outcome = scan(Plan::FromClient, 4096, &[&bytes]);
        for (capture, key_end, raw) in outcome.found {
            if let (Some(capture), Some(raw)) = (capture, raw) {
                prop_assert!(key_end.unwrap() < capture.start);
                prop_assert_eq!(&bytes[capture.start as usize..capture.end as usize], raw);
            }
        }
    }
}
