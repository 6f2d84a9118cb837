//! Random programs on many members, with exhaustion, against the shadow model.

use super::members::{self, Checked};
use super::subject::{Memory, Subject};
use crate::swept_bump::stress::Random;
use crate::swept_bump::subject::Placing;

/// Operations between two checks of all.
const CHECK_OPS: usize = 1024;

/// Runs a random program on a heap that its seed chooses, and returns how many requests found no memory.
pub(super) fn run(member: Checked, seed: u64, ops: usize) -> Result<usize, String> {
    let mut random = Random(seed);
    let placing = [Placing::Consecutive, Placing::Scattered, Placing::Interrupted, Placing::Unaligned][random.below(4)];
    let page_bytes = [256, 4096][random.below(2)];
    let memory: Memory = (placing, page_bytes, (8 + random.below(120)) << 10);
    let mut subject = Subject::new(member.create, memory);
    let mut failures = 0;
    for op in 0..ops {
        let most = [70, 70, 130, 1000, 5000][random.below(5)];
        let bytes = 1 + random.below(most);
        let blocks = subject.live.len();
        let step = match random.below(10) {
            0..3 if blocks > 0 => subject.dealloc(random.below(blocks)).map(|()| true),
            3..6 if blocks > 0 => {
                // Half of the time the newest block, which may be the last one.
                let which = if random.below(2) == 0 { blocks - 1 } else { random.below(blocks) };
                subject.realloc(which, bytes)
            }
            _ => {
                let align = if random.below(20) == 0 { 1 << random.below(13) } else { 1 << random.below(5) };
                subject.alloc(bytes, align, random.below(4) == 0)
            }
        };
        let fault = |fault| format!("{}, seed {seed}, operation {op}: {fault}", member.name);
        if !step.map_err(fault)? {
            failures += 1;
            // A program that is out of memory frees much, little or nothing, or ends and starts again: what is lost does
            // not come back.
            match random.below(8) {
                0 => subject = subject.again(member.create, memory),
                part => {
                    for _ in 0..[0, 1, subject.live.len() / 2][part % 3].min(subject.live.len()) {
                        subject.dealloc(random.below(subject.live.len())).map_err(fault)?;
                    }
                }
            }
        }
        if op % CHECK_OPS == 0 {
            subject.check().map_err(fault)?;
        }
    }
    subject.check().map_err(|fault| format!("{}, seed {seed}: {fault}", member.name))?;
    Ok(failures)
}

/// Runs each member for this number of operations, by programs of at most 20,000.
fn run_all(ops: usize) {
    let members = members::all();
    let programs = ops.div_ceil(20_000);
    let mut failures = 0;
    for (index, &member) in members.iter().enumerate() {
        for program in 0..programs {
            let seed = (index * programs + program) as u64;
            failures += run(member, seed, ops / programs).unwrap_or_else(|fault| panic!("{fault}"));
        }
    }
    println!("{} members, {} operations each, {failures} without memory", members.len(), ops / programs * programs);
    assert!(failures > members.len(), "heaps run out");
}

#[test]
fn random_programs_find_no_fault_in_any_member() {
    run_all(1500);
}

/// Operations in all, from `HEAPRACE_FAMILY_OPS`, or 100 million.
///
/// `cargo test --release -p heaprace-allocators --test all -- --ignored a_hundred_million_operations_on_the_family --nocapture`
#[test]
#[ignore = "takes minutes"]
fn a_hundred_million_operations_on_the_family() {
    let ops = std::env::var("HEAPRACE_FAMILY_OPS").map_or(100_000_000, |ops| ops.parse().unwrap());
    run_all(ops / members::all().len());
}
