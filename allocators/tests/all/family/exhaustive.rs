//! All sequences of a few requests on tiny heaps, which run out in the middle of many of them.

use super::members::{self, Checked};
use super::subject::{Memory, Subject};
use crate::swept_bump::subject::Placing;

/// Blocks that a sequence may allocate: bytes, alignment, and whether they are zeroed. With three classes up to 64 bytes:
/// one of each, a large one, and two with an alignment above 16.
const BLOCKS: [(usize, usize, bool); 6] =
    [(16, 8, false), (20, 16, true), (50, 1, false), (300, 8, true), (24, 64, false), (100, 128, true)];

/// Sizes that a live block may change to.
const SIZES: [usize; 3] = [10, 60, 400];

/// The requests that are possible with this number of live blocks: a block of each kind, each live block with another size, and
/// its end.
fn requests(live: usize) -> usize {
    BLOCKS.len() + live * (SIZES.len() + 1)
}

/// Makes one of the possible requests.
fn request(subject: &mut Subject, which: usize) -> Result<(), String> {
    if let Some(&(bytes, align, zeroed)) = BLOCKS.get(which) {
        return subject.alloc(bytes, align, zeroed).map(drop);
    }
    let (block, what) = ((which - BLOCKS.len()) / (SIZES.len() + 1), (which - BLOCKS.len()) % (SIZES.len() + 1));
    match SIZES.get(what) {
        Some(&bytes) => subject.realloc(block, bytes).map(drop),
        None => subject.dealloc(block),
    }
}

/// Runs all sequences of at most `depth` requests, and returns how many there were; or the first one that fails, with the
/// fault.
pub(super) fn run(member: Checked, memory: Memory, depth: usize) -> Result<usize, String> {
    let mut subject = Subject::new(member.create, memory);
    let (mut sequences, mut sequence) = (0, vec![0]);
    // How many requests were possible at each step.
    let mut possible = vec![0; depth];
    loop {
        // Every beginning of a sequence is a sequence of its own, so only the last step needs a check.
        subject = subject.again(member.create, memory);
        let steps = sequence.iter().enumerate().try_for_each(|(step, &which)| {
            possible[step] = requests(subject.live.len());
            request(&mut subject, which)
        });
        steps.and_then(|()| subject.check()).map_err(|fault| format!("{}: {fault} after {sequence:?}", member.name))?;
        sequences += 1;
        if sequence.len() < depth {
            sequence.push(0);
            continue;
        }
        while let Some(last) = sequence.pop() {
            if last + 1 < possible[sequence.len()] {
                sequence.push(last + 1);
                break;
            }
        }
        if sequence.is_empty() {
            return Ok(sequences);
        }
    }
}

/// Memory that grows page by page, with gaps, all at once, and at odd addresses.
pub(super) const MEMORIES: [Memory; 4] = [
    (Placing::Consecutive, 256, 1024),
    (Placing::Interrupted, 256, 2048),
    (Placing::Consecutive, 768, 768),
    (Placing::Unaligned, 256, 1280),
];

fn run_all(memories: &[Memory], depth: usize) {
    let members = members::all();
    let mut sequences = 0;
    for &member in &members {
        for &memory in memories {
            sequences += run(member, memory, depth).unwrap_or_else(|fault| panic!("{memory:?}: {fault}"));
        }
    }
    println!("{sequences} sequences");
    assert!(sequences > members.len() * memories.len() * 6 * 10_usize.pow(depth as u32 - 1));
}

#[test]
fn all_sequences_of_3_requests_on_tiny_heaps_keep_what_every_member_promises() {
    run_all(&MEMORIES, 3);
}

#[test]
fn all_sequences_of_4_requests_on_a_tiny_heap_keep_what_every_member_promises() {
    run_all(&MEMORIES[..1], 4);
}

/// `cargo test --release -p heaprace-allocators --test all -- --ignored all_sequences_of_5 --nocapture`
#[test]
#[ignore = "takes minutes"]
fn all_sequences_of_5_requests_on_tiny_heaps_keep_what_every_member_promises() {
    run_all(&MEMORIES, 5);
}
