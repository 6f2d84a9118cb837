//! Writing a trace to a file by its name.

use std::path::Path;

use heaprace_traces::csv::Columns;
use heaprace_traces::{Event, Output, Source, TraceError};

use crate::reading::folder;

const TEXT: &str = "# heaprace-trace: 1\n# program: a test\nop,id,size,align\nalloc,1,8,8\nrealloc,1,9\ndealloc,1\n";

fn write(path: &Path) -> Result<(), TraceError> {
    let events = Source::from_bytes("test.csv", TEXT.as_bytes()).open()?;
    let mut output = Output::create(path, events.columns(), events.provenance())?;
    for event in events {
        output.write(&event?)?;
    }
    output.finish()
}

#[test]
fn every_ending_is_read_back() {
    let folder = folder("output");
    let expected: Vec<Event> =
        Source::from_bytes("a.csv", TEXT.as_bytes()).open().unwrap().map(Result::unwrap).collect();
    for name in ["a.csv", "a.csv.zst", "A.CSV.ZST", "a.htrace"] {
        let path = folder.join(name);
        std::fs::write(&path, "what was there before").unwrap();
        write(&path).unwrap();
        let source = Source::locate(path.to_str().unwrap()).unwrap();
        assert_eq!(source.open().unwrap().map(Result::unwrap).collect::<Vec<_>>(), expected, "{name}");
        assert_eq!(source.sha256().unwrap(), Source::from_bytes("a.csv", TEXT.as_bytes()).sha256().unwrap(), "{name}");
    }
    assert_eq!(std::fs::read_to_string(folder.join("a.csv")).unwrap(), TEXT);
}

#[test]
fn what_is_not_finished_leaves_nothing() {
    let folder = folder("output-unfinished");
    let path = folder.join("a.csv");
    let output = Output::create(&path, Columns::default(), &[""; 0]).unwrap();
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "it is being written");
    drop(output);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn another_ending_is_refused_and_says_which_there_are() {
    for name in ["a", "a.txt", "a.zst", ".csv", "csv", "a.csv.gz"] {
        let message = write(&folder("output-endings").join(name)).unwrap_err().to_string();
        assert!(message.ends_with("let the name end in .htrace, .csv or .csv.zst"), "{message}");
    }
    assert_eq!(std::fs::read_dir(folder("output-endings")).unwrap().count(), 0);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = write(&folder("output").join("none/a.csv")).unwrap_err();
    assert!(matches!(error, TraceError::Create { .. }) && error.to_string().contains("none"), "{error}");
}
