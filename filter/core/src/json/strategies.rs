//! What the property tests make up: documents as they may be written, and ways to cut and spoil them.

use proptest::{collection::vec, prelude::*, sample::select};

/// Keys that a scan compares, and some that it does not.
const KEYS: [&str; 26] = [
    "id",
    "method",
    "result",
    "error",
    "params",
    "name",
    "uri",
    "cursor",
    "ref",
    "type",
    "requestId",
    "protocolVersion",
    "capabilities",
    "_meta",
    "progressToken",
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/related-task",
    "level",
    "task",
    "taskId",
    "arguments",
    "jsonrpc",
    "",
    "i",
    "é😀",
    "\"\\\n",
];

/// Any document of the grammar, at most some ten levels deep, of any spelling.
pub(crate) fn document() -> impl Strategy<Value = String> {
    (space(), value(), space()).prop_map(concat)
}

/// A document that has something of a JSON-RPC message.
pub(crate) fn message() -> impl Strategy<Value = String> {
    let method = (key("method"), string("[a-z/]{0,12}")).prop_map(member);
    let id = (key("id"), scalar()).prop_map(member);
    let result = members(vec![
        (key("taskId"), scalar()).prop_map(member).boxed(),
        (key("task"), task()).prop_map(member).boxed(),
        (key("_meta"), members(vec![related_task().boxed()]))
            .prop_map(member)
            .boxed(),
        (key("content"), value()).prop_map(member).boxed(),
    ]);
    let name = select(vec!["result", "error"]).prop_flat_map(key);
    let answer = (name, prop_oneof![object(), result]).prop_map(member);
    let meta = (
        key("_meta"),
        members(vec![
            (key("progressToken"), scalar()).prop_map(member).boxed(),
            related_task().boxed(),
        ]),
    );
    let reference = (
        key("ref"),
        members(vec![
            (key("name"), string(".{0,8}")).prop_map(member).boxed(),
            (key("type"), string("[a-z/]{0,12}"))
                .prop_map(member)
                .boxed(),
        ]),
    );
    let params = (
        key("params"),
        members(vec![
            (key("name"), string(".{0,16}")).prop_map(member).boxed(),
            (key("requestId"), scalar()).prop_map(member).boxed(),
            (key("taskId"), scalar()).prop_map(member).boxed(),
            (key("capabilities"), object()).prop_map(member).boxed(),
            meta.prop_map(member).boxed(),
            reference.prop_map(member).boxed(),
            (key("arguments"), object()).prop_map(member).boxed(),
        ]),
    );
    let jsonrpc = Just("\"jsonrpc\":\"2.0\"".to_owned());
    members(vec![
        jsonrpc.boxed(),
        method.boxed(),
        id.boxed(),
        answer.boxed(),
        params.prop_map(member).boxed(),
        (string(".{0,6}"), value()).prop_map(member).boxed(),
    ])
}

fn related_task() -> impl Strategy<Value = String> {
    (key("io.modelcontextprotocol/related-task"), task()).prop_map(member)
}

/// An object that names a task, as a rule.
fn task() -> impl Strategy<Value = String> {
    members(vec![
        (key("taskId"), scalar()).prop_map(member).boxed(),
        (key("ttl"), scalar()).prop_map(member).boxed(),
    ])
}

/// Bytes of a document, a few of them changed, added or missing.
pub(crate) fn spoiled(documents: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<u8>> {
    let odd =
        select(b"{}[]\",:\\u0123e.-+tfn \n\t\x00\x1f\x7f\x80\xc3\xa9\xe2\xed\xa0\xf0\xff".to_vec());
    let change = (any::<prop::sample::Index>(), 0..3_u8, odd);
    (documents, vec(change, 0..4)).prop_map(|(document, changes)| {
        let mut bytes = document.into_bytes();
        for (place, kind, byte) in changes {
            let place = place.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(place, byte),
                1 if place < bytes.len() => bytes[place] = byte,
                _ if place < bytes.len() => drop(bytes.remove(place)),
                _ => {}
            }
        }
        bytes
    })
}

/// Where to cut a document; see [`pieces`].
pub(crate) fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        Just(vec![1]),
        vec(0..20_usize, 1..12),
        vec(0..200_usize, 1..4)
    ]
}

/// The bytes in pieces of these lengths, over and over.
pub(crate) fn pieces<'a>(mut bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &cut in cuts.iter().cycle() {
        if bytes.is_empty() || cuts.iter().all(|&cut| cut == 0) {
            break;
        }
        let (piece, rest) = bytes.split_at(cut.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

/// A string token of any text that matches, some characters of it escaped.
pub(crate) fn string(pattern: &'static str) -> impl Strategy<Value = String> {
    (pattern, vec(any::<bool>(), 1..6)).prop_map(|(text, escaped)| token(&text, &escaped))
}

/// A key, now and then with escapes.
pub(crate) fn key(name: &'static str) -> impl Strategy<Value = String> {
    vec(prop::bool::weighted(0.1), 1..6).prop_map(move |escaped| token(name, &escaped))
}

/// Any value, at most some ten levels deep.
pub(crate) fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(6, 40, 6, |inner| {
        let item = (space(), inner.clone(), space()).prop_map(concat);
        let array = vec(item, 0..5).prop_map(|items| format!("[{}]", items.join(",")));
        prop_oneof![array, object_of(inner)]
    })
}

fn object() -> impl Strategy<Value = String> {
    object_of(value().boxed())
}

fn object_of(values: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = String> {
    let name = select(KEYS.to_vec()).prop_flat_map(key);
    let member = (
        space(),
        name,
        space(),
        Just(":".to_owned()),
        space(),
        values,
        space(),
    );
    let member = member.prop_map(|(a, b, c, d, e, f, g)| [a, b, c, d, e, f, g].concat());
    vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(",")))
}

/// Any value without others in it.
pub(crate) fn scalar() -> impl Strategy<Value = String> {
    let word = select(vec![
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1e5",
        "-2.50E-3",
        "12345678901234567890",
    ]);
    prop_oneof![
        word.prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?",
        string(".{0,20}"),
        string("[ -~]{0,60}"),
    ]
}

/// An object of some of these members in any order.
fn members(members: Vec<BoxedStrategy<String>>) -> impl Strategy<Value = String> {
    let count = members.len();
    (
        members,
        Just((0..count).collect::<Vec<_>>()).prop_shuffle(),
        vec(any::<bool>(), count),
        space(),
    )
        .prop_map(|(members, order, present, space)| {
            let kept = order
                .iter()
                .filter(|&&at| present[at])
                .map(|&at| members[at].clone());
            format!("{{{space}{}{space}}}", kept.collect::<Vec<_>>().join(","))
        })
}

fn member((key, value): (String, String)) -> String {
    format!("{key}:{value}")
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![8 => Just(String::new()), 1 => "[ \t\r\n]{1,3}"]
}

fn concat((first, second, third): (String, String, String)) -> String {
    [first, second, third].concat()
}

fn token(text: &str, escaped: &[bool]) -> String {
    let mut token = "\"".to_owned();
    for (character, &escaped) in text.chars().zip(escaped.iter().cycle()) {
        match character {
            '"' | '\\' if !escaped => token.extend(['\\', character]),
            '\u{20}'.. if !escaped => token.push(character),
            _ => {
                let units = character.encode_utf16(&mut [0; 2]).to_vec();
                units
                    .iter()
                    .for_each(|unit| token.push_str(&format!("\\u{unit:04x}")));
            }
        }
    }
    token.push('"');
    token
}
