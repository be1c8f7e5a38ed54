//! The host's source of randomness.

use std::cell::RefCell;

/// How many bytes are drawn from the host at once for numbers.
const POOL_BYTES: usize = 512;

thread_local! {
    /// Bytes that were drawn and have not been used.
    static POOL: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Fills the slice with bytes fit for ids that nobody may guess.
pub(crate) fn fill(bytes: &mut [u8]) {
    if import::fill(bytes).is_err() {
        // The VM ends, and the host starts another: no id is ever made of bytes that can be foretold.
        std::process::abort();
    }
}

/// A number that nobody may guess.
pub(crate) fn number() -> u64 {
    POOL.with_borrow_mut(|pool| {
        if pool.len() < 8 {
            pool.resize(POOL_BYTES, 0);
            fill(pool);
        }
        let mut bytes = [0; 8];
        for (byte, drawn) in bytes.iter_mut().zip(pool.drain(pool.len() - 8..)) {
            *byte = drawn;
        }
        u64::from_le_bytes(bytes)
    })
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
