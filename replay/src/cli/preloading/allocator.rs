//! Whether a program has an allocator linked into it, whose calls no library can see.

use std::fs::File;
use std::path::Path;

use super::elf::first_function;

/// Functions by which allocators give out memory, under the names that the usual ones and Rust's crates of them have.
const FUNCTIONS: &[&str] = &[
    "mi_malloc",
    "mi_heap_malloc",
    "_mi_malloc_generic",
    "_rjem_malloc",
    "_rjem_mallocx",
    "je_malloc",
    "je_mallocx",
    "mallocx",
    "tc_malloc",
    "TCMallocInternalMalloc",
    "rpmalloc",
    "sn_malloc",
    "sn_rust_alloc",
    "snmalloc_alloc",
    "scalable_malloc",
    "nedmalloc",
    "dlmalloc",
    "xxmalloc",
    "malloc",
];

/// The function of an allocator that the program's file defines; `None` if there is none, or its symbols are gone.
pub(crate) fn linked_allocator(program: &Path) -> Option<&'static str> {
    first_function(&File::open(program).ok()?, FUNCTIONS)
}
