//! C++'s operators `new` and `delete`, all forms, served by the contender: a program may link an allocator that has
//! operators of its own, whose blocks `free` would not know.

use core::ffi::c_void;

use heaprace_c_functions::{c_name, standard_operator, with_operators};

use crate::hooks::{free, malloc, memalign};

macro_rules! allocate {
    (none, $size:ident) => {
        malloc($size)
    };
    ($align:ident, $size:ident) => {
        memalign($align, $size)
    };
}

macro_rules! define {
    (
        $(new $new:ident($size:ident: usize $(, $new_name:ident: $new_type:ty)*), align $align:ident, throws $throws:literal;)*
        $(delete $delete:ident($($name:ident: $type:ty),*);)*
    ) => {
        $(
            /// As in C++.
            #[unsafe(no_mangle)]
            unsafe extern "C-unwind" fn $new($size: usize $(, $new_name: $new_type)*) -> *mut c_void {
                // SAFETY: needs no promise.
                let block = unsafe { allocate!($align, $size) };
                if !$throws || !block.is_null() {
                    $(let _ = $new_name;)*
                    return block;
                }
                // SAFETY: the operator has this type. It asks `malloc` again, and throws.
                unsafe {
                    let standard = standard_operator(c_name(concat!(stringify!($new), "\0")));
                    type New = unsafe extern "C-unwind" fn(usize $(, $new_type)*) -> *mut c_void;
                    core::mem::transmute::<*mut c_void, New>(standard)($size $(, $new_name)*)
                }
            }
        )*
        $(
            /// As in C++.
            #[unsafe(no_mangle)]
            unsafe extern "C-unwind" fn $delete(block: *mut c_void $(, $name: $type)*) {
                $(let _ = $name;)*
                // SAFETY: the caller's promise.
                unsafe { free(block) };
            }
        )*
    };
}

with_operators!(define);
