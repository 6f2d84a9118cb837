//! What programs do again and again: no pattern makes the heap grow without end, and what is free is found.

use super::subject::{Placing, Subject};

/// A heap that gives all its memory at once and is full of blocks of this size.
fn full(bytes: usize, block_bytes: usize) -> Subject {
    let mut subject = Subject::new(Placing::Consecutive, bytes, bytes);
    while subject.alloc(block_bytes, 8, false) {}
    subject.check().unwrap();
    subject
}

/// Frees the live blocks at these places, in order of their addresses.
fn free_at(subject: &mut Subject, places: &[usize]) {
    subject.live.sort_unstable_by_key(|live| live.block.addr());
    for &place in places.iter().rev() {
        subject.live.sort_unstable_by_key(|live| live.block.addr());
        subject.dealloc(place);
    }
    subject.check().unwrap();
}

#[test]
fn a_full_heap_joins_free_small_blocks_for_a_request_of_the_joined_size() {
    // Free memory is joined within a line of 64 bytes, or to whole lines.
    for blocks in [2, 3, 4, 8, 16, 40] {
        for place in 0..40 {
            let mut subject = full(2048, 16);
            free_at(&mut subject, &[]);
            let in_line = subject.live[place].block.addr() % 64 / 16;
            if if blocks < 4 { in_line + blocks > 4 } else { in_line > 0 } {
                continue;
            }
            free_at(&mut subject, &(place..place + blocks).collect::<Vec<_>>());
            assert!(subject.alloc(16 * blocks, 8, false), "{blocks} free blocks of 16 bytes, from the {place}th on");
            subject.check().unwrap();
        }
    }
}
