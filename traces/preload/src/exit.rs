//! What is left to do when the program exits: without extents, to note how long it ran; with them, to note those of the
//! blocks that are still live.
//!
//! The recording itself says which blocks are live: this walks it from its first record, and keeps the addresses of
//! live blocks in a table of its own, in mapped memory of limited size. If the table becomes too large, nothing is
//! noted.

use core::ptr::null_mut;

use heaprace_recorder::fill::Fill;
use heaprace_recorder::peek;
use heaprace_recorder::raw::{Record, kind};

use crate::log::{self, log};
use heaprace_c_functions::{errno, set_errno};

/// Places of the first table: 1 MiB.
const FIRST_PLACES: usize = 1 << 16;
/// Places of the largest table: 512 MiB, for more than 16 million live blocks.
const MOST_PLACES: usize = 1 << 25;
/// How much of a block is looked at in one piece.
const PEEK_BYTES: usize = 16 * 1024;

/// The dynamic linker calls this when the program exits, after the program's own exit handlers.
extern "C" fn at_exit() {
    let before = errno();
    if log::begun_with_extents() {
        note();
    }
    log::note_exit();
    set_errno(before);
}

#[used]
#[unsafe(link_section = ".fini_array")]
static AT_EXIT: extern "C" fn() = at_exit;

fn note() -> Option<()> {
    let mut live = Table::new(FIRST_PLACES)?;
    for record in log::records() {
        match record.kind {
            // Of blocks that were never filled nothing can be known.
            kind::ALLOC | kind::ALLOC_ZEROED if record.fill != Fill::Unknown => live.insert(record)?,
            kind::REALLOC_END => live.insert(record)?,
            // A block whose reallocation failed is left out.
            kind::DEALLOC | kind::REALLOC_BEGIN => live.remove(record.address),
            _ => {}
        }
    }
    let mut buffer = [0; PEEK_BYTES];
    for &[address, size] in live.places().iter().filter(|place| place[0] != 0) {
        let tail = peek::tail(address as usize, size as usize, &mut buffer);
        if tail.fill != Fill::Unknown {
            log(kind::LEFT_LIVE, address as usize, tail.from as usize, 0, tail.fill);
        }
    }
    Some(())
}

/// Addresses of live blocks with their sizes: open addressing with linear probing. An address of 0 is a free place.
struct Table {
    start: *mut [u64; 2],
    /// A power of two.
    places: usize,
    used: usize,
}

impl Table {
    fn new(places: usize) -> Option<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let bytes = places.checked_mul(size_of::<[u64; 2]>())?;
        // SAFETY: a new range, which no other code knows.
        let start = unsafe { libc::mmap(null_mut(), bytes, access, flags, -1, 0) };
        (start != libc::MAP_FAILED).then_some(Table { start: start.cast(), places, used: 0 })
    }

    fn places(&self) -> &[[u64; 2]] {
        // SAFETY: the range has this many places, which are zeroes at first, and only this table knows it.
        unsafe { core::slice::from_raw_parts(self.start, self.places) }
    }

    fn place(&mut self, index: usize) -> &mut [u64; 2] {
        // SAFETY: the index is below the number of places, which is a power of two. The table is borrowed alone.
        unsafe { &mut *self.start.add(index & (self.places - 1)) }
    }

    /// Where the search for an address begins.
    fn home(&self, address: u64) -> usize {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        (address.wrapping_mul(GOLDEN) >> 32) as usize & (self.places - 1)
    }

    /// The place of an address, or the free one where it belongs.
    fn find(&mut self, address: u64) -> usize {
        let mut index = self.home(address);
        while !matches!(self.place(index), [found, _] if *found == 0 || *found == address) {
            index = (index + 1) & (self.places - 1);
        }
        index
    }

    /// Adds the block of a record, in place of one at the same address; `None` if there is no memory for it.
    fn insert(&mut self, record: Record) -> Option<()> {
        if 4 * self.used >= 3 * self.places {
            self.grow()?;
        }
        let index = self.find(record.address);
        self.used += usize::from(self.place(index)[0] == 0);
        *self.place(index) = [record.address, record.size];
        Some(())
    }

    /// Removes an address, and closes the gap that it leaves.
    fn remove(&mut self, address: u64) {
        let mask = self.places - 1;
        let mut gap = self.find(address);
        if self.place(gap)[0] == 0 {
            return;
        }
        self.used -= 1;
        let mut index = gap;
        loop {
            index = (index + 1) & mask;
            let moved = *self.place(index);
            if moved[0] == 0 {
                break;
            }
            // It may fill the gap unless its search begins after the gap.
            if index.wrapping_sub(self.home(moved[0])) & mask >= index.wrapping_sub(gap) & mask {
                *self.place(gap) = moved;
                gap = index;
            }
        }
        *self.place(gap) = [0; 2];
    }

    fn grow(&mut self) -> Option<()> {
        if self.places >= MOST_PLACES {
            return None;
        }
        let mut larger = Table::new(2 * self.places)?;
        for &block in self.places().iter().filter(|place| place[0] != 0) {
            let index = larger.find(block[0]);
            *larger.place(index) = block;
        }
        larger.used = self.used;
        // The old table unmaps its range.
        *self = larger;
        Some(())
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: the range was mapped for this table alone.
        unsafe { libc::munmap(self.start.cast(), self.places * size_of::<[u64; 2]>()) };
    }
}
