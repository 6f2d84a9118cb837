//! The binary format: what goes in comes out, and what is damaged is said, never replayed.

use std::io::Cursor;

use heaprace_recorder::htrace::Compress;
use heaprace_traces::csv::{self, Columns};
use heaprace_traces::htrace::{
    BLOCK_EVENTS, Block, Blocks, HtraceReader, HtraceWriter, MOST_BLOCK_EVENTS, Zstd, read_index,
};
use heaprace_traces::{Action, Event, Source, TraceError};
use proptest::prelude::*;

use crate::properties::{Step, columns, step, trace};

/// Any trace as canonical CSV, comments included.
fn to_csv(source: &Source) -> Vec<u8> {
    let mut events = source.open().unwrap();
    let mut writer = csv::CsvWriter::new(Vec::new(), events.columns(), events.provenance()).unwrap();
    while let Some(event) = events.next() {
        events.comments().iter().for_each(|comment| writer.comment(comment).unwrap());
        writer.write(&event.unwrap()).unwrap();
    }
    events.comments().iter().for_each(|comment| writer.comment(comment).unwrap());
    writer.finish().unwrap()
}

/// The same as a binary trace.
fn to_binary(source: &Source) -> Vec<u8> {
    let mut events = source.open().unwrap();
    let mut writer = HtraceWriter::new(Vec::new(), events.columns(), events.provenance()).unwrap();
    while let Some(event) = events.next() {
        events.comments().iter().for_each(|comment| writer.comment(comment).unwrap());
        writer.write(&event.unwrap()).unwrap();
    }
    events.comments().iter().for_each(|comment| writer.comment(comment).unwrap());
    writer.finish().unwrap()
}

/// To binary and back. It is the bytes of the text that must be the same.
fn round_trip(text: &[u8]) -> Vec<u8> {
    let binary = Source::from_bytes("a.htrace", to_binary(&Source::from_bytes("a.csv", text)));
    assert_eq!(binary.sha256().unwrap(), Source::from_bytes("a.csv", text).sha256().unwrap());
    to_csv(&binary)
}

fn written(events: &[Event], columns: Columns) -> Vec<u8> {
    let mut writer = HtraceWriter::new(Vec::new(), columns, &["program: a test"]).unwrap();
    events.iter().for_each(|event| writer.write(event).unwrap());
    writer.finish().unwrap()
}

/// Compresses short blocks, so that few events make several.
struct ShortBlocks(Zstd);

impl Compress for ShortBlocks {
    const BLOCK_EVENTS: usize = BLOCK_EVENTS;

    fn new() -> std::io::Result<Self> {
        Zstd::new().map(ShortBlocks)
    }

    fn compress(&mut self, bytes: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
        self.0.compress(bytes)
    }
}

/// Three blocks: two full ones and a part of one.
fn three_blocks() -> Vec<u8> {
    let steps: Vec<Step> = (0..2 * BLOCK_EVENTS + 1000)
        .map(|n| ((n * 37 % 251) as u8, n / 3, 1 + (n % 7) as u32 * 8, (n % 3) as u32, (n % 2) as u16, 1))
        .collect();
    let columns = Columns { thread: true, ..Columns::default() };
    let mut writer: heaprace_recorder::htrace::HtraceWriter<_, ShortBlocks> =
        heaprace_recorder::htrace::HtraceWriter::new(Vec::new(), columns, &["program: a test"]).unwrap();
    trace(&steps, columns, 1).iter().for_each(|event| writer.write(event).unwrap());
    writer.finish().unwrap()
}

/// The number of events in each block of a file.
fn block_events(bytes: &[u8]) -> Vec<usize> {
    let index = read_index(&mut Cursor::new(bytes), "test.htrace").unwrap();
    index.entries().iter().map(|entry| entry.events as usize).collect()
}

