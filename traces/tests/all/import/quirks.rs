//! What real tools write besides the usual: calls that they do not see, log by halves or cut off, and files as other
//! systems save and pack them.

use std::io::Write;

use heaprace_traces::Source;
use heaprace_traces::import::Format;

use super::{assert_import, import, repaired};

const LOG: &[&str] = &["op,id,size,align", "alloc,1,24,16", "dealloc,1"];

#[test]
fn valgrind_3_24_writes_the_result_of_some_functions_in_a_line_of_its_own_or_twice() {
    assert_import(
        "==700== Memcheck, a memory error detector\n\
         --700-- aligned_alloc(al 64, size 128) = 0x4A52080\n\
         --700-- malloc(50) = 0x4A52180\n\
         --700-- posix_memalign(al 32, size 200)\n\
         --700--  = 0x4A52240\n\
         --700-- malloc(60) = 0x4A52370\n\
         --700-- reallocarray(0x0,10,10) = 0x4A523F0\n\
         --700--  = 0x4A523F0\n\
         --700-- reallocarray(0x4A523F0,20,10) = 0x4A524A0\n\
         --700--  = 0x4A524A0\n\
         --700--  = 0x4A53000\n\
         --700-- free(0x4A52180)\n\
         --700-- free(0x4A52080)\n\
         --700-- free(0x4A52240)\n\
         --700-- free(0x4A52370)\n\
         --700-- free(0x4A524A0)\n\
         --700-- free(0x4A53000)\n",
        &[
            "op,id,size,align",
            "alloc,1,128,64",
            "alloc,2,50,16",
            "alloc,3,200,32",
            "alloc,4,60,16",
            "alloc,5,100,16",
            "realloc,5,200",
            "dealloc,2",
            "dealloc,1",
            "dealloc,3",
            "dealloc,4",
            "dealloc,5",
        ],
        &[
            "frees or reallocations of blocks whose allocation is not in the recording: 1",
            "calls left out whose size or result is not in the recording: 1",
        ],
    );
}

#[test]
fn a_valgrind_call_without_result_is_counted_and_the_next_one_in_its_line_is_read() {
    assert_import(
        "--7-- malloc(10) = 0x4A40040\n\
         --7-- aligned_alloc(al 64, size 128)malloc(50) = 0x4A40100\n\
         --7-- free(0x4A400C0)\n\
         --7-- free(0x4A40100)\n\
         --7-- malloc(20) = 0x4A40200\n",
        &["op,id,size,align", "alloc,1,10,16", "alloc,2,50,16", "dealloc,2", "alloc,3,20,16"],
        &[
            "frees or reallocations of blocks whose allocation is not in the recording: 1",
            "calls left out whose size or result is not in the recording: 1",
        ],
    );
    assert_import(
        "--7-- malloc(24) = 0x40\n\
         --7-- posix_memalign(al 32, size 200)\n\
         --7-- calloc(18446744073709551615,2)malloc_usable_size(0x0)aligned_alloc(al 8, size 8)free(0x40)\n\
         --7-- reallocarray(0x0,18446744073709551615,2)free(0x40)\n\
         --7-- posix_memalign(al 32, size 200)\n",
        LOG,
        &[
            "failed allocations left out: 2",
            "frees or reallocations of blocks whose allocation is not in the recording: 1",
            "calls left out whose size or result is not in the recording: 3",
        ],
    );
}

#[test]
fn messages_of_valgrind_may_stand_between_a_call_and_its_result() {
    assert_import(
        "--7-- malloc(1073741824)Warning: set address range perms: large range [0x4a41040, 0x44a41040) (undefined)\n\
         --7--  = 0x4A41040\n\
         --7-- realloc(0x4A41040,2147483648)Warning: set address range perms: large range [0xd9c8c040, 0x119c8c040)\n\
         ==7== Warning: set address range perms: large range [0x59c8b028, 0x99c8b058) (noaccess)\n\
         --7--  = 0x99C8C040\n\
         --7-- realloc(0x0,9)malloc(9)Warning: a message (of any kind)\n\
         --7--  = 0x50\n\
         --7-- realloc(0x10,30)Invalid free() / delete / delete[] / realloc()\n\
         ==7==    at 0x484682F: realloc (in /usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so)\n\
         --7--  = 0x0\n\
         --7-- free(0x50)\n\
         --7-- free(0x50)\n\
         ==7== Invalid free() / delete / delete[] / realloc()\n\
         --7-- summarise_context(loc_start = 0x10): cannot summarise(why=1):   \n",
        &["op,id,size,align", "alloc,1,1073741824,16", "realloc,1,2147483648", "alloc,2,9,16", "dealloc,2"],
        &[
            "failed allocations left out: 1",
            "frees or reallocations of blocks whose allocation is not in the recording: 1",
        ],
    );
}

