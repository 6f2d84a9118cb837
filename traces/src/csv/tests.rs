//! Plain lines are read in a way of their own. It must find the same events and errors as the way for all lines.

use std::fmt::Write;
use std::io::{self, Read};

use heaprace_recorder::Op;

use super::columns::Extra;
use super::{CsvReader, plain};
use crate::{Event, TraceError};

/// Everything that a reader says about a text: the head or an error, then each event with the comments before it, or an
/// error.
#[derive(Debug, PartialEq)]
struct Reading {
    head: Result<Vec<String>, String>,
    events: Vec<(Result<Event, String>, Vec<String>)>,
    comments_after: Vec<String>,
}

/// Gives its bytes in pieces, so that blocks end anywhere in a line.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.1.min(buffer.len());
        self.0.read(&mut buffer[..bytes])
    }
}

fn reading<R: Read>(input: R, next: impl Fn(&mut CsvReader<R>) -> Option<Result<Event, TraceError>>) -> Reading {
    let mut reader = match CsvReader::new(input, "random.csv") {
        Ok(reader) => reader,
        Err(error) => return Reading { head: Err(error.to_string()), events: Vec::new(), comments_after: Vec::new() },
    };
    let head = Ok(reader.provenance().to_vec());
    let mut events = Vec::new();
    while let Some(event) = next(&mut reader) {
        events.push((event.map_err(|error| error.to_string()), reader.comments().to_vec()));
    }
    Reading { head, events, comments_after: reader.comments().to_vec() }
}

/// A text in the form that traces are written in, with a line of another form here and there.
fn text(random: &mut fastrand::Rng) -> String {
    let mut columns = ["thread", "time_ns", "written"];
    random.shuffle(&mut columns);
    let columns = &columns[..random.usize(..=3)];
    let mut text = String::from("# heaprace-trace: 1\nop,id,size,align");
    columns.iter().for_each(|column| text.extend([",", column]));
    let apart = *random.choice([1_u64, 2, 16, 1 << 33].as_slice()).expect("there are some");
    let (mut live, mut last_id, mut time_ns) = (Vec::new(), 0, 0_u64);
    for _ in 0..random.usize(..60) {
        text.push_str(if random.u8(..40) == 0 { "\r\n" } else { "\n" });
        match random.u8(..60) {
            0 => text.push_str("# mark: one"),
            1 => text.push('\n'),
            _ => {}
        }
        if text.ends_with("one") {
            text.push('\n');
        }
        let most_log2 = random.u32(..40);
        time_ns += random.u64(..1 << most_log2);
        let line = match random.u8(..8) {
            0..4 => {
                last_id += apart;
                live.push(last_id);
                let op = if random.u8(..8) == 0 { Op::AllocZeroed } else { Op::Alloc };
                let most_log2 = random.u32(1..33);
                format!("{op},{last_id},{},{}", random.u64(1..1 << most_log2), 1 << random.u32(..7))
            }
            4 if !live.is_empty() => format!("realloc,{},{},", random.choice(&live).expect("some"), random.u16(1..)),
            _ if !live.is_empty() => format!("dealloc,{},,", live.swap_remove(random.usize(..live.len()))),
            _ => continue,
        };
        text.push_str(&line);
        for column in columns {
            match *column {
                "thread" => write!(text, ",{}", random.u8(..20)),
                "time_ns" => write!(text, ",{time_ns}"),
                _ if line.starts_with('a') || random.bool() => write!(text, ","),
                _ => write!(text, ",{}", random.u8(..3)),
            }
            .expect("a string takes all text");
        }
        // Commas at the end may be left out.
        if random.u8(..10) > 0 {
            text.truncate(text.trim_end_matches(',').len());
        }
    }
    text + if random.u8(..4) == 0 { "" } else { "\n" }
}

