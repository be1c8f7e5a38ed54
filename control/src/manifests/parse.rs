use super::Parsed;

/// Reads a file's text: YAML with any number of documents, or JSON. `file` is its name for places.
pub fn parse(file: &str, text: &str) -> Parsed {
    let _ = (file, text);
    Parsed::default()
}
