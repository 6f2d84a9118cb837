//! Finding traces by path and by name.

use heaprace_traces::{Source, TraceError};

use crate::reading::folder;

#[test]
fn a_library_trace_has_a_name_with_or_without_endings() {
    for argument in ["serde-heavy", "serde-heavy.csv", "serde-heavy.csv.zst", "serde-heavy.htrace"] {
        let source = Source::locate(argument).unwrap();
        assert_eq!((source.name(), source.display()), ("serde-heavy", "library:serde-heavy"));
        assert_eq!(source.library_entry().unwrap().name, "serde-heavy");
    }
}

#[test]
fn a_file_goes_before_the_library() {
    let path = folder("locate").join("serde-heavy.csv");
    std::fs::write(&path, "op,id,size,align\nalloc,1,8,8\n").unwrap();
    let source = Source::locate(path.to_str().unwrap()).unwrap();
    assert!(source.library_entry().is_none());
    assert_eq!(source.open().unwrap().count(), 1);
}

#[test]
fn a_slip_of_the_pen_gets_a_suggestion() {
    let message = Source::locate("serde-havey.csv").unwrap_err().to_string();
    assert!(
        message.starts_with(
            "no trace \"serde-havey.csv\": there is no such file, and the library has no trace of that name; \
             did you mean serde-heavy? the library holds "
        ),
        "{message}"
    );
}

#[test]
fn another_name_gets_the_list() {
    let error = Source::locate("no/such/trace.csv").unwrap_err();
    assert!(matches!(&error, TraceError::NotFound { nearest: None, names, .. } if names.contains(&"serde-heavy")));
    let message = error.to_string();
    assert!(message.contains("the library holds ") && message.contains("serde-heavy"), "{message}");
    assert!(!message.contains("did you mean"), "{message}");
}

#[test]
fn a_folder_is_not_a_trace() {
    let folder = folder("locate");
    let argument = folder.to_str().unwrap();
    let message = Source::locate(argument).unwrap_err().to_string();
    assert_eq!(message, format!("{argument}: is a folder, not a trace; name a file in it"));
}

#[test]
fn a_file_that_is_gone_is_an_error_with_its_path() {
    let path = folder("locate").join("gone.csv");
    std::fs::write(&path, "op,id,size,align\n").unwrap();
    let source = Source::locate(path.to_str().unwrap()).unwrap();
    std::fs::remove_file(&path).unwrap();
    let message = source.open().unwrap_err().to_string();
    assert!(message.starts_with(&format!("{}: cannot be opened: ", path.display())), "{message}");
}