/// Pairs of an allocation and a deallocation, whose ids and times are as given.
fn pairs(count: usize, columns: Columns, mut id_of: impl FnMut() -> u64, ns_apart: u64) -> Vec<u8> {
    let layout = std::alloc::Layout::new::<u64>();
    let mut writer = HtraceWriter::new(Vec::new(), columns, &["program: a test"]).unwrap();
    let mut time_ns = 0;
    for _ in 0..count {
        let id = id_of();
        for action in [Action::Alloc { layout, zeroed: false }, Action::Dealloc { layout }] {
            time_ns += ns_apart;
            writer.write(&Event { action, id, thread: Some(0), time_ns: Some(time_ns), written: Some(8) }).unwrap();
        }
    }
    writer.finish().unwrap()
}

/// Gives a file another version, and its head the checksum for it.
fn of_version(version: u8, mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[8] = version;
    let end = 16 + u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let checksum = crc32fast::hash(&bytes[..end]);
    bytes[end..end + 4].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Version 1 is no longer written: a file that was kept says whether it is still read.
#[test]
fn a_file_of_version_1_is_read() {
    let bytes = include_bytes!("version-1.htrace");
    assert_eq!((bytes[8], bytes[9]), (1, 0));
    assert_eq!(block_events(bytes), [BLOCK_EVENTS, 70_700 - BLOCK_EVENTS]);
    let source = Source::from_bytes("version-1.htrace", &bytes[..]);
    assert_eq!(
        source.sha256().unwrap(),
        "539fd6aa2779b1512e6000921b338491aa898d0287a58ddea0532c1e73aa6eb5",
        "the SHA-256 of the CSV that was converted to it"
    );
    assert!(round_trip(&to_csv(&source)) == to_csv(&source));
}

#[test]
fn a_block_has_as_many_events_as_its_version_allows() {
    let mut id = 0;
    let mut next = || {
        id += 1;
        id
    };
    let bytes = pairs(MOST_BLOCK_EVENTS / 2 + 1, Columns::default(), &mut next, 1);
    assert_eq!(block_events(&bytes), [MOST_BLOCK_EVENTS, 2]);
    assert_eq!(first_error(&bytes).0, MOST_BLOCK_EVENTS as u64 + 2);
    let fits = pairs(BLOCK_EVENTS / 2, Columns::default(), &mut next, 1);
    assert!(first_error(&of_version(1, fits)).1.is_none());
    let too_large = pairs(BLOCK_EVENTS / 2 + 1, Columns::default(), &mut next, 1);
    assert_eq!(
        first_error(&of_version(1, too_large)).1.unwrap().to_string(),
        "test.htrace: block 1, with the events from 1 on, is damaged: it is larger than a block can be; \
         copy or record the file again"
    );
}

/// Ids and times that take eight bytes each would make blocks of 25 MB.
#[test]
fn a_block_of_long_numbers_ends_early_and_comes_back() {
    let mut random = fastrand::Rng::with_seed(1);
    let columns = Columns { thread: true, time_ns: true, written: true };
    let bytes = pairs(300_000, columns, || random.u64(..), 1 << 30);
    let events = block_events(&bytes);
    assert!(events.len() == 2 && events[0] == 6 * BLOCK_EVENTS, "{events:?}");
    let mut random = fastrand::Rng::with_seed(1);
    let reader = HtraceReader::new(&bytes[..], "long.htrace").unwrap();
    let ids = reader.map(|event| event.unwrap().id).step_by(2);
    assert!(ids.eq((0..300_000).map(|_| random.u64(..))));
}

/// How many events come before the error, and the error.
fn first_error(bytes: &[u8]) -> (u64, Option<TraceError>) {
    let mut blocks = match Blocks::new(bytes, "test.htrace") {
        Ok(blocks) => blocks,
        Err(error) => return (0, Some(error)),
    };
    let mut block = Block::default();
    loop {
        match blocks.read(&mut block) {
            Ok(true) => {}
            Ok(false) => return (blocks.events(), None),
            Err(error) => {
                assert!(!blocks.read(&mut block).unwrap(), "something follows an error");
                return (blocks.events(), Some(error));
            }
        }
    }
}

#[test]
fn a_library_trace_comes_back_byte_for_byte_and_is_small() {
    let library = Source::locate("serde-heavy").unwrap();
    let text = to_csv(&library);
    assert_eq!(Source::from_bytes("serde-heavy.csv", text.clone()).sha256().unwrap(), library.sha256().unwrap());
    let binary = to_binary(&Source::from_bytes("serde-heavy.csv", text.clone()));
    let bytes_an_event = binary.len() as f64 / library.library_entry().unwrap().about.totals.events as f64;
    assert!(bytes_an_event <= 0.18, "{bytes_an_event} bytes an event");
    assert!(to_csv(&Source::from_bytes("serde-heavy.htrace", binary)) == text, "the text is another");
}

#[test]
fn comments_come_back_where_they_stood() {
    let text = "# heaprace-trace: 1\n# program: a test\nop,id,size,align,time_ns\n# mark: begin\nalloc,1,8,8,0\n\
                alloc_zeroed,2,4294967295,2147483648,7\n# mark: request 1\n#\nrealloc,1,9,,7\ndealloc,1,,,300\n# ignored calls: 3\n";
    assert_eq!(String::from_utf8(round_trip(text.as_bytes())).unwrap(), text);
}

#[test]
fn extents_come_back_known_or_not_and_take_room_only_if_they_have_a_column() {
    let head = "# heaprace-trace: 1\nop,id,size,align,written\n";
    let events = "alloc,1,8,8\nrealloc,1,70000,,8\nrealloc,1,9\nrealloc,1,4294967295,,0\ndealloc,1,,,4294967295\n";
    let text = head.to_owned() + events;
    assert_eq!(String::from_utf8(round_trip(text.as_bytes())).unwrap(), text);
    let unknown = "# heaprace-trace: 1\nop,id,size,align,written\nalloc,1,8,8\ndealloc,1\n";
    assert_eq!(String::from_utf8(round_trip(unknown.as_bytes())).unwrap(), unknown);
    let bytes = |text: &str| to_binary(&Source::from_bytes("a.csv", text.as_bytes())).len();
    // Two sections with a head of 8 bytes each, and a byte for the one deallocation.
    assert_eq!(bytes(unknown) - bytes(&unknown.replace(",written", "")), 2 * 8 + 1);
}

#[test]
fn an_extent_beyond_its_block_is_named() {
    let mut events = trace(&[(0, 0, 8, 3, 0, 0), (255, 0, 8, 3, 0, 0)], Columns::default(), 1);
    let columns = Columns { written: true, ..Columns::default() };
    // The writer stores what is missing to the end of the block, so that the block decides.
    let Action::Dealloc { layout } = &mut events[1].action else { panic!("the second event frees") };
    *layout = std::alloc::Layout::from_size_align(20, 8).unwrap();
    events[1].written = Some(0);
    let error =
        Source::from_bytes("more.htrace", written(&events, columns)).open().unwrap().last().unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "more.htrace (event 2): dealloc of id 1 with all but 20 bytes written, but the object has 8 bytes; \
         correct it, or leave it empty if it is unknown"
    );
}

