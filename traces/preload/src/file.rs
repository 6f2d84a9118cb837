//! Creates the file of one recording.
//!
//! It gets disk space for its first records, and a length for all that may follow, and is mapped and closed again: it
//! is not among the program's open files, which a program may count or close, and is not opened again, which a program
//! may have forbidden itself by then. [`Window`](crate::window::Window) maps the rest by what is mapped already.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_int};

use heaprace_recorder::raw::{HEADER_BYTES, Header, MAGIC, Parent, VERSION};

use crate::config::Config;
use crate::system;
use crate::window::{self, CHUNK_BYTES};

/// Disk space that a file gets at once: for 65,536 records, which are some milliseconds of a busy program. `replay`
/// keeps ahead of what follows.
pub(crate) const FIRST_BYTES: usize = 1 << 20;
/// Lengths of the file, of which the first possible one is taken: room for 68 billion records, or less.
const LENGTHS: [usize; 3] = [1 << 40, 1 << 34, 1 << 30];
/// The folder and `/PID-NUMBER.raw`.
const PATH_BYTES: usize = 4096 + 64;

/// A path, ending in a zero. It is not on the stack, because the thread may have a small one.
struct Path(UnsafeCell<[u8; PATH_BYTES]>);

// SAFETY: one thread of a process begins a recording.
unsafe impl Sync for Path {}

static PATH: Path = Path(UnsafeCell::new([0; PATH_BYTES]));

/// A recording that can begin.
pub(crate) struct Created {
    pub(crate) header: *mut Header,
    /// Which of the process's recordings: `exec` begins a new one.
    pub(crate) number: u64,
    /// The first chunk, where records are wanted, and how many chunks have disk space.
    pub(crate) first_chunk: Option<(*mut u8, usize)>,
}

/// Creates the file and maps its beginning. `None` if that is not possible. Only one thread at a time may call it.
pub(crate) fn create(config: &Config, process: u32, only_counted: bool, parent: Parent) -> Option<Created> {
    for number in 0..u32::MAX {
        // SAFETY: no other thread is here, and no reference is left of the last round.
        let path = path(unsafe { &mut *PATH.0.get() }, config, process, number)?;
        let file = match system::open(path, libc::O_RDWR | libc::O_CREAT | libc::O_EXCL) {
            Ok(file) => file,
            Err(libc::EEXIST) => continue,
            Err(_) => return None,
        };
        let created = map(file, only_counted).map(|(header, first_chunk)| {
            write_header(header, u64::from(only_counted), u64::from(config.extents && !only_counted), parent);
            Created { header, number: u64::from(number), first_chunk }
        });
        system::close(file);
        if created.is_none() {
            // A file without a header would look like that of another version.
            system::remove(path);
        }
        return created;
    }
    None
}

/// Writes the path of this process's recording.
fn path<'a>(bytes: &'a mut [u8; PATH_BYTES], config: &Config, process: u32, number: u32) -> Option<&'a CStr> {
    let (mut first, mut second) = ([0; 10], [0; 10]);
    let name = decimal(process, &mut first).iter().chain(b"-").chain(decimal(number, &mut second)).chain(b".raw\0");
    let text = config.folder().chain(*b"/").chain(name.copied());
    bytes.iter_mut().zip(text).for_each(|(place, byte)| *place = byte);
    CStr::from_bytes_until_nul(bytes).ok()
}

/// The decimal digits of a number.
fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        used += 1;
        if number == 0 {
            break;
        }
    }
    digits.get(digits.len() - used..).unwrap_or_default()
}

/// Gives the file its length and its first disk space, and maps its header and its first chunk.
fn map(file: c_int, only_counted: bool) -> Option<(*mut Header, Option<(*mut u8, usize)>)> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is ours.
    unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) };
    // To grow a file past the limit is a deadly signal.
    let most_bytes = usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX);
    let needed_bytes = if only_counted { system::LARGEST_PAGE_BYTES } else { CHUNK_BYTES };
    if most_bytes < needed_bytes {
        return None;
    }
    let first_bytes = if only_counted { needed_bytes } else { FIRST_BYTES.min(most_bytes) };
    let lengths = LENGTHS.into_iter().filter(|&length| length <= most_bytes && !only_counted);
    let limit_bytes = if only_counted { needed_bytes } else { most_bytes / CHUNK_BYTES * CHUNK_BYTES };
    lengths
        .chain([limit_bytes.min(LENGTHS[0]), first_bytes, needed_bytes])
        .find(|&length| system::truncate(file, length).is_ok())?;
    let allocated = [first_bytes, needed_bytes].into_iter().find(|&bytes| system::allocate(file, bytes).is_ok());
    let header = window::map_file(file, system::LARGEST_PAGE_BYTES)?;
    let first_chunk = if only_counted { None } else { Some(window::map_file(file, CHUNK_BYTES)?) };
    let has_space = match (allocated, first_chunk) {
        (Some(_), _) => true,
        (None, Some(chunk)) => window::populate(chunk, CHUNK_BYTES).is_ok(),
        (None, None) => window::populate(header, needed_bytes).is_ok(),
    };
    let chunks = allocated.map_or(1, |bytes| bytes / CHUNK_BYTES);
    has_space.then_some((header.cast(), first_chunk.map(|chunk| (chunk, chunks))))
}

/// The path by which the first program of this process and of its forks was called. A program may overwrite the place
/// where it stood.
static PROGRAM: Program = Program(UnsafeCell::new([0; 1024]));

struct Program(UnsafeCell<[u8; 1024]>);

// SAFETY: one thread of a process begins a recording.
unsafe impl Sync for Program {}

fn write_header(header: *mut Header, only_counted: u64, extents: u64, parent: Parent) {
    // SAFETY: the file is new, so the header is zeroes, which its type allows. No other thread knows of it yet, and
    // none is here.
    unsafe {
        let program = &mut *PROGRAM.0.get();
        if program[0] == 0 {
            copy_text(libc::getauxval(libc::AT_EXECFN) as *const _, program);
        }
        let header = &mut *header;
        (header.magic, header.version) = (MAGIC, VERSION);
        (header.only_counted, header.extents, header.parent) = (only_counted, extents, parent);
        header.program = *program;
        let executable = &mut header.executable;
        libc::readlink(c"/proc/self/exe".as_ptr(), executable.as_mut_ptr().cast(), executable.len() - 1);
    }
}

/// Copies a text and pads it with zeroes; null is empty. At least one zero is left at its end.
///
/// # Safety
///
/// The text is null or ends in a zero.
pub(crate) unsafe fn copy_text(text: *const core::ffi::c_char, into: &mut [u8]) {
    // SAFETY: the caller's promise.
    let text = if text.is_null() { c"" } else { unsafe { CStr::from_ptr(text) } };
    let Some((last, places)) = into.split_last_mut() else { return };
    let bytes = text.to_bytes().iter().copied().chain(core::iter::repeat(0));
    places.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    *last = 0;
}

const _: () = assert!(HEADER_BYTES <= system::LARGEST_PAGE_BYTES);
