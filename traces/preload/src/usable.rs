//! glibc's `malloc_usable_size`, which this library hides by its own.

use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::thread;

/// The function's type.
pub(crate) type UsableSize = unsafe extern "C" fn(*mut c_void) -> usize;

static GLIBCS: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// The function if it was found already. Needs no system call.
#[inline(always)]
pub(crate) fn found() -> Option<UsableSize> {
    let glibcs = GLIBCS.load(Ordering::Relaxed);
    // SAFETY: what is stored there is the function of that name, which has this type.
    (!glibcs.is_null()).then(|| unsafe { core::mem::transmute::<*mut c_void, UsableSize>(glibcs) })
}

/// The function. Looking for it the first time allocates, and takes the locks of the dynamic linker.
pub(crate) fn find() -> Option<UsableSize> {
    if found().is_none() {
        let glibcs = thread::muted(|| {
            // SAFETY: the names end in zeroes. The library is there already, and stays: this one needs it.
            unsafe {
                let library = libc::dlopen(c"libc.so.6".as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
                libc::dlsym(library, c"malloc_usable_size".as_ptr())
            }
        });
        GLIBCS.store(glibcs, Ordering::Relaxed);
    }
    found()
}
