//! The configuration from `replay record`: the environment variable `HEAPRACE_PRELOAD`, as `PARENT:FOLDER` or
//! `PARENTe:FOLDER`.
//!
//! `FOLDER` takes the raw recordings. `PARENT` is the process id of `replay`, whose child alone is recorded, or 0 to
//! record that child's own children too; of processes that are not recorded, calls are counted. With an `e`, the recording has written extents.
//!
//! It is read from `/proc/self/environ`, because the first allocation of a process is older than its `environ`, and
//! because the program may change that. The buffer outlives a fork.

use core::ffi::CStr;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use crate::system;

const NAME: &[u8] = b"HEAPRACE_PRELOAD=";
/// Maximum length of the value. A longer one counts as none.
const MOST_BYTES: usize = 4096;

static TEXT: [AtomicU8; MOST_BYTES] = [const { AtomicU8::new(0) }; MOST_BYTES];
/// Bytes of `TEXT` that are used, plus 1; 0 before the variable was looked for.
static USED: AtomicUsize = AtomicUsize::new(0);

/// The configuration.
pub(crate) struct Config {
    /// The process whose child is recorded; 0 if every process is.
    pub(crate) parent: i32,
    /// Whether written extents are recorded.
    pub(crate) extents: bool,
    folder_start: usize,
    folder_end: usize,
}

impl Config {
    /// The configuration of this process; `None` if there is none. Only one thread at a time may call it.
    pub(crate) fn get() -> Option<Config> {
        if USED.load(Ordering::Acquire) == 0 {
            USED.store(read_variable() + 1, Ordering::Release);
        }
        let used = USED.load(Ordering::Acquire) - 1;
        let (mut parent, mut extents) = (0_i32, false);
        for (index, byte) in TEXT.iter().enumerate().take(used) {
            match byte.load(Ordering::Relaxed) {
                b':' => return Some(Config { parent, extents, folder_start: index + 1, folder_end: used }),
                b'e' => extents = true,
                digit @ b'0'..=b'9' => parent = parent.wrapping_mul(10).wrapping_add(i32::from(digit - b'0')),
                _ => return None,
            }
        }
        None
    }

    /// The bytes of the folder.
    pub(crate) fn folder(&self) -> impl Iterator<Item = u8> {
        TEXT.iter().take(self.folder_end).skip(self.folder_start).map(|byte| byte.load(Ordering::Relaxed))
    }
}

/// Copies the variable's value to `TEXT` and returns its length; 0 if it is not set.
fn read_variable() -> usize {
    const PATH: &CStr = c"/proc/self/environ";
    let Ok(file) = system::open(PATH, libc::O_RDONLY) else { return 0 };
    // Small, because the thread may have a small stack.
    let mut block = [0_u8; 256];
    // How many bytes of the name this variable matches so far; `None` if it is another one.
    let mut matched = Some(0);
    let mut used = 0;
    'all: loop {
        let read = system::read(file, &mut block);
        if read == 0 {
            break;
        }
        for &byte in block.iter().take(read) {
            match matched {
                Some(length) if length == NAME.len() => {
                    if byte == 0 {
                        break 'all;
                    }
                    let Some(place) = TEXT.get(used) else {
                        used = 0;
                        break 'all;
                    };
                    place.store(byte, Ordering::Relaxed);
                    used += 1;
                }
                _ if byte == 0 => matched = Some(0),
                Some(length) if NAME.get(length) == Some(&byte) => matched = Some(length + 1),
                _ => matched = None,
            }
        }
    }
    system::close(file);
    used
}
