//! The allocation functions of C that follow from `realloc` and `memalign`.
//!
//! Two libraries of Heaprace replace the C library's allocator: one records, one serves. They differ in `malloc`,
//! `calloc`, `realloc`, `memalign` and `free`; the rest is here, as a [macro](define_derived), because the library that
//! exports a function must define it.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
#![no_std]

use core::ffi::{c_int, c_void};

pub use libc;

/// The `errno` of this thread.
#[inline]
pub fn errno() -> c_int {
    // SAFETY: the address is always this thread's own `errno`.
    unsafe { *libc::__errno_location() }
}

/// Sets the `errno` of this thread.
#[inline]
pub fn set_errno(value: c_int) {
    // SAFETY: the address is always this thread's own `errno`.
    unsafe { *libc::__errno_location() = value };
}

/// A failed allocation: null, with this `errno`.
#[cold]
pub fn fail_with(errno: c_int) -> *mut c_void {
    set_errno(errno);
    core::ptr::null_mut()
}

/// Bytes in a page of the machine.
pub fn page_bytes() -> usize {
    // SAFETY: asks for a number; the kernel always gives this one.
    unsafe { libc::getauxval(libc::AT_PAGESZ) as usize }
}

/// Defines and exports `reallocarray`, `aligned_alloc`, `posix_memalign`, `valloc` and `pvalloc` by the `realloc` and
/// `memalign` of the module that calls it.
#[macro_export]
macro_rules! define_derived {
    () => {
        /// As in glibc.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn reallocarray(
            block: *mut ::core::ffi::c_void,
            count: usize,
            size: usize,
        ) -> *mut ::core::ffi::c_void {
            match count.checked_mul(size) {
                // SAFETY: the caller's promise.
                Some(bytes) => unsafe { realloc(block, bytes) },
                None => $crate::fail_with($crate::libc::ENOMEM),
            }
        }

        /// As in C.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut ::core::ffi::c_void {
            if !align.is_power_of_two() {
                return $crate::fail_with($crate::libc::EINVAL);
            }
            // SAFETY: needs no promise.
            unsafe { memalign(align, size) }
        }

        /// As in POSIX.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn posix_memalign(
            result: *mut *mut ::core::ffi::c_void,
            align: usize,
            size: usize,
        ) -> ::core::ffi::c_int {
            if !align.is_power_of_two() || !align.is_multiple_of(size_of::<*mut ::core::ffi::c_void>()) {
                return $crate::libc::EINVAL;
            }
            let errno = $crate::errno();
            // SAFETY: needs no promise.
            let block = unsafe { memalign(align, size) };
            if block.is_null() {
                // Its result is the error, and `errno` stays unchanged.
                $crate::set_errno(errno);
                return $crate::libc::ENOMEM;
            }
            // SAFETY: the caller's promise.
            unsafe { *result = block };
            0
        }

        /// As in glibc.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn valloc(size: usize) -> *mut ::core::ffi::c_void {
            // SAFETY: needs no promise.
            unsafe { memalign($crate::page_bytes(), size) }
        }

        /// As in glibc: whole pages.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn pvalloc(size: usize) -> *mut ::core::ffi::c_void {
            match size.checked_next_multiple_of($crate::page_bytes()) {
                // SAFETY: needs no promise.
                Some(bytes) => unsafe { memalign($crate::page_bytes(), bytes) },
                None => $crate::fail_with($crate::libc::ENOMEM),
            }
        }
    };
}
