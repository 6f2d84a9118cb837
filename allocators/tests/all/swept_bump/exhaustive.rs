//! All sequences of a few requests on tiny heaps, which run out in the middle of many of them.

use segregated_bump::policies::{Swept, SweptPolicies};

use super::members::{Eager, Few, Many};
use super::subject::{Placing, Subject};

/// A request. `First` and `Last` are the oldest and the newest live block.
#[derive(Clone, Copy, Debug)]
enum Step {
    Alloc { bytes: usize, align: usize, zeroed: bool },
    ResizeFirst { bytes: usize },
    ResizeLast { bytes: usize },
    FreeFirst,
    FreeLast,
}

const STEPS: [Step; 13] = [
    Step::Alloc { bytes: 16, align: 8, zeroed: false },
    Step::Alloc { bytes: 48, align: 16, zeroed: true },
    Step::Alloc { bytes: 64, align: 1, zeroed: false },
    Step::Alloc { bytes: 1200, align: 8, zeroed: true },
    Step::Alloc { bytes: 5000, align: 4, zeroed: false },
    Step::Alloc { bytes: 100, align: 64, zeroed: false },
    Step::Alloc { bytes: 64, align: 256, zeroed: true },
    Step::ResizeFirst { bytes: 1300 },
    Step::ResizeFirst { bytes: 20 },
    Step::ResizeLast { bytes: 2000 },
    Step::ResizeLast { bytes: 80 },
    Step::FreeFirst,
    Step::FreeLast,
];

/// Returns whether the step changed anything.
fn apply<P: SweptPolicies>(subject: &mut Subject<P>, step: Step) -> bool {
    let last = subject.live.len().wrapping_sub(1);
    match step {
        Step::Alloc { bytes, align, zeroed } => {
            subject.alloc(bytes, align, zeroed);
            true
        }
        _ if subject.live.is_empty() => false,
        Step::ResizeFirst { bytes } => {
            subject.realloc(0, bytes);
            true
        }
        Step::ResizeLast { bytes } => {
            subject.realloc(last, bytes);
            last > 0
        }
        Step::FreeFirst => {
            subject.dealloc(0);
            true
        }
        Step::FreeLast => {
            subject.dealloc(last);
            last > 0
        }
    }
}

/// Runs all sequences of at most `depth` steps, and returns how many there were.
fn run<P: SweptPolicies>(placing: Placing, page_bytes: usize, bytes: usize, depth: u32) -> usize {
    let mut subject = Subject::<P>::of(placing, page_bytes, bytes);
    let mut sequences = 0;
    let mut sequence: Vec<usize> = vec![0];
    loop {
        // Every beginning of a sequence is a sequence of its own, so only the last step needs a check.
        subject = subject.again(placing, page_bytes, bytes);
        let changes = sequence.iter().fold(true, |_, &step| apply(&mut subject, STEPS[step]));
        if changes {
            sequences += 1;
            let steps = || sequence.iter().map(|&step| STEPS[step]).collect::<Vec<_>>();
            if let Err(fault) = subject.check() {
                panic!("{placing:?}, {page_bytes} of {bytes} bytes: {fault} after {:?}", steps());
            }
            subject.check_contents();
        }
        if changes && sequence.len() < depth as usize {
            sequence.push(0);
            continue;
        }
        while sequence.last() == Some(&(STEPS.len() - 1)) {
            sequence.pop();
        }
        let Some(last) = sequence.last_mut() else { return sequences };
        *last += 1;
    }
}

/// Sources: how they place, bytes of a page, bytes in all. If both are the same, all memory comes at once.
const SOURCES: [(Placing, usize, usize); 8] = [
    (Placing::Consecutive, 1024, 1024),
    (Placing::Consecutive, 2048, 2048),
    (Placing::Consecutive, 8192, 8192),
    (Placing::Consecutive, 256, 2560),
    (Placing::Consecutive, 256, 8192),
    (Placing::Scattered, 256, 8192),
    (Placing::Unaligned, 256, 4096),
    (Placing::Interrupted, 512, 8192),
];

fn run_all<P: SweptPolicies>(depth: u32) {
    for (placing, page_bytes, bytes) in SOURCES {
        let sequences = run::<P>(placing, page_bytes, bytes, depth);
        assert!(sequences > 10_usize.pow(depth - 1), "{sequences} sequences");
    }
}

#[test]
fn all_sequences_of_4_requests_on_tiny_heaps_keep_every_byte_in_one_place() {
    run_all::<Swept>(4);
}

#[test]
fn all_sequences_of_3_requests_on_members_at_the_ends_of_their_range_keep_every_byte_in_one_place() {
    run_all::<Few>(3);
    run_all::<Many>(3);
    run_all::<Eager>(3);
}

#[test]
#[ignore = "takes minutes"]
fn all_sequences_of_6_requests_on_tiny_heaps_keep_every_byte_in_one_place() {
    run_all::<Swept>(6);
}
