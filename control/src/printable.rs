//! Text of others, fit for a line of the table or of the log.

/// The text with all that could end a line, steer a terminal or turn the direction of writing spelt as Rust spells it.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_ends_the_line_or_steers_the_terminal() {
        assert_eq!(
            printable("/a\nready\r\u{1b}[2J\u{85}\u{2028}\u{202e}"),
            "/a\\nready\\r\\u{1b}[2J\\u{85}\\u{2028}\\u{202e}"
        );
        assert_eq!(printable("/mcp?a=\\n ä"), "/mcp?a=\\n ä");
    }
}
