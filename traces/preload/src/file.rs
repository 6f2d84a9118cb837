//! The file of one recording, mapped into a reserved range of addresses a chunk at a time.
//!
//! A chunk gets its place on the disk before it is mapped: a write to a mapping of a full disk would kill the program.
//! The file is opened for each chunk and closed again, so that it is not among the program's open files, which a
//! program may count or close.

use core::ffi::c_char;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use heaprace_c_functions::errno;
use heaprace_recorder::raw::{Header, MAGIC, VERSION};

use crate::config::Config;

/// Bytes by which the file grows: room for 65,536 records, which are some milliseconds of a busy program.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;
/// Bytes of addresses to reserve: room for 68 billion records. If that fails, less is reserved.
const MOST_RESERVED_BYTES: usize = 1 << 40;
/// The folder and `/PID-NUMBER.raw`.
const PATH_BYTES: usize = 4096 + 64;

// These survive a fork: the child unmaps the parent's range.
static RESERVED: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());
static RESERVED_BYTES: AtomicUsize = AtomicUsize::new(0);

/// A path, ending in a zero.
pub(crate) struct FilePath {
    bytes: [c_char; PATH_BYTES],
}

impl FilePath {
    /// The path of this process's recording; `number` counts the programs that it has been, because `exec` begins a new
    /// recording.
    pub(crate) fn new(config: &Config, process: u32, number: u32) -> Self {
        let mut path = FilePath { bytes: [0; PATH_BYTES] };
        let (mut first, mut second) = ([0; 10], [0; 10]);
        let name = decimal(process, &mut first).iter().chain(b"-").chain(decimal(number, &mut second)).chain(b".raw");
        let text = config.folder().chain(*b"/").chain(name.copied());
        // The last byte stays 0.
        for (place, byte) in path.bytes.iter_mut().take(PATH_BYTES - 1).zip(text) {
            *place = byte as c_char;
        }
        path
    }

    fn open(&self, flags: i32) -> i32 {
        // SAFETY: the path ends in a zero.
        unsafe { libc::open(self.bytes.as_ptr(), flags | libc::O_RDWR | libc::O_CLOEXEC | libc::O_NOFOLLOW, 0o600) }
    }

    fn remove(&self) {
        // SAFETY: the path ends in a zero.
        unsafe { libc::unlink(self.bytes.as_ptr()) };
    }
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

/// Reserves addresses, after unmapping those of the process that forked this one. `None` if there are none.
pub(crate) fn reserve() -> Option<(*mut u8, usize)> {
    let old = RESERVED.swap(core::ptr::null_mut(), Ordering::Relaxed);
    if !old.is_null() {
        // SAFETY: the range is the one that was reserved; after a fork nobody uses it.
        unsafe { libc::munmap(old.cast(), RESERVED_BYTES.load(Ordering::Relaxed)) };
    }
    let mut bytes = MOST_RESERVED_BYTES;
    while bytes >= CHUNK_BYTES {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new range, which no other code knows.
        let start = unsafe { libc::mmap(core::ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
        if start != libc::MAP_FAILED {
            RESERVED.store(start.cast(), Ordering::Relaxed);
            RESERVED_BYTES.store(bytes, Ordering::Relaxed);
            return Some((start.cast(), bytes));
        }
        bytes /= 2;
    }
    None
}

/// Creates the file with its first chunk at `start` and returns its path. `None` if that is not possible.
pub(crate) fn create(config: &Config, start: *mut u8) -> Option<FilePath> {
    // SAFETY: asks for a number.
    let process = unsafe { libc::getpid() } as u32;
    for number in 0..u32::MAX {
        let path = FilePath::new(config, process, number);
        let file = path.open(libc::O_CREAT | libc::O_EXCL);
        if file < 0 && errno() == libc::EEXIST {
            continue;
        }
        return match map(file, start, 0) {
            Ok(()) => {
                write_header(start.cast(), config.extents);
                Some(path)
            }
            Err(_) => {
                // A file without a header would look like that of another version.
                path.remove();
                None
            }
        };
    }
    None
}

/// Maps the chunk of this number to its place in the range that begins at `start`, or returns the `errno`.
pub(crate) fn map_chunk(path: &FilePath, start: *mut u8, chunk: usize) -> Result<(), i32> {
    map(path.open(0), start, chunk)
}

/// Maps the chunk and closes the file, even after an error.
fn map(file: i32, start: *mut u8, chunk: usize) -> Result<(), i32> {
    if file < 0 {
        return Err(errno());
    }
    let offset = chunk * CHUNK_BYTES;
    let result = grow(file, offset).and_then(|()| {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_FIXED);
        // SAFETY: the place is within the reserved range, where nothing else is: each chunk is mapped once.
        let mapped =
            unsafe { libc::mmap(start.add(offset).cast(), CHUNK_BYTES, access, flags, file, offset as libc::off_t) };
        if mapped == libc::MAP_FAILED { Err(errno()) } else { Ok(()) }
    });
    // SAFETY: the file was opened for this call.
    unsafe { libc::close(file) };
    result
}

/// Grows the file by the chunk at `offset`, with reserved disk space if the file system supports it.
fn grow(file: i32, offset: usize) -> Result<(), i32> {
    let end = (offset + CHUNK_BYTES) as u64;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is ours. To grow a file past it would be a deadly signal.
    if unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) } == 0 && limit.rlim_cur < end {
        return Err(libc::EFBIG);
    }
    // SAFETY: numbers only.
    if unsafe { libc::fallocate(file, 0, offset as libc::off_t, CHUNK_BYTES as libc::off_t) } == 0 {
        return Ok(());
    }
    match errno() {
        // SAFETY: numbers only.
        libc::EOPNOTSUPP | libc::ENOSYS if unsafe { libc::ftruncate(file, end as libc::off_t) } == 0 => Ok(()),
        error => Err(error),
    }
}

fn write_header(header: *mut Header, extents: bool) {
    let mut program = [0; 1024];
    // SAFETY: the path ends in a zero, and the buffer is as long as is said.
    unsafe { libc::readlink(c"/proc/self/exe".as_ptr(), program.as_mut_ptr().cast(), program.len() - 1) };
    // SAFETY: the first chunk is mapped here and longer than a header, and no other thread knows of it yet.
    unsafe {
        let (extents, run_ns) = (u64::from(extents), [0; 3]);
        header.write(Header { magic: MAGIC, version: VERSION, lost: 0, errno: 0, extents, run_ns, program });
    }
}
