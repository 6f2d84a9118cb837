//! Cells of a sweep: run, stored, found again, rejected, and merged.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use heaprace::comparison::{ComparisonPlan, compare};
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::field::Field;
use heaprace::sweep::{Build, Cell, CellState, Stray, Sweep, merge, strays};
use heaprace::time::rounds::Rounds;
use heaprace_reports::results::{Figure, Reason, Results, Rigor, Verification, WarningCode};

fn current() -> Build {
    Build::current(&Field::registered()).unwrap()
}

fn sweep(settings: &str) -> Sweep {
    let plan = format!(
        "traces = [\"repeated-growth\"]\nallocators = [\"dlmalloc\", \"talc\", \"null\"]\n[settings]\n{settings}\n"
    );
    Sweep::parse(&plan, "plan.toml", Path::new(""), &Field::registered(), &current()).unwrap()
}

fn make_child() -> io::Result<Command> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.arg(heaprace::time::process::VERB);
    Ok(command)
}

fn run_all(sweep: &Sweep, folder: &Path) {
    for cell in sweep.cells() {
        cell.save(&cell.run(make_child).unwrap(), folder).unwrap();
    }
}

fn cell(sweep: &Sweep, subject: &str) -> Cell {
    sweep.cells().into_iter().find(|cell| cell.subject() == subject).unwrap()
}

/// The only document of a sweep.
fn merged(sweep: &Sweep, folder: &Path) -> Results {
    let merged = merge(sweep, |cell| cell.state(folder));
    assert_eq!(merged.len(), 1);
    merged.into_iter().next().unwrap().results.unwrap()
}

/// Changes a cell's file as if another machine had written it.
fn edit(cell: &Cell, folder: &Path, change: impl Fn(&mut Results)) {
    let CellState::Done(mut results) = cell.state(folder) else { panic!("{} is not done", cell.subject()) };
    change(&mut results);
    cell.save(&results, folder).unwrap();
}

#[test]
fn merged_cells_equal_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep("rounds = 2\nmin_heap = true");
    run_all(&sweep, folder.path());
    let joint = merged(&sweep, folder.path());
    let rounds = Rounds {
        count: 2,
        seed: 1,
        touch: TouchPolicy::default(),
        page: heaprace_allocators::PageSize::WASM,
        limit_pages: 65_536,
    };
    let contenders = ["dlmalloc", "talc", "null"].map(|name| Contender::named(name).unwrap()).into();
    let plan = ComparisonPlan {
        bounds: true,
        min_heap: true,
        make_child: Some(crate::replay_child),
        ..ComparisonPlan::of(contenders, rounds)
    };
    let whole = compare(&heaprace_traces::Source::locate("repeated-growth").unwrap(), &plan, |_| {}).unwrap();
    assert_eq!((&joint.settings, &joint.trace, &joint.bounds), (&whole.settings, &whole.trace, &whole.bounds));
    assert_eq!(joint.contenders.len(), 3);
    for (one, other) in joint.contenders.iter().zip(&whole.contenders) {
        assert_eq!((&one.name, &one.version, one.role), (&other.name, &other.version, other.role));
        assert_eq!((&one.verification, &one.memory), (&other.verification, &other.memory), "{}", one.name);
        assert_eq!(one.min_heap, other.min_heap, "{}", one.name);
    }
    let parts: Vec<&str> = joint.merged_from.iter().map(|part| part.part.as_str()).collect();
    assert_eq!(parts, ["dlmalloc", "talc", "null", "bounds"]);
    assert_eq!(Results::from_json(&joint.to_json()).unwrap(), joint);
}

