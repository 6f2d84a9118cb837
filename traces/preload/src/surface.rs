//! Which allocator serves the program, and whether the program can get memory from it in a way that is not recorded.

use core::ffi::{CStr, c_char, c_int, c_void};

use crate::file::copy_text;
use crate::next::{self, object_of};
use crate::thread;

/// Names by which allocators give out memory besides the functions of C and C++: a function that only that allocator
/// has, and what its functions begin with.
const FAMILIES: [(&CStr, &[u8]); 6] = [
    (c"mallocx", b"mallocx"),
    (c"je_malloc", b"je_"),
    (c"mi_malloc", b"mi_"),
    (c"tc_malloc", b"tc_"),
    (c"scalable_malloc", b"scalable_"),
    (c"rpmalloc", b"rp"),
];
/// jemalloc's functions that have no prefix.
const WITHOUT_PREFIX: [&[u8]; 5] = [b"mallocx", b"rallocx", b"xallocx", b"sdallocx", b"dallocx"];

/// Notes the file of the allocator that serves, if it is not the C library, and a function that is not recorded.
pub(crate) fn note(allocator: &mut [u8; 256], bypass: &mut [u8; 256]) {
    thread::muted(|| {
        let serving = object_of(next::malloc() as *const c_void);
        if !next::is_c_library() {
            // SAFETY: the dynamic linker's texts end in zeroes.
            unsafe { copy_text(serving.dli_fname, allocator) };
        }
        if let Some(file) = is_preempted() {
            // SAFETY: the dynamic linker's texts end in zeroes.
            unsafe { write(bypass, b"malloc", file) };
            return;
        }
        for (function, prefix) in FAMILIES {
            // SAFETY: the name ends in a zero.
            let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, function.as_ptr()) };
            if !found.is_null() {
                let mut search = Search { prefix, serving: serving.dli_fbase, found: object_of(found), bypass };
                // SAFETY: the function has this type, and gets a search that lives through the call.
                unsafe { libc::dl_iterate_phdr(Some(look_at), (&raw mut search).cast()) };
            }
        }
        next::forget_errors();
    });
}

/// The file of the program, if its own `malloc` comes before the one here.
fn is_preempted() -> Option<*const c_char> {
    // SAFETY: the name ends in a zero.
    let first = object_of(unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"malloc".as_ptr()) });
    if first.dli_fbase == object_of(is_preempted as *const c_void).dli_fbase {
        return None;
    }
    // Or it is an entry of the program's linkage table, whose address stands for the function's. The C library finds
    // out: it allocates with the first definition.
    thread::this().allocated.set(0);
    // The compiler takes the copy for a new block that nobody else can know.
    // SAFETY: the text ends in a zero.
    let copy: *mut c_void = core::hint::black_box(unsafe { libc::strdup(c"".as_ptr()) }.cast());
    if copy.is_null() || thread::this().allocated.get() == copy.addr() {
        // SAFETY: the block is from there.
        unsafe { next::free()(copy) };
        return None;
    }
    // The program's own function has the block, and may keep it.
    Some(first.dli_fname)
}

/// Writes `FUNCTION of FILE`, with the file's name alone.
///
/// # Safety
///
/// The file is null or ends in a zero.
unsafe fn write(bypass: &mut [u8; 256], function: &[u8], file: *const c_char) {
    // SAFETY: the caller's promise.
    let file = if file.is_null() { c"" } else { unsafe { CStr::from_ptr(file) } };
    let name = file.to_bytes().rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let text = function.iter().chain(b" of ").chain(name).copied();
    bypass.iter_mut().take(255).zip(text).for_each(|(place, byte)| *place = byte);
}

/// What [`look_at`] looks for.
struct Search<'a> {
    prefix: &'a [u8],
    /// The object that serves: its own calls are not the program's.
    serving: *mut c_void,
    /// The object that has the functions.
    found: libc::Dl_info,
    bypass: &'a mut [u8; 256],
}

