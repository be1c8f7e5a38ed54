//! The documents that the benchmarks scan.

use std::fmt::Write as _;

/// The cases by name, in the order of [`document`].
#[allow(dead_code, reason = "the module is told a number")]
pub(crate) const NAMES: [&str; 10] = [
    "call_200",
    "call_1k",
    "argument_64k",
    "text_64k",
    "unicode_64k",
    "deep_64k",
    "list_44",
    "list_44_icons",
    "list_100",
    "structure_1m",
];

/// The document of a case.
pub(crate) fn document(case: usize) -> String {
    match case {
        0 => call(
            "\"owner\":\"octo-org\",\"repo\":\"octo-repo\",\"issue_number\":1347,\"method\":\"get\"",
        ),
        1 => call(&format!(
            "\"owner\":\"octo-org\",\"labels\":[\"bug\",\"p1\"],\"draft\":false,\"body\":\"{}\"",
            LINE.repeat(10)
        )),
        2 => call(&format!("\"content\":\"{}\"", base64(64 * 1024))),
        3 => call(&format!(
            "\"content\":\"{}\"",
            LINE.repeat(64 * 1024 / LINE.len())
        )),
        4 => call(&format!(
            "\"content\":\"{}\"",
            "наука и техника, 知識は力なり ".repeat(1200)
        )),
        5 => call(&format!(
            "\"tree\":{}{}",
            "{\"a\":[".repeat(8 * 1024),
            "]}".repeat(8 * 1024)
        )),
        6 => tools(44, 0),
        7 => tools(44, 950),
        8 => tools(100, 0),
        _ => structure(),
    }
}

const LINE: &str = r#"    let name = \"a name\"; // what a tool call writes into a file, mostly\n"#;

fn call(arguments: &str) -> String {
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":17,\"method\":\"tools/call\",\"params\":{{\"name\":\"github_issue_read\",\
         \"arguments\":{{{arguments}}},\"_meta\":{{\"progressToken\":17}}}}}}"
    )
}

fn base64(length: usize) -> String {
    b"iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9h"
        .iter()
        .cycle()
        .take(length)
        .map(|&byte| byte as char)
        .collect()
}

/// A list of tools, each with two icons of so many bytes, or without any.
fn tools(count: usize, icon: usize) -> String {
    let icons = match icon {
        0 => String::new(),
        length => {
            let source = base64(length);
            let icon = |theme| {
                format!(
                    "{{\"src\":\"data:image/png;base64,{source}\",\"mimeType\":\"image/png\",\"theme\":\"{theme}\"}}"
                )
            };
            format!(",\"icons\":[{},{}]", icon("light"), icon("dark"))
        }
    };
    let mut list = "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"tools\":[".to_owned();
    for tool in 0..count {
        let comma = if tool == 0 { "" } else { "," };
        let _ = write!(
            list,
            "{comma}{{\"name\":\"tool_{tool}\",\"description\":\"Get details of a pull request\\nin a repository\",\
             \"inputSchema\":{{\"type\":\"object\",\"properties\":{{\"owner\":{{\"type\":\"string\",\"description\":\
             \"Repository owner\"}},\"page\":{{\"type\":\"number\",\"minimum\":1}}}},\"required\":[\"owner\"]}},\
             \"annotations\":{{\"readOnlyHint\":true,\"title\":\"Get pull request\"}}{icons}}}"
        );
    }
    list.push_str("]}}");
    list
}

/// Short tokens at every depth up to a thousand.
fn structure() -> String {
    let row = "{\"id\":12345,\"ok\":true,\"at\":[1.5,-2e3,0,null],\"in\":{\"a\":\"b\",\"c\":[]}, \"n\": \"x y\"}";
    let rows = vec![row; 12_000].join(",");
    let (open, close) = ("[".repeat(1000), "]".repeat(1000));
    format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[{open}{close},{rows}]}}")
}