/// The shipped example, with traces that take no time: each trace is there once per page size, so nothing may mistake one
/// for the other.
#[test]
fn the_shipped_example_is_labelled_and_ranked_per_setting() {
    let folder = tempfile::tempdir().unwrap();
    let trace = |name: &str, size: u32| {
        let lines = format!("op,id,size,align\nalloc,1,{size},8\nalloc,2,{size},8\ndealloc,1\ndealloc,2\n");
        fs::write(folder.path().join(name), lines).unwrap();
    };
    trace("one.csv", 5000);
    trace("two.csv", 70_000);
    let example = include_str!("../../../sweeps/example.toml");
    let plan = example.replace(
        "traces = [\"library:recorded\"]",
        "traces = [\"one.csv\", \"two.csv\"]\nallocators = [\"dlmalloc\", \"talc\"]",
    );
    let plan = plan.replace("rounds = 20", "rounds = 6\nskip_bounds = true");
    assert_eq!(plan.lines().count(), example.lines().count() + 2, "the example has changed");
    fs::write(folder.path().join("plan.toml"), plan).unwrap();
    let replay = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_replay")).args(arguments).current_dir(folder.path()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    let (code, _, errors) = replay(&["sweep", "plan.toml", "--run", "--merge", "--out", "out"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(read("out/two-page-size-4096/footprint.svg").contains("two, 4 KiB pages"));

    let (code, ranks, errors) = replay(&["rank", "out"]);
    assert_eq!(code, Some(0), "{errors}");
    let headings: Vec<&str> = ranks.lines().filter(|line| line.starts_with("With ")).collect();
    assert_eq!(headings, ["With 4 KiB pages", "With 64 KiB pages"], "{ranks}");
    assert_eq!(ranks.matches("peak_heap_bytes over 2 traces").count(), 2, "{ranks}");
    let (code, _, errors) = replay(&["rank", "out", "out/one-page-size-4096"]);
    assert_eq!(code, Some(3), "the same setting twice");
    assert!(errors.contains("one occurs more than once"), "{errors}");

    let labels = ["one, 4 KiB pages", "one, 64 KiB pages", "two, 4 KiB pages", "two, 64 KiB pages"];
    let files = ["--export-latex", "a.tex", "--export-markdown", "a.md", "--report", "a.html", "--export-csv", "a.csv"];
    let (code, text, errors) =
        replay(&[&["report", "out", "--out", "drawn", "--export-svg", "svg"], &files[..]].concat());
    assert_eq!(code, Some(0), "{errors}");
    for (what, text) in
        [("text", &text), ("LaTeX", &read("a.tex")), ("Markdown", &read("a.md")), ("page", &read("a.html"))]
    {
        for label in labels {
            assert!(text.contains(label), "{label} in {what}: {text}");
        }
    }
    for label in labels {
        let name = label.replace(", ", "-").replace(' ', "-");
        assert!(read(&format!("svg/{name}-footprint.svg")).contains(label));
        assert!(read(&format!("drawn/{name}/footprint.svg")).contains(label));
    }
    let csv = read("a.csv");
    assert!(csv.contains(",one,") && !csv.contains("KiB pages"), "data keep the name of the trace");
}

#[test]
fn a_timed_row_has_companions_of_the_same_rounds() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep("rounds = 3\nskip_bounds = true");
    run_all(&sweep, folder.path());
    let joint = merged(&sweep, folder.path());
    for (row, expected) in joint.contenders.iter().zip([&["null"][..], &["dlmalloc", "null"], &["dlmalloc"]]) {
        let time = row.time.known().unwrap();
        let names: Vec<&str> = time.companions.iter().map(|companion| companion.name.as_str()).collect();
        assert_eq!(names, expected, "{}", row.name);
        assert_eq!((time.fresh_ns.len(), time.steady_ns.len()), (3, 3));
        for companion in &time.companions {
            assert_eq!((companion.fresh_ns.len(), companion.steady_ns.len()), (3, 3));
        }
    }
    let rows_alone = joint.warnings.iter().find(|warning| warning.code == WarningCode::Merged).unwrap();
    assert!(rows_alone.message.contains("in a separate run: compare"), "{}", rows_alone.message);
}

#[test]
fn only_a_complete_file_of_the_cell_itself_is_its_result() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep("rounds = 0\nskip_bounds = true");
    let (talc, null) = (cell(&sweep, "talc"), cell(&sweep, "null"));
    assert_eq!(talc.state(folder.path()), CellState::Missing);
    let results = talc.run(make_child).unwrap();
    talc.save(&results, folder.path()).unwrap();
    assert_eq!(talc.state(folder.path()), CellState::Done(Box::new(results.clone())));

    let path = talc.path(folder.path());
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(Results::from_json(&text).unwrap(), results, "a cell is a results document for every other reader");
    let unusable = |text: &str| {
        fs::write(&path, text).unwrap();
        match talc.state(folder.path()) {
            CellState::Unusable(why) => why,
            state => panic!("{state:?}"),
        }
    };
    assert!(unusable(&text[..text.len() / 2]).contains("cut short"));
    assert!(unusable(&results.to_json()).contains("does not say which cell it is"));
    null.save(&null.run(make_child).unwrap(), folder.path()).unwrap();
    let other = fs::read_to_string(null.path(folder.path())).unwrap();
    assert!(unusable(&other).contains("another cell's file"));
    assert!(
        unusable(&text.replace("\"name\":\"talc\",\"version\":\"5", "\"name\":\"talc\",\"version\":\"4"))
            .contains("another")
    );
    let row_of_another = text.replace("\"contenders\":[{\"name\":\"talc\"", "\"contenders\":[{\"name\":\"bump\"");
    assert!(unusable(&row_of_another).contains("not those of its cell"));
}

