//! What programs do again and again: no pattern makes the heap grow without end, and what is free is found.

use super::stress::Random;
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

#[test]
fn out_of_memory_ends_as_soon_as_a_block_is_freed() {
    for (bytes, request) in [(4096, 100), (4096, 1152), (1 << 16, 1200), (1 << 16, 5000), (1 << 20, 70_000)] {
        let mut subject = full(bytes, request);
        let places = subject.live.len();
        for place in 0..places {
            subject.live.sort_unstable_by_key(|live| live.block.addr());
            subject.dealloc(place);
            assert!(subject.alloc(request, 8, false), "{request} bytes at {place} of {places}");
            subject.check().unwrap();
            assert!(!subject.alloc(request, 8, false), "full again");
        }
    }
}

#[test]
fn a_full_heap_of_freed_small_blocks_serves_large_ones() {
    for request in [16, 32, 48, 80, 1152] {
        let mut subject = full(1 << 16, request);
        while !subject.live.is_empty() {
            subject.dealloc(subject.live.len() / 2);
        }
        assert!(subject.alloc(50_000, 8, true), "after blocks of {request} bytes");
        subject.check().unwrap();
    }
}

#[test]
fn zeroed_blocks_are_zeroed_wherever_they_come_from() {
    let mut subject = Subject::new(Placing::Consecutive, 4096, 4 << 20);
    // The shadow model checks the zeroes, and fills each block with other bytes.
    for bytes in [16, 1152, 1153, 5000, 20_000] {
        for align in [8, 64, 4096] {
            assert!(subject.alloc(bytes, align, true), "untouched memory");
            let place = subject.live.len() - 1;
            assert!(subject.realloc(place, 2 * bytes), "larger, filled to its end");
            subject.dealloc(place);
            assert!(subject.alloc(bytes, align, true), "memory that was given back to the top, or to a bin");
            assert!(subject.alloc(3 * bytes, align, true), "partly given back, partly untouched");
            subject.dealloc(place);
            assert!(subject.alloc(bytes / 2 + 1, align, true), "a free run");
            subject.check().unwrap();
        }
    }
}

#[test]
fn high_alignments_lose_nothing() {
    for align_bits in 4..=20 {
        for bytes in [1, 64, 1000, 70_000] {
            let mut subject = Subject::new(Placing::Consecutive, 65_536, 8 << 20);
            for _ in 0..3 {
                assert!(subject.alloc(24, 8, false));
                assert!(subject.alloc(bytes, 1 << align_bits, align_bits % 2 == 0));
                subject.check().unwrap();
            }
            while let Some(last) = subject.live.len().checked_sub(1) {
                subject.dealloc(last);
                subject.check().unwrap();
            }
            // All that was free is joined: one block takes it, apart from the map and the latest small blocks.
            let given = subject.given_bytes();
            assert!(subject.alloc(given / 2, 8, false));
            assert_eq!(subject.given_bytes(), given, "{bytes} bytes at {align_bits} bits");
            subject.check().unwrap();
        }
    }
}

/// Runs rounds of a pattern, and checks that the heap has its size after half of them, and that this is at most
/// `most` bytes.
fn settles(most: usize, rounds: usize, mut round: impl FnMut(&mut Subject, &mut Random, usize)) {
    let mut subject = Subject::new(Placing::Consecutive, 4096, 16 << 20);
    let mut random = Random(7);
    let mut settled = 0;
    for number in 0..rounds {
        round(&mut subject, &mut random, number);
        if number % 64 == 0 {
            subject.check().unwrap();
        }
        if number == rounds / 2 {
            settled = subject.given_bytes();
        }
    }
    let given = subject.given_bytes();
    println!("settled at {settled} bytes, ended at {given}");
    assert!(given <= settled + settled / 16, "{settled} bytes after half of the rounds, {given} after all");
    assert!(given <= most, "{given} bytes");
}

#[test]
fn repeated_growth_of_a_block_settles() {
    settles(512 << 10, 2000, |subject, random, _| {
        // Up to 100 KiB, beside small blocks that stay or go.
        assert!(subject.alloc(16, 8, false));
        let place = subject.live.len() - 1;
        for bits in 5..17 {
            assert!(subject.realloc(place, (1 << bits) + random.below(1 << bits) / 2));
            assert!(subject.alloc(1 + random.below(200), 8, false));
        }
        while subject.live.len() > 50 {
            let which = random.below(subject.live.len());
            subject.dealloc(which);
        }
        if subject.live.len() > place {
            subject.dealloc(place);
        }
    });
}

#[test]
fn a_drift_of_sizes_settles() {
    // About 100 KB are live, in blocks whose sizes move from 16 to 1500 bytes and back.
    settles(400 << 10, 40_000, |subject, random, number| {
        let phase = number / 40 % 100;
        let bytes = 16 + 15 * if phase < 50 { 2 * phase } else { 200 - 2 * phase };
        assert!(subject.alloc(bytes, 8, false));
        let live = |subject: &Subject| subject.live.iter().map(|live| live.layout.size()).sum::<usize>();
        while live(subject) > 100_000 {
            subject.dealloc(random.below(subject.live.len()));
        }
    });
}

#[test]
fn two_interleaved_workloads_settle() {
    // One of small blocks, one of large ones; the sizes of each are its own.
    settles(600 << 10, 40_000, |subject, random, number| {
        let bytes = if number % 2 == 0 { 16 + 16 * random.below(8) } else { 1300 + random.below(3000) };
        assert!(subject.alloc(bytes, 8, false));
        if subject.live.len() > 200 {
            subject.dealloc(random.below(200));
        }
    });
}

#[test]
fn sources_of_every_kind_keep_blocks_apart() {
    for placing in
        [Placing::Consecutive, Placing::Scattered, Placing::Downward, Placing::Unaligned, Placing::Interrupted]
    {
        for (page_bytes, bytes) in [(64, 4992), (256, 20_480), (4096, 1 << 18), (1 << 20, 64 << 20)] {
            let mut subject = Subject::new(placing, page_bytes, bytes);
            let mut random = Random(1);
            for op in 0..400 {
                let blocks = subject.live.len();
                match random.below(5) {
                    0..2 if blocks > 0 => subject.dealloc(random.below(blocks)),
                    2 if blocks > 0 => {
                        subject.realloc(random.below(blocks), 1 + random.below(bytes / 16));
                    }
                    _ => {
                        subject.alloc(1 + random.below(bytes / 16), 1 << random.below(10), op % 2 == 0);
                    }
                }
                subject.check().unwrap_or_else(|fault| panic!("{placing:?} {page_bytes} {bytes}: {fault}"));
            }
            subject.check_contents();
        }
    }
}

#[test]
fn a_heap_that_outgrows_its_map_gives_nothing_up() {
    for page_bytes in [64, 256, 4096] {
        for request in (16..3000).step_by(40) {
            let mut subject = Subject::new(Placing::Consecutive, page_bytes, 1 << 18);
            while subject.alloc(request, 8, false) {}
            subject.check().unwrap_or_else(|fault| panic!("{request} bytes, pages of {page_bytes}: {}", &fault[..60]));
        }
    }
}
