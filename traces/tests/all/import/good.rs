//! Good recordings of each format, with every event that comes of them.

use std::io::Write;

use heaprace_traces::Source;
use heaprace_traces::import::{Format, Import, ImportOptions};

use super::{import, import_with, repaired};

#[track_caller]
fn assert_events(text: &str, expected: &[&str], repairs: &[&str]) {
    let (events, found) = import(text).unwrap();
    assert_eq!(events, expected);
    assert_eq!(repaired(&found), repairs);
    // As other systems end lines.
    assert_eq!(import(text.replace('\n', "\r\n")).unwrap().0, expected);
}

#[test]
fn csapp() {
    assert_events(
        "20000\n4\n12\n1\n\na 0 512\na 1 128\nr 0 640\nf 1\nr 2 30\nf -1\nr 0 0\nf 0\nr 0 7\na 3 0\nf 0\nr 2 0\na 2 5\nf 2\n",
        &[
            "op,id,size,align",
            "alloc,1,512,16",
            "alloc,2,128,16",
            "realloc,1,640",
            "dealloc,2",
            "alloc,3,30,16",
            "dealloc,1",
            "alloc,4,7,16",
            "alloc,5,1,16",
            "dealloc,4",
            "dealloc,3",
            "alloc,6,5,16",
            "dealloc,6",
        ],
        &["frees of null left out: 2", "requests of 0 bytes written as 1 byte: 1"],
    );
}

#[test]
fn android() {
    assert_events(
        "186: malloc 0xb6027400 1024\n\
         350: calloc 0xb6037058 3 20\n\
         186: memalign 0xb6038000 64 100\n\
         350: realloc 0xb6027400 0xb6027400 2048\n\
         350: realloc 0xa78d4d30 0xb6037058 12\n\
         350: realloc 0xa78d5000 0x0 5\n\
         186: free 0x0\n\
         186: realloc 0x0 0xa78d5000 0\n\
         186: malloc 0x0 4294967296\n\
         186: realloc 0x0 0xb6027400 4294967296\n\
         186: calloc 0x0 18446744073709551615 2\n\
         350: thread_done 0x0\n\
         350: free 0xb6038000\n\
         186: malloc 0xb6038000 7\n\
         186: malloc 0xb7000000 0\n",
        &[
            "op,id,size,align,thread",
            "alloc,1,1024,16,0",
            "alloc_zeroed,2,60,16,1",
            "alloc,3,100,64,0",
            "realloc,1,2048,,1",
            "realloc,2,12,,1",
            "alloc,4,5,16,1",
            "dealloc,4,,,0",
            // The tid is that of a new thread.
            "dealloc,3,,,2",
            "alloc,5,7,16,0",
            "alloc,6,1,16,0",
        ],
        &["frees of null left out: 1", "failed allocations left out: 3", "requests of 0 bytes written as 1 byte: 1"],
    );
}

#[test]
fn android_with_times() {
    assert_events(
        "7: malloc 0x1000 24 1000 1010\n\
         8: malloc 0x2000 8 1030 1040\n\
         7: free 0x1000 1020 1025\n\
         8: thread_done 0x0 1050\n\
         7: free 0x2000 1060 1065\n",
        &[
            "op,id,size,align,thread,time_ns",
            "alloc,1,24,16,0,0",
            "alloc,2,8,16,1,30",
            "dealloc,1,,,0,30",
            "dealloc,2,,,0,60",
        ],
        &["times that fell raised to that of the event before: 1"],
    );
}

#[test]
fn mtrace() {
    assert_events(
        "= Start\n\
         @ ./a b:[0x11f0] + 0x1000 0x18\n\
         @ ./a b:(main+8c)[0x1205] < 0x1000\n\
         @ ./a b:(main+8c)[0x1205] > 0x2000 0x30\n\
         @ [0x1240] + 0x3000 0\n\
         @ [0x1240] + (nil) 0x1000000000000000\n\
         @ [0x1240] ! 0x2000 0x1000000000000000\n\
         - 0x9000\n\
         @ [0x1240] < 0x9100\n\
         @ [0x1240] > 0x9200 0x40\n\
         @ [0x1250] - 0x2000\n\
         @ [0x1250] - 0x9200\n\
         = End\n",
        &[
            "op,id,size,align",
            "alloc,1,24,16",
            "realloc,1,48",
            "alloc,2,1,16",
            // Older than the log, until now.
            "alloc,3,64,16",
            "dealloc,1",
            "dealloc,3",
        ],
        &[
            "failed allocations left out: 2",
            "requests of 0 bytes written as 1 byte: 1",
            "frees or reallocations of blocks whose allocation is not in the recording: 2",
        ],
    );
}

