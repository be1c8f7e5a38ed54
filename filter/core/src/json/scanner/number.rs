//! Numbers (RFC 8259, section 6).

use super::{ValueKind, cursor::Cursor};

/// What the bytes of a number so far amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

impl Number {
    /// A number that begins with `byte`.
    pub(super) fn begin(byte: u8) -> Option<Self> {
        match byte {
            b'-' => Some(Self::Minus),
            b'0' => Some(Self::Zero),
            b'1'..=b'9' => Some(Self::Integer),
            _ => None,
        }
    }

    /// Reads on until a byte that is no part of the number. `None`: the piece ended first.
    pub(super) fn run(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        loop {
            *self = match (*self, cursor.peek()?) {
                (Self::Minus, b'0') => Self::Zero,
                (Self::Minus | Self::Integer, b'0'..=b'9') => Self::Integer,
                (Self::Zero | Self::Integer, b'.') => Self::Point,
                (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
                (Self::Zero | Self::Integer | Self::Fraction, b'e' | b'E') => Self::Exponent,
                (Self::Exponent, b'+' | b'-') => Self::ExponentSign,
                (Self::Exponent | Self::ExponentSign | Self::ExponentDigits, b'0'..=b'9') => {
                    Self::ExponentDigits
                }
                _ => return Some(()),
            };
            cursor.at += 1;
        }
    }

    /// The kind of the number if it may end here.
    pub(super) fn kind(self) -> Option<ValueKind> {
        match self {
            Self::Zero | Self::Integer => Some(ValueKind::Integer),
            Self::Fraction | Self::ExponentDigits => Some(ValueKind::Number),
            Self::Minus | Self::Point | Self::Exponent | Self::ExponentSign => None,
        }
    }
}
