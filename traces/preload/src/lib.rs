//! The library that `replay record` preloads into a native program, to record what the program asks of `malloc` and its
//! kin.
//!
//! It sits in front of the program's allocator, which goes on to serve: the C library's, or one that the program links.
//! Every call is passed on, and recorded as 16 bytes in a shared mapping of a file, which survives however the process
//! ends. [`heaprace_recorder::raw`] defines that file; `heaprace_traces::native` reads it.
//!
//! Its code runs inside `malloc`, which restricts it. It must not allocate, because it would call itself; it must not
//! take a lock that a thread can hold when the process forks, or when it is cancelled; it must not disturb `errno`, the
//! open files or the signals of the program; and it must not need much of a stack. So it makes system calls and nothing
//! else, and nothing in it panics.
//!
//! With extents, it also fills new blocks and looks at them before they are freed, to learn how much of them the
//! program writes: that touches no byte whose content the program may rely on.
//!
//! A process that is not to be recorded has its calls counted, so that `replay` can say what it has not recorded.
//!
//! It supports Linux with glibc.

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod arena;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod config;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod exec;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod exit;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod extents;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod file;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod hooks;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod log;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod next;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod operators;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod surface;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod system;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod thread;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod window;

/// The dynamic linker calls this before the program begins, even if the program brings functions of its own in place of
/// all those here.
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
extern "C" fn prepare() {
    next::is_found();
    log::prepare();
    thread::muted(|| {
        let (before, after, child) = (log::before_fork, log::after_fork, log::in_child);
        // SAFETY: the functions exist as long as the process does: a preloaded library is never unloaded.
        unsafe { libc::pthread_atfork(Some(before), Some(after), Some(child)) };
    });
}

#[used]
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[unsafe(link_section = ".init_array")]
static PREPARE: extern "C" fn() = prepare;
