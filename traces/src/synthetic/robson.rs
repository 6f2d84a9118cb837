//! Robson's adversary: the program that forces the most fragmentation on an allocator that cannot move blocks.
//!
//! J. M. Robson, "An estimate of the store size necessary for dynamic storage allocation", Journal of the ACM 18
//! (1971), and "Bounds for some functions concerning dynamic storage allocation", Journal of the ACM 21 (1974). For
//! every allocator there is a program that never has more than M words live, in blocks of at most n words whose sizes
//! are powers of two, and that makes it need M·log2(n)/2 + M − n + 1 words of heap.
//!
//! The program reads the addresses that it gets. A trace cannot: so this module plays the program against a simulated
//! first-fit heap without headers, and records it. The trace is the worst case for that heap, and a hard one, but not
//! the worst, for any other.

use core::mem;
use std::vec::IntoIter;

use heaprace_recorder::{Action, Event};

use super::objects::{event, layout};

/// Bytes of a word, the smallest block. Most allocators have none smaller.
const WORD_BYTES: usize = 16;

/// The largest block has at most 2^10 words, 16 KiB.
const MOST_DOUBLINGS: u32 = 10;

/// Phase 0 fills M words with blocks of one word. Phase i chooses one of two residues modulo 2^i, frees every block
/// that does not cover a word of that residue, and allocates blocks of 2^i words, as many as M allows: none of the gaps
/// that are left between two such words can hold one.
pub(super) struct Robson {
    /// M.
    most_words: u64,
    /// log2(n), and the phase that comes next.
    doublings: u32,
    phase: u32,
    residue: u64,
    /// In address order.
    live: Vec<Block>,
    last_id: u64,
    /// The events of the current phase.
    pending: IntoIter<Event>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    start: u64,
    words: u64,
    id: u64,
}

impl Block {
    fn end(self) -> u64 {
        self.start + self.words
    }

    /// Whether one of its words has an address of this residue.
    fn covers(self, residue: u64, modulus: u64) -> bool {
        (residue + modulus - self.start % modulus) % modulus < self.words
    }

    fn layout(self) -> core::alloc::Layout {
        layout(self.words as usize * WORD_BYTES)
    }
}

impl Robson {
    /// M is a quarter of the events: phase i allocates at most M / 2^i blocks, so there are fewer than 2·M, and each is
    /// freed once at most. n is 1024 words, or a sixteenth of M.
    pub(super) fn new(events: u64) -> Self {
        let most_words = (events / 4).max(1);
        let doublings = (most_words / 16).checked_ilog2().unwrap_or(0).min(MOST_DOUBLINGS);
        Robson {
            most_words,
            doublings,
            phase: 0,
            residue: 0,
            live: Vec::new(),
            last_id: 0,
            pending: Vec::new().into_iter(),
        }
    }

    /// The events of the next phase.
    fn play(&mut self) -> Vec<Event> {
        let words = 1 << self.phase;
        let mut events = Vec::new();
        if self.phase > 0 {
            self.residue = self.better_residue(words);
            let residue = self.residue;
            self.live.retain(|block| {
                let stays = block.covers(residue, words);
                if !stays {
                    events.push(event(block.id, Action::Dealloc { layout: block.layout() }));
                }
                stays
            });
        }
        self.fill(words, &mut events);
        self.phase += 1;
        events
    }

    /// The residue of the phase before, or that plus half the modulus: whichever keeps more words from being used.
    fn better_residue(&self, modulus: u64) -> u64 {
        let blocked = |residue: u64| -> u64 {
            let covering = self.live.iter().filter(|block| block.covers(residue, modulus));
            covering.map(|block| modulus - block.words).sum()
        };
        let other = self.residue + modulus / 2;
        if blocked(other) > blocked(self.residue) { other } else { self.residue }
    }

    /// Allocates blocks of this size by first fit while the live words allow it. As all are of one size and nothing is
    /// freed meanwhile, first fit is one way through the heap.
    fn fill(&mut self, words: u64, events: &mut Vec<Event>) {
        let live_words: u64 = self.live.iter().map(|block| block.words).sum();
        let mut left = (self.most_words - live_words) / words;
        let mut end = 0;
        let mut filled = Vec::with_capacity(self.live.len() + left as usize);
        // After the last block, room is unlimited.
        let gaps_end_at = |next: Option<&Block>| next.map_or(u64::MAX, |block| block.start);
        let old = mem::take(&mut self.live);
        let mut rest = old.iter().peekable();
        loop {
            while left > 0 && gaps_end_at(rest.peek().copied()) - end >= words {
                self.last_id += 1;
                let block = Block { start: end, words, id: self.last_id };
                events.push(event(block.id, Action::Alloc { layout: block.layout(), zeroed: false }));
                filled.push(block);
                end = block.end();
                left -= 1;
            }
            let Some(&block) = rest.next() else { break };
            filled.push(block);
            end = block.end();
        }
        self.live = filled;
    }
}

impl Iterator for Robson {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.pending.next() {
                return Some(event);
            }
            if self.phase > self.doublings {
                return None;
            }
            self.pending = self.play().into_iter();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The theorem, on the simulated heap. Blocks of 2^i words leave up to 2^i - 1 of the M words unused in phase i,
    /// which costs as many words in the last phase and half as many in the others: less than 3/2 n in all.
    #[test]
    fn first_fit_needs_as_much_as_robson_says() {
        for events in [2_000, 10_000, 100_000] {
            let mut robson = Robson::new(events);
            let (most, doublings) = (robson.most_words, robson.doublings);
            let (mut needed, mut count) = (0, 0);
            while robson.phase <= robson.doublings {
                count += robson.play().len() as u64;
                needed = needed.max(robson.live.last().unwrap().end());
                assert!(robson.live.windows(2).all(|pair| pair[0].end() <= pair[1].start), "blocks overlap");
                assert!(robson.live.iter().map(|block| block.words).sum::<u64>() <= most);
            }
            let bound = most * u64::from(doublings) / 2 + most - (1 << doublings) + 1;
            assert!(needed + (3 << doublings >> 1) >= bound, "{needed} words of heap, the bound is {bound}");
            assert!(count <= events && count > events / 3, "{count} of {events} events");
        }
    }

    #[test]
    fn a_block_covers_the_residues_of_its_words() {
        let block = Block { start: 6, words: 3, id: 1 };
        let covered: Vec<u64> = (0..8).filter(|&residue| block.covers(residue, 8)).collect();
        assert_eq!(covered, [0, 6, 7]);
        assert!((0..2).all(|residue| block.covers(residue, 2)));
    }
}
