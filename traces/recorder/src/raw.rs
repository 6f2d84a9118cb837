//! The raw recording: records of a running program. The [`Recorder`](crate::Recorder) keeps them in the buffers of its
//! threads; the preloaded library of `replay record` writes them to a file, which `heaprace_traces::native` turns into
//! a trace afterwards.
//!
//! In the file, a header of [`HEADER_BYTES`] is followed by the places of records of 16 bytes, in the order in which they
//! were claimed. The header has their number. A place of zeroes was claimed and never written. The file itself is much
//! longer, and sparse. All numbers have the byte order of the recording machine: a raw recording is converted where it
//! was made, and deleted.
//!
//! A deallocation is recorded before it is done, an allocation after it: so no address is recorded as given out again
//! while its last owner still has it. A reallocation has a record before it and one after it, by the same thread, and
//! in between its object belongs to no address.

use crate::fill::{Fill, Tail};

/// The first bytes of a raw recording.
pub const MAGIC: [u8; 8] = *b"hraceraw";
/// The version of this layout. Every change raises it, because the library may be of another build than `replay`.
pub const VERSION: u64 = 3;
/// Bytes before the first record.
pub const HEADER_BYTES: usize = 4096;
/// Bytes of a record.
pub const RECORD_BYTES: usize = 16;

/// The header, from the first byte of the file. Bytes that are not used are 0, and so are numbers that are not known.
#[repr(C)]
#[derive(Debug)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// [`VERSION`].
    pub version: u64,
    /// Records that were claimed so far, whether they were written or not: as many places follow the header.
    pub claimed: Claimed,
    /// The `errno` of the last time that the recording could not grow. Records are lost then.
    pub errno: u64,
    /// 1 if the process is not recorded, and its calls are only counted: there are no places after the header.
    pub only_counted: u64,
    /// 1 if blocks are filled, so that their extents are known; otherwise 0.
    pub extents: u64,
    /// The [times of the run](crate::run_time::RunTime), in the order of its fields.
    pub run_ns: [u64; 3],
    /// 1 once the program has exited, and neither by a signal nor by `_exit`.
    pub exited: u64,
    /// The most private memory that was resident when `replay` looked, in bytes. The program itself does not look:
    /// that could be forbidden to it.
    pub private_bytes: u64,
    /// How often the process has forked.
    pub forks: u64,
    /// Of which recording this process is a fork, and how many records that had then.
    pub parent: Parent,
    /// The path of the program that the process was about to become by `exec`, if that has not failed.
    pub exec: [u8; 1024],
    /// The path by which the program was called, without links being resolved.
    pub program: [u8; 1024],
    /// The path of the program's file.
    pub executable: [u8; 1024],
    /// The file of the allocator that serves, if that is not the C library's.
    pub allocator: [u8; 256],
    /// A function that gives out memory and is not recorded, with the file that has it, as `mallocx of libjemalloc.so.2`.
    pub bypass: [u8; 256],
}

/// The number of claimed records, apart from what is only read, so that reading that does not wait for other threads.
#[repr(C, align(128))]
#[derive(Debug)]
pub struct Claimed(pub u64);

/// The recording of the process that a process is a fork of.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parent {
    /// The parent's process id; 0 if the process is no fork of a recorded one.
    pub process: u64,
    /// Which of the parent's recordings, because every `exec` begins a new one.
    pub number: u64,
    /// How many records it had.
    pub claimed: u64,
}

const _: () = assert!(size_of::<Header>() <= HEADER_BYTES);

/// The kinds of records. 0 is none of them: a place is 0 before its record is written.
pub mod kind {
    /// A block was allocated: address, size, alignment, and what it is filled with.
    pub const ALLOC: u64 = 1;
    /// The same, and its bytes are 0.
    pub const ALLOC_ZEROED: u64 = 2;
    /// A block is about to be freed: its address, and the [`tail`](super::Record::tail) of its bytes.
    pub const DEALLOC: u64 = 3;
    /// A block is about to be reallocated: its address, and the tail of its bytes.
    pub const REALLOC_BEGIN: u64 = 4;
    /// It was reallocated: its new address and size, and what its new bytes are filled with if it grew.
    pub const REALLOC_END: u64 = 5;
    /// The reallocation failed and the block is unchanged: its old address.
    pub const REALLOC_FAILED: u64 = 6;
    /// A block is live when the program exits: its address, and the tail of its bytes. The program may still free it.
    pub const LEFT_LIVE: u64 = 7;
    /// Nothing: written at the exit of the program, to learn what a record costs.
    pub const NOTHING: u64 = 8;
}

const KIND_BITS: u32 = 4;
const ALIGN_BITS: u32 = 6;
const FILL_BITS: u32 = 6;
const SIZE_BITS: u32 = 40;
const MOST_SIZE: u64 = (1 << SIZE_BITS) - 1;

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// One of [`kind`].
    pub kind: u64,
    /// The address, of at most 48 bits.
    pub address: u64,
    /// The size in bytes, as the program asks for it, or where a tail begins. A size of more than 40 bits is stored as
    /// the largest such number.
    pub size: u64,
    /// The binary logarithm of the alignment.
    pub align_log2: u32,
    /// What the block, or its tail, is filled with.
    pub fill: Fill,
    /// The thread: a number from 1, unique in the process, in no order.
    pub thread: u32,
}

impl Record {
    /// The record as its two words. The first is never 0.
    #[inline(always)]
    pub const fn to_words(self) -> [u64; 2] {
        let size = if self.size < MOST_SIZE { self.size } else { MOST_SIZE };
        [
            self.kind
                | (self.align_log2 as u64) << KIND_BITS
                | (self.fill as u64) << (KIND_BITS + ALIGN_BITS)
                | self.address << (KIND_BITS + ALIGN_BITS + FILL_BITS),
            size | (self.thread as u64) << SIZE_BITS,
        ]
    }

    /// The record of two words.
    #[inline]
    pub const fn from_words(words: [u64; 2]) -> Self {
        Record {
            kind: words[0] & ((1 << KIND_BITS) - 1),
            address: words[0] >> (KIND_BITS + ALIGN_BITS + FILL_BITS),
            size: words[1] & MOST_SIZE,
            align_log2: (words[0] >> KIND_BITS) as u32 & ((1 << ALIGN_BITS) - 1),
            fill: Fill::from_number(words[0] >> (KIND_BITS + ALIGN_BITS) & ((1 << FILL_BITS) - 1)),
            thread: (words[1] >> SIZE_BITS) as u32,
        }
    }

    /// The bytes at the end of a block that is about to be freed or reallocated.
    #[inline]
    pub const fn tail(self) -> Tail {
        Tail { fill: self.fill, from: self.size }
    }
}