impl Search<'_> {
    /// Whether a function is one of these, and gives out or takes back memory.
    fn wants(&self, name: &[u8]) -> bool {
        const PARTS: [&[u8]; 5] = [b"alloc", b"free", b"new", b"dup", b"memalign"];
        let has = |part: &&[u8]| name.windows(part.len()).any(|window| window == *part);
        match self.prefix {
            b"mallocx" => WITHOUT_PREFIX.contains(&name),
            prefix => name.starts_with(prefix) && PARTS.iter().any(has),
        }
    }
}

/// Looks at what one object needs of others.
unsafe extern "C" fn look_at(object: *mut libc::dl_phdr_info, _: usize, search: *mut c_void) -> c_int {
    // SAFETY: the dynamic linker's object, and the search that `note` has given.
    let (object, search) = unsafe { (&*object, &mut *search.cast::<Search<'_>>()) };
    let base = object.dlpi_addr as usize;
    // SAFETY: the object has as many program headers, and its dynamic section and tables are loaded, with these types.
    unsafe {
        let headers = core::slice::from_raw_parts(object.dlpi_phdr, usize::from(object.dlpi_phnum));
        let Some(dynamic) = headers.iter().find(|header| header.p_type == libc::PT_DYNAMIC) else { return 0 };
        let dynamic: *const Dynamic = core::ptr::with_exposed_provenance(base + dynamic.p_vaddr as usize);
        if object_of(dynamic.cast()).dli_fbase == search.serving {
            return 0;
        }
        let Some(table) = Table::of(dynamic, base) else { return 0 };
        for symbol in (1..table.count).map(|index| &*table.symbols.add(index)) {
            let name = CStr::from_ptr(table.names.add(symbol.name as usize));
            if symbol.section == 0 && search.wants(name.to_bytes()) {
                write(search.bypass, name.to_bytes(), search.found.dli_fname);
                return 1;
            }
        }
    }
    0
}

/// An entry of a dynamic section.
#[repr(C)]
struct Dynamic {
    tag: i64,
    value: u64,
}

/// A symbol.
#[repr(C)]
struct Symbol {
    name: u32,
    info: u8,
    other: u8,
    section: u16,
    value: u64,
    size: u64,
}

/// The symbols that an object needs or has.
struct Table {
    symbols: *const Symbol,
    names: *const c_char,
    count: usize,
}

impl Table {
    /// The table of an object. Only the symbols before the first one that it defines are counted: those that it needs.
    ///
    /// # Safety
    ///
    /// The section is that of a loaded object with this base.
    unsafe fn of(mut dynamic: *const Dynamic, base: usize) -> Option<Table> {
        const NEEDED: [i64; 3] = [DT_SYMTAB, DT_STRTAB, DT_GNU_HASH];
        const DT_STRTAB: i64 = 5;
        const DT_SYMTAB: i64 = 6;
        const DT_GNU_HASH: i64 = 0x6fff_fef5;
        let mut values = [0_usize; 3];
        // SAFETY: the section ends with an entry of tag 0.
        unsafe {
            while (*dynamic).tag != 0 {
                for (value, tag) in values.iter_mut().zip(NEEDED) {
                    if (*dynamic).tag == tag {
                        // The dynamic linker has made most of them addresses already.
                        let found = (*dynamic).value as usize;
                        *value = if found < base { found.wrapping_add(base) } else { found };
                    }
                }
                dynamic = dynamic.add(1);
            }
        }
        if values.contains(&0) {
            return None;
        }
        let [symbols, names, hash] = values;
        // The second word of a GNU hash table is the first symbol in it; all before are those that the object needs.
        let hash: *const u32 = core::ptr::with_exposed_provenance(hash);
        // SAFETY: the table has four words at least.
        let count = unsafe { hash.add(1).read() } as usize;
        let symbols = core::ptr::with_exposed_provenance(symbols);
        Some(Table { symbols, names: core::ptr::with_exposed_provenance(names), count })
    }
}
