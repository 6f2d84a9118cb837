//! What a child writes and its parent reads.

#[cfg(unix)]
use std::io;
#[cfg(unix)]
use std::ops::Deref;
#[cfg(unix)]
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

/// Longest message that a child can leave, in bytes.
const MESSAGE_BYTES: usize = 2048;

/// What the work writes and whoever waits for it reads, in memory that both processes share.
#[repr(C)]
#[derive(Debug)]
pub(in crate::fuzz) struct Board {
    /// Events of the current replay that are over.
    pub(in crate::fuzz) events: AtomicU64,
    /// Which part of the work is current: any number that changes from part to part.
    pub(in crate::fuzz) part: AtomicU64,
    /// Programs and operations that are done.
    pub(in crate::fuzz) programs: AtomicU64,
    pub(in crate::fuzz) ops: AtomicU64,
    /// The event at which verification failed; 0 if it has not.
    pub(in crate::fuzz) failed_at: AtomicU64,
    /// Whether the work has begun.
    pub(super) begun: AtomicU8,
    message_bytes: AtomicUsize,
    message: [AtomicU8; MESSAGE_BYTES],
}

impl Board {
    /// Leaves a message, as far as there is room. The first one stays.
    pub(in crate::fuzz) fn say(&self, message: &str) {
        if self.message_bytes.load(Ordering::Relaxed) > 0 {
            return;
        }
        let bytes = message.as_bytes();
        self.message.iter().zip(bytes).for_each(|(place, &byte)| place.store(byte, Ordering::Relaxed));
        self.message_bytes.store(bytes.len().min(MESSAGE_BYTES), Ordering::Release);
    }

    /// The message; empty if there is none.
    pub(in crate::fuzz) fn message(&self) -> String {
        let bytes = self.message_bytes.load(Ordering::Acquire).min(MESSAGE_BYTES);
        let message: Vec<u8> = self.message[..bytes].iter().map(|byte| byte.load(Ordering::Relaxed)).collect();
        String::from_utf8_lossy(&message).into_owned()
    }

    /// What changes whenever the work goes on.
    #[cfg(unix)]
    pub(super) fn progress(&self) -> [u64; 3] {
        [&self.events, &self.part, &self.programs].map(|number| number.load(Ordering::Relaxed))
    }
}

/// The board of work in this process.
#[cfg(not(unix))]
pub(in crate::fuzz) type BoardBox = Box<Board>;

/// An empty board.
#[cfg(not(unix))]
pub(super) fn board() -> BoardBox {
    Box::new(Board {
        events: AtomicU64::new(0),
        part: AtomicU64::new(0),
        programs: AtomicU64::new(0),
        ops: AtomicU64::new(0),
        failed_at: AtomicU64::new(0),
        begun: AtomicU8::new(0),
        message_bytes: AtomicUsize::new(0),
        message: [const { AtomicU8::new(0) }; MESSAGE_BYTES],
    })
}

/// A board in memory that stays shared with children.
#[cfg(unix)]
#[derive(Debug)]
pub(in crate::fuzz) struct BoardBox(NonNull<Board>);

#[cfg(unix)]
impl BoardBox {
    pub(super) fn new() -> io::Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANON;
        // SAFETY: a new anonymous mapping replaces no existing one.
        let memory = unsafe { libc::mmap(ptr::null_mut(), size_of::<Board>(), protection, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // It holds zeroes, which are a board.
        NonNull::new(memory.cast()).map(BoardBox).ok_or_else(|| io::Error::other("memory at address 0"))
    }
}

#[cfg(unix)]
impl Deref for BoardBox {
    type Target = Board;

    fn deref(&self) -> &Board {
        // SAFETY: the mapping is as large as a board, and lives as long as this; all of it is atomic numbers, for which
        // any bytes that a child writes are valid.
        unsafe { self.0.as_ref() }
    }
}

#[cfg(unix)]
impl Drop for BoardBox {
    fn drop(&mut self) {
        // SAFETY: this is the whole mapping, and nothing refers to it any more.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<Board>()) };
    }
}
