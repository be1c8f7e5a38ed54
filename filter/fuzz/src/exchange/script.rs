//! A script: one command a line, told by its first byte, so that seeds can be read and written. In the text of a body a
//! backslash and `n` are a line feed.

/// The header that stands for a verified token of this subject.
pub(crate) const SUBJECT: &[u8] = b"x-subject";

/// What happens next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Command<'a> {
    /// `h NAME: VALUE`: a header of what comes next. `$S` as a value is the id of the session that was opened last,
    /// `$T` the ticket that `mcp-streams` got last.
    Header(&'a [u8], &'a [u8]),
    /// `Q`: request headers of a POST to the endpoint, unless the headers say otherwise. `q`: and no body.
    Request {
        end: bool,
    },
    /// `b TEXT`: of the request's body. `B TEXT`: the last of it.
    Body {
        text: &'a [u8],
        end: bool,
    },
    /// `R STATUS`: response headers of a server. `r STATUS`: and no body.
    Response {
        status: &'a [u8],
        end: bool,
    },
    /// `E STATUS`: response headers of Envoy's own.
    Refusal(&'a [u8]),
    /// `p TEXT`: of the response's body. `P TEXT`: the last of it.
    Answer {
        text: &'a [u8],
        end: bool,
    },
    /// `c STATUS TEXT`: the oldest call is answered. `x`: it fails.
    Call(&'a [u8], &'a [u8]),
    CallFails,
    /// `t SECONDS`: time passes.
    Tick(u64),
    /// `n`: the stream is over, and another one begins.
    Next,
}

/// The commands of a script. Lines that are none are skipped.
pub(crate) fn commands(script: &[u8]) -> Vec<Command<'_>> {
    let lines = script.split(|&byte| byte == b'\n');
    lines.take(64).filter_map(command).collect()
}

fn command(line: &[u8]) -> Option<Command<'_>> {
    let (&first, rest) = line.split_first()?;
    let text = rest.strip_prefix(b" ").unwrap_or(rest);
    Some(match first {
        b'h' => {
            let (name, value) = split(text, b':')?;
            Command::Header(name, value.strip_prefix(b" ").unwrap_or(value))
        }
        b'Q' | b'q' => Command::Request { end: first == b'q' },
        b'b' | b'B' => Command::Body {
            text,
            end: first == b'B',
        },
        b'R' | b'r' => Command::Response {
            status: text,
            end: first == b'r',
        },
        b'E' => Command::Refusal(text),
        b'p' | b'P' => Command::Answer {
            text,
            end: first == b'P',
        },
        b'c' => {
            let (status, body) = split(text, b' ').unwrap_or((text, b""));
            Command::Call(status, body)
        }
        b'x' => Command::CallFails,
        b't' => {
            let digits = text.iter().take(6).filter(|byte| byte.is_ascii_digit());
            Command::Tick(digits.fold(0, |sum, byte| sum * 10 + u64::from(byte - b'0')))
        }
        b'n' => Command::Next,
        _ => return None,
    })
}

/// Before and after the first `at` behind the first byte: names of pseudo-headers begin with a colon.
fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().skip(1).position(|&byte| byte == at)? + 1;
    let (before, after) = text.split_at_checked(place)?;
    Some((before, after.get(1..)?))
}

/// A backslash and `n` stand for a line feed.
pub(crate) fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for &byte in text {
        if byte == b'n' && bytes.last() == Some(&b'\\') {
            bytes.pop();
            bytes.push(b'\n');
        } else {
            bytes.push(byte);
        }
    }
    bytes
}