fn damage(text: &mut Vec<u8>, random: &mut fastrand::Rng) {
    let bytes = b"0123456789,,,,\n\n\r#ad \"\0\xc3-";
    let at = random.usize(..text.len());
    let byte = *random.choice(bytes).expect("there are some");
    match random.u8(..4) {
        0 => text[at] = byte,
        1 => text.insert(at, byte),
        2 => drop(text.remove(at)),
        _ => {
            let copied = text[at..text.len().min(at + random.usize(..30))].to_vec();
            let to = random.usize(..=text.len());
            text.splice(to..to, copied);
        }
    }
}

#[test]
fn plain_lines_are_read_as_all_lines_are() {
    let (mut whole, mut refused) = (0, 0);
    for seed in 0..20_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut text = text(&mut random).into_bytes();
        (0..random.usize(..3)).for_each(|_| damage(&mut text, &mut random));
        let reference = reading(&text[..], CsvReader::next_by_lines);
        let (found, shown) = (reading(&text[..], CsvReader::next), String::from_utf8_lossy(&text));
        assert_eq!(found, reference, "seed {seed}: {shown}");
        let piece = random.usize(1..40);
        assert_eq!(
            reading(Pieces(&text, piece), CsvReader::next),
            reference,
            "seed {seed}, pieces of {piece}: {shown}"
        );
        match reference.events.last() {
            Some((Ok(_), _)) => whole += 1,
            Some((Err(_), _)) => refused += 1,
            None => {}
        }
    }
    assert!(whole > 5000 && refused > 2000, "{whole} texts are whole, {refused} are refused");
}

#[test]
fn what_the_writer_writes_is_plain_and_what_may_mean_something_else_is_not() {
    use Extra::{Thread, TimeNs, Written};
    let parse = |text: &str, extras: &[Extra]| {
        let line = plain::parse(format!("{text}\ndealloc,1\n").as_bytes(), extras)?;
        assert_eq!(line.bytes, text.len() + 1, "{text}");
        Some((line.op, [Some(line.id), Some(line.size), Some(line.align), line.thread.map(u64::from), line.time_ns]))
    };
    let plain = |op, id, size, align| Some((op, [Some(id), Some(size), Some(align), None, None]));
    assert_eq!(parse("alloc,7,24,8", &[]), plain(Op::Alloc, 7, 24, 8));
    assert_eq!(
        parse("alloc,12345678,4294967295,2147483648", &[]),
        plain(Op::Alloc, 12_345_678, 4_294_967_295, 1 << 31)
    );
    assert_eq!(parse("alloc_zeroed,123456789012345,1,1", &[]), plain(Op::AllocZeroed, 123_456_789_012_345, 1, 1));
    assert_eq!(parse("realloc,1234567,48", &[]), plain(Op::Realloc, 1_234_567, 48, 0));
    assert_eq!(parse("dealloc,007", &[Written]), plain(Op::Dealloc, 7, 0, 0));
    let more = Some((Op::Dealloc, [Some(7), Some(0), Some(0), Some(1), Some(99)]));
    assert_eq!(parse("dealloc,7,,,99,1,24", &[TimeNs, Thread, Written]), more);
    for text in [
        "",
        "alloc,7,24",
        "alloc,7,24,8,",
        "alloc,7,24,8,1",
        "alloc,,24,8",
        "alloc,7,,8",
        "alloc,7,24,",
        "alloc,7,24,8\r",
        "alloc, 7,24,8",
        "alloc,+7,24,8",
        "alloc,7,24,8x",
        "alloc,1234567890123456,24,8",
        "alloc,7:,24,8",
        "alloc,/7,24,8",
        "dealloc,7,24",
        "dealloc,7,,8",
        "dealloc,7,",
        "realloc,7",
        "realloc,7,48,8",
        "allocate,7,24,8",
        "# alloc,7,24,8",
    ] {
        assert_eq!(parse(text, &[]), None, "{text:?}");
    }
    assert_eq!(parse("dealloc,7,,,4294967296", &[Thread]), None);
    assert!(plain::parse(b"alloc,7,24,8", &[]).is_none(), "it may not be whole");
}
