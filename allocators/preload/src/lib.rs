//! The library that `replay run` preloads into a native program, so that a contender serves `malloc` and its kin.
//!
//! The contender sits on the same page heap as in a replay, and is asked for the same layouts as a trace of the program
//! has: alignment 16, and 1 byte for a request of 0. Its interface needs the size of a block when it is freed, which C
//! does not pass; a table beside the heap has it, so that no header changes what the contender places where.
//!
//! All other memory is glibc's: that of this library itself, of requests from within a request, and of alignments above
//! 512 KiB. The address of a block tells whose it is.
//!
//! It supports Linux with glibc, whose allocator can be called by private names (`__libc_malloc`).

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod hooks;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod operators;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod sizes;
