//! Scans each case natively and prints its name, its bytes and the nanoseconds for each; `--only CASE ROUNDS` scans one
//! and prints nothing, for a program that counts instructions.

mod cases;

use std::{hint::black_box, time::Instant};

use mcp_filter_core::json::{Plan, Scanner};

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
    for (case, name) in cases::NAMES.iter().enumerate() {
        let document = cases::document(case);
        println!("{name} {} {:.0}", document.len(), nanoseconds(&document));
    }
}

/// The best of many short runs: what a quiet machine does.
fn nanoseconds(document: &str) -> f64 {
    let rounds = 1_000_000 / document.len() + 1;
    let run = |_| {
        let start = Instant::now();
        (0..rounds).for_each(|_| scan(document));
        start.elapsed().as_secs_f64() * 1e9 / rounds as f64
    };
    (0..200).map(run).fold(f64::INFINITY, f64::min)
}
