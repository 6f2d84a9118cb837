//! What a compiled program consists of, and how its stretches come.

use super::*;

fn program(lines: &str) -> Program {
    let text = format!("op,id,size,align\n{lines}");
    Program::compile(heaprace_traces::CsvReader::new(text.as_bytes(), "test.csv").unwrap()).unwrap()
}

#[test]
fn an_operation_is_8_bytes_and_a_realloc_two_of_them() {
    assert_eq!(size_of::<PackedOp>(), 8);
    let program = program("alloc,1,1,1\nalloc_zeroed,2,1,1\nrealloc,1,2\ndealloc,1\ndealloc,2\n");
    assert_eq!(program.events(), 5);
    assert_eq!(size_of_val(program.ops().unwrap()), 6 * 8);
}

#[test]
fn slots_are_reused_last_in_first_out() {
    let program =
        program("alloc,10,1,1\nalloc,11,1,1\nalloc,12,1,1\ndealloc,10\ndealloc,12\nalloc,13,1,1\nalloc,10,1,1\n");
    let slots: Vec<_> = program.ops().unwrap().iter().map(|op| op.slot()).collect();
    assert_eq!(slots, [0, 1, 2, 0, 2, 2, 0]);
    assert_eq!(program.slots(), 3);
}

#[test]
fn marks_keep_their_positions_in_every_format() {
    let text = "op,id,size,align\n# mark: start\nalloc,1,24,8\n# mark: request 2\n# a remark\ndealloc,1\n# mark: end\n";
    let csv = Source::from_bytes("a.csv", text.as_bytes());
    let mut writer =
        heaprace_traces::htrace::HtraceWriter::new(Vec::new(), heaprace_traces::csv::Columns::default(), &[""; 0])
            .unwrap();
    let mut events = csv.open().unwrap();
    while let Some(event) = events.next() {
        events.comments().iter().for_each(|comment| writer.comment(comment).unwrap());
        writer.write(&event.unwrap()).unwrap();
    }
    events.comments().iter().for_each(|comment| writer.comment(comment).unwrap());
    let binary = Source::from_bytes("a.htrace", writer.finish().unwrap());
    for source in [csv, binary] {
        let program = Program::load(&source).unwrap();
        let marks: Vec<_> = program.marks().iter().map(|mark| (mark.event, mark.name.as_str())).collect();
        assert_eq!(marks, [(0, "start"), (1, "request 2"), (2, "end")], "{source:?}");
    }
}

#[test]
fn operations_have_the_current_layouts() {
    let program = program("alloc,1,100,32\nrealloc,1,300\nrealloc,1,200\ndealloc,1\n");
    let ops = program.ops().unwrap();
    let layout = |bytes| Layout::from_size_align(bytes, 32).unwrap();
    assert_eq!((ops[1].layout(), ops[1].old_layout(ops[2])), (layout(300), layout(100)));
    assert_eq!((ops[3].layout(), ops[3].old_layout(ops[4])), (layout(200), layout(300)));
    assert_eq!((ops[5].kind(), ops[5].layout()), (OpKind::Dealloc, layout(200)));
}

fn binary(text: &str) -> Source {
    let reader = heaprace_traces::CsvReader::new(text.as_bytes(), "test.csv").unwrap();
    let mut writer =
        heaprace_traces::htrace::HtraceWriter::new(Vec::new(), reader.columns(), reader.provenance()).unwrap();
    reader.for_each(|event| writer.write(&event.unwrap()).unwrap());
    Source::from_bytes("test.htrace", writer.finish().unwrap())
}

fn short_way(source: &Source) -> Option<Program> {
    let blocks = source.open().unwrap().into_blocks().unwrap();
    let sink = |_: &mut Portion, _: &_| ControlFlow::Continue(());
    pass::short::<DenseIds>(blocks, Portion::default(), sink).unwrap().map(Program::held)
}