#[test]
fn many_and_long_comments_come_back() {
    let mut text = "# heaprace-trace: 1\nop,id,size,align\nalloc,1,8,8\n".to_owned();
    for length in [0, 1_000_000, 1_000_000, 1_000_000, 5] {
        text += &format!("# {}!\n", "long ".repeat(length / 5));
    }
    text += "dealloc,1\n";
    assert!(round_trip(text.as_bytes()) == text.as_bytes());
}

#[test]
fn ids_of_any_kind_come_back() {
    let ids = [1, 2, u64::MAX, 0, 94_000_000_000_000, 3, 5, 4];
    let mut text = "# heaprace-trace: 1\nop,id,size,align\n".to_owned();
    ids.iter().for_each(|id| text += &format!("alloc,{id},8,8\n"));
    ids.iter().rev().for_each(|id| text += &format!("dealloc,{id}\nalloc,{id},16,8\n"));
    assert_eq!(String::from_utf8(round_trip(text.as_bytes())).unwrap(), text);
}

/// More sizes than there are codes for.
#[test]
fn requests_of_any_number_come_back() {
    let mut text = "# heaprace-trace: 1\nop,id,size,align\n".to_owned();
    (1..2000).for_each(|id| text += &format!("alloc,{id},{},{}\n", id * 7, 1u64 << (id % 32)));
    (1..2000).for_each(|id| text += &format!("realloc,{id},{id}\n"));
    assert!(round_trip(text.as_bytes()) == text.as_bytes());
}

