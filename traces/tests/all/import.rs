//! The importers, tested from outside: each on inputs written for the test, and all on anything at all.

mod broken;
mod good;
mod properties;
mod quirks;
mod races;
mod samples;

use heaprace_traces::csv::CsvWriter;
use heaprace_traces::import::{ImportOptions, Repairs};
use heaprace_traces::{Source, TraceError};

/// A recording as the lines of a CSV trace, after the provenance, and what was repaired.
fn import_with(bytes: impl Into<Vec<u8>>, options: ImportOptions) -> Result<(Vec<String>, Repairs), TraceError> {
    let source = Source::from_bytes("recording", bytes.into()).with_import(options);
    let mut events = source.open()?;
    let mut writer = CsvWriter::new(Vec::new(), events.columns(), &[""; 0])?;
    for event in events.by_ref() {
        writer.write(&event?)?;
    }
    let repairs = events.repairs().expect("it is the recording of another tool");
    let text = String::from_utf8(writer.finish()?).expect("a trace is text");
    // Without the version.
    Ok((text.lines().skip(1).map(str::to_owned).collect(), repairs))
}

fn import(bytes: impl Into<Vec<u8>>) -> Result<(Vec<String>, Repairs), TraceError> {
    import_with(bytes, ImportOptions::default())
}

/// The counts of [`Repairs`], after the calls read.
fn repaired(repairs: &Repairs) -> Vec<String> {
    repairs.lines().split_off(1)
}

/// Checks the events of a recording, and the counts after the calls read.
#[track_caller]
fn assert_import(bytes: impl Into<Vec<u8>>, expected: &[&str], repairs: &[&str]) {
    let (events, found) = import(bytes).unwrap();
    assert_eq!(events, expected);
    assert_eq!(repaired(&found), repairs);
}

/// A zip of one file that is not compressed.
fn zip_of(text: &str) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(text.as_bytes());
    let length = (text.len() as u32).to_le_bytes();
    let name = b"recording.txt";
    let header = [
        &b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0"[..],
        &crc.sum().to_le_bytes(),
        &length,
        &length,
        &[name.len() as u8, 0, 0, 0],
        name,
    ];
    [&header.concat()[..], text.as_bytes(), b"PK\x01\x02"].concat()
}
