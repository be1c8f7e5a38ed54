//! Numbers (RFC 8259, section 6).

use super::{InvalidJson, ValueKind, cursor::Cursor};

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

/// Behind `first`: reads an integer to its end if it is one and its end is in the piece. `false`: nothing was read.
#[inline(always)]
pub(super) fn skip(first: u8, cursor: &mut Cursor<'_>) -> bool {
    let mut length = 0;
    if first != b'0' {
        let digits = cursor
            .rest()
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        length = digits.count();
    }
    let next = cursor.rest().get(length);
    let ends = first.is_ascii_digit() && next.is_some_and(|byte| may_follow(*byte));
    if ends {
        cursor.at += length;
    }
    ends
}

/// Whether `byte` may stand behind a value.
fn may_follow(byte: u8) -> bool {
    matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t')
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

    /// Reads on to the end of the number. `false`: the piece ends first. What is no number by the byte behind it, such as
    /// `01`, never was one: its beginning must not be taken for a value that was sent.
    pub(super) fn run(&mut self, cursor: &mut Cursor<'_>) -> Result<bool, InvalidJson> {
        while let Some(byte) = cursor.peek() {
            *self = match (*self, byte) {
                (Self::Minus, b'0') => Self::Zero,
                (Self::Minus | Self::Integer, b'0'..=b'9') => Self::Integer,
                (Self::Zero | Self::Integer, b'.') => Self::Point,
                (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
                (Self::Zero | Self::Integer | Self::Fraction, b'e' | b'E') => Self::Exponent,
                (Self::Exponent, b'+' | b'-') => Self::ExponentSign,
                (Self::Exponent | Self::ExponentSign | Self::ExponentDigits, b'0'..=b'9') => {
                    Self::ExponentDigits
                }
                _ if self.kind().is_some() && may_follow(byte) => return Ok(true),
                _ => return Err(InvalidJson::Syntax(cursor.position())),
            };
            cursor.at += 1;
        }
        Ok(false)
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
