//! Scans each case natively and prints MB/s; `--only CASE ROUNDS` scans one and prints nothing, for callgrind.

mod cases;

use std::{hint::black_box, time::Instant};

use mcp_filter_core::json::{Plan, Scanner};

/// The cases, in the order of [`cases::document`].
const NAMES: [&str; 6] = [
    "call_200",
    "argument_64k",
    "text_64k",
    "unicode_64k",
    "list_120k",
    "structure_1m",
];

fn scan(document: &str) {
    let mut scanner = Scanner::new(Plan::FromClient, 4096);
    let verdict = scanner
        .feed(black_box(document.as_bytes()))
        .and_then(|()| scanner.finish());
    assert_eq!(black_box(verdict), Ok(()));
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(only) = arguments.iter().position(|argument| argument == "--only") {
        let number = |at: usize| {
            arguments
                .get(at)
                .and_then(|text| text.parse::<usize>().ok())
        };
        let document = cases::document(number(only + 1).unwrap_or(0));
        (0..number(only + 2).unwrap_or(1)).for_each(|_| scan(&document));
        return;
    }
    for (case, name) in NAMES.iter().enumerate() {
        let document = cases::document(case);
        let rounds = 200_000_000 / document.len();
        let start = Instant::now();
        (0..rounds).for_each(|_| scan(&document));
        let seconds = start.elapsed().as_secs_f64();
        let bytes = (rounds * document.len()) as f64;
        println!(
            "{name:>14} {:>8} B {:>9.0} MB/s {:>10.2} us",
            document.len(),
            bytes / seconds / 1e6,
            seconds / rounds as f64 * 1e6
        );
    }
}
