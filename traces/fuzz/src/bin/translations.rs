//! A random program, recorded in two formats of other tools: the events are the same.
#![no_main]

use std::fmt::Write;

use heaprace_traces::import::{Format, ImportOptions};
use heaprace_traces::{Action, Source};
use libfuzzer_sys::fuzz_target;

/// A call on the block in a slot.
#[derive(Clone, Copy)]
enum Call {
    Malloc { slot: u8, size: u16 },
    Realloc { slot: u8, size: u16 },
    Free { slot: u8 },
}

/// The calls of a valid program: each byte is a slot, and what is live there decides what happens.
fn program(bytes: &[u8]) -> Vec<Call> {
    let mut live = [false; 256];
    let mut calls = Vec::new();
    for step in bytes.as_chunks::<3>().0 {
        let [slot, low, high] = *step;
        let size = u16::from_le_bytes([low, high]).max(1);
        let call = match live[usize::from(slot)] {
            false => Call::Malloc { slot, size },
            true if low % 2 == 0 => Call::Realloc { slot, size },
            true => Call::Free { slot },
        };
        live[usize::from(slot)] = !matches!(call, Call::Free { .. });
        calls.push(call);
    }
    calls
}

/// The program as a recording of this format.
fn recording(calls: &[Call], format: Format) -> String {
    let mut text = match format {
        Format::Csapp => "1\n1\n1\n1\n".to_owned(),
        Format::Mtrace => "= Start\n".to_owned(),
        Format::Heaptrack => "v 10400 3\n".to_owned(),
        _ => String::new(),
    };
    // For wee_alloc, which block is in a slot.
    let (mut blocks, mut ordinal) = ([0; 256], 0);
    for &call in calls {
        let address = |slot: u8| 0x1000 + 64 * u64::from(slot);
        let line = match (format, call) {
            (Format::Csapp, Call::Malloc { slot, size }) => format!("a {slot} {size}"),
            (Format::Csapp, Call::Realloc { slot, size }) => format!("r {slot} {size}"),
            (Format::Csapp, Call::Free { slot }) => format!("f {slot}"),
            (Format::Android, Call::Malloc { slot, size }) => format!("7: malloc {:#x} {size}", address(slot)),
            (Format::Android, Call::Realloc { slot, size }) => {
                format!("7: realloc {0:#x} {0:#x} {size}", address(slot))
            }
            (Format::Android, Call::Free { slot }) => format!("7: free {:#x}", address(slot)),
            (Format::Mtrace, Call::Malloc { slot, size }) => format!("@ x + {:#x} {size:#x}", address(slot)),
            (Format::Mtrace, Call::Realloc { slot, size }) => {
                format!("@ x < {0:#x}\n@ x > {0:#x} {size:#x}", address(slot))
            }
            (Format::Mtrace, Call::Free { slot }) => format!("@ x - {:#x}", address(slot)),
            (Format::Valgrind, Call::Malloc { slot, size }) => {
                format!("--7-- malloc({size}) = {:#X}", address(slot)).replace("0X", "0x")
            }
            (Format::Valgrind, Call::Realloc { slot, size }) => {
                format!("--7-- realloc({0:#x},{size}) = {0:#x}", address(slot))
            }
            (Format::Valgrind, Call::Free { slot }) => format!("--7-- free({:#x})", address(slot)),
            (Format::Heaptrack, Call::Malloc { slot, size }) => format!("+ {size:x} 1 {:x}", address(slot)),
            (Format::Heaptrack, Call::Realloc { slot, size }) => {
                format!("- {0:x}\n+ {size:x} 1 {0:x}", address(slot))
            }
            (Format::Heaptrack, Call::Free { slot }) => format!("- {:x}", address(slot)),
            (_, Call::Malloc { slot, size }) => {
                blocks[usize::from(slot)] = ordinal;
                ordinal += 1;
                format!("Alloc({size}),")
            }
            (_, Call::Realloc { slot, size }) => {
                let old = core::mem::replace(&mut blocks[usize::from(slot)], ordinal);
                ordinal += 1;
                format!("Free({old}), Alloc({size}),")
            }
            (_, Call::Free { slot }) => format!("Free({}),", blocks[usize::from(slot)]),
        };
        writeln!(text, "{line}").expect("a string takes all");
    }
    text
}

/// The events, without threads and times. A realloc is a free and a malloc where one of the formats has none.
fn events(calls: &[Call], format: Format, splits: bool) -> Vec<String> {
    let options = ImportOptions { format: Some(format), ..ImportOptions::default() };
    let source = Source::from_bytes("fuzz", recording(calls, format).into_bytes()).with_import(options);
    let mut names = std::collections::HashMap::new();
    let mut named = 0;
    let mut name = |names: &mut std::collections::HashMap<u64, u64>, id| {
        named += 1;
        names.insert(id, named);
        named
    };
    let mut lines = Vec::new();
    for event in source.open().expect("it has a call") {
        let event = event.expect("the program is valid");
        match event.action {
            Action::Alloc { layout, .. } => lines.push(format!("alloc {} {layout:?}", name(&mut names, event.id))),
            Action::Dealloc { layout } => lines.push(format!("dealloc {} {layout:?}", names[&event.id])),
            Action::Realloc { old, new_size } if splits => {
                lines.push(format!("dealloc {} {old:?}", names[&event.id]));
                let layout = std::alloc::Layout::from_size_align(new_size, old.align()).expect("it was read");
                lines.push(format!("alloc {} {layout:?}", name(&mut names, event.id)));
            }
            Action::Realloc { old, new_size } => lines.push(format!("realloc {} {old:?} {new_size}", names[&event.id])),
        }
    }
    lines
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, steps)) = bytes.split_first() else { return };
    let format = |number: usize| Format::ALL[number % Format::ALL.len()];
    let (one, other) = (format(usize::from(choice)), format(usize::from(choice) / Format::ALL.len()));
    let calls = program(steps);
    if calls.is_empty() {
        return;
    }
    let splits = [one, other].iter().any(|format| matches!(format, Format::Heaptrack | Format::WeeAlloc));
    assert_eq!(events(&calls, one, splits), events(&calls, other, splits), "{one} and {other}");
});
