//! The data of a chart as CSV: one header line, units in the column names, quoted as in RFC 4180.

use std::borrow::Cow;

use crate::prose::no_formula;

/// A table. Every row has as many cells as the header has columns; an empty cell is an unknown figure.
pub(super) fn table<const COLUMNS: usize>(
    header: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(header).and_then(|()| {
        rows.into_iter().try_for_each(|row| writer.write_record(row.each_ref().map(|cell| harmless(cell).into_owned())))
    });
    written.expect("memory takes anything, and all rows are equally long");
    let bytes = writer.into_inner().expect("memory takes anything");
    String::from_utf8(bytes).expect("all cells are text")
}

/// A number as it is, and a text that is no formula for a spreadsheet.
fn harmless(cell: &str) -> Cow<'_, str> {
    if cell.parse::<f64>().is_ok() { Cow::Borrowed(cell) } else { no_formula(cell) }
}

/// A figure that may be unknown.
pub(super) fn cell(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_if_necessary() {
        let rows = [["a,b".to_string(), cell(Some(1.5))], ["say \"x\"\nok".into(), cell(None::<u64>)]];
        assert_eq!(table(["name", "time_ns"], rows), "name,time_ns\n\"a,b\",1.5\n\"say \"\"x\"\"\nok\",\n");
        assert_eq!(table(["name"], []), "name\n");
        assert_eq!(table(["a", "b"], [["=1+1".to_string(), "-1.5".into()]]), "a,b\n'=1+1,-1.5\n");
    }
}
