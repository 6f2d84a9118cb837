//! JSON lines: an object per measurement, see [`measurements`].

use super::measurements::measurements;
use crate::ReportError;
use crate::results::Results;

pub(super) fn jsonl(all: &[Results]) -> Result<Vec<u8>, ReportError> {
    let mut text = Vec::new();
    for row in all.iter().flat_map(measurements) {
        serde_json::to_writer(&mut text, &row).expect("plain data with string keys always serialises");
        text.push(b'\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::export::measurements::COLUMNS;
    use crate::sample;

    #[test]
    fn a_line_is_an_object_with_every_column() {
        let all = [sample::results()];
        let text = String::from_utf8(jsonl(&all).unwrap()).unwrap();
        let rows = measurements(&all[0]);
        assert_eq!(text.lines().count(), rows.len());
        for (line, row) in text.lines().zip(&rows) {
            let Value::Object(object) = serde_json::from_str(line).unwrap() else { panic!("an object: {line}") };
            assert!(COLUMNS.iter().all(|column| object.contains_key(*column)) && object.len() == COLUMNS.len());
            assert_eq!(object["value"].as_f64(), row.value, "null if unknown");
        }
    }
}
