//! Broken recordings, each with the whole message that a user gets.

use std::io::Write;

use heaprace_traces::import::{Format, ImportOptions};

use super::{import, import_with};

/// The message for a line that follows good ones of its format.
#[track_caller]
fn assert_line(format: Format, line: &str, expected: &str) {
    let good = match format {
        Format::Csapp => "20000\n4\n12\n1\na 0 8\n",
        Format::Android => "1: malloc 0x10 8\n",
        Format::Mtrace => "= Start\n@ x + 0x10 0x8\n",
        Format::Valgrind => "--7-- malloc(8) = 0x10\n",
        Format::Heaptrack => "v 10400 3\n+ 8 1 10\n",
        _ => "Alloc(8),\n",
    };
    let number = good.lines().count() + 1;
    let error = import(format!("{good}{line}\n")).expect_err("the line is broken");
    assert_eq!(error.to_string(), format!("recording:{number} (event 2): {expected}"));
}

#[test]
fn csapp() {
    let line = |line: &str, expected: &str| assert_line(Format::Csapp, line, expected);
    line(
        "x 1 8",
        "\"x 1 8\" is not a line of a .rep trace; after the header a line reads \"a id size\", \"r id size\" or \"f id\"",
    );
    line("a 1", "a without size; the line is damaged: record the program again");
    line("r", "r without id; the line is damaged: record the program again");
    line("f", "f without id; the line is damaged: record the program again");
    line("f 0 8", "\"8\" follows the last value of f; the line is damaged: record the program again");
    line("a 1 8k", "size \"8k\" is not a decimal number of at most 64 bits; correct it, or record the program again");
    line("a -1 8", "id \"-1\" is not a decimal number of at most 64 bits; correct it, or record the program again");
    line("f 1", "a block ends at number 1, where none was allocated; allocate it first, or remove the line");
    line(
        "a 0 8",
        "a block begins at number 0, where that of line 5 is live, and none of the next 4096 calls can be its late end; calls are \
         missing: record the program again",
    );
    for twice in ["f 0\nf 0", "f 0\nr 0 8"] {
        let error = import(format!("1\n1\n1\n1\na 0 8\n{twice}\n")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "recording:7 (event 3): a block ends at number 0, where none is live since the last one ended; calls are missing or \
             doubled: record again"
        );
    }
    let options = ImportOptions { format: Some(Format::Csapp), ..ImportOptions::default() };
    let header = "has three or four, a line each, or there is none: correct it, or remove it";
    for (text, place, numbers) in [("1\n1\na 0 8\n", 3, 2), ("1\nx\n", 2, 1)] {
        assert_eq!(
            import_with(text, options).unwrap_err().to_string(),
            format!("recording:{place} (event 1): a header of {numbers} numbers; it {header}")
        );
    }
}

#[test]
fn android() {
    let line = |line: &str, expected: &str| assert_line(Format::Android, line, expected);
    let remedy = "is not a line of an Android recording; a line reads \"tid: malloc 0xaddress size\", or calloc, memalign, realloc, free \
                  or thread_done";
    for broken in ["1: mmap 0x1000 8", "1:", "malloc 0x1000 8"] {
        line(broken, &format!("\"{broken}\" {remedy}"));
    }
    line(
        "x: free 0x10",
        "tid \"x\" is not a decimal number of at most 64 bits; correct it, or record the program again",
    );
    line("1: free", "free without address; the line is damaged: record the program again");
    line("1: malloc 0x20", "malloc without size; the line is damaged: record the program again");
    line("1: calloc 0x20 1", "calloc without size; the line is damaged: record the program again");
    line("1: memalign 0x20 1", "memalign without size; the line is damaged: record the program again");
    line("1: realloc 0x20 0x10", "realloc without size; the line is damaged: record the program again");
    line(
        "1: free 0xg",
        "address \"0xg\" is not a hexadecimal number of at most 64 bits; correct it, or record the program again",
    );
    line("1: free 0x10 1 2 3", "\"3\" follows the last value of free; the line is damaged: record the program again");
    line("1: free 0x10 1", "free without end; the line is damaged: record the program again");
    line("1: free 0x10 1 2", "a call with times, unlike those before it; give all calls their times, or none");
    line(
        "1: calloc 0x20 9223372036854775808 2",
        "calloc of 9223372036854775808 times 2 bytes overflows; no such call can succeed, so correct the line",
    );
    line("1: memalign 0x20 2147483649 8", "align 4294967296 is out of range; it must be from 1 to 2147483648");
    line(
        "1: thread_done 0x0 x",
        "start \"x\" is not a decimal number of at most 64 bits; correct it, or record the program again",
    );
    assert_eq!(
        import("1: malloc 0x10 8 1 2\n1: free 0x10\n").unwrap_err().to_string(),
        "recording:2 (event 2): a call without times, unlike those before it; give all calls their times, or none"
    );
}

