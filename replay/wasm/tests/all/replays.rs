//! Replays in Node.

use std::fs;
use std::process::Command;
use std::time::Duration;

use heaprace_wasm::guests::{FLOOR, of};
use heaprace_wasm::host::{Ended, Host, HostError, Job};
use heaprace_wasm::module::with_most_grown_pages;
use heaprace_wasm::target::Target;

use crate::common::{Bench, recording};

/// Every kind of event, and blocks that stay live.
fn mixed() -> String {
    let mut text = String::new();
    for id in 0..3000 {
        let size = 1 + id * 37 % 3000;
        text += &match id % 3 {
            0 => format!("alloc,{id},{size},8\n"),
            1 => format!("alloc_zeroed,{id},{size},{}\n", 1 << (id % 7)),
            _ => format!("alloc,{id},{size},16\nrealloc,{id},{}\n", 1 + id * 91 % 5000),
        };
        if id % 2 == 1 {
            text += &format!("dealloc,{}\n", id / 2);
        }
    }
    text
}

#[test]
fn every_guest_replays_a_trace_and_its_blocks_are_sound() {
    let Some(bench) = Bench::set_up() else { return };
    let recording = recording(&mixed());
    for guest in of(Target::Wasm32).iter().filter(|guest| guest.name != FLOOR) {
        let seen = bench.observe(&bench.module(&guest.name), &recording);
        let seen = seen.unwrap_or_else(|error| panic!("{}: {error}", guest.name));
        assert_eq!((seen.failed, seen.addresses.len() as u64), (0, recording.events), "{}", guest.name);
        assert!(seen.pages > 0, "{}", guest.name);
    }
}

/// The floor answers one address for all blocks.
#[test]
fn overlapping_blocks_are_noticed() {
    let Some(bench) = Bench::set_up() else { return };
    let error = bench.observe(&bench.module(FLOOR), &recording("alloc,1,10,8\nalloc,2,10,8\n")).err().unwrap();
    assert!(matches!(error, HostError::Block(_)) && error.to_string().starts_with("event 2"), "{error}");
}

#[test]
fn growth_beyond_the_limit_fails_requests_and_nothing_else() {
    let Some(bench) = Bench::set_up() else { return };
    let recording = recording("alloc,1,100000,8\nalloc,2,100000,8\nalloc,3,10,8\ndealloc,2\ndealloc,1\n");
    let folder = tempfile::tempdir().unwrap();
    for name in ["swept-bump", "dlmalloc"] {
        let limited = folder.path().join(name);
        let module = fs::read(bench.module(name)).unwrap();
        fs::write(&limited, with_most_grown_pages(&module, 2).unwrap()).unwrap();
        let seen = bench.observe(&limited, &recording).unwrap();
        assert_eq!((seen.failed, seen.pages, seen.addresses[1]), (1, 2, 0), "{name}");
        // Every lap fails alike, so all are timed.
        let laps = bench.node.time(bench.job(&limited, &recording), bench.node.tiers()[0]).unwrap();
        assert!(laps.laps.iter().all(|lap| lap.failed == 1) && laps.ended.is_none(), "{name}: {laps:?}");
    }
}

#[test]
fn an_allocator_that_never_frees_runs_out_in_a_later_lap() {
    let Some(bench) = Bench::set_up() else { return };
    let recording = recording("alloc,1,100000,8\ndealloc,1\n");
    let folder = tempfile::tempdir().unwrap();
    let limited = folder.path().join("limited");
    fs::write(&limited, with_most_grown_pages(&fs::read(bench.module("mini-alloc")).unwrap(), 3).unwrap()).unwrap();
    let laps = bench.node.time(bench.job(&limited, &recording), bench.node.tiers()[0]).unwrap();
    assert_eq!((laps.laps.len(), laps.ended), (2, Some(Ended::Full)), "{laps:?}");
    assert_eq!(laps.steady_ns().known(), None);
}

#[test]
fn a_module_that_traps_is_an_error_with_the_reason() {
    let Some(bench) = Bench::set_up() else { return };
    // The driver's own imports are missing there: it is no allocator.
    let error = bench.observe(&bench.driver.clone(), &recording("alloc,1,10,8\n")).err().unwrap();
    assert!(matches!(error, HostError::Engine(_)), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken");
    fs::write(&broken, trapping(fs::read(bench.module("dlmalloc")).unwrap())).unwrap();
    let error = bench.observe(&broken, &recording("alloc,1,10,8\ndealloc,1\n")).err().unwrap();
    assert!(error.to_string().starts_with("the module trapped"), "{error}");
}

/// The module, with the export `touch` in place of `dealloc`: it is asked to write from byte `size` to byte `align`, which
/// is before it.
fn trapping(mut module: Vec<u8>) -> Vec<u8> {
    // An export is its name's length, the name, a kind, and an index.
    let place = |name: &str| {
        let named = [&[name.len() as u8], name.as_bytes(), &[0]].concat();
        module.windows(named.len()).position(|window| window == named).unwrap() + named.len()
    };
    let (dealloc, touch) = (place("dealloc"), place("touch"));
    module[dealloc] = module[touch];
    module
}

#[test]
fn the_time_budget_ends_a_replay() {
    let Some(bench) = Bench::set_up() else { return };
    let recording = recording(&mixed());
    let module = bench.module("dlmalloc");
    let job = Job { budget: Duration::ZERO, ..bench.job(&module, &recording) };
    let laps = bench.node.time(job, bench.node.tiers()[0]).unwrap();
    assert_eq!((laps.laps.len(), laps.ended), (0, Some(Ended::Budget)));
    assert_eq!(laps.fresh_ns().known(), None);
}

/// Asks V8 itself which compiler made a function of the module.
#[test]
fn the_tiers_flags_select_the_compiler() {
    let Some(bench) = Bench::set_up() else { return };
    let script = "const { exports } = new WebAssembly.Instance(new WebAssembly.Module(require('fs').readFileSync(process.argv[1])));
        %IsLiftoffFunction(exports.alloc)";
    let module = bench.module("talc");
    let is_baseline = bench.node.tiers().iter().map(|tier| {
        let mut node = Command::new("node");
        node.args(tier.flags).args(["--allow-natives-syntax", "-p", script, "--"]).arg(&module);
        let answer = node.output().unwrap();
        (tier.name, String::from_utf8(answer.stdout).unwrap().trim().to_owned())
    });
    assert_eq!(is_baseline.collect::<Vec<_>>(), [("optimised", "false".to_owned()), ("baseline", "true".to_owned())]);
}
