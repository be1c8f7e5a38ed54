//! Lines of cells in columns, as kubectl prints them.

use crate::printable::printable;

/// Spaces between columns, and the narrowest column with its spaces.
const GAP: usize = 3;
const NARROWEST: usize = 6;

/// What stands for a value that is absent.
pub(crate) const NONE: &str = "<none>";

/// The lines, each ended by a newline. No cell ends its line.
pub(crate) fn aligned<const COLUMNS: usize>(
    lines: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    let lines: Vec<_> = lines
        .into_iter()
        .map(|line| line.map(|cell| printable(&cell)))
        .collect();
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        let widest = cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default();
        (widest + GAP).max(NARROWEST)
    };
    let widths: Vec<_> = (0..COLUMNS).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let padded = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(padded.collect::<String>().trim_end());
        text.push('\n');
    }
    text
}
