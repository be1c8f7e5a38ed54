//! Strings (RFC 8259, section 7) and the UTF-8 in them, between the quotes.

use super::{InvalidJson, cursor::Cursor, plain};

/// Where in a string the scan stands.
#[derive(Debug, Default)]
pub(super) struct StringBody {
    mode: Mode,
    /// The first bytes of a character that the last piece cut; only in `Mode::Plain`.
    cut: [u8; 3],
    /// `<= 3`
    cut_length: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum Mode {
    #[default]
    Plain,
    /// Behind a backslash.
    Escape,
    /// So many digits of `\uXXXX` are still to come.
    Hex(u8),
}

/// Behind an opening quote: reads a string to its end if nothing in it needs a closer look. `false`: nothing was read.
#[inline(always)]
pub(super) fn skip(cursor: &mut Cursor<'_>) -> bool {
    let rest = cursor.rest();
    let run = plain::run(rest);
    let ends = run.ascii && rest.get(run.length) == Some(&b'"');
    if ends {
        cursor.at += run.length + 1;
    }
    ends
}

impl StringBody {
    /// Reads on to the closing quote and behind it. `false`: the piece ended first.
    pub(super) fn run(&mut self, cursor: &mut Cursor<'_>) -> Result<bool, InvalidJson> {
        loop {
            match self.mode {
                Mode::Plain => {
                    if self.cut_length > 0 && !self.complete_cut(cursor)? {
                        return Ok(false);
                    }
                    self.plain(cursor)?;
                    match cursor.bump() {
                        None => return Ok(false),
                        Some(b'"') => return Ok(true),
                        Some(b'\\') => self.mode = Mode::Escape,
                        Some(_) => return Err(cursor.unexpected()),
                    }
                }
                Mode::Escape => match cursor.bump() {
                    None => return Ok(false),
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                        self.mode = Mode::Plain
                    }
                    Some(b'u') => self.mode = Mode::Hex(4),
                    Some(_) => return Err(cursor.unexpected()),
                },
                Mode::Hex(0) => self.mode = Mode::Plain,
                Mode::Hex(missing) => match cursor.bump() {
                    None => return Ok(false),
                    Some(digit) if digit.is_ascii_hexdigit() => self.mode = Mode::Hex(missing - 1),
                    Some(_) => return Err(cursor.unexpected()),
                },
            }
        }
    }

    /// Reads over characters that stand for themselves.
    fn plain(&mut self, cursor: &mut Cursor<'_>) -> Result<(), InvalidJson> {
        let rest = cursor.rest();
        let run = plain::run(rest);
        if run.ascii {
            cursor.at += run.length;
            return Ok(());
        }
        let characters = rest.get(..run.length).unwrap_or_default();
        if let Err(error) = std::str::from_utf8(characters) {
            let valid = error.valid_up_to();
            if error.error_len().is_some() || run.length < rest.len() {
                return Err(InvalidJson::Syntax(cursor.position() + valid as u64));
            }
            for (kept, &byte) in self.cut.iter_mut().zip(characters.iter().skip(valid)) {
                *kept = byte;
            }
            self.cut_length = run.length - valid;
        }
        cursor.at += run.length;
        Ok(())
    }

    /// Reads the rest of a cut character. `false`: the piece ended first.
    fn complete_cut(&mut self, cursor: &mut Cursor<'_>) -> Result<bool, InvalidJson> {
        let start = cursor.position() - self.cut_length as u64;
        while let Some(byte) = cursor.bump() {
            let mut character = [byte; 4];
            for (place, &kept) in character
                .iter_mut()
                .zip(self.cut.iter().take(self.cut_length))
            {
                *place = kept;
            }
            let length = self.cut_length + 1;
            match std::str::from_utf8(character.get(..length).unwrap_or_default()) {
                Ok(_) => {
                    self.cut_length = 0;
                    return Ok(true);
                }
                Err(error) if error.error_len().is_some() => {
                    return Err(InvalidJson::Syntax(start));
                }
                Err(_) => {
                    if let Some(place) = self.cut.get_mut(self.cut_length) {
                        *place = byte;
                    }
                    self.cut_length = length;
                }
            }
        }
        Ok(false)
    }
}