#[test]
fn a_missing_cell_is_a_row_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep("rounds = 2");
    let nothing = merge(&sweep, |cell| cell.state(folder.path()));
    assert_eq!((nothing[0].results.as_ref(), nothing[0].missing.len()), (None, 4));

    run_all(&sweep, folder.path());
    let talc = cell(&sweep, "talc");
    fs::remove_file(talc.path(folder.path())).unwrap();
    fs::write(cell(&sweep, "bounds").path(folder.path()), "{").unwrap();
    let merged = merge(&sweep, |cell| cell.state(folder.path()));
    let missing: Vec<&str> = merged[0].missing.iter().map(|(cell, _)| cell.subject()).collect();
    assert_eq!(missing, ["bounds", "talc"]);
    let joint = merged[0].results.as_ref().unwrap();
    let names: Vec<&str> = joint.contenders.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["dlmalloc", "talc", "null"], "never a hole");
    let reason = Reason::from(format!("cell {} has not been run", talc.id()));
    let row = &joint.contenders[1];
    assert_eq!((&row.memory, &row.time), (&Figure::unknown(&reason), &Figure::unknown(&reason)));
    assert_eq!(row.verification, Verification::NotChecked { reason });
    assert!(
        matches!(&joint.bounds, Figure::Unknown { unknown } if unknown.to_string().contains("cannot be used")),
        "{:?}",
        joint.bounds
    );
}

#[test]
fn cells_of_several_machines_are_merged_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep("rounds = 2\nskip_bounds = true");
    run_all(&sweep, folder.path());
    edit(&cell(&sweep, "talc"), folder.path(), |results| {
        results.provenance.cpu = Figure::Known("Another Processor".into());
        results.provenance.date = "2001-01-01T00:00:00Z".into();
        results.warnings.push(heaprace_reports::results::Warning {
            code: WarningCode::NoisyMachine,
            message: "it was noisy there".into(),
        });
    });
    let joint = merged(&sweep, folder.path());
    let Figure::Unknown { unknown } = &joint.provenance.cpu else { panic!("{:?}", joint.provenance.cpu) };
    assert!(
        unknown.to_string().starts_with("rows come from 2: ") && unknown.to_string().contains("Another Processor"),
        "{unknown}"
    );
    assert_eq!(joint.provenance.date, "2001-01-01T00:00:00Z", "the measurement began with the first of them");
    let talc = joint.merged_from.iter().find(|part| part.part == "talc").unwrap();
    assert_eq!(talc.provenance.cpu, Figure::Known("Another Processor".into()));
    let message = |code| joint.warnings.iter().find(|warning| warning.code == code).unwrap().message.as_str();
    assert!(message(WarningCode::Merged).contains("on 2 kinds of machine"), "{}", message(WarningCode::Merged));
    assert_eq!(message(WarningCode::NoisyMachine), "talc: it was noisy there");
}

#[test]
fn cells_of_another_build_are_excluded_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep("rounds = 0\nskip_bounds = true");
    run_all(&sweep, folder.path());
    assert!(strays(&sweep, folder.path()).is_empty());
    let later = Build { revision: "0123456789ab".into(), ..sweep.build().clone() };
    let plan = "traces = [\"repeated-growth\"]\nallocators = [\"talc\"]\n[settings]\nrounds = 0\nskip_bounds = true\n";
    let later = Sweep::parse(plan, "plan.toml", Path::new(""), &Field::registered(), &later).unwrap();
    fs::write(folder.path().join("cells/half.json"), "{\"schema_").unwrap();
    assert!(merge(&later, |cell| cell.state(folder.path()))[0].results.is_none(), "another build has other cells");
    let left_out: Vec<(Stray, usize)> = strays(&later, folder.path()).into_iter().collect();
    let unreadable = Stray::Unreadable(folder.path().join("cells/half.json"));
    assert_eq!(left_out, [(Stray::OtherBuild(sweep.build().revision.clone()), 3), (unreadable, 1)]);

    let smaller = Sweep::parse(plan, "plan.toml", Path::new(""), &Field::registered(), sweep.build()).unwrap();
    assert_eq!(strays(&smaller, folder.path()).get(&Stray::OtherPlan), Some(&2));
}

#[test]
fn a_changed_trace_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("own.csv");
    fs::write(&trace, "op,id,size,align\nalloc,1,24,8\n").unwrap();
    let plan = "traces = [\"own.csv\"]\nallocators = [\"bump\"]\n[settings]\nrounds = 0\nskip_bounds = true\n";
    let sweep = Sweep::parse(plan, "plan.toml", folder.path(), &Field::registered(), &current()).unwrap();
    fs::write(&trace, "op,id,size,align\nalloc,1,25,8\n").unwrap();
    let message = sweep.cells()[0].run(make_child).unwrap_err().to_string();
    assert!(message.contains("own.csv: has changed since the plan was read"), "{message}");
}

#[test]
fn a_cell_may_have_fresh_processes_and_time_single_calls() {
    let sweep = sweep("rounds = 20\nrigorous = true\nlatency = true\nskip_bounds = true");
    let talc = cell(&sweep, "talc");
    assert!(talc.timed());
    let results = talc.run(make_child).unwrap();
    assert_eq!((results.settings.rigor, results.settings.latency), (Rigor::Rigorous, true));
    let time = results.contenders[0].time.known().unwrap();
    assert_eq!((time.steady_ns.len(), time.companions.len()), (20, 2));
    assert!(results.contenders[0].latency.known().is_some_and(|latency| latency.all.count > 0));
    assert!(cell(&self::sweep("rounds = 0\nlatency = true"), "talc").timed(), "nothing may run in parallel");
}
