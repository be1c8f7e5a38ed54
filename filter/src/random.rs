//! The host's source of randomness.

/// Fills the slice with bytes fit for ids that nobody may guess.
pub(crate) fn fill(bytes: &mut [u8]) {
    if import::fill(bytes).is_err() {
        // The VM ends, and the host starts another: no id is ever made of bytes that can be foretold.
        std::process::abort();
    }
}

/// A number that nobody may guess.
pub(crate) fn number() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// The one import that the SDK does not have.
#[allow(
    unsafe_code,
    reason = "a raw import; the call is sound by the bounds of the slice"
)]
mod import {
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        fn random_get(buffer: *mut u8, length: usize) -> u32;
    }

    pub(super) fn fill(bytes: &mut [u8]) -> Result<(), u32> {
        // SAFETY: the host writes `length` bytes at `buffer`, all of them inside the slice that is borrowed meanwhile.
        match unsafe { random_get(bytes.as_mut_ptr(), bytes.len()) } {
            0 => Ok(()),
            errno => Err(errno),
        }
    }
}