#[test]
fn blocks_are_decoded_alone_and_in_any_order() {
    let bytes = three_blocks();
    let expected: Vec<Event> = HtraceReader::new(&bytes[..], "test.htrace").unwrap().map(Result::unwrap).collect();
    let index = read_index(&mut Cursor::new(&bytes), "test.htrace").unwrap();
    assert_eq!((index.entries().len(), index.events()), (3, expected.len() as u64));
    let ids: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let read = |number| {
            let (bytes, index) = (&bytes, &index);
            scope.spawn(move || {
                let mut block = Block::default();
                let mut blocks = Blocks::new(Cursor::new(bytes), "test.htrace").unwrap();
                blocks.read_nth(index, number, &mut block).unwrap();
                assert_eq!(block.first_event(), u64::from(number) * BLOCK_EVENTS as u64);
                block.requests().map(|request| request.id).collect()
            })
        };
        [2, 0, 1].map(read).map(|thread| thread.join().unwrap()).into()
    });
    let ids: Vec<u64> = [1, 2, 0].iter().flat_map(|&at| ids[at].clone()).collect();
    assert_eq!(ids, expected.iter().map(|event| event.id).collect::<Vec<_>>());
    let mut blocks = Blocks::new(Cursor::new(&bytes), "test.htrace").unwrap();
    assert!(matches!(blocks.read_nth(&index, 3, &mut Block::default()), Err(TraceError::CutOff { block: 4, .. })));
}

#[test]
fn a_file_that_is_cut_off_yields_its_whole_blocks_and_one_error() {
    let bytes = three_blocks();
    let index = read_index(&mut Cursor::new(&bytes), "test.htrace").unwrap();
    let begins: Vec<u64> = index.entries().iter().map(|entry| entry.offset).collect();
    // Every length of the last block and the index, and a sample of those before: a block is decoded for each.
    let lengths = (0..begins[0]).chain((begins[0]..begins[2]).step_by(97)).chain(begins[2]..bytes.len() as u64);
    for length in lengths {
        let (events, error) = first_error(&bytes[..length as usize]);
        let whole = begins.iter().skip(1).filter(|&&begin| begin <= length).count() as u64;
        match error {
            Some(TraceError::DamagedFrame { part: "head", .. }) => assert!(length < begins[0]),
            Some(TraceError::CutOff { block, events: sound, .. }) => {
                assert!(length >= begins[0] && sound == events && block > whole, "{length}: block {block}");
                let least = index.entries()[..whole as usize].iter().map(|entry| u64::from(entry.events)).sum::<u64>();
                assert!(events >= least);
            }
            other => panic!("cut at {length}: {other:?}"),
        }
    }
    assert!(first_error(&bytes).1.is_none());
    let cut = Source::from_bytes("cut.htrace", &bytes[..begins[1] as usize + 100]);
    let events: Vec<_> = cut.open().unwrap().collect();
    assert_eq!(events.iter().filter(|event| event.is_ok()).count(), BLOCK_EVENTS);
    assert_eq!(
        events.last().unwrap().as_ref().unwrap_err().to_string(),
        "cut.htrace: is cut off in block 2, after 65536 intact events; copy or record the file again"
    );
    assert_eq!(events.len(), BLOCK_EVENTS + 1);
}

