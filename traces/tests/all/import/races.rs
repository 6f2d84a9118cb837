//! Calls that other threads' calls have overtaken: put back if there is only one way, else an error.

use super::{import, repaired};

#[track_caller]
fn assert_repaired(text: &str, expected: &[&str]) {
    let (events, repairs) = import(text).unwrap();
    assert_eq!(events[1..], *expected);
    assert_eq!(repaired(&repairs), ["ends that were logged late put before the reuse of their address: 1"]);
}

#[track_caller]
fn assert_refused(text: &str, expected: &str) {
    assert_eq!(import(text).expect_err("its order is not certain").to_string(), expected);
}

#[test]
fn a_late_free_is_put_before_the_reuse() {
    assert_repaired(
        "1: malloc 0x1000 8\n2: malloc 0x1000 16\n2: malloc 0x2000 24\n1: free 0x1000\n2: free 0x1000\n",
        &["alloc,1,8,16,0", "dealloc,1,,,0", "alloc,2,16,16,1", "alloc,3,24,16,1", "dealloc,2,,,1"],
    );
}

/// What thread 2 ends after it has begun the new block is the new one, also where it is logged first.
#[test]
fn the_end_by_the_thread_of_the_new_block_is_that_of_the_new_block() {
    assert_repaired(
        "1: malloc 0x1000 8\n2: malloc 0x1000 16\n2: free 0x1000\n1: free 0x1000\n",
        &["alloc,1,8,16,0", "dealloc,1,,,0", "alloc,2,16,16,1", "dealloc,2,,,1"],
    );
}

/// Thread 3 logs another call first, so its free is later than that, and not late.
#[test]
fn an_end_that_is_not_the_first_call_of_its_thread_is_not_late() {
    assert_repaired(
        "1: malloc 0x1000 8\n2: malloc 0x1000 16\n3: malloc 0x2000 24\n3: free 0x1000\n1: free 0x1000\n",
        &["alloc,1,8,16,0", "dealloc,1,,,0", "alloc,2,16,16,1", "alloc,3,24,16,2", "dealloc,2,,,2"],
    );
}

#[test]
fn a_late_realloc_moves_its_block_away_before_the_reuse() {
    assert_repaired(
        "1: malloc 0x1000 8\n2: malloc 0x1000 16\n1: realloc 0x3000 0x1000 32\n1: free 0x3000\n",
        &["alloc,1,8,16,0", "realloc,1,32,,0", "alloc,2,16,16,1", "dealloc,1,,,0"],
    );
}

#[test]
fn a_realloc_may_be_what_meets_a_live_block() {
    assert_repaired(
        "1: malloc 0x1000 8\n2: malloc 0x2000 16\n2: realloc 0x1000 0x2000 32\n1: free 0x1000\n",
        &["alloc,1,8,16,0", "alloc,2,16,16,1", "dealloc,1,,,0", "realloc,2,32,,1"],
    );
}

#[test]
fn without_threads_the_only_end_is_the_late_one() {
    assert_repaired(
        "= Start\n+ 0x1000 0x8\n+ 0x1000 0x10\n< 0x1000\n> 0x2000 0x20\n",
        &["alloc,1,8,16", "realloc,1,32", "alloc,2,16,16"],
    );
}

#[test]
fn two_ends_that_may_be_late_are_refused() {
    assert_refused(
        "1: malloc 0x1000 8\n2: malloc 0x1000 16\n3: free 0x1000\n1: free 0x1000\n",
        "recording:2 (event 2): a block begins at 0x1000, where that of line 1 is live, and the calls of line 3 and line 4 may each \
         be its late end; move the right one before this line",
    );
    assert_refused(
        "= Start\n+ 0x1000 0x8\n+ 0x1000 0x10\n- 0x1000\n- 0x1000\n",
        "recording:3 (event 2): a block begins at 0x1000, where that of line 2 is live, and the calls of line 4 and line 5 may each \
         be its late end; move the right one before this line",
    );
}

#[test]
fn an_end_that_never_comes_is_refused() {
    for text in [
        "1: malloc 0x1000 8\n2: malloc 0x1000 16\n".to_owned(),
        "1: malloc 0x1000 8\n2: malloc 0x1000 16\n2: free 0x1000\n".to_owned(),
        "1: malloc 0x1000 8\n2: malloc 0x1000 16\n1: realloc 0x1000 0x1000 9\n".to_owned(),
        // Too late.
        format!("1: malloc 0x1000 8\n2: malloc 0x1000 16\n{}1: free 0x1000\n", "2: free 0x0\n".repeat(4096)),
    ] {
        assert_refused(
            &text,
            "recording:2 (event 2): a block begins at 0x1000, where that of line 1 is live, and none of the next 4096 calls can be \
             its late end; calls are missing: record the program again",
        );
    }
    let just_in_time =
        format!("1: malloc 0x1000 8\n2: malloc 0x1000 16\n{}1: free 0x1000\n", "2: free 0x0\n".repeat(4095));
    assert_eq!(import(just_in_time).unwrap().1.late_ends, 1);
}

#[test]
fn a_late_realloc_to_where_another_block_is_live_is_refused() {
    assert_refused(
        "1: malloc 0x1000 8\n3: malloc 0x3000 8\n2: malloc 0x1000 16\n1: realloc 0x3000 0x1000 32\n3: free 0x3000\n",
        "recording:3 (event 3): a block begins at 0x3000, where that of line 2 is live, and none of the next 4096 calls can be its \
         late end; calls are missing: record the program again",
    );
}

#[test]
fn the_place_of_a_fault_after_a_repair_is_still_right() {
    assert_refused(
        "1: malloc 0x1000 8\n2: malloc 0x1000 16\n1: free 0x1000\n2: free 0x1000\n2: free 0x1000\n",
        "recording:5 (event 5): a block ends at 0x1000, where none is live since the last one ended; calls are missing or doubled: \
         record again",
    );
}

/// heaptrack writes no line for a realloc to 0 bytes.
#[test]
fn where_ends_are_lost_a_block_ends_when_its_address_is_reused() {
    let (events, repairs) = import("v 10400 3\n+ 8 1 1000\n+ 10 1 1000\n- 1000\n").unwrap();
    assert_eq!(events[1..], ["alloc,1,8,16,0", "dealloc,1,,,0", "alloc,2,16,16,0", "dealloc,2,,,0"]);
    assert_eq!(repaired(&repairs), ["blocks without an end in the recording ended where their address is reused: 1"]);
}

/// Each call looks ahead, and none may read the rest of the file for it.
#[test]
fn a_recording_that_is_nothing_but_races_is_read_in_its_stride() {
    let mut text = String::from("1: malloc 0x1000 8\n");
    for _ in 0..2_000 {
        text += "2: malloc 0x1000 16\n1: free 0x1000\n1: malloc 0x1000 8\n2: free 0x1000\n";
    }
    assert_eq!(import(text).unwrap().1.late_ends, 4_000);
}
