//! CSV: a row per measurement, see [`measurements`].

use super::measurements::{COLUMNS, Measurement, measurements};
use crate::ReportError;
use crate::prose::no_formula;
use crate::results::Results;

pub(super) fn csv(all: &[Results]) -> Result<Vec<u8>, ReportError> {
    let mut writer = ::csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    let mut write = || -> ::csv::Result<()> {
        writer.write_record(COLUMNS)?;
        all.iter().flat_map(measurements).try_for_each(|row| {
            let texts = [row.date, row.trace, row.trace_sha256, row.contender, row.contender_version].map(no_formula);
            let [date, trace, trace_sha256, contender, contender_version] = texts.each_ref().map(AsRef::as_ref);
            let reason = row.reason.as_deref().map(|reason| no_formula(reason).into_owned());
            writer.serialize(Measurement { date, trace, trace_sha256, contender, contender_version, reason, ..row })
        })
    };
    write().expect("rows have as many fields as the header, and memory takes all");
    Ok(writer.into_inner().expect("memory takes all"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn no_cell_is_a_formula() {
        let mut results = sample::results();
        results.trace.name = "=cmd|' /C calc'!A0".into();
        results.contenders[0].name = "@SUM(A1)".into();
        let text = String::from_utf8(csv(&[results]).unwrap()).unwrap();
        assert!(text.contains(",'=cmd|") && text.contains(",'@SUM(A1),"));
        assert!(!text.contains(",=") && !text.contains(",@"));
    }

    /// A reader gets back the figures to the bit.
    #[test]
    fn reads_back_as_the_figures() {
        let mut results = sample::results();
        results.trace.name = "a \"trace\", with\nall".into();
        let all = [results, sample::empty()];
        let text = csv(&all).unwrap();
        let mut reader = ::csv::Reader::from_reader(&text[..]);
        assert_eq!(reader.headers().unwrap(), COLUMNS.to_vec());
        let rows: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let written: Vec<_> = all.iter().flat_map(measurements).collect();
        assert_eq!(rows.len(), written.len());
        let float = |cell: &str| (!cell.is_empty()).then(|| cell.parse::<f64>().unwrap());
        for (row, expected) in rows.iter().zip(&written) {
            assert_eq!((&row[2], &row[8], &row[11]), (expected.trace, expected.contender, expected.metric));
            assert_eq!([13, 14, 15].map(|cell| float(&row[cell])), [expected.value, expected.low, expected.high]);
            assert_eq!(row[16].parse().ok(), expected.round);
            assert_eq!(&row[17], expected.reason.as_deref().unwrap_or_default());
        }
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains(",peak_heap_bytes,B,1310720,,,,\n"), "whole numbers have no fraction");
    }
}
