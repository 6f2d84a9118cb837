//! The library that `replay record` preloads into a native program, to record what the program asks of `malloc` and its kin.
//!
//! It stands in front of the C library's allocator, passes every call on to it, and writes each down as 16 bytes in a shared mapping of
//! a file, which survives however the process ends. [`raw`] is the layout of that file; `heaprace_traces::native` reads it.
//!
//! What the code must not do follows from where it runs. It must not allocate, because it would call itself; it must not take a lock
//! that a thread can hold when the process forks; it must not disturb `errno`, the open files or the signals of the program. So it calls
//! the system and nothing else, and nothing in it panics.
//!
//! It is for Linux with glibc, whose allocator can be called past its public names (`__libc_malloc`): no `dlsym`, which itself
//! allocates. C++'s `new` and `delete` of every kind come here through libstdc++, which calls `malloc`, `aligned_alloc` and `free`.

pub mod raw;

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod config;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod file;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod hooks;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod log;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod thread;