/// The memory of a streamed replay follows from the length of a portion, and blocks are longer.
#[test]
fn a_block_of_a_binary_trace_is_several_portions() {
    let lines = "alloc,1,8,8\ndealloc,1\n".repeat(70_000);
    let blocks = binary(&format!("op,id,size,align\n{lines}")).open().unwrap().into_blocks().unwrap();
    let mut portions = Vec::new();
    let sink = |portion: &mut Portion, _: &_| {
        portions.push(std::mem::take(&mut portion.ops).len());
        ControlFlow::Continue(())
    };
    assert!(pass::short::<DenseIds>(blocks, Portion::default(), sink).unwrap().is_some());
    assert_eq!(portions, [1 << 16, 1 << 16, 140_000 - (2 << 16)]);
}

#[test]
fn both_ways_lead_to_the_same_program() {
    let library = Source::locate("serde-heavy").unwrap();
    let events = library.open().unwrap();
    let mut writer =
        heaprace_traces::htrace::HtraceWriter::new(Vec::new(), events.columns(), events.provenance()).unwrap();
    events.for_each(|event| writer.write(&event.unwrap()).unwrap());
    let program = short_way(&Source::from_bytes("a.htrace", writer.finish().unwrap())).unwrap();
    let expected = Program::compile(library.open().unwrap()).unwrap();
    assert!(program.ops() == expected.ops());
    assert_eq!((program.slots(), program.profile()), (expected.slots(), expected.profile()));
}

#[test]
fn unusual_ids_take_the_long_way() {
    let text = "op,id,size,align\nalloc,7,1,1\nrealloc,7,2\ndealloc,7\n";
    assert!(short_way(&binary(text)).is_none());
    let program = Program::load(&binary(text)).unwrap();
    assert_eq!(
        program.ops(),
        Program::compile(heaprace_traces::CsvReader::new(text.as_bytes(), "a").unwrap()).unwrap().ops()
    );
}

#[test]
fn a_reused_id_takes_the_short_way() {
    let text = "op,id,size,align\nalloc,1,1,1\ndealloc,1\nalloc,1,5,8\nalloc,2,1,1\nrealloc,1,9\n";
    let program = short_way(&binary(text)).unwrap();
    assert_eq!(
        program.ops(),
        Program::compile(heaprace_traces::CsvReader::new(text.as_bytes(), "a").unwrap()).unwrap().ops()
    );
}

