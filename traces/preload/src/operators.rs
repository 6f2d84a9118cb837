//! Replacements of C++'s operators `new` and `delete`, all forms.
//!
//! Those of libstdc++ call `malloc`, `aligned_alloc` and `free`, which record. Other allocators bring operators that
//! call their own functions. If there are none in reach, because a C program loads its first C++ library late and for
//! itself, these use the functions of C.

use core::ffi::{CStr, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::hooks::{MALLOC_ALIGN_LOG2, align_log2, allocate, allocate_aligned, allocating, freeing, release};
use crate::next;

type Pointer = *mut c_void;

macro_rules! operators {
    (
        $(new $new:ident($size:ident: usize $(, $new_name:ident: $new_type:ty)*), align $align:expr, without $allocate:expr, $throws:literal;)*
        $(delete $delete:ident($($name:ident: $type:ty),*);)*
    ) => {
        mod slots {
            use super::*;
            $(#[allow(non_upper_case_globals)] pub(super) static $new: AtomicPtr<c_void> = AtomicPtr::new(null_mut());)*
            $(#[allow(non_upper_case_globals)] pub(super) static $delete: AtomicPtr<c_void> = AtomicPtr::new(null_mut());)*
        }

        /// Finds the next definitions.
        pub(crate) fn find_all() {
            $(slots::$new.store(next::find(name(concat!(stringify!($new), "\0"))), Ordering::Release);)*
            $(slots::$delete.store(next::find(name(concat!(stringify!($delete), "\0"))), Ordering::Release);)*
        }

        $(
            /// As in C++.
            #[unsafe(no_mangle)]
            unsafe extern "C-unwind" fn $new($size: usize $(, $new_name: $new_type)*) -> Pointer {
                type Next = unsafe extern "C-unwind" fn(usize $(, $new_type)*) -> Pointer;
                let next = slots::$new.load(Ordering::Acquire);
                if !next.is_null() {
                    // SAFETY: what is stored there is the operator of this name, which has this type. It may throw:
                    // nothing has to be undone then.
                    return unsafe {
                        let next = core::mem::transmute::<Pointer, Next>(next);
                        allocating($size, $align, || next($size $(, $new_name)*))
                    };
                }
                let block = $allocate;
                if !$throws || !block.is_null() {
                    return block;
                }
                // SAFETY: the operator has this type. It asks again, and throws.
                unsafe {
                    let standard = core::mem::transmute::<Pointer, Next>(standard(name(concat!(stringify!($new), "\0"))));
                    standard($size $(, $new_name)*)
                }
            }
        )*
        $(
            /// As in C++.
            #[unsafe(no_mangle)]
            unsafe extern "C-unwind" fn $delete(block: Pointer $(, $name: $type)*) {
                let next = slots::$delete.load(Ordering::Acquire);
                // SAFETY: the caller's promise; and what is stored there is the operator of this name, which has this
                // type.
                unsafe {
                    if next.is_null() {
                        $(let _ = $name;)*
                        return release(block);
                    }
                    let next = core::mem::transmute::<Pointer, unsafe extern "C" fn(Pointer $(, $type)*)>(next);
                    freeing(block, || next(block $(, $name)*));
                }
            }
        )*
    };
}

// The types are those of C++: `St11align_val_t` is an integer, and `RKSt9nothrow_t` a reference that nobody reads.
operators! {
    new _Znwm(size: usize), align MALLOC_ALIGN_LOG2, without allocate(size), true;
    new _Znam(size: usize), align MALLOC_ALIGN_LOG2, without allocate(size), true;
    new _ZnwmRKSt9nothrow_t(size: usize, tag: Pointer), align MALLOC_ALIGN_LOG2, without allocate(size), false;
    new _ZnamRKSt9nothrow_t(size: usize, tag: Pointer), align MALLOC_ALIGN_LOG2, without allocate(size), false;
    new _ZnwmSt11align_val_t(size: usize, align: usize), align align_log2(align), without allocate_aligned(align, size), true;
    new _ZnamSt11align_val_t(size: usize, align: usize), align align_log2(align), without allocate_aligned(align, size), true;
    new _ZnwmSt11align_val_tRKSt9nothrow_t(size: usize, align: usize, tag: Pointer), align align_log2(align),
        without allocate_aligned(align, size), false;
    new _ZnamSt11align_val_tRKSt9nothrow_t(size: usize, align: usize, tag: Pointer), align align_log2(align),
        without allocate_aligned(align, size), false;
    delete _ZdlPv();
    delete _ZdaPv();
    delete _ZdlPvm(size: usize);
    delete _ZdaPvm(size: usize);
    delete _ZdlPvRKSt9nothrow_t(tag: Pointer);
    delete _ZdaPvRKSt9nothrow_t(tag: Pointer);
    delete _ZdlPvSt11align_val_t(align: usize);
    delete _ZdaPvSt11align_val_t(align: usize);
    delete _ZdlPvmSt11align_val_t(size: usize, align: usize);
    delete _ZdaPvmSt11align_val_t(size: usize, align: usize);
    delete _ZdlPvSt11align_val_tRKSt9nothrow_t(align: usize, tag: Pointer);
    delete _ZdaPvSt11align_val_tRKSt9nothrow_t(align: usize, tag: Pointer);
}

const fn name(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(name) => name,
        Err(_) => c"",
    }
}

/// The operator of libstdc++, which some library has loaded for itself. The program ends if there is none.
#[cold]
fn standard(name: &CStr) -> Pointer {
    // SAFETY: the names end in zeroes. The library stays: whoever loaded it is about to get this exception.
    unsafe {
        let library = libc::dlopen(c"libstdc++.so.6".as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
        let operator = if library.is_null() { null_mut() } else { libc::dlsym(library, name.as_ptr()) };
        if operator.is_null() {
            libc::abort();
        }
        operator
    }
}
