//! Broken traces, each with the whole message that a user gets.
//!
//! Read from top to bottom this is what the reader says; a change of a message shows here.

use heaprace_traces::{Source, TraceError};

/// Reads a trace to its end or its first error.
fn read(name: &str, bytes: impl Into<Vec<u8>>) -> Result<u64, TraceError> {
    let mut events = 0;
    for event in Source::from_bytes(name, bytes.into()).open()? {
        event?;
        events += 1;
    }
    Ok(events)
}

#[track_caller]
fn assert_message(name: &str, bytes: impl Into<Vec<u8>>, expected: &str) {
    let error = read(name, bytes).expect_err("the trace is broken");
    assert_eq!(error.to_string(), expected);
}

/// The message for a trace whose header is fine.
#[track_caller]
fn assert_fault(lines: &str, expected: &str) {
    assert_message("broken.csv", format!("op,id,size,align\n{lines}"), expected);
}

#[test]
fn no_trace_at_all() {
    assert_message(
        "broken.csv",
        "",
        "broken.csv: is empty; a trace begins with the line op,id,size,align and has at least one event",
    );
    assert_message(
        "broken.csv",
        "# only: comments\n\n",
        "broken.csv: is empty; a trace begins with the line op,id,size,align and has at least one event",
    );
    assert_message(
        "broken.csv",
        "op,id,size,align\n# nothing happened\n",
        "broken.csv: has a header but no event; check that the program was recorded to its end",
    );
}

#[test]
fn headers() {
    assert_message(
        "broken.csv",
        "# a comment\nalloc,1,16,8\n",
        "broken.csv:2: expected a header, found \"alloc\"; begin the trace with the line op,id,size,align",
    );
    assert_message(
        "broken.csv",
        "op,id,align,size\nalloc,1,8,16\n",
        "broken.csv:1: column 3 is \"align\" instead of \"size\"; a header begins with op,id,size,align",
    );
    assert_message(
        "broken.csv",
        "op,id,size\nalloc,1,8\n",
        "broken.csv:1: column 4 is missing instead of \"align\"; a header begins with op,id,size,align",
    );
    assert_message(
        "broken.csv",
        "op,id,size,align,tid\nalloc,1,8,8,0\n",
        "broken.csv:1: unknown column \"tid\"; after op,id,size,align a header may name thread, time_ns and written",
    );
    assert_message(
        "broken.csv",
        "op,id,size,align,time_ns,time_ns\nalloc,1,8,8,0,0\n",
        "broken.csv:1: the column \"time_ns\" occurs twice; name each column once",
    );
    assert_message(
        "broken.csv",
        "# heaprace-trace: 2\nop,id,size,align\nalloc,1,8,8\n",
        "broken.csv:1: version \"2\" of the format is unknown; this reader knows version 1, so update Heaprace",
    );
}

#[test]
fn lines_that_are_no_events() {
    assert_fault(
        "malloc,1,16,8\n",
        "broken.csv:2 (event 1): unknown op \"malloc\"; an op is one of alloc, alloc_zeroed, realloc, dealloc",
    );
    assert_fault(
        "\"alloc\",1,16,8\n",
        "broken.csv:2 (event 1): unknown op \"\\\"alloc\\\"\"; an op is one of alloc, alloc_zeroed, realloc, dealloc",
    );
    assert_fault(
        "alloc,1,16,8,0\n",
        "broken.csv:2 (event 1): 5 fields, but the header names 4 columns; \
         an event has no more fields than there are columns",
    );
    assert_fault("alloc\n", "broken.csv:2 (event 1): alloc without id; an allocation has id, size and align");
    assert_fault("alloc,1,,8\n", "broken.csv:2 (event 1): alloc without size; an allocation has id, size and align");
    assert_fault(
        "alloc_zeroed,1,16\n",
        "broken.csv:2 (event 1): alloc_zeroed without align; an allocation has id, size and align",
    );
    assert_fault(
        "alloc,1,16,8\nrealloc,1\n",
        "broken.csv:3 (event 2): realloc without size; a reallocation has its id and the new size",
    );
    assert_fault("dealloc,\n", "broken.csv:2 (event 1): dealloc without id; a deallocation has its id");
    assert_message(
        "broken.csv",
        "op,id,size,align,thread\nalloc,1,16,8\n",
        "broken.csv:2 (event 1): alloc without thread; if the header names this column, every event has its value",
    );
}

