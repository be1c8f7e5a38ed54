/// One document of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Document<'a> {
    /// Its text, from its `---` on where it has one.
    pub(super) text: &'a str,
    /// Lines of the file before `text`.
    pub(super) lines_before: u64,
    /// The line of the file, from 1, on which its content begins.
    pub(super) first_line: u64,
}

/// The documents of a YAML stream that have content, so that a broken one leaves the others alone.
///
/// A line that begins with `---` or `...` ends a document wherever it stands, even inside of a scalar
/// (YAML 1.2.2, 9.1.2, Document Markers).
pub(super) fn documents(text: &str) -> Vec<Document<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    let mut open = Document {
        text: "",
        lines_before: 0,
        first_line: 0,
    };
    let (mut start, mut position) = (0, 0);
    for (line, number) in text.split_inclusive('\n').zip(1u64..) {
        if is_marker(line, "---") || is_marker(line, "...") {
            documents.push(Document {
                text: text.get(start..position).unwrap_or(""),
                ..open
            });
            start = position
                + if is_marker(line, "...") {
                    line.len()
                } else {
                    0
                };
            let lines_before = if is_marker(line, "...") {
                number
            } else {
                number - 1
            };
            open = Document {
                text: "",
                lines_before,
                first_line: 0,
            };
        }
        if open.first_line == 0 && has_content(line) {
            open.first_line = number;
        }
        position += line.len();
    }
    documents.push(Document {
        text: text.get(start..).unwrap_or(""),
        ..open
    });
    documents.retain(|document| document.first_line > 0);
    documents
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn has_content(line: &str) -> bool {
    let line = line.strip_prefix("---").unwrap_or(line).trim();
    !line.is_empty() && !line.starts_with(['#', '%']) && line != "..."
}

#[cfg(test)]
mod tests {
    use super::documents;

    fn split(text: &str) -> Vec<(String, u64, u64)> {
        documents(text)
            .iter()
            .map(|d| (d.text.to_owned(), d.lines_before, d.first_line))
            .collect()
    }

    #[test]
    fn documents_know_their_lines() {
        assert_eq!(
            split("# top\na: 1\n---\n# note\nb: 2\n--- # c\nc: 3\n"),
            [
                ("# top\na: 1\n".to_owned(), 0, 2),
                ("---\n# note\nb: 2\n".to_owned(), 2, 5),
                ("--- # c\nc: 3\n".to_owned(), 5, 7),
            ]
        );
    }

    #[test]
    fn documents_without_content_are_left_out() {
        assert_eq!(
            split("---\n# nothing\n---\n---\na: 1"),
            [("---\na: 1".to_owned(), 3, 5)]
        );
        assert!(split("").is_empty());
        assert!(split("\u{feff}\n").is_empty());
    }

    #[test]
    fn dashes_inside_of_a_line_are_no_marker() {
        assert_eq!(split("a: ---\n----\n  ---\n").len(), 1);
    }

    #[test]
    fn an_end_marker_ends_a_document() {
        assert_eq!(
            split("a: 1\n...\nb: 2\n"),
            [("a: 1\n".to_owned(), 0, 1), ("b: 2\n".to_owned(), 2, 3)]
        );
    }
}
