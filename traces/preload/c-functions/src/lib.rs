//! What the two libraries of Heaprace that are preloaded into programs need of C: one records its allocations, one
//! serves them.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
#![no_std]

use core::ffi::{CStr, c_int, c_void};

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

/// Calls a macro with all forms of C++'s operators `new` and `delete`, whose names and parameters are part of C++'s
/// binary interface.
///
/// Each `new` has its parameters, its alignment (none for that of `malloc`), and whether it throws. The types are those
/// of C: `St11align_val_t` is an integer, and `RKSt9nothrow_t` a reference that nobody reads.
#[macro_export]
macro_rules! with_operators {
    ($define:ident) => {
        $define! {
            new _Znwm(size: usize), align none, throws true;
            new _Znam(size: usize), align none, throws true;
            new _ZnwmRKSt9nothrow_t(size: usize, tag: *mut c_void), align none, throws false;
            new _ZnamRKSt9nothrow_t(size: usize, tag: *mut c_void), align none, throws false;
            new _ZnwmSt11align_val_t(size: usize, align: usize), align align, throws true;
            new _ZnamSt11align_val_t(size: usize, align: usize), align align, throws true;
            new _ZnwmSt11align_val_tRKSt9nothrow_t(size: usize, align: usize, tag: *mut c_void), align align, throws false;
            new _ZnamSt11align_val_tRKSt9nothrow_t(size: usize, align: usize, tag: *mut c_void), align align, throws false;
            delete _ZdlPv();
            delete _ZdaPv();
            delete _ZdlPvm(size: usize);
            delete _ZdaPvm(size: usize);
            delete _ZdlPvRKSt9nothrow_t(tag: *mut c_void);
            delete _ZdaPvRKSt9nothrow_t(tag: *mut c_void);
            delete _ZdlPvSt11align_val_t(align: usize);
            delete _ZdaPvSt11align_val_t(align: usize);
            delete _ZdlPvmSt11align_val_t(size: usize, align: usize);
            delete _ZdaPvmSt11align_val_t(size: usize, align: usize);
            delete _ZdlPvSt11align_val_tRKSt9nothrow_t(align: usize, tag: *mut c_void);
            delete _ZdaPvSt11align_val_tRKSt9nothrow_t(align: usize, tag: *mut c_void);
        }
    };
}

/// The operator `new` of libstdc++ of this name, which some library has loaded, maybe for itself: the one that knows how
/// to throw. The program ends if there is none.
#[cold]
pub fn standard_operator(name: &CStr) -> *mut c_void {
    // SAFETY: the names end in zeroes. The library stays: whoever loaded it is about to get its exception.
    unsafe {
        let library = libc::dlopen(c"libstdc++.so.6".as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
        let operator = if library.is_null() { core::ptr::null_mut() } else { libc::dlsym(library, name.as_ptr()) };
        if operator.is_null() {
            libc::abort();
        }
        operator
    }
}

/// The name, with a zero at its end, as C has it.
pub const fn c_name(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(name) => name,
        Err(_) => c"",
    }
}
