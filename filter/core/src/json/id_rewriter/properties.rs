//! Natively only: the test framework does not run in node.

use proptest::prelude::*;

use super::IdRewriter;
use crate::json::{
    Field, Message, MessageKind, MessageRules, Plan, ResultMembers, Scanner, Site, ValueKind,
    splice::{self, Splice},
    strategies::{cuts, message, pieces, spoiled},
};

/// Counts what it is asked, puts a string of some length in every place, and adds to results.
#[derive(Default)]
struct Longer(usize);

impl MessageRules for Longer {
    fn rewrite(&mut self, site: Site, raw: &[u8], method: Option<&str>) -> Option<Vec<u8>> {
        self.0 += 1;
        (method != Some("")).then(|| format!("\"{site:?} {}\"", raw.len()).into_bytes())
    }

    fn complete(&mut self, members: ResultMembers) -> Vec<u8> {
        if members.ttl {
            Vec::new()
        } else {
            b"\"ttlMs\":0".to_vec()
        }
    }
}

fn rewrite(mut rewriter: IdRewriter, pieces: &[&[u8]]) -> Option<(Vec<u8>, Message, usize)> {
    let (mut rules, mut out) = (Longer::default(), Vec::new());
    for piece in pieces {
        out.extend_from_slice(&rewriter.feed(piece, &mut rules).ok()?);
    }
    Some((out, rewriter.finish().ok()?, rules.0))
}

/// The same by the places that a scan of the whole message tells.
fn spliced(bytes: &[u8], kind: MessageKind, plan: Plan) -> Vec<u8> {
    let mut scanner = Scanner::new(plan, bytes.len());
    scanner.feed(bytes).unwrap();
    let mut sites = vec![(Field::Id, Site::Id)];
    if kind == MessageKind::Response {
        sites.push((Field::ErrorCode, Site::ErrorCode));
        sites.push((Field::ResultRelatedTaskId, Site::ResultRelatedTask));
        sites.push((Field::ResultTaskId, Site::ResultTask));
        sites.push((Field::ResultTaskTaskId, Site::CreatedTask));
    } else {
        sites.push((Field::RequestId, Site::RequestId));
        sites.push((Field::ProgressToken, Site::ProgressToken));
        sites.push((Field::TaskId, Site::TaskId));
        sites.push((Field::RelatedTaskId, Site::RelatedTask));
    }
    let method = scanner.text(Field::Method);
    let mut edits = Vec::new();
    for (field, site) in sites {
        let raw = scanner.raw(field).filter(|raw| !b"tfn".contains(&raw[0]));
        if let (Some(raw), Some(place)) = (raw, scanner.capture(field)) {
            let with = Longer(0).rewrite(site, raw, method.as_deref());
            edits.extend(with.map(|with| Splice {
                start: place.start,
                end: place.end,
                with,
            }));
        }
    }
    edits.extend(completion(&scanner));
    edits.sort_by_key(|splice| splice.start);
    splice::replace(bytes, &edits).unwrap()
}

/// What is added to the result.
fn completion(scanner: &Scanner) -> Option<Splice> {
    let result = scanner.capture(Field::Result)?;
    let mut with = Longer(0).complete(ResultMembers::of(scanner));
    if scanner.has_members(Field::Result) && !with.is_empty() {
        with.insert(0, b',');
    }
    (result.kind == ValueKind::Object).then_some(Splice {
        start: result.end - 1,
        end: result.end - 1,
        with,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_chunking_passes_the_same(
        bytes in spoiled(message()), cuts in cuts(), hold in 0..100_usize,
    ) {
        for new in [IdRewriter::new, IdRewriter::with_tasks] {
            let whole = rewrite(new(hold), &[&bytes]);
            prop_assert_eq!(rewrite(new(hold), &pieces(&bytes, &cuts)), whole);
        }
    }

    #[test]
    fn only_the_ids_change(message in message(), cuts in cuts()) {
        let bytes = message.as_bytes();
        for (rewriter, plan) in [
            (IdRewriter::new(4096), Plan::FromServer),
            (IdRewriter::with_tasks(4096), Plan::FromServerWithTasks),
        ] {
            if let Some((out, seen, _)) = rewrite(rewriter, &pieces(bytes, &cuts)) {
                let expected = spliced(bytes, seen.kind, plan);
                prop_assert_eq!(String::from_utf8(out).unwrap(), String::from_utf8(expected).unwrap());
            }
        }
    }
}
