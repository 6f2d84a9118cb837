//! The functions that would be called if this library were not there: the next definitions of the same names.
//!
//! Each function of this library calls the next one of its own name, so every block comes from where it would come from
//! anyway, and goes back there: from and to the C library, or an allocator that the program links or preloads.
//!
//! The dynamic linker finds them at the first call. It may allocate itself meanwhile, which the [arena](crate::arena)
//! serves.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::arena;
use crate::system;
use crate::thread;

type Pointer = *mut c_void;

/// Defines a static for each function, one that returns it, and one that finds all of them.
macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident = $symbol:literal: $type:ty, $before:expr;)*) => {
        mod slots {
            use super::*;
            $(#[allow(non_upper_case_globals, reason = "it has the name of the function")] pub(super) static $name: AtomicPtr<c_void> = AtomicPtr::new(null_mut());)*
        }
        $(
            $(#[$doc])*
            #[inline(always)]
            pub(crate) fn $name() -> $type {
                let mut found = slots::$name.load(Ordering::Acquire);
                if found.is_null() {
                    if !is_found() {
                        return $before;
                    }
                    found = slots::$name.load(Ordering::Acquire);
                }
                // SAFETY: what is stored there is the function of that name, which has this type, or null, which the
                // types of functions that may be absent allow.
                unsafe { core::mem::transmute::<Pointer, $type>(found) }
            }
        )*

        fn find_all() {
            $(slots::$name.store(find($symbol), Ordering::Release);)*
        }
    };
}

pub(crate) type Alloc = unsafe extern "C" fn(usize) -> Pointer;
pub(crate) type Calloc = unsafe extern "C" fn(usize, usize) -> Pointer;
pub(crate) type Realloc = unsafe extern "C" fn(Pointer, usize) -> Pointer;
pub(crate) type Free = unsafe extern "C" fn(Pointer);
pub(crate) type PosixMemalign = unsafe extern "C" fn(*mut Pointer, usize, usize) -> c_int;
pub(crate) type UsableSize = unsafe extern "C" fn(Pointer) -> usize;
type Strings = *const *const c_char;
pub(crate) type Exec = unsafe extern "C" fn(*const c_char, Strings) -> c_int;
pub(crate) type ExecEnvironment = unsafe extern "C" fn(*const c_char, Strings, Strings) -> c_int;
pub(crate) type FExec = unsafe extern "C" fn(c_int, Strings, Strings) -> c_int;

functions! {
    malloc = c"malloc": Alloc, arena::malloc;
    calloc = c"calloc": Calloc, arena::calloc;
    realloc = c"realloc": Realloc, arena::realloc;
    free = c"free": Free, arena::free;
    memalign = c"memalign": Calloc, arena::memalign;
    aligned_alloc = c"aligned_alloc": Calloc, arena::memalign;
    posix_memalign = c"posix_memalign": PosixMemalign, arena::posix_memalign;
    valloc = c"valloc": Alloc, arena::page;
    pvalloc = c"pvalloc": Alloc, arena::page;
    usable_size = c"malloc_usable_size": UsableSize, arena::usable_size;
    /// C libraries before C23 have none.
    free_sized = c"free_sized": Option<unsafe extern "C" fn(Pointer, usize)>, None;
    /// C libraries before C23 have none.
    free_aligned_sized = c"free_aligned_sized": Option<unsafe extern "C" fn(Pointer, usize, usize)>, None;
    execv = c"execv": Exec, too_early;
    execvp = c"execvp": Exec, too_early;
    execve = c"execve": ExecEnvironment, too_early_with_environment;
    execvpe = c"execvpe": ExecEnvironment, too_early_with_environment;
    fexecve = c"fexecve": FExec, too_early_by_descriptor;
}

/// Stands for a function that is not found yet.
unsafe extern "C" fn too_early(_: *const c_char, _: Strings) -> c_int {
    fail_as_exec()
}

/// Stands for a function that is not found yet.
unsafe extern "C" fn too_early_with_environment(_: *const c_char, _: Strings, _: Strings) -> c_int {
    fail_as_exec()
}

/// Stands for a function that is not found yet.
unsafe extern "C" fn too_early_by_descriptor(_: c_int, _: Strings, _: Strings) -> c_int {
    fail_as_exec()
}

fn fail_as_exec() -> c_int {
    heaprace_c_functions::set_errno(libc::EAGAIN);
    -1
}

const UNKNOWN: u32 = 0;
const FINDING: u32 = 1;
const FOUND: u32 = 2;
static PHASE: AtomicU32 = AtomicU32::new(UNKNOWN);

/// The next definition of a name; null if there is none. It may allocate.
pub(crate) fn find(name: &CStr) -> Pointer {
    // SAFETY: the name ends in a zero.
    thread::muted(|| unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) })
}

/// Whether the functions are found, after finding them if nobody has. `false` only on the thread that finds them.
#[cold]
#[inline(never)]
pub(crate) fn is_found() -> bool {
    loop {
        match PHASE.compare_exchange(UNKNOWN, FINDING, Ordering::Acquire, Ordering::Acquire) {
            Ok(_) => break,
            Err(FOUND) => return true,
            Err(_) if thread::is_muted() => return false,
            Err(_) => system::yield_now(),
        }
    }
    thread::muted(|| {
        find_all();
        look_who_serves();
        forget_errors();
    });
    PHASE.store(FOUND, Ordering::Release);
    true
}

/// Forgets what the dynamic linker did not find: that is no error of the program's.
pub(crate) fn forget_errors() {
    // The first call takes the message, the second one frees it, which is not to be recorded later.
    for _ in 0..2 {
        // SAFETY: takes nothing.
        unsafe { libc::dlerror() };
    }
}

/// 1 if the C library itself serves.
static IS_C_LIBRARY: AtomicU32 = AtomicU32::new(0);

/// Whether the C library itself serves.
pub(crate) fn is_c_library() -> bool {
    IS_C_LIBRARY.load(Ordering::Relaxed) != 0
}

/// Looks whether the C library itself serves. Other allocators may have its private names, too, but not this one.
fn look_who_serves() {
    // SAFETY: the name ends in a zero.
    let version = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"gnu_get_libc_version".as_ptr()) };
    let serving = object_of(slots::malloc.load(Ordering::Relaxed));
    IS_C_LIBRARY.store(u32::from(serving.dli_fbase == object_of(version).dli_fbase), Ordering::Relaxed);
}

/// The object that an address lies in.
pub(crate) fn object_of(address: *const c_void) -> libc::Dl_info {
    // SAFETY: null pointers are what all fields of this type allow; the call fills it or does not.
    unsafe {
        let mut object: libc::Dl_info = core::mem::zeroed();
        libc::dladdr(address, &raw mut object);
        object
    }
}
