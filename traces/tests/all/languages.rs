//! One language in two formats: whatever one reader accepts, both formats carry, and read back the same.

use heaprace_recorder::csv::named_version;
use heaprace_recorder::htrace::block::{BLOCK_MAGIC, HEAD_BYTES};
use heaprace_recorder::htrace::{Index, IndexEntry, Stored};
use heaprace_traces::csv::{Columns, CsvWriter};
use heaprace_traces::htrace::HtraceWriter;
use heaprace_traces::{Event, Source, TraceError};
use proptest::prelude::*;

use crate::properties::{columns, step, trace};

/// All that a trace says.
#[derive(Debug, PartialEq)]
struct Content {
    columns: Columns,
    /// Without the version, which a trace need not name.
    provenance: Vec<String>,
    /// Each after the comments before it.
    events: Vec<(Vec<String>, Event)>,
    last_comments: Vec<String>,
}

fn content(name: &str, bytes: Vec<u8>) -> Result<Content, TraceError> {
    let mut reader = Source::from_bytes(name, bytes).open()?;
    let is_no_version = |line: &&String| named_version(line).is_none();
    let (columns, provenance) = (reader.columns(), reader.provenance().iter().filter(is_no_version).cloned().collect());
    let mut events = Vec::new();
    while let Some(event) = reader.next() {
        events.push((reader.comments().to_vec(), event?));
    }
    Ok(Content { columns, provenance, events, last_comments: reader.comments().to_vec() })
}

/// Writes the same to a writer of either format.
macro_rules! write_to {
    ($writer:expr, $content:expr) => {{
        let mut writer = $writer.unwrap();
        for (comments, event) in &$content.events {
            comments.iter().for_each(|comment| writer.comment(comment).unwrap());
            writer.write(event).unwrap();
        }
        $content.last_comments.iter().for_each(|comment| writer.comment(comment).unwrap());
        writer.finish().unwrap()
    }};
}

/// Checks what a reader accepts.
fn assert_carried(name: &str, bytes: Vec<u8>) {
    let Ok(content) = content(name, bytes) else { return };
    let csv = write_to!(CsvWriter::new(Vec::new(), content.columns, &content.provenance), content);
    let htrace = write_to!(HtraceWriter::new(Vec::new(), content.columns, &content.provenance), content);
    for (name, bytes) in [("a.csv", csv), ("a.htrace", htrace)] {
        assert_eq!(self::content(name, bytes).unwrap(), content, "{name}");
    }
}

/// A binary trace whose sections are not compressed, so that a changed byte stays what it is.
fn binary(events: &[Event], columns: Columns, comments: &[(usize, String)]) -> Vec<u8> {
    let mut writer: HtraceWriterStored = HtraceWriterStored::new(Vec::new(), columns, &["program: a"]).unwrap();
    for (place, event) in events.iter().enumerate() {
        comments.iter().filter(|(at, _)| *at == place).for_each(|(_, text)| writer.comment(text).unwrap());
        writer.write(event).unwrap();
    }
    writer.finish().unwrap()
}

type HtraceWriterStored = heaprace_recorder::htrace::HtraceWriter<Vec<u8>, Stored>;

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Gives the head and the only block of a binary trace the checksums of their bytes, and the file its index.
fn seal(bytes: &mut Vec<u8>) {
    let head = 16 + u32_at(bytes, 12);
    let checksum = crc32fast::hash(&bytes[..head]);
    bytes[head..head + 4].copy_from_slice(&checksum.to_le_bytes());
    let block = head + 4;
    let payload = block + BLOCK_MAGIC.len() + HEAD_BYTES;
    let end = payload + u32_at(bytes, block + 12);
    let checksum = crc32fast::hash(&bytes[payload..end]);
    bytes[block + 16..block + 20].copy_from_slice(&checksum.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[block..block + 52]);
    bytes[block + 52..block + 56].copy_from_slice(&checksum.to_le_bytes());
    let mut index = Index::default();
    index.push(IndexEntry { offset: block as u64, events: u32_at(bytes, block + 8) as u32 });
    bytes.truncate(end);
    bytes.extend(index.to_bytes(end as u64));
}

/// Where the provenance and the block may be changed, without moving any byte.
fn places(bytes: &[u8]) -> Vec<usize> {
    let head = 16 + u32_at(bytes, 12);
    let block = head + 4;
    let payload = block + BLOCK_MAGIC.len() + HEAD_BYTES;
    let start = block + 20..block + 52;
    (16..head).chain(start).chain(payload..payload + u32_at(bytes, block + 12)).collect()
}

