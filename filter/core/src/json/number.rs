//! Numbers compared by value, however they are written and however large they are.

/// The one spelling that all JSON numbers (RFC 8259, 6) of a value share: `1`, `1.0` and `10e-1` have the same. `None`
/// for what is no number, or has an exponent beyond 64 bits.
pub(super) fn normal(text: &[u8]) -> Option<Vec<u8>> {
    let number = Number::read(text)?;
    let sign: &[u8] = if number.is_negative { b"-" } else { b"" };
    let exponent = number.exponent.to_string();
    Some([sign, &number.digits, b"e", exponent.as_bytes()].concat())
}

/// `0.digits` times ten to the power of `exponent`, in the only form that has neither leading nor trailing zeros.
struct Number {
    is_negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Number {
    fn read(text: &[u8]) -> Option<Self> {
        let (is_negative, text) = match text.strip_prefix(b"-") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = split(text, |byte| matches!(byte, b'e' | b'E'));
        let exponent =
            exponent.map_or(Some(0), |text| std::str::from_utf8(text).ok()?.parse().ok())?;
        let (whole, fraction) = split(mantissa, |byte| byte == b'.');
        let mut digits = [whole, fraction.unwrap_or_default()].concat();
        if whole.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..leading);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self {
                is_negative: false,
                digits,
                exponent: 0,
            });
        }
        let point = i64::try_from(whole.len())
            .ok()?
            .checked_sub(i64::try_from(leading).ok()?)?;
        Some(Self {
            is_negative,
            digits,
            exponent: point.checked_add(exponent)?,
        })
    }
}

/// What stands before the first such byte, and what behind it.
fn split(text: &[u8], is_border: impl Fn(u8) -> bool) -> (&[u8], Option<&[u8]>) {
    let mut parts = text.splitn(2, |byte| is_border(*byte));
    (parts.next().unwrap_or_default(), parts.next())
}

#[cfg(test)]
mod tests {
    use super::normal;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn numbers_of_one_value_are_the_same_however_they_are_written() {
        for (left, right) in [
            ("1", "1.0"),
            ("1", "10e-1"),
            ("100", "1E+2"),
            ("0.00120", "12e-4"),
            ("-2.50", "-25e-1"),
            ("0", "-0.0e7"),
            ("9007199254740993", "9007199254740993.0"),
            ("1e400", "0.1e401"),
        ] {
            assert!(normal(left.as_bytes()).is_some(), "{left}");
            assert_eq!(
                normal(left.as_bytes()),
                normal(right.as_bytes()),
                "{left} {right}"
            );
        }
    }

    #[test]
    fn other_values_are_not_the_same_however_close_they_are() {
        for (left, right) in [
            ("1", "-1"),
            ("1", "10"),
            ("1", "1.01"),
            ("9007199254740993", "9007199254740992"),
            ("1e400", "1e401"),
            ("0.1", "0.01"),
        ] {
            assert_ne!(
                normal(left.as_bytes()),
                normal(right.as_bytes()),
                "{left} {right}"
            );
        }
    }

    #[test]
    fn what_is_no_number_has_no_normal_spelling() {
        for text in [
            "",
            "-",
            "null",
            "\"1\"",
            "1e",
            "1e99999999999999999999",
            ".5",
            "1.2.3",
        ] {
            assert_eq!(normal(text.as_bytes()), None, "{text}");
        }
    }
}
