//! Replacements of C++'s operators `new` and `delete`, all forms.
//!
//! Those of libstdc++ call `malloc`, `aligned_alloc` and `free`, which record. Other allocators bring operators that
//! call their own functions. If there are none in reach, because a C program loads its first C++ library late and for
//! itself, these use the functions of C.

use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use heaprace_c_functions::{c_name, standard_operator, with_operators};

use crate::hooks::{MALLOC_ALIGN_LOG2, align_log2, allocate, allocate_aligned, allocating, freeing, release};
use crate::next;

/// How an operator allocates that has no next one: its alignment and size, or its size alone.
macro_rules! align_of {
    (none) => {
        MALLOC_ALIGN_LOG2
    };
    ($align:ident) => {
        align_log2($align)
    };
}
macro_rules! allocate_as {
    (none, $size:ident) => {
        allocate($size)
    };
    ($align:ident, $size:ident) => {
        allocate_aligned($align, $size)
    };
}

/// Whether the next definitions are found. Threads that find them at the same time find the same.
static FOUND: AtomicBool = AtomicBool::new(false);

/// The next definition of an operator; null if there is none.
#[inline(always)]
fn next_of(slot: &AtomicPtr<c_void>, find_all: fn()) -> *mut c_void {
    if !FOUND.load(Ordering::Acquire) {
        find_all();
    }
    slot.load(Ordering::Acquire)
}

macro_rules! define {
    (
        $(new $new:ident($size:ident: usize $(, $new_name:ident: $new_type:ty)*), align $align:ident, throws $throws:literal;)*
        $(delete $delete:ident($($name:ident: $type:ty),*);)*
    ) => {
        /// The next definitions.
        mod slots {
            use super::*;
            $(#[allow(non_upper_case_globals, reason = "it has the name of the function")] pub(super) static $new: AtomicPtr<c_void> = AtomicPtr::new(null_mut());)*
            $(#[allow(non_upper_case_globals, reason = "it has the name of the function")] pub(super) static $delete: AtomicPtr<c_void> = AtomicPtr::new(null_mut());)*
        }

        /// Finds the next definitions.
        #[cold]
        fn find_all() {
            $(slots::$new.store(next::find(c_name(concat!(stringify!($new), "\0"))), Ordering::Release);)*
            $(slots::$delete.store(next::find(c_name(concat!(stringify!($delete), "\0"))), Ordering::Release);)*
            next::forget_errors();
            FOUND.store(true, Ordering::Release);
        }

        $(
            /// As in C++.
            #[unsafe(no_mangle)]
            unsafe extern "C-unwind" fn $new($size: usize $(, $new_name: $new_type)*) -> *mut c_void {
                type Next = unsafe extern "C-unwind" fn(usize $(, $new_type)*) -> *mut c_void;
                let next = next_of(&slots::$new, find_all);
                if !next.is_null() {
                    // SAFETY: what is stored there is the operator of this name, which has this type. It may throw:
                    // nothing has to be undone then.
                    return unsafe {
                        let next = core::mem::transmute::<*mut c_void, Next>(next);
                        allocating($size, align_of!($align), || next($size $(, $new_name)*))
                    };
                }
                let block = allocate_as!($align, $size);
                if !$throws || !block.is_null() {
                    return block;
                }
                // SAFETY: the operator has this type. It asks again, and throws.
                unsafe {
                    let standard = standard_operator(c_name(concat!(stringify!($new), "\0")));
                    core::mem::transmute::<*mut c_void, Next>(standard)($size $(, $new_name)*)
                }
            }
        )*
        $(
            /// As in C++.
            #[unsafe(no_mangle)]
            unsafe extern "C-unwind" fn $delete(block: *mut c_void $(, $name: $type)*) {
                let next = next_of(&slots::$delete, find_all);
                // SAFETY: the caller's promise; and what is stored there is the operator of this name, which has this
                // type.
                unsafe {
                    if next.is_null() {
                        $(let _ = $name;)*
                        return release(block);
                    }
                    let next = core::mem::transmute::<*mut c_void, unsafe extern "C" fn(*mut c_void $(, $type)*)>(next);
                    freeing(block, || next(block $(, $name)*));
                }
            }
        )*
    };
}

with_operators!(define);
