//! The functions by which a process becomes another program: they note its path in the recording before, so that
//! `replay` can say which program was not recorded.
//!
//! The variadic ones (`execl` and so on) are not here: stable Rust cannot define them.

use core::ffi::{c_char, c_int};

use crate::log;
use crate::next;

type Strings = *const *const c_char;

/// Notes the path, calls the function, and takes the note back if it returns, because then it has failed.
fn noted(path: *const c_char, exec: impl FnOnce() -> c_int) -> c_int {
    log::note_exec(path);
    let result = exec();
    log::note_exec(core::ptr::null());
    result
}

/// As in POSIX.
#[unsafe(no_mangle)]
unsafe extern "C" fn execve(path: *const c_char, arguments: Strings, environment: Strings) -> c_int {
    // SAFETY: the caller's promise.
    noted(path, || unsafe { next::execve()(path, arguments, environment) })
}

/// As in POSIX.
#[unsafe(no_mangle)]
unsafe extern "C" fn execv(path: *const c_char, arguments: Strings) -> c_int {
    // SAFETY: the caller's promise.
    noted(path, || unsafe { next::execv()(path, arguments) })
}

/// As in POSIX.
#[unsafe(no_mangle)]
unsafe extern "C" fn execvp(name: *const c_char, arguments: Strings) -> c_int {
    // SAFETY: the caller's promise.
    noted(name, || unsafe { next::execvp()(name, arguments) })
}

/// As in glibc.
#[unsafe(no_mangle)]
unsafe extern "C" fn execvpe(name: *const c_char, arguments: Strings, environment: Strings) -> c_int {
    // SAFETY: the caller's promise.
    noted(name, || unsafe { next::execvpe()(name, arguments, environment) })
}

/// As in POSIX.
#[unsafe(no_mangle)]
unsafe extern "C" fn fexecve(file: c_int, arguments: Strings, environment: Strings) -> c_int {
    // SAFETY: the caller's promise.
    noted(c"an open file".as_ptr(), || unsafe { next::fexecve()(file, arguments, environment) })
}