#[test]
fn valgrind() {
    let log = "==7== Memcheck, a memory error detector\n\
         --7-- Reading syms from /bin/x\n\
         --7-- malloc(24) = 0x4A40040\n\
         --7-- realloc(0x4A40040,48) = 0x4A400A0\n\
         hello\n\
         --7-- calloc(3,10) = 0x4A40110\n\
         no line end--7-- free(0x4A40110)\n\
         --7-- realloc(0x0,20)malloc(20) = 0x4A58D10\n\
         --7-- realloc(0x4A58D10,0)free(0x4A58D10)\n\
         --7--  = 0\n\
         --8-- malloc(5) = 0x4A58D10\n\
         --7-- memalign(al 64, size 100) = 0x4A40240\n\
         --7-- malloc_usable_size(0x4A40240) = 100\n\
         --7-- _ZnwmSt11align_val_t(size 64, al 128) = 0x4D6DD80\n\
         --7-- _ZdlPvmSt11align_val_t(0x4D6DD80)\n\
         --7-- _Znam(100) = 0x4D6DF50\n\
         --7-- _ZdaPv(0x4D6DF50)\n\
         --7-- __builtin_new(4) = 0x4D6DF50\n\
         --7-- realloc(0x4A400A0,1152921504606846976) = 0x0\n\
         --7-- free(0x0)\n";
    let expected = [
        "op,id,size,align",
        "alloc,1,24,16",
        "realloc,1,48",
        "alloc_zeroed,2,30,16",
        "dealloc,2",
        "alloc,3,20,16",
        "dealloc,3",
        "alloc,4,100,64",
        "alloc,5,64,128",
        "dealloc,5",
        "alloc,6,100,16",
        "dealloc,6",
        "alloc,7,4,16",
    ];
    let repairs =
        ["frees of null left out: 1", "failed allocations left out: 1", "calls of other processes left out: 1"];
    assert_events(log, &expected, &repairs);
    assert_eq!(import(format!("{log}last words")).unwrap().0, expected);
}

const HEAPTRACK: &str = "v 10400 3\nx a /opt/imp/h\nI 1000 5e298d\nt 7f55349f2b9f 0\n+ 11c00 4 5610e87f4530\n+ 18 8 5610e88061d0\n\
    c a\n- 5610e88061d0\n- 5610e88065c0\n+ 0 c 5610e88061d0\nc 15\n- 0\n# strings: 34\n";

#[test]
fn heaptrack_raw() {
    let expected = [
        "op,id,size,align,time_ns",
        "alloc,1,72704,16,0",
        "alloc,2,24,16,0",
        "dealloc,2,,,10000000",
        "alloc,3,1,16,10000000",
    ];
    let repairs = [
        "frees of null left out: 1",
        "requests of 0 bytes written as 1 byte: 1",
        "frees or reallocations of blocks whose allocation is not in the recording: 1",
    ];
    assert_events(HEAPTRACK, &expected, &repairs);
}

#[test]
fn heaptrack_interpreted() {
    assert_events(
        "v 10400 3\nX ./h\ns a /opt/imp/h\na 18 4\n+ 0\na 1e 5\n+ 1\n+ 0\n- 0\n- 1\nc 1\n- 0\nR 3db\n",
        &[
            "op,id,size,align,time_ns",
            "alloc,1,24,16,0",
            "alloc,2,30,16,0",
            "alloc,3,24,16,0",
            "dealloc,3,,,0",
            "dealloc,2,,,0",
            "dealloc,1,,,1000000",
        ],
        &[],
    );
}

#[test]
fn wee_alloc() {
    assert_events(
        "// comes from a benchmark\n[\n    Alloc(552), Alloc(120),\nFree(0), // a comment\nAlloc(0)\n,Free(2),Free(1),]\n",
        &[
            "op,id,size,align",
            "alloc,1,552,16",
            "alloc,2,120,16",
            "dealloc,1",
            "alloc,3,1,16",
            "dealloc,3",
            "dealloc,2",
        ],
        &["requests of 0 bytes written as 1 byte: 1"],
    );
    assert_eq!(import("Alloc(1),Free(0)").unwrap().0, ["op,id,size,align", "alloc,1,1,16", "dealloc,1"]);
}

#[test]
fn blocks_larger_than_a_trace_can_hold_are_left_out_while_they_are() {
    assert_events(
        "7: malloc 0x1000 4294967296\n\
         7: realloc 0x2000 0x1000 4294967295\n\
         7: realloc 0x3000 0x2000 4294967296\n\
         7: realloc 0x4000 0x3000 4294967297\n\
         7: free 0x4000\n",
        &["op,id,size,align,thread", "alloc,1,4294967295,16,0", "dealloc,1,,,0"],
        &["calls left out for blocks larger than a trace can hold: 4"],
    );
}

#[test]
fn recordings_are_read_out_of_gzip_zstd_and_zip() {
    let plain = import(HEAPTRACK).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(HEAPTRACK.as_bytes()).unwrap();
    assert_eq!(import(gzip.finish().unwrap()).unwrap(), plain);
    assert_eq!(import(zstd::encode_all(HEAPTRACK.as_bytes(), 1).unwrap()).unwrap(), plain);
    assert_eq!(import(super::zip_of(HEAPTRACK)).unwrap(), plain);
}

#[test]
fn the_options_are_obeyed_and_in_the_provenance() {
    let options = ImportOptions { format: Some(Format::Csapp), assume_align_bytes: 8 };
    // Detection needs a call after the header.
    let text = "1\n1\n1\n1\n\n\na 0 5\n";
    assert_eq!(import_with(text, options).unwrap().0, ["op,id,size,align", "alloc,1,5,8"]);
    let source = Source::from_bytes("x.rep", text.as_bytes()).with_import(options);
    let events = source.open().unwrap();
    assert_eq!(
        events.provenance(),
        [
            concat!("imported: CS:APP .rep trace, by Heaprace ", env!("CARGO_PKG_VERSION")),
            "assumed: an alignment of 8 bytes, where the recording gives none",
            "not recorded: no threads and times",
        ]
    );
    let import = Import::open(text.as_bytes(), "x.rep", options).unwrap();
    assert_eq!((import.format(), import.count()), (Format::Csapp, 1));
}

#[test]
fn a_trace_of_our_own_is_no_import() {
    let events = Source::from_bytes("a.csv", "op,id,size,align\nalloc,1,8,8\n".as_bytes()).open().unwrap();
    assert_eq!(events.repairs(), None);
}
