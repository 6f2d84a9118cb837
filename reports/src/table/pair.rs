//! Two texts in one cell, such as a median and its interval: side by side, or the second below the first.

use unicode_width::UnicodeWidthStr;

/// A figure with what belongs to it: a median with its interval, or pages with their ratio to peak live.
pub(super) type Pair = (String, String);

/// Columns that both halves need, so that they stay aligned within one cell.
pub(super) fn widths(pairs: impl Iterator<Item = Pair>) -> (usize, usize) {
    pairs.fold((0, 0), |(first, second), pair| (first.max(pair.0.width()), second.max(pair.1.width())))
}

/// Both halves in one cell, side by side or the second below.
pub(super) fn joined((first, second): Pair, (first_width, second_width): (usize, usize), second_below: bool) -> String {
    match second_below {
        true => format!("{first}\n{second} "),
        false => format!("{first:>first_width$} {second:>second_width$} "),
    }
}
