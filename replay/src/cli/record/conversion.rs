//! Turns the raw recordings of a run into traces.
//!
//! A process begins with the objects that were live in the process that it was forked from. So parents are converted
//! before their children, and leave the live objects of each fork beside the child's recording.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use heaprace_traces::inspect::WrittenShare;
use heaprace_traces::native::Record;
use heaprace_traces::native::raw::RECORD_BYTES;
use heaprace_traces::{Event, Output, Profile};

use super::folder::shown;
use super::outcome::Outcome;
use super::raw::{self, Raw};
use super::target::{Target, check_free};
use crate::cli::preloading::linked_allocator;

/// Records between two looks at what may interrupt.
const INTERRUPT_INTERVAL: u64 = 1 << 16;

/// What has become of the recordings.
pub(super) struct Conversion {
    /// The traces, each with the place of its recording in the list, in that order.
    pub(super) outcomes: Vec<(usize, Outcome)>,
    /// Recordings without any call, although their processes have memory from a function that is not recorded.
    pub(super) bypassed: Vec<(usize, String)>,
    /// The first failure. All recordings were tried but those that depend on one that failed.
    pub(super) failure: Option<anyhow::Error>,
}

/// Converts recordings, each with its target. `is_interrupted` is asked now and then.
pub(super) fn convert_all(raws: &[Raw], targets: &[Target], is_interrupted: &dyn Fn() -> bool) -> Conversion {
    let family = Family::new(raws, targets);
    let mut allocators: HashMap<&Path, Option<&'static str>> = HashMap::new();
    let mut converted = Conversion { outcomes: Vec::new(), bypassed: Vec::new(), failure: None };
    for index in family.order {
        if is_interrupted() {
            converted.failure = converted.failure.or_else(|| Some(interrupted()));
            break;
        }
        let (raw, target) = (&raws[index], &targets[index]);
        let children: Vec<&Raw> = family.children[index].iter().map(|&child| &raws[child]).collect();
        let outcome = match convert(raw, target, &children, is_interrupted) {
            Ok(outcome) => outcome,
            Err(error) => {
                converted.failure = converted.failure.or(Some(error));
                continue;
            }
        };
        let mut linked = || {
            let program = raw.header.executable.as_path();
            *allocators.entry(program).or_insert_with(|| linked_allocator(program))
        };
        let bypass = raw.header.bypass.as_deref().map(|bypass| shown(bypass.as_ref()));
        let linked = if bypass.is_none() { linked() } else { None };
        match outcome {
            Some(outcome) => converted.outcomes.push((index, Outcome { linked_allocator: linked, ..outcome })),
            None if target.path.is_some() => {
                let by = bypass.or_else(|| linked.map(|function| format!("{function} of {}", raw.header.name())));
                converted.bypassed.extend(by.map(|by| (index, by)));
            }
            None => {}
        }
    }
    converted.outcomes.sort_by_key(|(index, _)| *index);
    converted
}

/// Which recordings must be read, by their places in the list.
struct Family {
    /// Parents before their children.
    order: Vec<usize>,
    /// The children of each, in the order of their forks.
    children: Vec<Vec<usize>>,
}

impl Family {
    fn new(raws: &[Raw], targets: &[Target]) -> Self {
        let places: HashMap<(u64, u64), usize> =
            raws.iter().enumerate().map(|(index, raw)| ((raw.process.into(), raw.number.into()), index)).collect();
        let parent = |index: usize| {
            let parent = raws[index].header.parent?;
            places.get(&(parent.process, parent.number)).copied().filter(|&parent| !raws[parent].header.only_counted)
        };
        // A recording is read if it becomes a trace, or if one of its descendants does.
        let mut is_read = vec![false; raws.len()];
        for start in (0..raws.len()).filter(|&index| targets[index].path.is_some() && raws[index].is_recorded()) {
            let mut next = Some(start);
            while let Some(index) = next.filter(|&index| !is_read[index]) {
                is_read[index] = true;
                next = parent(index);
            }
        }
        let mut children = vec![Vec::new(); raws.len()];
        let mut roots = Vec::new();
        for index in (0..raws.len()).filter(|&index| is_read[index]) {
            match parent(index) {
                Some(parent) => children[parent].push(index),
                None => roots.push(index),
            }
        }
        let fork = |&index: &usize| raws[index].header.parent.map(|parent| parent.claimed);
        children.iter_mut().for_each(|children: &mut Vec<usize>| children.sort_by_key(fork));
        // Whoever has no first parent, as only a damaged header can say, comes last.
        let mut waiting: Vec<usize> = (0..raws.len()).rev().filter(|&index| is_read[index]).collect();
        waiting.extend(roots.into_iter().rev());
        let mut order = Vec::new();
        while let Some(index) = waiting.pop() {
            if std::mem::replace(&mut is_read[index], false) {
                order.push(index);
                waiting.extend(children[index].iter().rev());
            }
        }
        Family { order, children }
    }
}

