//! The benchmark as a WebAssembly module, for `measure.mjs`.

#![allow(unsafe_code, reason = "an exported function has an unmangled name")]

mod cases;

use std::hint::black_box;

use mcp_filter_core::json::{Plan, Scanner};

/// Scans the document of `case` `rounds` times, in pieces of `piece` bytes, and tells its length; 0 when it is refused.
#[unsafe(no_mangle)]
pub extern "C" fn scan(case: u32, rounds: u32, piece: u32) -> u32 {
    let document = cases::document(case as usize);
    for _ in 0..rounds {
        let mut scanner = Scanner::new(Plan::FromClient, 4096);
        let mut pieces = black_box(document.as_bytes()).chunks(piece.max(1) as usize);
        if pieces.try_for_each(|piece| scanner.feed(piece)).is_err() || scanner.finish().is_err() {
            return 0;
        }
    }
    document.len() as u32
}
