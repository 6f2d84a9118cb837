//! Which file a process records into.

use super::{Block, block_sizes, child, command, folder, read, trace_path};

/// A child that starts itself as another child while it is recorded.
pub(super) fn starts_another() {
    let before = Block::new(100, false);
    let trace = std::env::var_os("HEAPRACE_TRACE").unwrap();
    let output = command("is_started", trace.as_ref()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("heaprace: another process is recording into ") && said.contains("; this one records into "),
        "{said}"
    );
    drop((before, Block::new(200, false)));
}

pub(super) fn is_started() {
    drop(Block::new(300, false));
}

#[test]
#[cfg(unix)]
fn a_program_that_starts_itself_has_two_traces() {
    let trace = trace_path("starts_another");
    let is_other = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("starts_another.") && name != "starts_another.htrace"
    };
    let others = || std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(is_other);
    others().for_each(|other| std::fs::remove_file(other).unwrap());
    // Not only the first time: the lock ends with its process.
    for _ in 0..2 {
        let output = child("starts_another", &trace);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(block_sizes(&read(&trace)), [100, 200]);
    }
    let others: Vec<_> = others().collect();
    assert_eq!(others.len(), 2, "{others:?}");
    others.iter().for_each(|other| assert_eq!(block_sizes(&read(other)), [300]));
}

/// What is no file cannot be locked, and is not emptied either.
#[test]
#[cfg(unix)]
fn two_processes_can_record_into_nothing() {
    for _ in 0..2 {
        let output = child("is_started", "/dev/null".as_ref());
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}
