//! The inner loop of the scanner: how far a string goes on without a byte that needs a look.

/// A run of bytes that are neither quote, backslash nor control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// In bytes.
    pub(super) length: usize,
    /// Whether all of them are below 0x80; otherwise they need a check for UTF-8.
    pub(super) ascii: bool,
}

/// The run at the start of `bytes`.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(super) fn run(bytes: &[u8]) -> Run {
    simd::run(bytes)
}

/// The run at the start of `bytes`.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(super) fn run(bytes: &[u8]) -> Run {
    portable::run(bytes)
}

mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd;

#[cfg(test)]
mod tests {
    use super::{Run, run};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// The definition, byte by byte.
    fn plainly(bytes: &[u8]) -> Run {
        let stops = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < 0x20;
        let length = bytes.iter().position(stops).unwrap_or(bytes.len());
        Run {
            length,
            ascii: bytes.iter().take(length).all(u8::is_ascii),
        }
    }

    #[test]
    fn every_byte_is_told_apart_at_every_place() {
        for length in 0..70 {
            for place in 0..length {
                for byte in 0..=255 {
                    let mut bytes = vec![b'x'; length];
                    bytes[place] = byte;
                    assert_eq!(
                        run(&bytes),
                        plainly(&bytes),
                        "{byte} at {place} of {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_stands_behind_the_run_does_not_matter() {
        for place in 0..40 {
            for (stop, behind) in [(b'"', 0x80), (b'\\', b'"'), (0x1f, b'\\'), (b'"', 0x00)] {
                let mut bytes = vec![b'#'; 80];
                bytes[place] = stop;
                bytes[place + 1..].fill(behind);
                assert_eq!(
                    run(&bytes),
                    Run {
                        length: place,
                        ascii: true
                    }
                );
                bytes[0] = 0xff;
                assert_eq!(run(&bytes), plainly(&bytes));
            }
        }
    }
}