/// Writes the trace of a recording, and what its children inherit. `None` where there are no calls, and then no file
/// either.
fn convert(
    raw: &Raw,
    target: &Target,
    children: &[&Raw],
    is_interrupted: &dyn Fn() -> bool,
) -> anyhow::Result<Option<Outcome>> {
    let mut recording = raw.open()?;
    let has_calls = recording.has_calls()?;
    let path = target.path.as_deref().filter(|_| has_calls);
    path.map_or(Ok(()), |path| check_free(path, false, target.replaces))?;
    let inherited = inherited(raw)?;
    let inherited_objects = inherited.len() as u64;
    recording.inherit(inherited);
    let cannot_write = || path.map_or(String::new(), |path| format!("{} cannot be written", shown(path)));
    let mut output = match path {
        Some(path) => {
            Some(Output::create(path, recording.columns(), &recording.provenance()).with_context(cannot_write)?)
        }
        None => None,
    };
    let (mut profile, mut written) = (Profile::default(), WrittenShare::default());
    let mut forks = children.iter().peekable();
    let mut failure = None;
    let mut give = |event: Event| {
        profile.add(&event);
        written.add(&event);
        if let (Some(output), None) = (&mut output, &failure) {
            failure = output.write(&event).err();
        }
    };
    let mut steps = 0_u64;
    loop {
        let place = recording.places();
        let is_due = |child: &&&Raw| child.header.parent.is_some_and(|parent| parent.claimed <= place);
        // An inherited object is no place, so the children of the first place wait for all of them.
        if steps >= inherited_objects && forks.peek().is_some_and(is_due) {
            let objects = recording.live_objects();
            while let Some(child) = forks.next_if(is_due) {
                leave(child, &objects)?;
            }
        }
        if !recording.step(&mut give)? {
            break;
        }
        steps += 1;
        if steps.is_multiple_of(INTERRUPT_INTERVAL) && is_interrupted() {
            return Err(interrupted());
        }
    }
    let objects = if forks.peek().is_some() { recording.live_objects() } else { Vec::new() };
    forks.try_for_each(|child| leave(child, &objects))?;
    if let Some(error) = failure {
        return Err(anyhow::Error::from(error).context(cannot_write()));
    }
    let (Some(path), Some(mut output)) = (path, output) else { return Ok(None) };
    let cut_off = raw.runs.then(|| "cut off: the process still ran".to_owned());
    let comments = recording.comments().chain(cut_off).collect::<Vec<_>>();
    comments.iter().try_for_each(|comment| output.comment(comment)).with_context(cannot_write)?;
    output.finish().with_context(cannot_write)?;
    let trace_bytes = fs::metadata(path).with_context(|| format!("{} is gone", shown(path)))?.len();
    Ok(Some(Outcome {
        end: target.end.clone(),
        header: recording.header().clone(),
        counts: recording.counts(),
        profile,
        written: recording.columns().written.then_some(written),
        inherited: inherited_objects,
        linked_allocator: None,
        is_cut_off: raw.runs,
        path: path.to_owned(),
        trace_bytes,
    }))
}

fn interrupted() -> anyhow::Error {
    anyhow::anyhow!("a signal ended the conversion")
}

/// The file with the objects that a process inherits.
fn inherited_path(raw: &Raw) -> PathBuf {
    raw.path.with_extension("inherited")
}

/// Leaves live objects for a child.
fn leave(child: &Raw, objects: &[Record]) -> anyhow::Result<()> {
    let path = inherited_path(child);
    let write = || -> io::Result<()> {
        // The rest of an earlier conversion may be there.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = BufWriter::new(OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?);
        for word in objects.iter().flat_map(|object| object.to_words()) {
            file.write_all(&word.to_ne_bytes())?;
        }
        file.flush()
    };
    write().with_context(|| format!("{} cannot be written; make room there", shown(&path)))
}

