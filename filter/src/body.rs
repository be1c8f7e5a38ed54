use crate::host::{self, Direction};
use crate::watermark;

/// What the host's buffer of one direction holds while a body is looked at.
///
/// While a callback answers Pause, the host keeps all that came, and the next callback sees it again with the new
/// bytes behind. So the buffer is `settled`, then `undecided`, then what is new; `settled` and `undecided` are zero
/// after each Continue. A pause out of sight is another thing: what came is the host's, and the next callback sees only
/// the new bytes.
#[derive(Debug)]
pub(crate) struct Body {
    direction: Direction,
    /// Bytes at the front that the exchange has let go, and that wait for something else.
    settled: usize,
    /// Bytes behind them that the exchange knows and still holds.
    undecided: usize,
    /// Bytes in the buffer that the exchange has not been shown, while there are no others.
    unseen: usize,
    /// Whether the host keeps a buffer for this filter.
    pause: Pause,
    /// Whether the last byte is in the buffer.
    ended: bool,
    /// By how much the edits so far changed the length.
    growth: i64,
    /// Resumed outside of a body callback, while more is to come.
    loose: bool,
}

/// What the last callback answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    /// Continue, or there was none.
    None,
    /// Pause: the buffer can be read and written.
    InSight,
    /// Pause out of sight: the buffer is the host's alone.
    OutOfSight,
}

impl Body {
    pub(crate) fn new(direction: Direction) -> Self {
        Self {
            direction,
            settled: 0,
            undecided: 0,
            unseen: 0,
            pause: Pause::None,
            ended: false,
            growth: 0,
            loose: false,
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.pause != Pause::None
    }

    /// Whether the host keeps a buffer that the filter can read and write.
    pub(crate) fn is_in_sight(&self) -> bool {
        self.pause == Pause::InSight
    }

    /// Whether more is to come behind a buffer that is in sight.
    pub(crate) fn waits_in_sight(&self) -> bool {
        self.is_in_sight() && !self.ended
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(crate) fn has_undecided(&self) -> bool {
        self.undecided > 0
    }

    pub(crate) fn has_unseen(&self) -> bool {
        self.unseen > 0
    }

    pub(crate) fn growth(&self) -> i64 {
        self.growth
    }

    /// Bytes at the front that the exchange has let go.
    pub(crate) fn settled(&self) -> usize {
        self.settled
    }

    /// In a body callback: so many bytes of the piece at hand have been let go elsewhere.
    pub(crate) fn know(&mut self, bytes: usize) {
        self.settled += bytes;
    }

    /// The body is over without a further byte: there is none, or trailers came.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// In a body callback: the bytes that the exchange has not seen. They count as undecided from here on.
    pub(crate) fn take_new(&mut self, size: usize, end_of_stream: bool) -> Vec<u8> {
        self.ended |= end_of_stream;
        let seen = self.settled + self.undecided;
        let piece = host::body(self.direction, seen, size.saturating_sub(seen));
        self.undecided += piece.len();
        piece
    }

    /// In a body callback that keeps all that came from the exchange, for now.
    pub(crate) fn pause_unseen(&mut self, size: usize, end_of_stream: bool) {
        self.ended |= end_of_stream;
        self.unseen = size;
        self.pause();
    }

    /// Outside of a body callback: what `pause_unseen` kept. It counts as undecided from here on.
    pub(crate) fn take_paused(&mut self) -> Vec<u8> {
        let piece = host::body(self.direction, 0, self.unseen);
        self.undecided = piece.len();
        self.unseen = 0;
        piece
    }

    /// The undecided bytes stay as they are.
    pub(crate) fn keep(&mut self) {
        self.settled += self.undecided;
        self.undecided = 0;
    }

    /// `bytes` take the place of the undecided ones. Tells whether that was possible: outside of a body callback
    /// there is a buffer only when one was paused.
    pub(crate) fn replace(&mut self, bytes: &[u8], in_body_callback: bool) -> bool {
        if !in_body_callback && !self.is_in_sight() {
            return bytes.is_empty();
        }
        if self.settled == 0 {
            host::set_body(self.direction, bytes);
        } else {
            let mut whole = host::body(self.direction, 0, self.settled);
            whole.extend_from_slice(bytes);
            host::set_body(self.direction, &whole);
        }
        self.growth += difference(bytes.len(), self.undecided);
        self.settled += bytes.len();
        self.undecided = 0;
        true
    }

    /// The callback answers Pause: the host keeps the buffer.
    pub(crate) fn pause(&mut self) {
        self.pause = Pause::InSight;
        self.loose = false;
    }

    /// The callback answers Pause, and no byte so far will be changed any more: where that can be, the host keeps them
    /// out of sight.
    pub(crate) fn pause_settled(&mut self) {
        self.pause();
        if watermark::pause_out_of_sight() {
            self.pause = Pause::OutOfSight;
            self.settled = 0;
        }
    }

    /// The callback answers Continue: the host lets the buffer go.
    pub(crate) fn let_go(&mut self) {
        if self.loose {
            host::resume(self.direction);
            self.loose = false;
        }
        self.settled = 0;
        self.undecided = 0;
        self.pause = Pause::None;
    }

    /// The direction is resumed outside of a body callback: the host lets the buffer go, yet would go on filling it.
    pub(crate) fn resume(&mut self) {
        host::resume(self.direction);
        self.loose = self.waits_in_sight();
        self.settled = 0;
        self.undecided = 0;
        self.pause = Pause::None;
    }
}

fn difference(new: usize, old: usize) -> i64 {
    let length = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
    length(new) - length(old)
}
