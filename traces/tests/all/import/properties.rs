//! What holds for every input: no panic on any bytes, and the same events whichever format a program is recorded in.

use heaprace_traces::Source;
use heaprace_traces::import::{Format, ImportOptions};
use proptest::prelude::*;

use super::import;

/// Reads everything there is to read, as this format. It is the panics that count.
fn exhaust(format: Format, bytes: Vec<u8>) {
    let options = ImportOptions { format: Some(format), ..ImportOptions::default() };
    if let Ok(mut events) = Source::from_bytes("any", bytes).with_import(options).open() {
        let results = events.by_ref().map(|event| event.map_err(|error| assert!(!error.to_string().is_empty())));
        assert!(results.skip_while(Result::is_ok).count() <= 1, "something follows an error");
        assert!(events.repairs().is_some());
    }
}

/// Words of each format: random bytes alone are refused in the first line.
fn words(format: Format) -> &'static [&'static str] {
    match format {
        Format::Csapp => &["1\n1\n1\n1\n", "a ", "r ", "f ", "f -1\n"],
        Format::Android => &[
            "1: malloc 0x10 8\n",
            "1: ",
            "2: ",
            "malloc ",
            "calloc ",
            "memalign ",
            "realloc ",
            "free ",
            "free 0x10\n",
            "thread_done 0x0",
        ],
        Format::Mtrace => &["= Start\n", "@ x ", "+ ", "- ", "< ", "> ", "! ", "(nil)"],
        Format::Valgrind => &[
            "--7-- ",
            "--8-- ",
            "malloc(",
            "calloc(",
            "realloc(",
            "memalign(al ",
            ", size ",
            "free(",
            "_Zn",
            "_Zd",
            ",",
            ") = ",
            ")",
        ],
        Format::Heaptrack => &["v 1 3\n", "+ ", "- ", "a ", "a 8 1\n", "c ", "+ 0\n", "- 0\n", "+ 8 1 10\n", "# x\n"],
        _ => &["Alloc(", "Free(", ")", "),", "[", "]", "//"],
    }
}

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "8",
    "10 ",
    "0x10",
    "0x20 ",
    "0x0 ",
    " 24",
    "4294967296",
    "ffffffffffffffff",
    "18446744073709551615",
    "0xffffffffffffffff",
    "\n",
    "\n",
    "\n",
    "\r\n",
    " ",
    "\0",
    "\u{e9}",
];

fn recording() -> impl Strategy<Value = (Format, Vec<u8>)> {
    proptest::sample::select(Format::ALL.to_vec()).prop_flat_map(|format| {
        let piece = prop_oneof![
            6 => proptest::sample::select(words(format)).prop_map(|word| word.as_bytes().to_vec()),
            6 => proptest::sample::select(NUMBERS).prop_map(|word| word.as_bytes().to_vec()),
            1 => proptest::collection::vec(any::<u8>(), 0..4),
        ];
        (Just(format), proptest::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat()))
    })
}

/// A program: what it does to which of 8 blocks, and with what size.
fn steps() -> impl Strategy<Value = Vec<(u8, u64, u32)>> {
    proptest::collection::vec((0..4u8, 0..8u64, 1..5000u32), 1..80)
}

/// The program as calls that are in order: whether each slot is live, and what happens to it.
fn calls(steps: &[(u8, u64, u32)]) -> Vec<(&'static str, u64, u32)> {
    let mut live = [false; 8];
    let calls = steps.iter().map(|&(kind, slot, size)| {
        let is_live = &mut live[slot as usize];
        let call = match (kind, *is_live) {
            (_, false) => "malloc",
            (0, true) => "realloc",
            (_, true) => "free",
        };
        *is_live = call != "free";
        (call, slot, size)
    });
    calls.collect()
}

/// The program in each format that has reallocations.
fn recorded(calls: &[(&'static str, u64, u32)]) -> [String; 3] {
    let (mut android, mut mtrace, mut valgrind) = (String::new(), String::from("= Start\n"), String::new());
    for &(call, slot, size) in calls {
        let at = (slot + 1) * 0x1000;
        match call {
            "malloc" => {
                android += &format!("5: malloc {at:#x} {size}\n");
                mtrace += &format!("@ [0x1] + {at:#x} {size:#x}\n");
                valgrind += &format!("--5-- malloc({size}) = {at:#X}\n").replace("0X", "0x");
            }
            "realloc" => {
                android += &format!("5: realloc {at:#x} {at:#x} {size}\n");
                mtrace += &format!("@ [0x1] < {at:#x}\n@ [0x1] > {at:#x} {size:#x}\n");
                valgrind += &format!("--5-- realloc({at:#X},{size}) = {at:#X}\n").replace("0X", "0x");
            }
            _ => {
                android += &format!("5: free {at:#x}\n");
                mtrace += &format!("@ [0x1] - {at:#x}\n");
                valgrind += &format!("--5-- free({at:#X})\n").replace("0X", "0x");
            }
        }
    }
    [android, mtrace, valgrind]
}

proptest! {
    #[test]
    fn no_bytes_make_an_importer_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for format in Format::ALL {
            exhaust(format, bytes.clone());
        }
    }

    #[test]
    fn nothing_like_a_recording_makes_an_importer_panic((format, bytes) in recording()) {
        exhaust(format, bytes.clone());
        let _ = Source::from_bytes("any", bytes).open().map(Iterator::count);
    }

    #[test]
    fn no_damaged_zip_makes_the_reader_panic(place in any::<prop::sample::Index>(), byte in any::<u8>(), end in any::<prop::sample::Index>()) {
        let mut zip = super::zip_of("1: malloc 0x10 8\n1: free 0x10\n");
        let place = place.index(zip.len());
        zip[place] = byte;
        zip.truncate(end.index(zip.len()) + 1);
        exhaust(Format::Android, zip);
    }

    #[test]
    fn a_program_gives_the_same_events_in_every_format(steps in steps()) {
        let calls = calls(&steps);
        let [android, mtrace, valgrind] = recorded(&calls);
        let (events, repairs) = import(mtrace).unwrap();
        prop_assert_eq!(events.len() - 1, calls.len());
        prop_assert_eq!(repairs.lines().len(), 1);
        prop_assert_eq!(&import(valgrind).unwrap().0, &events);
        let with_thread = import(android).unwrap().0;
        let without_thread: Vec<String> = with_thread[1..].iter().map(|line| {
            let line = line.rsplit_once(',').unwrap().0;
            line.trim_end_matches(',').to_owned()
        }).collect();
        prop_assert_eq!(&without_thread[..], &events[1..]);
    }
}
