//! Which containers are open, at one bit each.

/// Deeper documents are refused: this many levels take 128 KiB.
pub(super) const MAX_DEPTH: u32 = 1 << 20;

/// A stack of bits: 1 is an object, 0 is an array.
#[derive(Debug, Default)]
pub(super) struct Levels {
    /// `<= MAX_DEPTH`
    depth: u32,
    /// The innermost levels; the lowest bit is the innermost.
    top: u64,
    /// Full words of outer levels: `below.len() == (depth - 1) / 64` while anything is open.
    below: Vec<u64>,
}

impl Levels {
    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    /// Whether the innermost container is an object. Without meaning when nothing is open.
    pub(super) fn in_object(&self) -> bool {
        self.top & 1 == 1
    }

    /// Opens a container. `false`: it would be too deep.
    #[inline]
    #[must_use]
    pub(super) fn push(&mut self, object: bool) -> bool {
        if self.depth >= MAX_DEPTH {
            return false;
        }
        if self.depth.is_multiple_of(64) {
            self.spill();
        }
        self.top = self.top << 1 | u64::from(object);
        self.depth += 1;
        true
    }

    /// Closes the innermost container.
    #[inline]
    pub(super) fn pop(&mut self) {
        self.top >>= 1;
        self.depth = self.depth.saturating_sub(1);
        if self.depth.is_multiple_of(64) {
            self.refill();
        }
    }

    #[cold]
    fn spill(&mut self) {
        if self.depth > 0 {
            self.below.push(self.top);
        }
    }

    #[cold]
    fn refill(&mut self) {
        self.top = self.below.pop().unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::{Levels, MAX_DEPTH};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn kinds_come_back_in_reverse_order() {
        let object = |level: u32| level.is_multiple_of(3) || level.is_multiple_of(7);
        let mut levels = Levels::default();
        for level in 0..1000 {
            assert!(levels.push(object(level)));
        }
        for level in (0..1000).rev() {
            assert_eq!(levels.depth(), level + 1);
            assert_eq!(levels.in_object(), object(level));
            levels.pop();
        }
        assert_eq!(levels.depth(), 0);
    }

    #[test]
    fn depth_is_capped() {
        let mut levels = Levels::default();
        for _ in 0..MAX_DEPTH {
            assert!(levels.push(true));
        }
        assert!(!levels.push(true));
        assert_eq!(levels.depth(), MAX_DEPTH);
        levels.pop();
        assert!(levels.push(false));
        assert!(!levels.in_object());
    }
}
