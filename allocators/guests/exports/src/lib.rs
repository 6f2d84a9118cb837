//! Makes an allocator a module that `replay wasm` and `replay size` take.
//!
//! ```ignore
//! #![no_std]
//!
//! static ALLOCATOR: MyAllocator = MyAllocator::new();
//!
//! heaprace_guest::export!(ALLOCATOR);
//! ```

#![no_std]

use core::alloc::Layout;

/// Exports the calls of an allocator, a static that implements [`GlobalAlloc`](core::alloc::GlobalAlloc), and what a
/// replay needs of the memory; and says what a panic does: the module traps.
///
/// Addresses and sizes are `i32` in WebAssembly, whose linker exports the memory by itself. All modules have the same
/// exports, so that the size of one without an allocator can be subtracted.
#[macro_export]
macro_rules! export {
    ($allocator:path) => {
        const _: () = {
            use core::alloc::GlobalAlloc;

            /// `GlobalAlloc::alloc`.
            ///
            /// # Safety
            ///
            /// As there, and as for a layout.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn alloc(size: usize, align: usize) -> *mut u8 {
                // SAFETY: upheld by the caller.
                unsafe { $allocator.alloc($crate::layout(size, align)) }
            }

            /// `GlobalAlloc::alloc_zeroed`.
            ///
            /// # Safety
            ///
            /// As there, and as for a layout.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn alloc_zeroed(size: usize, align: usize) -> *mut u8 {
                // SAFETY: upheld by the caller.
                unsafe { $allocator.alloc_zeroed($crate::layout(size, align)) }
            }

            /// `GlobalAlloc::dealloc`.
            ///
            /// # Safety
            ///
            /// As there.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn dealloc(block: *mut u8, size: usize, align: usize) {
                // SAFETY: upheld by the caller.
                unsafe { $allocator.dealloc(block, $crate::layout(size, align)) }
            }

            /// `GlobalAlloc::realloc`.
            ///
            /// # Safety
            ///
            /// As there.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn realloc(block: *mut u8, old_size: usize, align: usize, new_size: usize) -> *mut u8 {
                // SAFETY: upheld by the caller.
                unsafe { $allocator.realloc(block, $crate::layout(old_size, align), new_size) }
            }

            /// Writes the bytes `from..to` of a block, as the program that asked for it would.
            ///
            /// # Safety
            ///
            /// The bytes are in a live block.
            #[cfg(target_family = "wasm")]
            #[unsafe(no_mangle)]
            unsafe extern "C" fn touch(block: *mut u8, from: usize, to: usize) {
                // SAFETY: upheld by the caller.
                unsafe { block.add(from).write_bytes(1, to - from) };
            }

            /// Pages of the memory.
            #[cfg(target_family = "wasm")]
            #[unsafe(no_mangle)]
            extern "C" fn pages() -> usize {
                core::arch::wasm32::memory_size::<0>()
            }

            #[panic_handler]
            fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
                $crate::trap()
            }
        };
    };
}

/// The layout of a request.
///
/// # Safety
///
/// `align` is a power of two, and `size` rounded up to it is at most `isize::MAX`.
#[doc(hidden)]
#[inline(always)]
pub const unsafe fn layout(size: usize, align: usize) -> Layout {
    // SAFETY: upheld by the caller.
    unsafe { Layout::from_size_align_unchecked(size, align) }
}

/// Ends the module without a message: texts and their formatting would be most of a small one.
#[doc(hidden)]
#[inline(always)]
pub fn trap() -> ! {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_family = "wasm"))]
    loop {
        core::hint::spin_loop();
    }
}
