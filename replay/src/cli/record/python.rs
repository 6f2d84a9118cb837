//! The hint for recordings of Python, whose own allocator hides its small objects from `malloc`.

use std::ffi::{OsStr, OsString};

/// The variable that selects Python's allocator.
const VARIABLE: &str = "PYTHONMALLOC";

/// The hint, if the recorded program is Python and neither the environment's `value` of the variable nor the command sets
/// it to `malloc`.
pub(super) fn hint(program: &str, value: Option<&OsStr>, command: &[OsString]) -> Option<String> {
    let is_python = program.starts_with("python") || program.starts_with("pypy");
    // `malloc_debug` calls malloc for every object, too.
    let is_malloc = |value: &str| value.starts_with("malloc");
    let is_set = value.and_then(OsStr::to_str).is_some_and(is_malloc)
        || command.iter().filter_map(|word| word.to_str()?.strip_prefix(VARIABLE)?.strip_prefix('=')).any(is_malloc);
    (is_python && !is_set).then(|| {
        format!(
            "note: Python serves small objects itself, so the trace lacks nearly all of them; to record them, set \
             {VARIABLE}=malloc"
        )
    })
}

/// The value that the program inherits.
pub(super) fn inherited() -> Option<OsString> {
    std::env::var_os(VARIABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_is_hinted_at_its_allocator_unless_it_is_off() {
        let hinted = |program: &str, value: Option<&str>, command: &[&str]| {
            let command: Vec<OsString> = command.iter().map(OsString::from).collect();
            hint(program, value.map(OsStr::new), &command).is_some()
        };
        assert!(hinted("python3.11", None, &["python3", "a.py"]));
        assert!(hinted("python3", Some("pymalloc"), &["python3"]), "that is what hides them");
        assert!(!hinted("python3", Some("malloc"), &["python3"]));
        assert!(!hinted("python3", None, &["env", "PYTHONMALLOC=malloc", "python3"]));
        assert!(hinted("python3", None, &["env", "PYTHONMALLOC=default", "python3"]));
        assert!(!hinted("sqlite3", None, &["sqlite3"]));
    }
}
