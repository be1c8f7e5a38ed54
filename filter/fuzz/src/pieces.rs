//! Ways to cut an input, told by the input itself: a seed stays a plain document.

/// The bytes in up to three more cuts than the whole: each byte alone, and by lengths that the content tells.
pub(crate) fn cuts(bytes: &[u8]) -> [Vec<&[u8]>; 3] {
    [
        bytes.chunks(1).collect(),
        by_lengths(bytes, 4),
        by_lengths(bytes, 64),
    ]
}

/// Pieces of 0 to `longest` bytes.
fn by_lengths(mut bytes: &[u8], longest: u64) -> Vec<&[u8]> {
    let mut state = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let length = ((state >> 33) % (longest + 1)) as usize;
        let (piece, rest) = bytes.split_at(length.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}