#[test]
fn faults_are_reported_with_the_messages_of_the_long_way() {
    let layout = Layout::new::<u64>();
    let (alloc, dealloc) =
        (heaprace_traces::Action::Alloc { layout, zeroed: false }, heaprace_traces::Action::Dealloc { layout });
    let realloc = heaprace_traces::Action::Realloc { old: layout, new_size: 0 };
    for (actions, times, message) in [
        (vec![(alloc, 1), (dealloc, 1), (dealloc, 1)], [0, 0, 0], "event 3): dealloc of id 1, which is not live"),
        (vec![(alloc, 1), (alloc, 1)], [0, 0, 0], "event 2): alloc of id 1, which is live"),
        (vec![(alloc, 1), (realloc, 1)], [0, 0, 0], "event 2): size 0 is out of range"),
        (vec![(alloc, 1), (alloc, 2), (dealloc, 1)], [3, 5, 4], "event 3): time_ns 4 is before 5"),
        (vec![], [0, 0, 0], "has a header but no event"),
    ] {
        let columns = heaprace_traces::csv::Columns { time_ns: true, ..Default::default() };
        let mut writer = heaprace_traces::htrace::HtraceWriter::new(Vec::new(), columns, &["program: a test"]).unwrap();
        for ((action, id), time_ns) in actions.into_iter().zip(times) {
            writer.write(&Event { action, id, thread: None, time_ns: Some(time_ns), written: None }).unwrap();
        }
        let source = Source::from_bytes("bad.htrace", writer.finish().unwrap());
        let error = Program::load(&source).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

/// Enough events for several stretches and chunks, with reallocs at every position.
fn long_text(events: u64) -> String {
    let mut text = "op,id,size,align\n# mark: start\n".to_owned();
    for id in 0..events / 3 {
        text += &format!("alloc,{id},{},8\nrealloc,{id},{}\n", 1 + id % 100, 1 + id % 77);
        if id >= 50 {
            text += &format!("dealloc,{}\n", id - 50);
        }
    }
    text + "# mark: end\n"
}

fn all_ops(program: &Program) -> (Vec<PackedOp>, u64) {
    let (mut ops, mut events) = (Vec::new(), 0);
    let flow = program.each_stretch(&mut |stretch| {
        assert_eq!(stretch.events_before(), events);
        assert!(!stretch.ops()[0].is_old_size() && stretch.slots() == program.slots());
        ops.extend_from_slice(stretch.ops());
        events += stretch.events();
        ControlFlow::Continue(())
    });
    assert!(flow.unwrap().is_continue());
    (ops, events)
}

#[test]
fn a_streamed_program_equals_the_held_one() {
    let text = long_text(1_000_000);
    for source in [Source::from_bytes("a.csv", text.as_bytes()), binary(&text)] {
        let held = Program::load(&source).unwrap();
        let streamed = Program::load_holding(&source, 0).unwrap();
        assert!(!held.is_streamed() && streamed.is_streamed());
        assert!(all_ops(&held) == all_ops(&streamed));
        assert!(all_ops(&held) == all_ops(&streamed.clone().decoded_in_turn()));
        assert_eq!(all_ops(&held).1, held.events());
        assert_eq!(held.profile(), streamed.profile());
        assert_eq!((held.slots(), held.marks()), (streamed.slots(), streamed.marks()));
        assert!(held.left_live().eq(streamed.left_live()));
        assert_eq!(held.left_live().count(), 50);
    }
}

#[test]
fn a_stream_can_be_left_early() {
    let streamed = Program::load_holding(&Source::from_bytes("a.csv", long_text(2_000_000).as_bytes()), 0).unwrap();
    for streamed in [streamed.clone(), streamed.decoded_in_turn()] {
        let mut seen = 0;
        let flow = streamed.each_stretch(&mut |_| {
            seen += 1;
            if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!((flow.unwrap(), seen), (ControlFlow::Break(()), 2));
    }
}

#[test]
fn a_trace_that_changes_between_passes_is_detected() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("changes.csv");
    let source = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Source::locate(path.to_str().unwrap()).unwrap()
    };
    let text = long_text(300_000);
    let streamed = Program::load_holding(&source(&text), 0).unwrap();
    let replay = || streamed.each_stretch(&mut |_| ControlFlow::Continue(())).map(|_| ()).unwrap_err().to_string();
    // Fewer events, then more live objects, then a fault.
    source(&long_text(150_000));
    assert!(replay().contains("changed during the replay"), "{}", replay());
    source(&(text.clone() + "alloc,999999999,1,1\nalloc,999999998,1,1\n"));
    assert!(replay().contains("changed during the replay"), "{}", replay());
    source(&(text + "dealloc,999999999\n"));
    assert!(replay().contains("not live"), "{}", replay());
}

/// The events of a trace with written extents: objects of 100 bytes, of which the program wrote as many as their place
/// says, before it grew each to 200 bytes and wrote no more. Each lives while `live` younger ones come.
fn events_with_extents(objects: u64, live: u64) -> Vec<Event> {
    use heaprace_traces::Action::{Alloc, Dealloc, Realloc};
    let layout = |bytes| Layout::from_size_align(bytes, 8).unwrap();
    let mut events = Vec::new();
    let mut add = |id, action, written| events.push(Event { action, id, thread: None, time_ns: None, written });
    for id in 0..objects {
        add(id, Alloc { layout: layout(100), zeroed: id % 2 == 0 }, None);
        if let Some(older) = id.checked_sub(live) {
            let written = Some((older % 101) as u32);
            add(older, Realloc { old: layout(100), new_size: 200 }, written);
            add(older, Dealloc { layout: layout(200) }, written);
        }
    }
    events
}

#[test]
fn each_stretch_has_the_extents_of_its_operations() {
    let program = Program::compile(events_with_extents(100_000, 3).into_iter().map(Ok)).unwrap();
    let (mut stretches, mut ranges) = (0, Vec::new());
    let flow = program.each_stretch(&mut |stretch| {
        assert_eq!(stretch.written().len(), extents::count(stretch.ops()));
        ranges.extend_from_slice(stretch.written());
        stretches += 1;
        ControlFlow::Continue(())
    });
    assert!(flow.unwrap().is_continue() && stretches > 1);
    let is_of_a_grown_block = ranges.iter().filter(|range| range.to() == range.from()).count();
    assert!(is_of_a_grown_block >= 99_997, "{is_of_a_grown_block}");
    let coverage = program.coverage().unwrap();
    assert_eq!((coverage.blocks, coverage.known_blocks), (199_997, 199_994));
    assert_eq!(ranges.iter().map(|range| (range.to() - range.from()) as u64).sum::<u64>(), coverage.written_bytes);
}

#[test]
fn a_trace_without_extents_has_no_array_of_them() {
    let program = program("alloc,1,1,1\nrealloc,1,2\ndealloc,1\n");
    assert_eq!(program.coverage(), None);
    let flow = program.each_stretch(&mut |stretch| {
        assert!(stretch.written().is_empty());
        ControlFlow::Continue(())
    });
    assert!(flow.unwrap().is_continue());
}

#[test]
fn portions_that_are_taken_keep_whole_blocks_and_lose_no_extent_of_their_own() {
    let events = || events_with_extents(100_000, 3).into_iter().map(Ok);
    let held =
        pass::long(events(), true, Portion::default(), |_: &mut Portion, _: &_| ControlFlow::Continue(())).unwrap();
    let mut ranges = Vec::new();
    let taken = pass::long(events(), true, Portion::default(), |portion: &mut Portion, _: &_| {
        ranges.append(&mut portion.written);
        portion.clear();
        ControlFlow::Continue(())
    });
    let taken = taken.unwrap();
    ranges.extend(taken.portion.written);
    assert_eq!(ranges.len(), held.portion.written.len());
    let others: Vec<_> = ranges
        .iter()
        .zip(&held.portion.written)
        .filter(|(taken, held)| taken != held)
        .map(|(taken, _)| *taken)
        .collect();
    // Only blocks that live across the end of one of the four portions.
    assert!((1..=16).contains(&others.len()), "{}", others.len());
    assert!(others.iter().all(|range| (range.from(), range.to()) == (0, 100) || range.from() == 100), "{others:?}");
    assert_eq!(taken.compiler.coverage(), held.compiler.coverage());
}

fn ranges(program: &Program) -> Vec<WrittenRange> {
    let mut ranges = Vec::new();
    let flow = program.each_stretch(&mut |stretch| {
        ranges.extend_from_slice(stretch.written());
        ControlFlow::Continue(())
    });
    assert!(flow.unwrap().is_continue());
    ranges
}

/// The same trace with written extents in both formats.
fn sources_with_extents(objects: u64) -> [Source; 2] {
    let columns = heaprace_traces::csv::Columns { written: true, ..Default::default() };
    let mut text = heaprace_traces::csv::CsvWriter::new(Vec::new(), columns, &[""; 0]).unwrap();
    let mut binary = heaprace_traces::htrace::HtraceWriter::new(Vec::new(), columns, &[""; 0]).unwrap();
    for event in events_with_extents(objects, 3) {
        // Binary traces count objects from 1.
        let event = Event { id: event.id + 1, ..event };
        text.write(&event).unwrap();
        binary.write(&event).unwrap();
    }
    [Source::from_bytes("a.csv", text.finish().unwrap()), Source::from_bytes("a.htrace", binary.finish().unwrap())]
}

#[test]
fn every_way_through_a_trace_finds_the_same_extents() {
    let held = Program::compile(events_with_extents(300_000, 3).into_iter().map(Ok)).unwrap();
    let [text, binary] = sources_with_extents(300_000);
    for program in [Program::load(&text).unwrap(), Program::load(&binary).unwrap(), short_way(&binary).unwrap()] {
        assert!(ranges(&program) == ranges(&held));
        assert_eq!(program.coverage(), held.coverage());
    }
    for source in [text, binary] {
        let streamed = Program::load_holding(&source, 0).unwrap();
        assert!(streamed.is_streamed());
        assert_eq!(streamed.coverage(), held.coverage());
        let (streamed, in_turn) = (ranges(&streamed), ranges(&streamed.clone().decoded_in_turn()));
        assert!(streamed == in_turn && streamed.len() == ranges(&held).len());
        let others = streamed.iter().zip(ranges(&held)).filter(|&(&streamed, held)| streamed != held).count();
        // Only blocks that live across the end of one of the four chunks.
        assert!((1..=16).contains(&others), "{others}");
    }
}

#[test]
fn an_extent_larger_than_its_block_is_a_fault() {
    let text = "op,id,size,align,written\nalloc,1,10,1,\ndealloc,1,,,11\n";
    let error = Program::load(&Source::from_bytes("a.csv", text.as_bytes())).unwrap_err().to_string();
    assert!(error.contains("event 2): "), "{error}");
    let layout = Layout::new::<u64>();
    for (extent, is_rejected) in [(Some(heaprace_traces::Extent::AllBut(9)), true), (None, false)] {
        let (mut compiler, mut portion) = (compiler::Compiler::<DenseIds>::new(true), Portion::default());
        compiler.add(heaprace_traces::Op::Alloc, 1, (layout.size(), layout.align()), None, &mut portion).unwrap();
        let freed = compiler.add(heaprace_traces::Op::Dealloc, 1, (1, 1), extent, &mut portion);
        assert_eq!(freed.is_none(), is_rejected);
    }
}

#[test]
fn objects_that_are_left_live_have_the_extents_of_the_last_comments() {
    let text = "op,id,size,align,written\nalloc,1,100,8\nalloc,2,50,8\nalloc,3,30,8\nrealloc,2,80,,20\nalloc,4,7,1\n\
                dealloc,1,,,40\n# left live: 2=60 3=0 2=70 1=5 9=9\n";
    for source in [Source::from_bytes("a.csv", text.as_bytes()), binary_with_extents(text)] {
        for program in [Program::load(&source).unwrap(), Program::load_holding(&source, 0).unwrap()] {
            let found: Vec<_> = ranges(&program).iter().map(|range| (range.from(), range.to())).collect();
            // Nothing is known of object 4; of 2, the first statement counts; 1 and 9 are not live.
            assert_eq!(found, [(0, 40), (0, 20), (0, 0), (20, 60), (0, 7)]);
            let coverage = program.coverage().unwrap();
            assert_eq!((coverage.blocks, coverage.known_blocks, coverage.written_bytes), (5, 4, 40 + 20 + 40 + 7));
        }
    }
    let early = text.replace("dealloc,1,,,40\n", "").replace("9=9\n", "9=9\ndealloc,1,,,40\n");
    for source in [Source::from_bytes("a.csv", early.as_bytes()), binary_with_extents(&early)] {
        let coverage = Program::load(&source).unwrap().coverage().unwrap();
        assert_eq!(coverage.known_blocks, 2, "an event follows the comment");
    }
}

/// A trace of text with extents in the binary format.
fn binary_with_extents(text: &str) -> Source {
    let mut events = Source::from_bytes("a.csv", text.as_bytes()).open().unwrap();
    let mut writer =
        heaprace_traces::htrace::HtraceWriter::new(Vec::new(), events.columns(), events.provenance()).unwrap();
    while let Some(event) = events.next() {
        events.comments().iter().for_each(|comment| writer.comment(comment).unwrap());
        writer.write(&event.unwrap()).unwrap();
    }
    events.comments().iter().for_each(|comment| writer.comment(comment).unwrap());
    Source::from_bytes("a.htrace", writer.finish().unwrap())
}
