//! Sixteen bytes at a time, in WebAssembly's vectors.

use core::arch::wasm32::{
    i8x16_bitmask, u8x16, u8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, v128, v128_or,
};

use super::{Run, portable};

/// So many bytes are looked at in ordinary registers first.
const SHORT: usize = 16;

#[inline(always)]
pub(super) fn run(bytes: &[u8]) -> Run {
    // Most strings are short, and a vector costs some constants first.
    let Some((head, rest)) = bytes.split_at_checked(SHORT) else {
        return portable::run(bytes);
    };
    let head = portable::run(head);
    if head.length < SHORT {
        return head;
    }
    let long = blocks(rest);
    Run {
        length: SHORT + long.length,
        ascii: head.ascii && long.ascii,
    }
}

#[inline(never)]
fn blocks(bytes: &[u8]) -> Run {
    let (blocks, tail) = bytes.as_chunks::<16>();
    let mut length = 0;
    let mut seen = u8x16_splat(0);
    for block in blocks {
        let block = load(*block);
        let stops = u8x16_bitmask(stops(block));
        if stops != 0 {
            let before = stops.trailing_zeros();
            let high = i8x16_bitmask(block) & !(u16::MAX << before);
            return Run {
                length: length + before as usize,
                ascii: i8x16_bitmask(seen) | high == 0,
            };
        }
        seen = v128_or(seen, block);
        length += 16;
    }
    let rest = portable::run(tail);
    Run {
        length: length + rest.length,
        ascii: rest.ascii && i8x16_bitmask(seen) == 0,
    }
}

/// All ones in each byte that is a quote, a backslash or a control character.
fn stops(block: v128) -> v128 {
    let quote = u8x16_eq(block, u8x16_splat(b'"'));
    let backslash = u8x16_eq(block, u8x16_splat(b'\\'));
    let control = u8x16_lt(block, u8x16_splat(0x20));
    v128_or(v128_or(quote, backslash), control)
}

/// One load, spelled so that it needs no pointer: the compiler finds it.
fn load(block: [u8; 16]) -> v128 {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = block;
    u8x16(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
}
