//! The library that `replay record` preloads into a native program, to record what the program asks of `malloc` and its
//! kin.
//!
//! It sits in front of the C library's allocator, passes every call on, and writes each as 16 bytes into a shared
//! mapping of a file, which survives however the process ends. [`heaprace_recorder::raw`] defines that file;
//! `heaprace_traces::native` reads it.
//!
//! Its code runs inside `malloc`, which restricts it. It must not allocate, because it would call itself; it must not
//! take a lock that a thread can hold when the process forks; it must not disturb `errno`, the open files or the
//! signals of the program. So it makes system calls and nothing else, and nothing in it panics.
//!
//! With extents, it also fills new blocks and looks at them before they are freed, to learn how much of them the
//! program writes: that touches no byte whose content the program may rely on.
//!
//! It supports Linux with glibc, whose allocator can be called by private names (`__libc_malloc`) without `dlsym`,
//! which itself allocates. C++'s `new` and `delete` of every kind arrive here through libstdc++, which calls `malloc`,
//! `aligned_alloc` and `free`.

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod config;
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
mod thread;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod usable;