#[test]
fn mtrace() {
    let line = |line: &str, expected: &str| assert_line(Format::Mtrace, line, expected);
    line(
        "@ x * 0x20 0x8",
        "\"@ x * 0x20 0x8\" is not a line of an mtrace log; a line ends in \"+ 0xaddress 0xsize\", \"- 0xaddress\", \"< 0xaddress\" or \
         \"> 0xaddress 0xsize\"",
    );
    line(
        "@ x + 0x20 8k",
        "size \"8k\" is not a hexadecimal number of at most 64 bits; correct it, or record the program again",
    );
    line(
        "@ x - nil",
        "address \"nil\" is not a hexadecimal number of at most 64 bits; correct it, or record the program again",
    );
    let split =
        "\"<\" and \">\" of a reallocation do not follow each other; the log is damaged: record the program again";
    line("@ x > 0x20 0x8", split);
    for log in ["= Start\n@ x < 0x10\n@ x - 0x10\n", "= Start\n@ x < 0x10\n@ x < 0x10\n"] {
        assert_eq!(import(log).unwrap_err().to_string(), format!("recording:3 (event 1): {split}"));
    }
}

#[test]
fn valgrind() {
    let remedy = "is not a line of a valgrind log; a call reads \"malloc(size) = 0xaddress\"; the log is damaged: write it to a file of its \
                  own with --log-file";
    for broken in [
        "malloc(8",
        "malloc(8) 0x20",
        "free(0x10) = 0x0",
        "calloc(8) = 0x20",
        "memalign(64,8) = 0x20",
        "memalign(al 64) = 0x20",
        "malloc(8, 8) = 0x20",
        "_Znwm(size 8, 8) = 0x20",
        "realloc(0x10) = 0x20",
        "reallocarray(0x10,8) = 0x20",
    ] {
        assert_line(Format::Valgrind, &format!("--7-- {broken}"), &format!("\"{broken}\" {remedy}"));
    }
    assert_line(
        Format::Valgrind,
        "--7-- malloc(eight) = 0x20",
        "size \"eight\" is not a decimal number of at most 64 bits; correct it, or record the program again",
    );
    assert_line(
        Format::Valgrind,
        "--7-- malloc(8) = x20",
        "address \"x20\" is not a hexadecimal number of at most 64 bits; correct it, or record the program again",
    );
    assert_line(
        Format::Valgrind,
        "--7-- malloc(8) = 0x10",
        "a block begins at 0x10, where that of line 1 is live, and none of the next 4096 calls can be its late end; calls are \
         missing: record the program again",
    );
}

#[test]
fn heaptrack() {
    let line = |line: &str, expected: &str| assert_line(Format::Heaptrack, line, expected);
    let remedy = "is not a line of heaptrack's data; a line reads \"+ size trace address\" and \"- address\", or + and - with the number of \
                  an earlier \"a\" line";
    line("* 8 1 20", &format!("\"* 8 1 20\" {remedy}"));
    line("+ 8 1", "+ without address; the line is damaged: record the program again");
    line("+ 8", "+ without trace; the line is damaged: record the program again");
    line("- 10 1", "\"1\" follows the last value of -; the line is damaged: record the program again");
    line("c 1 1", "\"1\" follows the last value of c; the line is damaged: record the program again");
    line("c x", "time \"x\" is not a hexadecimal number of at most 64 bits; correct it, or record the program again");
    line("a 8", "a without trace; the line is damaged: record the program again");
    let interpreted = |lines: &str| import(format!("v 10400 3\na 8 1\n+ 0\n{lines}\n")).unwrap_err().to_string();
    assert_eq!(interpreted("+ 1"), format!("recording:4 (event 2): \"+ 1\" {remedy}"));
    assert_eq!(interpreted("- 1"), format!("recording:4 (event 2): \"- 1\" {remedy}"));
    assert_eq!(
        interpreted("- 0\n- 0"),
        "recording:5 (event 3): a block ends at number 0, where none is live since the last one ended; calls are missing or doubled: \
         record again"
    );
}