#[test]
fn a_flipped_bit_is_reported_by_its_block() {
    let bytes = three_blocks();
    let index = read_index(&mut Cursor::new(&bytes), "test.htrace").unwrap();
    let begins: Vec<u64> = index.entries().iter().map(|entry| entry.offset).collect();
    let tail = u64::from_le_bytes(bytes[bytes.len() - 20..][..8].try_into().unwrap());
    let step = if bytes.len() > 4000 { bytes.len() / 4000 + 1 } else { 1 };
    for place in (0..begins[0] as usize)
        .chain((begins[0] as usize..tail as usize).step_by(step))
        .chain(tail as usize..bytes.len())
    {
        let mut bad = bytes.clone();
        bad[place] ^= 1 << (place % 8);
        let expected = begins.iter().filter(|&&begin| begin <= place as u64).count() as u64;
        let (events, error) = first_error(&bad);
        match error {
            None => panic!("a flipped bit in byte {place} goes unnoticed"),
            Some(TraceError::DamagedBlock { block, events: sound, .. }) => {
                let in_magic = place as u64 >= tail && block == 4;
                assert!(in_magic || block == expected, "byte {place} is in block {expected}, not {block}");
                assert_eq!((sound, events), ((block - 1) * BLOCK_EVENTS as u64, sound).min((index.events(), events)));
            }
            Some(TraceError::DamagedFrame { part: "head", .. } | TraceError::UnknownBinaryVersion { .. }) => {
                assert!((place as u64) < begins[0]);
            }
            Some(TraceError::DamagedFrame { part: "index", .. }) => assert!(place as u64 >= tail),
            Some(error) => panic!("byte {place}: {error}"),
        }
    }
}

#[test]
fn an_event_that_cannot_be_is_named() {
    let mut events = trace(&[(0, 0, 8, 3, 0, 0), (255, 0, 8, 3, 0, 0)], Columns::default(), 1);
    events.push(events[1]);
    let bytes = written(&events, Columns::default());
    let error = Source::from_bytes("twice.htrace", bytes).open().unwrap().last().unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "twice.htrace (event 3): dealloc of id 1, which is not live; allocate it first, and deallocate it only once"
    );
}

#[test]
fn a_trace_without_events_is_refused() {
    let bytes = written(&[], Columns::default());
    let error = Source::from_bytes("none.htrace", bytes).open().unwrap().next().unwrap().unwrap_err();
    assert!(matches!(error, TraceError::NoEvents { .. }), "{error}");
}

#[test]
fn another_version_is_refused() {
    let mut bytes = written(&[], Columns::default());
    bytes[8] = 3;
    let message = Source::from_bytes("new.htrace", bytes).open().unwrap_err().to_string();
    assert_eq!(
        message,
        "new.htrace: version 3 of the binary format is unknown; this reader knows versions 1 and 2, so update Heaprace"
    );
}

#[test]
fn what_follows_the_end_is_refused() {
    let mut bytes = three_blocks();
    bytes.push(0);
    assert!(matches!(first_error(&bytes).1, Some(TraceError::DamagedFrame { part: "index", .. })));
    assert!(matches!(read_index(&mut Cursor::new(&bytes), "a"), Err(TraceError::DamagedFrame { .. })));
}

proptest! {
    #[test]
    fn random_traces_come_back(
        steps in proptest::collection::vec(step(), 1..200),
        columns in columns(),
        ids_apart in prop_oneof![Just(1u64), any::<u64>().prop_map(|id| id | 1)],
    ) {
        let events = trace(&steps, columns, ids_apart);
        let mut writer = csv::CsvWriter::new(Vec::new(), columns, &["program: property"]).unwrap();
        events.iter().for_each(|event| writer.write(event).unwrap());
        let text = writer.finish().unwrap();
        prop_assert_eq!(round_trip(&text), text);
        let read: Vec<Event> = HtraceReader::new(&written(&events, columns)[..], "a").unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(read, events);
    }

    #[test]
    fn no_bytes_behind_the_magic_ones_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Source::from_bytes("any", [b"\x89HTRACE\n", &bytes[..]].concat()).open().is_err());
    }

    #[test]
    fn damage_is_an_error_at_every_place(
        steps in proptest::collection::vec(step(), 1..40),
        columns in columns(),
        place in any::<prop::sample::Index>(),
        change in 1..=255u8,
    ) {
        let good = written(&trace(&steps, columns, 1), columns);
        let place = place.index(good.len());
        let mut bad = good.clone();
        bad[place] ^= change;
        prop_assert!(first_error(&bad).1.is_some());
        prop_assert!(first_error(&good[..place]).1.is_some());
        prop_assert!(first_error(&[&good[..], &[change]].concat()).1.is_some());
    }
}