#[test]
fn times_of_valgrind_are_read_and_stand_in_every_line() {
    let log = "==00:00:00:00.000 7== Memcheck, a memory error detector\n\
               --00:00:00:01.234 7-- malloc(24) = 0x4A40040\n\
               --01:01:00:01.500 7-- free(0x4A40040)\n";
    let expected = ["op,id,size,align,time_ns", "alloc,1,24,16,1234000000", "dealloc,1,,,90001500000000"];
    assert_import(log, &expected, &[]);
    let events = Source::from_bytes("log.txt", log.as_bytes()).open().unwrap();
    assert_eq!(events.provenance().last().unwrap(), "not recorded: no threads");
    let mixed = import(format!("{log}--7-- malloc(8) = 0x50\n")).unwrap_err().to_string();
    assert!(mixed.ends_with("a call without times, unlike those before it; give all calls their times, or none"));
}

#[test]
fn alignments_are_rounded_up_to_powers_of_two_as_c_libraries_do() {
    assert_import(
        "--7-- memalign(al 24, size 100) = 0x4A41080\n\
         --7-- memalign(al 0, size 10) = 0x4A41150\n\
         --7-- memalign(alignment 33, size 5) = 0x4A42000\n\
         --7-- valloc(7) = 0x4A43000\n\
         --7-- free(0x4A41080)\n\
         --7-- free_sized(0x4A41150, 10)\n",
        &[
            "op,id,size,align",
            "alloc,1,100,32",
            "alloc,2,10,1",
            "alloc,3,5,64",
            "alloc,4,7,4096",
            "dealloc,1",
            "dealloc,2",
        ],
        &[],
    );
    let android = import("1: memalign 0x40 24 8\n1: memalign 0x80 0 8\n").unwrap().0;
    assert_eq!(android[1..], ["alloc,1,8,32,0", "alloc,2,8,1,0"]);
}

#[test]
fn unknown_functions_of_a_valgrind_log_are_counted() {
    assert_import(
        "--7-- malloc(24) = 0x40\n\
         --7-- superalloc(8, 0x10) = 0x50\n\
         --7-- othermalloc(8)free(0x40)\n\
         --7-- malloc_usable_size(0x50) = 8\n\
         --7-- mallinfo()\n\
         --7-- Reading syms from /bin/x (0x10)\n",
        LOG,
        &["calls of unknown functions left out: 2"],
    );
}

#[test]
fn zone_functions_of_macos_are_read() {
    assert_import(
        "--7-- malloc_zone_malloc(0x90, 24) = 0x40\n\
         --7-- malloc_zone_free(0x90, 0x40)\n\
         --7-- zone_calloc(0x90, 2,5) = 0x40\n\
         --7-- zone_realloc(0x90,0x40,20) = 0x50\n\
         --7-- zone_memalign(0x90, al 32, size 7) = 0x60\n",
        &["op,id,size,align", "alloc,1,24,16", "dealloc,1", "alloc_zeroed,2,10,16", "realloc,2,20", "alloc,3,7,32"],
        &[],
    );
}

#[test]
fn a_valgrind_line_of_many_calls_is_read_without_recursion() {
    let nested = format!("--7-- {}malloc(24) = 0x4A40040\n", "realloc(,)".repeat(30_000));
    let message = import(nested).unwrap_err().to_string();
    assert!(message.contains("is not a hexadecimal number") || message.contains("not a recording"), "{message}");
    let line = format!("--7-- malloc(24) = 0x40\n--7-- {}free(0x40)\n", "realloc(0x0,0)".repeat(30_000));
    assert_import(line, LOG, &["calls left out whose size or result is not in the recording: 30000"]);
    // Neither does a line take the square of its length.
    let marks = format!("--7-- malloc(24) = 0x40\n{}\n--7-- free(0x40)\n", "--8-- a(".repeat(100_000));
    assert_import(marks, LOG, &[]);
}

#[test]
fn the_lines_of_the_traced_process_are_found_after_output_that_looks_like_another_s() {
    assert_import("--7-- malloc(24) = 0x40\n--8-- hello--7-- free(0x40)\n", LOG, &[]);
}

#[test]
fn heaptrack_does_not_see_memalign_but_its_free_which_is_left_out() {
    assert_import(
        "v 10400 3\nX ./prog\n+ bb8 1 55d0\n- 55d0\n- 55d0\n+ bb8 1 55d0\n- 55d0\n",
        &["op,id,size,align,time_ns", "alloc,1,3000,16,0", "dealloc,1,,,0", "alloc,2,3000,16,0", "dealloc,2,,,0"],
        &["frees or reallocations of blocks whose allocation is not in the recording: 1"],
    );
}

#[test]
fn a_newer_file_format_of_heaptrack_is_refused_by_its_number() {
    for (line, number) in [("v 10900 4", 4), ("v ffffff 63", 99)] {
        assert_eq!(
            import(format!("{line}\nX ./prog\n+ 8 1 10\n- 10\n")).unwrap_err().to_string(),
            format!(
                "recording:1 (event 1): version {number} of heaptrack's file format is unknown; versions to 3 are read: update \
                 Heaprace, or record with a heaptrack that writes version 3"
            )
        );
    }
    for known in ["v 10000", "v 10000 0", "v 10200 2"] {
        import(format!("{known}\n+ 8 1 10\n")).unwrap();
    }
}

