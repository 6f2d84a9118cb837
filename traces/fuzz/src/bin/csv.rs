//! Any bytes as a CSV trace: events or one error, and what is read and written is read again as the same.
#![no_main]

use heaprace_traces::csv::{CsvReader, CsvWriter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(reader) = CsvReader::new(bytes, "fuzz.csv") else { return };
    let (columns, provenance) = (reader.columns(), reader.provenance().to_vec());
    let Ok(events) = reader.collect::<Result<Vec<_>, _>>() else { return };
    let mut writer = CsvWriter::new(Vec::new(), columns, &provenance).expect("nothing is written yet");
    events.iter().for_each(|event| writer.write(event).expect("memory takes all"));
    let written = writer.finish().expect("memory takes all");
    let again: Result<Vec<_>, _> = CsvReader::new(&written[..], "again.csv").expect("what was written opens").collect();
    assert_eq!(again.expect("what was written reads"), events);
});