#[test]
fn numbers() {
    assert_fault(
        "alloc,1,12k,8\n",
        "broken.csv:2 (event 1): size \"12k\" is not a number; write it in decimal digits only",
    );
    assert_fault(
        "alloc,-1,16,8\n",
        "broken.csv:2 (event 1): id \"-1\" is not a number; write it in decimal digits only",
    );
    assert_fault(
        "alloc,99999999999999999999,16,8\n",
        "broken.csv:2 (event 1): id 99999999999999999999 is out of range; it must be from 0 to 18446744073709551615",
    );
    assert_fault("alloc,1,0,8\n", "broken.csv:2 (event 1): size 0 is out of range; it must be from 1 to 4294967295");
    assert_fault(
        "alloc,1,4294967296,8\n",
        "broken.csv:2 (event 1): size 4294967296 is out of range; it must be from 1 to 4294967295",
    );
    assert_fault("alloc,1,16,0\n", "broken.csv:2 (event 1): align 0 is out of range; it must be from 1 to 2147483648");
    assert_fault(
        "alloc,1,16,4294967296\n",
        "broken.csv:2 (event 1): align 4294967296 is out of range; it must be from 1 to 2147483648",
    );
    assert_fault(
        "alloc,1,16,24\n",
        "broken.csv:2 (event 1): align 24 is not a power of two; an alignment is 1, 2, 4, 8 and so on",
    );
    assert_message(
        "broken.csv",
        "op,id,size,align,thread\nalloc,1,16,8,4294967296\n",
        "broken.csv:2 (event 1): thread 4294967296 is out of range; it must be from 0 to 4294967295",
    );
    assert_message(
        "broken.csv",
        "op,id,size,align,time_ns\nalloc,1,16,8,20\ndealloc,1,,,19\n",
        "broken.csv:3 (event 2): time_ns 19 is before 20, the time of an earlier event; \
         times must not fall: sort the events",
    );
}

#[test]
fn objects() {
    assert_fault(
        "alloc,1,16,8\nalloc,1,32,8\n",
        "broken.csv:3 (event 2): alloc of id 1, which is live; \
         deallocate it first, or give each live object an id of its own",
    );
    assert_fault(
        "alloc,1,16,8\ndealloc,1\ndealloc,1\n",
        "broken.csv:4 (event 3): dealloc of id 1, which is not live; allocate it first, and deallocate it only once",
    );
    assert_fault(
        "realloc,1,16\n",
        "broken.csv:2 (event 1): realloc of id 1, which is not live; allocate it first, and deallocate it only once",
    );
    assert_fault(
        "alloc,1,16,8\nrealloc,1,32,16\n",
        "broken.csv:3 (event 2): realloc of id 1 with align 16, but the object has 8; \
         correct it, or leave the field empty",
    );
    assert_fault(
        "alloc,1,16,8\nrealloc,1,32\ndealloc,1,16\n",
        "broken.csv:4 (event 3): dealloc of id 1 with size 16, but the object has 32; \
         correct it, or leave the field empty",
    );
}

#[test]
fn extents() {
    let fault = |lines: &str, expected: &str| {
        assert_message("broken.csv", format!("op,id,size,align,written\n{lines}"), expected);
    };
    fault(
        "alloc,1,16,8\ndealloc,1,,,17\n",
        "broken.csv:3 (event 2): dealloc of id 1 with written 17, but the object has 16 bytes; \
         correct it, or leave it empty if it is unknown",
    );
    fault(
        "alloc,1,16,8\nrealloc,1,32,,20\n",
        "broken.csv:3 (event 2): realloc of id 1 with written 20, but the object has 16 bytes; \
         correct it, or leave it empty if it is unknown",
    );
    fault(
        "alloc,1,16,8,0\n",
        "broken.csv:2 (event 1): alloc with written 0; \
         nothing is written of a new block: leave the field empty, except for realloc and dealloc",
    );
    fault(
        "alloc,1,16,8\ndealloc,1,,,all\n",
        "broken.csv:3 (event 2): written \"all\" is not a number; write it in decimal digits only",
    );
    fault(
        "alloc,1,16,8\ndealloc,1,,,99999999999999999999\n",
        "broken.csv:3 (event 2): written 99999999999999999999 is out of range; it must be from 0 to 4294967295",
    );
}