/// Takes the objects that were left for a process: the live ones of its parent.
fn inherited(raw: &Raw) -> anyhow::Result<Vec<Record>> {
    let path = inherited_path(raw);
    if raw.header.parent.is_none() || !path.exists() {
        return Ok(Vec::new());
    }
    let read = || -> io::Result<Vec<Record>> {
        let mut file = BufReader::new(raw::open(&path, false)?);
        let (mut objects, mut bytes) = (Vec::new(), [0; RECORD_BYTES]);
        loop {
            match file.read_exact(&mut bytes) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            }
            let word = |half: &[u8]| u64::from_ne_bytes(half.try_into().expect("half of 16 bytes is 8"));
            objects.push(Record::from_words([word(&bytes[..8]), word(&bytes[8..])]));
        }
        fs::remove_file(&path)?;
        Ok(objects)
    };
    read().with_context(|| format!("{} cannot be read", shown(&path)))
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use heaprace_traces::native::NativeHeader;
    use heaprace_traces::native::raw::{HEADER_BYTES, Header, MAGIC, VERSION, kind};
    use heaprace_traces::{Action, Source};

    use super::*;

    /// Writes a recording of allocations of these sizes, each at an address of its own, and of frees where the number is
    /// negative.
    fn recording(folder: &Path, process: u32, parent: (u64, u64), sizes: &[i64]) -> Raw {
        let path = folder.join(format!("{process}-0.raw"));
        let mut bytes = vec![0; HEADER_BYTES];
        let mut set = |offset: usize, number: u64| bytes[offset..offset + 8].copy_from_slice(&number.to_ne_bytes());
        set(offset_of!(Header, magic), u64::from_ne_bytes(MAGIC));
        set(offset_of!(Header, version), VERSION);
        set(offset_of!(Header, claimed), sizes.len() as u64);
        set(offset_of!(Header, parent.process), parent.0);
        set(offset_of!(Header, parent.claimed), parent.1);
        for size in sizes {
            let kind = if *size < 0 { kind::DEALLOC } else { kind::ALLOC };
            let (size, fill) = (size.unsigned_abs(), Default::default());
            let record = Record { kind, address: 16 * size, size, align_log2: 4, fill, thread: 1 };
            bytes.extend(record.to_words().into_iter().flat_map(u64::to_ne_bytes));
        }
        fs::write(&path, &bytes).unwrap();
        let header = NativeHeader::read(&bytes[..], "test").unwrap();
        Raw { path, process, number: 0, header, runs: false }
    }

    fn targets(raws: &[Raw], folder: &Path) -> Vec<Target> {
        let path = |raw: &Raw| Some(folder.join(format!("{}.csv", raw.process)));
        raws.iter().map(|raw| Target { path: path(raw), replaces: false, end: String::new() }).collect()
    }

    fn sizes(folder: &Path, process: u32) -> Vec<i64> {
        let file = folder.join(format!("{process}.csv"));
        let events = Source::locate(file.to_str().unwrap()).unwrap().open().unwrap();
        let size = |event: Event| match event.action {
            Action::Alloc { layout, .. } => layout.size() as i64,
            Action::Realloc { new_size, .. } => new_size as i64,
            Action::Dealloc { layout } => -(layout.size() as i64),
        };
        events.map(|event| size(event.unwrap())).collect()
    }

    #[test]
    fn objects_are_inherited_over_generations_whatever_the_order_of_the_list() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let raws = [
            // Of the parent below, which has no calls itself, after its first places: all that it inherits.
            recording(folder, 5, (9, 0), &[50, -20]),
            recording(folder, 9, (7, 2), &[]),
            recording(folder, 7, (0, 0), &[10, 20, -10, 30]),
            // After more records than there are, as a process that is killed can say.
            recording(folder, 8, (7, 99), &[-30]),
            recording(folder, 6, (7, 0), &[60]),
            recording(folder, 4, (1000, 3), &[40, -10]),
        ];
        let converted = convert_all(&raws, &targets(&raws, folder), &|| false);
        assert!(converted.failure.is_none());
        let made: Vec<(usize, u64, u64)> =
            converted.outcomes.iter().map(|(index, it)| (*index, it.inherited, it.counts.ignored)).collect();
        assert_eq!(made, [(0, 2, 0), (2, 0, 0), (3, 2, 0), (4, 0, 0), (5, 0, 1)]);
        assert_eq!(sizes(folder, 5), [10, 20, 50, -20]);
        assert_eq!(sizes(folder, 8), [20, 30, -30]);
        assert_eq!(sizes(folder, 6), [60]);
        let left = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        assert_eq!(left.filter(|path| path.extension().is_some_and(|ending| ending == "inherited")).count(), 0);
    }

    #[test]
    fn recordings_that_are_each_others_parents_are_converted_too() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let raws = [recording(folder, 1, (2, 1), &[10]), recording(folder, 2, (1, 1), &[20])];
        let converted = convert_all(&raws, &targets(&raws, folder), &|| false);
        assert!(converted.failure.is_none() && converted.outcomes.len() == 2);
    }

    #[test]
    fn a_conversion_that_is_interrupted_leaves_no_half_trace() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let many: Vec<i64> = (1..200_000).collect();
        let raws = [recording(folder, 1, (0, 0), &many), recording(folder, 2, (0, 0), &[20])];
        let asked = std::cell::Cell::new(0);
        // Within the first one.
        let is_interrupted = || asked.replace(asked.get() + 1) > 1;
        let converted = convert_all(&raws, &targets(&raws, folder), &is_interrupted);
        assert_eq!(converted.failure.unwrap().to_string(), "a signal ended the conversion");
        assert!(converted.outcomes.is_empty());
        let mut left: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["1-0.raw", "2-0.raw"]);
    }

    #[test]
    fn a_process_that_still_runs_has_a_trace_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let raws = [Raw { runs: true, ..recording(folder, 1, (0, 0), &[10]) }];
        let converted = convert_all(&raws, &targets(&raws, folder), &|| false);
        assert!(!converted.outcomes[0].1.is_whole());
        assert!(fs::read_to_string(folder.join("1.csv")).unwrap().ends_with("\n# cut off: the process still ran\n"));
    }
}
