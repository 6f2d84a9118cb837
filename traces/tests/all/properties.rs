//! What holds for every input: no panic on any bytes, and what is written is read back.

use std::alloc::Layout;

use heaprace_traces::csv::{Columns, CsvReader, CsvWriter};
use heaprace_traces::{Action, Event, Source};
use proptest::prelude::*;

/// Reads everything there is to read. It is the panics that count.
fn exhaust(name: &str, bytes: Vec<u8>) {
    let source = Source::from_bytes(name, bytes);
    if let Ok(reader) = source.open() {
        let events = reader.map(|event| event.map_err(|error| assert!(!error.to_string().is_empty())));
        assert!(events.skip_while(Result::is_ok).count() <= 1, "something follows an error");
    }
}

/// Pieces of traces and of what is almost one: random bytes alone never get past the header.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "op,id,size,align\n",
        "op,id,size,align,thread\n",
        ",thread,time_ns",
        "op,id,size,align,written\n",
        "alloc",
        "alloc_zeroed",
        "realloc",
        "dealloc",
        ",",
        ",",
        ",",
        "0",
        "1",
        "7",
        "8",
        "24",
        "4294967295",
        "18446744073709551616",
        "\n",
        "\n",
        "\r\n",
        "\r",
        "#",
        "# heaprace-trace: ",
        "\"",
        "\u{feff}",
        "\0",
        "\u{e9}",
        " ",
        "-",
    ];
    prop_oneof![
        4 => proptest::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ]
}

/// What a program does, in numbers that `trace` makes a valid trace of.
pub(crate) type Step = (u8, usize, u32, u32, u16, u16);

pub(crate) fn step() -> impl Strategy<Value = Step> {
    (any::<u8>(), any::<usize>(), 1..=u32::MAX, 0..=31u32, any::<u16>(), any::<u16>())
}

pub(crate) fn trace(steps: &[Step], columns: Columns, ids_apart: u64) -> Vec<Event> {
    let mut live: Vec<(u64, Layout)> = Vec::new();
    let (mut last_id, mut time_ns) = (0u64, 0);
    let mut events = Vec::new();
    for &(kind, which, size, align, thread, elapsed) in steps {
        let size = size as usize;
        time_ns += u64::from(elapsed);
        let (id, action) = if kind < 128 || live.is_empty() {
            last_id = last_id.wrapping_add(ids_apart);
            let layout = Layout::from_size_align(size, 1 << align).unwrap();
            live.push((last_id, layout));
            (last_id, Action::Alloc { layout, zeroed: kind % 2 == 0 })
        } else if kind < 192 {
            let index = which % live.len();
            let (id, old) = live[index];
            live[index].1 = Layout::from_size_align(size, old.align()).unwrap();
            (id, Action::Realloc { old, new_size: size })
        } else {
            let (id, layout) = live.swap_remove(which % live.len());
            (id, Action::Dealloc { layout })
        };
        let written = match action {
            Action::Realloc { old: layout, .. } | Action::Dealloc { layout } if columns.written => match elapsed % 4 {
                0 => None,
                1 => Some(layout.size() as u32),
                _ => Some((which % (layout.size() + 1)) as u32),
            },
            _ => None,
        };
        let thread = columns.thread.then_some(thread.into());
        events.push(Event { action, id, thread, time_ns: columns.time_ns.then_some(time_ns), written });
    }
    events
}

fn written(events: &[Event], columns: Columns) -> Vec<u8> {
    let mut writer = CsvWriter::new(Vec::new(), columns, &["program: property"]).unwrap();
    events.iter().for_each(|event| writer.write(event).unwrap());
    writer.finish().unwrap()
}

pub(crate) fn columns() -> impl Strategy<Value = Columns> {
    any::<[bool; 3]>().prop_map(|[thread, time_ns, written]| Columns { thread, time_ns, written })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        steps in proptest::collection::vec(step(), 1..200),
        columns in columns(),
        ids_apart in prop_oneof![Just(1u64), any::<u64>().prop_map(|id| id | 1)],
    ) {
        let events = trace(&steps, columns, ids_apart);
        let text = written(&events, columns);
        let reader = CsvReader::new(&text[..], "property.csv").unwrap();
        prop_assert_eq!(reader.provenance(), ["heaprace-trace: 1", "program: property"]);
        prop_assert_eq!(reader.columns(), columns);
        let read: Vec<Event> = reader.map(Result::unwrap).collect();
        prop_assert_eq!(read, events);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        exhaust("any", bytes);
    }

    #[test]
    fn nothing_like_a_trace_makes_the_reader_panic(
        header in any::<bool>(),
        pieces in proptest::collection::vec(piece(), 0..60),
    ) {
        let header = if header { &b"op,id,size,align\n"[..] } else { b"" };
        exhaust("any.csv", [header, &pieces.concat()].concat());
    }

    #[test]
    fn no_damage_makes_the_reader_panic(
        steps in proptest::collection::vec(step(), 1..40),
        columns in columns(),
        damages in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..6),
        compress in any::<bool>(),
    ) {
        let mut bytes = written(&trace(&steps, columns, 1), columns);
        if compress {
            bytes = zstd::encode_all(&bytes[..], 1).unwrap();
        }
        for (place, byte, kind) in damages {
            let place = place.index(bytes.len());
            match kind {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => bytes.truncate(place.max(1)),
            }
        }
        exhaust("damaged", bytes);
    }
}