#[test]
fn a_byte_order_mark_changes_no_recording() {
    for (text, expected) in [
        ("186: malloc 0xb6027400 1024\r\n186: free 0xb6027400\r\n", "alloc,1,1024,16,0"),
        ("20000\r\n1\r\n2\r\n1\r\na 0 8\r\nf 0\r\n", "alloc,1,8,16"),
        ("v 10400 3\n+ 8 1 10\n- 10\n", "alloc,1,8,16,0"),
        ("= Start\n@ x + 0x10 0x8\n@ x - 0x10\n", "alloc,1,8,16"),
        ("--7-- malloc(8) = 0x10\n--7-- free(0x10)\n", "alloc,1,8,16"),
        ("Alloc(8), Free(0)", "alloc,1,8,16"),
    ] {
        let (events, _) = import(format!("\u{feff}{text}")).unwrap();
        assert_eq!((events.len(), &events[1][..]), (3, expected));
    }
}

#[test]
fn encodings_and_compressions_that_are_not_read_are_named() {
    let message = |bytes: &[u8]| Source::from_bytes("x.dump", bytes.to_vec()).open().unwrap_err().to_string();
    let text = "186: malloc 0xb6027400 1024\r\n";
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let expected = "x.dump: is text in UTF-16; save it as UTF-8: iconv -f UTF-16 -t UTF-8";
    let marked = [&b"\xff\xfe"[..], &utf_16].concat();
    for bytes in [&utf_16, &marked, &zstd::encode_all(&marked[..], 1).unwrap()] {
        assert_eq!(message(bytes), expected);
    }
    for (start, expected) in [
        (&b"\xfd7zXZ\0\0\x04"[..], "xz; decompress it first: xz -d"),
        (b"BZh91AY&SY", "bzip2; decompress it first: bzip2 -d"),
        (b"\x04\x22\x4d\x18\x64", "lz4; decompress it first: lz4 -d"),
    ] {
        assert_eq!(message(start), format!("x.dump: is compressed with {expected}"));
    }
}

#[test]
fn a_rep_trace_may_lack_the_last_line_end_if_its_header_counts_the_line() {
    let expected = ["op,id,size,align", "alloc,1,512,16", "alloc,2,128,16", "dealloc,2", "dealloc,1"];
    assert_import("20000\n2\n4\n1\na 0 512\na 1 128\nf 1\nf 0", &expected, &[]);
    assert_import("2\n4\n1\na 0 512\na 1 128\nf 1\nf 0", &expected, &[]);
}

#[test]
fn a_rep_trace_may_lack_the_heap_size_or_the_whole_header() {
    assert_import(
        "2\n4\n1\na 0 512\na 1 128\nf 1\nf 0\n",
        &["op,id,size,align", "alloc,1,512,16", "alloc,2,128,16", "dealloc,2", "dealloc,1"],
        &[],
    );
    assert_import(
        "# a pattern of three blocks\na 1 24\na 2 48\nr 1 96\n# two frees\nf 2\nf 1\n",
        &["op,id,size,align", "alloc,1,24,16", "alloc,2,48,16", "realloc,1,96", "dealloc,2", "dealloc,1"],
        &[],
    );
}

#[test]
fn the_whole_lines_of_a_killed_program_s_mtrace_log_are_read() {
    let whole = "= Start\n@ ./m:[0x1] + 0x10 0x18\n@ ./m:[0x2] - 0x10\n";
    for end in ["@ ./m:[0x11c5] +", "@ ./m:[0x11c5] - 0x1", "@ ./m < 0x20\n", "@ ./m < 0x20\n@ ./m > 0x3", "=", "@"] {
        let (events, repairs) = import(format!("{whole}{end}")).unwrap();
        assert_eq!(events, LOG);
        assert_eq!(repaired(&repairs), ["calls left out because the recording ends within them: 1"], "{end}");
    }
}

#[test]
fn zeroes_after_gzip_data_are_padding() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"= Start\n@ x + 0x10 0x18\n@ x - 0x10\n").unwrap();
    assert_import([gzip.finish().unwrap(), vec![0; 512]].concat(), LOG, &[]);
}

/// `a.txt`, and `__MACOSX/._a.txt` with its attributes.
const OF_FINDER: &[u8] = include_bytes!("finder.zip");

#[test]
fn a_zip_of_the_macos_finder_has_one_recording() {
    let source = Source::from_bytes("a.zip", OF_FINDER);
    assert_eq!(source.open().unwrap().count(), 2);
    assert_eq!(
        heaprace_traces::import::Import::open(OF_FINDER, "a.zip", Default::default()).unwrap().format(),
        Format::Android
    );
}