#[test]
fn wee_alloc() {
    let line = |line: &str, expected: &str| assert_line(Format::WeeAlloc, line, expected);
    let remedy = "is not a line of a wee_alloc trace; it is a list of Alloc(size) and Free(ordinal)";
    for broken in ["Alloc(", "Alloc", "Realloc(0, 8)", "(8)", "x"] {
        line(broken, &format!("\"{broken}\" {remedy}"));
    }
    line(
        "Alloc(-8)",
        "size \"-8\" is not a decimal number of at most 64 bits; correct it, or record the program again",
    );
    line("Free(1)", "a block ends at number 1, where none was allocated; allocate it first, or remove the line");
    line(
        "Free(18446744073709551615)",
        "a block ends at number 18446744073709551614, where none was allocated; allocate it first, or remove the line",
    );
}

#[test]
fn lines_that_end_too_soon_or_never() {
    for (text, found) in [
        ("1: malloc 0x10 8\n1: free 0x1", "1: free 0x1"),
        ("1\n1\n1\n1\na 0 8\nf 0", "f 0"),
        ("1\n1\n2\n1\na 0 8\nf", "f"),
        ("1\n1\n3\n1\na 0 8\nf 0", "f 0"),
        ("a 0 8\nf 0", "f 0"),
        ("v 1 1\n+ 8 1 10\n- 10", "- 10"),
        ("--7-- malloc(8) = 0x10\n--7-- free(0x1", "--7-- free(0x1"),
    ] {
        let message = import(text).unwrap_err().to_string();
        let expected = format!(
            "the last line \"{found}\" has no line end, so the recording is cut off; record the program again, or remove that line"
        );
        assert!(message.ends_with(&expected), "{message}");
    }
    let long = format!("1: malloc 0x10 8\n{}", "x".repeat(2 << 20));
    assert_eq!(
        import(long).unwrap_err().to_string(),
        "recording:2 (event 2): the line is longer than 1048576 bytes; check that this file is a trace"
    );
}

#[test]
fn nothing_to_import() {
    for (text, format) in [
        ("= Start\n= End\n", "glibc mtrace log"),
        ("v 10400 3\nc 1\n", "heaptrack recording"),
        ("--7-- free(0x10)\n", "valgrind --trace-malloc log"),
        ("1: malloc 0x10 4294967296\n1: free 0x0\n", "Android memory_replay recording"),
    ] {
        assert_eq!(
            import(text).unwrap_err().to_string(),
            format!(
                "recording: has no allocation when read as a {format}; check that the program was recorded to its end"
            )
        );
    }
}

#[test]
fn packed_recordings() {
    let text = "1: malloc 0x10 8\n1: free 0x10\n";
    let two = [&super::zip_of(text)[..super::zip_of(text).len() - 4], &super::zip_of(text)].concat();
    assert_eq!(
        import(two).unwrap_err().to_string(),
        "recording:3 (event 3): the zip file cannot be unpacked further: there is more than one file in it; unpack it yourself, or \
         copy it again"
    );
    assert_eq!(
        import(super::zip_of("op,id,size,align\nalloc,1,8,8\n")).unwrap_err().to_string(),
        "recording: is not a recording of a known format; name its format with --from"
    );
    assert_eq!(
        import(&b"PK\x03\x04\0"[..]).unwrap_err().to_string(),
        "recording:1: the zip file cannot be unpacked further: failed to fill whole buffer; unpack it yourself, or copy it again"
    );
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gzip.write_all(text.as_bytes()).unwrap();
    let mut gzip = gzip.finish().unwrap();
    gzip.truncate(gzip.len() - 2);
    let message = import(gzip).unwrap_err().to_string();
    assert!(message.starts_with("recording:3 (event 3): the gzip file cannot be unpacked further: "), "{message}");
}

#[test]
fn after_an_error_the_events_end() {
    let source =
        heaprace_traces::Source::from_bytes("x", "1: malloc 0x10 8\n1: free 0x20\n1: oops\n1: free 0x10\n".as_bytes());
    let events: Vec<_> = source.open().unwrap().map(|event| event.is_ok()).collect();
    assert_eq!(events, [true, false]);
}