fn texts() -> impl Strategy<Value = String> {
    let words =
        ["mark: ", "heaprace-trace: ", "1", "2", "a", "\u{e9}", " ", "\t", "\u{1b}", "> ", "\u{feff}", "left live: "];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..5).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn both_formats_carry_what_the_csv_reader_accepts(
        provenance in proptest::collection::vec(texts(), 0..4),
        steps in proptest::collection::vec(step(), 1..20),
        columns in columns(),
        inserted in proptest::collection::vec((any::<prop::sample::Index>(), texts(), 0..6u8), 0..6),
    ) {
        let events = trace(&steps, columns, 1);
        let mut writer = CsvWriter::new(Vec::new(), columns, &["program: a"]).unwrap();
        events.iter().for_each(|event| writer.write(event).unwrap());
        let text = String::from_utf8(writer.finish().unwrap()).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for line in &provenance {
            lines.insert(0, format!("#{line}"));
        }
        for (place, text, kind) in &inserted {
            let place = place.index(lines.len() + 1);
            let line = ["#{}", "# {}", "#  {}\r", "# a\r# {}", "", "{}"][usize::from(*kind)].replace("{}", text);
            lines.insert(place, line);
        }
        assert_carried("a.csv", (lines.join("\n") + "\n").into_bytes());
        assert_carried("a.csv", (lines.join("\r\n") + "\r\n").into_bytes());
    }

    #[test]
    fn both_formats_carry_what_the_binary_reader_accepts_behind_right_checksums(
        steps in proptest::collection::vec(step(), 1..20),
        columns in columns(),
        comments in proptest::collection::vec((0..20_usize, "[a-z]{0,9}|mark: [a-z]{0,3}"), 0..4),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), 0..40_u8]), 0..4),
    ) {
        let mut bytes = binary(&trace(&steps, columns, 1), columns, &comments);
        let places = places(&bytes);
        for (place, byte) in &changes {
            bytes[places[place.index(places.len())]] = *byte;
        }
        seal(&mut bytes);
        assert_carried("a.htrace", bytes);
    }
}

/// A binary trace of one comment, one event, and this provenance.
fn with_text(provenance: &str, comment: &str) -> Vec<u8> {
    let steps = [(0, 0, 24, 3, 0, 0)];
    let [from, to] = ["?".repeat(comment.len()), comment.to_owned()];
    let mut bytes = binary(&trace(&steps, Columns::default(), 1), Columns::default(), &[(0, from.clone())]);
    let place = bytes.windows(from.len()).rposition(|window| window == from.as_bytes()).unwrap();
    bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
    let old = u32_at(&bytes, 12);
    bytes.splice(16..16 + old, provenance.bytes());
    bytes[12..16].copy_from_slice(&(provenance.len() as u32).to_le_bytes());
    seal(&mut bytes);
    bytes
}

#[test]
fn the_binary_reader_refuses_what_no_csv_can_hold() {
    let message = |provenance: &str, comment: &str| match content("a.htrace", with_text(provenance, comment)) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    assert_eq!(message("heaprace-trace: 1\nprogram: a\n", "fine"), "");
    let long = "x".repeat((1 << 20) - 1);
    for comment in ["a\0b", "a\nb", "a\rb", "mark: a\tb"] {
        assert!(message("", comment).contains("a comment is not one line of text, or too long"), "{comment:.9}");
    }
    for (provenance, expected) in [
        ("heaprace-trace: 2\n", "a.htrace: version \"2\" of the format is unknown; this reader knows version 1"),
        ("a\0b\n", "a.htrace: the comment \"a\\0b\" has a NUL byte; correct it, or remove it"),
        ("a\rb\n", "a.htrace: the comment \"a\\rb\" has a line end within it"),
        ("program: a", "a.htrace: the head is damaged: its provenance does not end with a line end"),
        (&format!("{long}\n"), "is longer than 1 MiB; correct it, or remove it"),
        (&"\n".repeat(1 << 16), "the provenance exceeds 16777216 bytes or 65536 lines"),
    ] {
        let found = message(provenance, "fine");
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn the_binary_reader_refuses_bits_that_have_no_meaning() {
    let steps = [(0, 0, 24, 3, 0, 0), (255, 0, 1, 0, 0, 0)];
    let good = binary(&trace(&steps, Columns::default(), 1), Columns::default(), &[]);
    let block = 20 + u32_at(&good, 12);
    let table = block + 56 + 8;
    let changed = |place: usize, byte: u8| {
        let mut bytes = good.clone();
        assert_ne!(bytes[place], byte);
        bytes[place] = byte;
        seal(&mut bytes);
        content("a.htrace", bytes).unwrap_err().to_string()
    };
    let dealloc = (table..table + 10).step_by(5).find(|&place| good[place] == 3).unwrap();
    let alloc = (table..table + 10).step_by(5).find(|&place| good[place] != 3).unwrap();
    for (place, byte) in [(dealloc + 1, 24), (dealloc, 3 | 3 << 2), (alloc, 1 << 7)] {
        let message = changed(place, byte);
        assert!(message.contains("a request in its table has bits that no request has"), "{message}");
    }
    // Where the first block says that it continues from an event before it.
    for place in [28, 36, 44] {
        let message = changed(block + place, 1);
        assert!(
            message.contains("block 1, with the events from 1 on") && message.contains("does not continue"),
            "{message}"
        );
    }
}

#[test]
fn comments_in_a_small_file_fill_no_memory() {
    let bomb = |comment: &str, count: usize| {
        let text = format!("op,id,size,align\nalloc,1,8,8\n{}dealloc,1\n", comment.repeat(count));
        let compressed = zstd::encode_all(text.as_bytes(), 3).unwrap();
        content("bomb.csv.zst", compressed).unwrap_err().to_string()
    };
    assert_eq!(
        bomb("# c\n", 2_000_000),
        "bomb.csv.zst:684787 (event 2): there are too many comments between two events, more than 33554464 bytes; remove comments"
    );
    assert!(
        bomb(&format!("# mark: {}\n", "m".repeat(1_000_000)), 3).contains("is a mark whose name has more than 1000")
    );
    let long = bomb(&format!("# {}\n", "c".repeat(1 << 20)), 1);
    assert_eq!(
        long,
        "bomb.csv.zst:3 (event 2): the line is longer than 1048576 bytes; check that this file is a trace"
    );
    let provenance = "# c\n".repeat(100_000) + "op,id,size,align\nalloc,1,8,8\n";
    assert!(content("a.csv", provenance.into_bytes()).unwrap_err().to_string().contains("the provenance exceeds"));
}