#[test]
fn the_line_is_right_whatever_stands_before_it() {
    assert_fault(
        "\n# a comment, with a comma\n\n\nalloc,1,16,8\n\nfree,1\n",
        "broken.csv:8 (event 2): unknown op \"free\"; an op is one of alloc, alloc_zeroed, realloc, dealloc",
    );
    assert_message(
        "broken.csv",
        "op,id,size,align\r\n\r\n# a comment\r\nalloc,1,16,8\r\nfree,1\r\n",
        "broken.csv:5 (event 2): unknown op \"free\"; an op is one of alloc, alloc_zeroed, realloc, dealloc",
    );
}

#[test]
fn files_that_are_cut_off_or_no_text() {
    assert_fault(
        "alloc,1,16,8\ndealloc,1",
        "broken.csv:3 (event 2): the last line \"dealloc,1\" has no line end, so the trace is cut off; \
         record it again, or end the line",
    );
    assert_message(
        "broken.csv",
        "op,id,size,align",
        "broken.csv:1: the last line \"op,id,size,align\" has no line end, so the trace is cut off; \
         record it again, or end the line",
    );
    assert_message(
        "broken.csv",
        b"op,id,size,align\nalloc,1,16,8\n# caf\xe9\n",
        "broken.csv:3 (event 2): \"# caf\\xe9\" is not UTF-8; \
         a trace is plain text: save it as UTF-8, or check that this file is a trace",
    );
    assert_message(
        "broken.csv",
        b"\xff\xfeo\0p\0\n\0",
        "broken.csv: is text in UTF-16; save it as UTF-8: iconv -f UTF-16 -t UTF-8",
    );
    assert_fault(
        "alloc,1,16,8\0\n",
        "broken.csv:2 (event 1): \"alloc,1,16,8\\0\" has a NUL byte; \
         the file is damaged or not text: check that this file is a trace",
    );
    assert_message(
        "broken.csv",
        vec![b'x'; 3 << 20],
        "broken.csv:1: the line is longer than 1048576 bytes; check that this file is a trace",
    );
}

#[test]
fn compressed_files() {
    let text = "op,id,size,align\nalloc,1,16,8\n";
    let compressed = zstd::encode_all(text.as_bytes(), 3).unwrap();
    assert_message(
        "broken.csv",
        b"\x1f\x8b\x08\0\0\0\0\0",
        "broken.csv: is compressed with gzip; \
         decompress it (gzip -d), and compress it with zstd to keep it small",
    );
    assert_message(
        "broken.csv",
        compressed.clone(),
        "broken.csv: is compressed with zstd, but its name says plain CSV; \
         rename it to end in .csv.zst, or decompress it (zstd -d)",
    );
    assert_message(
        "broken.csv.zst",
        &compressed[..compressed.len() - 3],
        "broken.csv.zst:2 (event 1): the zstd data is damaged or cut off here: incomplete frame; \
         copy or record the file again",
    );
    let mut damaged = compressed;
    damaged[6] ^= 0xff;
    let message = read("broken.csv.zst", damaged).expect_err("a block is damaged").to_string();
    assert!(message.starts_with("broken.csv.zst:1: the zstd data is damaged or cut off here: "), "{message}");
}

#[test]
fn after_an_error_the_events_end() {
    let text = "op,id,size,align\nalloc,1,16,8\nfree,1\nalloc,2,16,8\n";
    let mut events = Source::from_bytes("broken.csv", text.as_bytes()).open().unwrap();
    assert!(matches!(events.next(), Some(Ok(_))));
    assert!(matches!(events.next(), Some(Err(TraceError::Invalid { .. }))));
    assert!(events.next().is_none());
    assert!(events.next().is_none());
}
