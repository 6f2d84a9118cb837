//! Whether a program has an allocator linked into it, whose calls no library can see.

use std::fs::File;
use std::os::unix::fs::FileExt;
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

/// What messages of allocators begin with: there even if the symbols are gone. Here in capitals, so that this program
/// does not have these texts itself.
const TEXTS: &[&str] = &["<JEMALLOC>: ", "MIMALLOC: ERROR: "];
/// Python's own function. From 3.13 on, Python has mimalloc in it, and uses it only on request.
const OF_PYTHON: &[&str] = &["PyObject_Malloc"];
/// Bytes that are searched at a time.
const BLOCK_BYTES: usize = 1 << 20;
/// More of a file is not searched: it can be any file.
const MOST_BYTES: u64 = 1 << 30;

/// The function of an allocator that the program's file defines, or a text of one that it has; `None` if there is none.
pub(crate) fn linked_allocator(program: &Path) -> Option<&'static str> {
    let file = File::open(program).ok()?;
    if first_function(&file, OF_PYTHON).is_some() {
        return None;
    }
    first_function(&file, FUNCTIONS).or_else(|| first_text(&file))
}

/// The first text of an allocator in a file.
fn first_text(file: &File) -> Option<&'static str> {
    let longest = TEXTS.iter().map(|text| text.len()).max()?;
    let mut block = vec![0; BLOCK_BYTES];
    let mut offset = 0;
    while offset < MOST_BYTES {
        let read = file.read_at(&mut block, offset).ok()?;
        let bytes = block.get(..read)?;
        let is_there = |text: &&&str| memchr::memmem::find(bytes, text.to_ascii_lowercase().as_bytes()).is_some();
        let found = TEXTS.iter().find(is_there);
        if found.is_some() || read < longest {
            return found.copied();
        }
        // A text may lie across the end of a block.
        offset += (read - longest + 1) as u64;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_wherever_it_lies() {
        let folder = std::env::temp_dir().join(format!("heaprace-texts-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("program");
        let search = |contents: &[u8]| {
            std::fs::write(&path, contents).unwrap();
            first_text(&File::open(&path).unwrap())
        };
        assert_eq!(search(b""), None);
        assert_eq!(search(&vec![b'<'; 3 * BLOCK_BYTES]), None);
        for start in [0, 5, BLOCK_BYTES - 3, 2 * BLOCK_BYTES + 7] {
            let mut contents = vec![0; start];
            contents.extend_from_slice(b"<jemalloc>: bad");
            assert_eq!(search(&contents), Some("<JEMALLOC>: "), "at {start}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
