//! Uses of saved results: the gate really exits with 1, the example for GitHub runs, and a paper compiles.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use heaprace_reports::results::{Figure, Results, Time, Verification};

const REPLAY: &str = env!("CARGO_BIN_EXE_replay");
const WORKFLOW: &str = include_str!("../../../docs/allocator-regression.yml");

/// A folder for one test, removed with it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn replay(&self, arguments: &[&str]) -> Output {
        Command::new(REPLAY).args(arguments).current_dir(self.path()).output().unwrap()
    }

    /// Measures a small trace, and returns its results.
    fn measured(&self, out: &str, arguments: &[&str]) -> Results {
        fs::write(self.path().join("small.csv"), "op,id,size,align\nalloc,1,60000,8\nrealloc,1,65000\ndealloc,1\n")
            .unwrap();
        let output = self.replay(&[&["--trace", "small.csv", "--skip-bounds", "--out", out], arguments].concat());
        assert!(output.status.success(), "{output:?}");
        heaprace_reports::load(&[self.path().join(out)]).unwrap().remove(0).results
    }
}

/// The rest of a document with a missing figure and an unknown field is shown, and both have a line on standard error, whichever command reads it.
#[test]
fn every_command_names_what_a_document_lacks_and_what_nobody_knows() {
    let folder = Folder::new();
    let whole = include_str!("../../../reports/tests/fixtures/results-v4.json");
    let mut document: serde_json::Value = serde_json::from_str(whole).unwrap();
    document["contenders"][0]["memory"].as_object_mut().unwrap().remove("grow_calls").unwrap();
    document["trace"]["weather"] = "fine".into();
    fs::write(folder.path().join("whole.json"), whole).unwrap();
    fs::write(folder.path().join("gap.json"), document.to_string()).unwrap();
    let warnings = "warning: gap.json: contenders[0].memory.grow_calls: no figure: not in the file\n\
                    warning: gap.json: trace.weather: unknown field, ignored\n";
    for arguments in [&["report", "gap.json"][..], &["compare", "whole.json", "gap.json"], &["rank", "gap.json"]] {
        let output = folder.replay(arguments);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), warnings, "{arguments:?}");
        assert!(String::from_utf8(output.stdout).unwrap().contains("dlmalloc"), "{arguments:?}");
    }
    assert_eq!(folder.replay(&["report", "whole.json"]).stderr, b"");
    let gate = |metric| {
        let arguments = ["compare", "whole.json", "gap.json", "--fail-above", "0%", "--metric", metric];
        folder.replay(&arguments).status.code()
    };
    assert_eq!([gate("grow_calls"), gate("peak_heap_bytes")], [Some(1), Some(0)], "a lost figure is worse");
}

/// Rounds that spread by 3 % around `ns` nanoseconds.
fn rounds(ns: u64) -> Vec<u64> {
    (0..15).map(|round| ns * (970 + round * 4) / 1000).collect()
}

/// Changes the figures of the first contender.
fn change(results: &mut Results, fresh_ns: u64, more_pages: u64) {
    let row = &mut results.contenders[0];
    row.time = Figure::Known(Time { ops: 3, fresh_ns: rounds(fresh_ns), steady_ns: rounds(90_000), ..Time::default() });
    let Figure::Known(memory) = &mut row.memory else { panic!("it was examined") };
    memory.peak_heap_pages += more_pages;
    memory.peak_heap_bytes += more_pages << 16;
}

/// Old and new are the same except for the stated change; checks the gate's exit code and output.
#[test]
fn the_gate_fails_only_for_regressions() {
    let folder = Folder::new();
    let measured = folder.measured("measured", &["--allocator", "dlmalloc", "--rounds", "0"]);
    let mut old = measured.clone();
    change(&mut old, 100_000, 0);
    heaprace_reports::save(&folder.path().join("old/small/results.json"), old.to_json().as_bytes()).unwrap();
    let gate = |new: &Results, threshold: &str, more: &[&str]| {
        heaprace_reports::save(&folder.path().join("new.json"), new.to_json().as_bytes()).unwrap();
        let output = folder.replay(&[&["compare", "old", "new.json", "--fail-above", threshold], more].concat());
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let with = |fresh_ns, more_pages| {
        let mut new = measured.clone();
        change(&mut new, fresh_ns, more_pages);
        new
    };

    for (what, new, threshold, code) in [
        ("the same", with(100_000, 0), "0%", 0),
        ("noise", with(101_000, 0), "0%", 0),
        ("an improvement", with(60_000, 0), "0%", 0),
        ("slower by a third", with(133_000, 0), "5%", 1),
        ("slower by a third, within the limit", with(133_000, 0), "50%", 0),
        ("slower by 6 %, with an interval that includes 5 %", with(106_000, 0), "5%", 0),
        ("a page more", with(100_000, 1), "5%", 1),
        ("a page more, within the limit", with(100_000, 1), "100%", 0),
    ] {
        let (found, text) = gate(&new, threshold, &[]);
        assert_eq!(found, code, "{what} at {threshold}:\n{text}");
        assert_eq!(text.contains("got worse by") && !text.contains("None of"), code == 1, "{what}: {text}");
    }

    let (code, text) = gate(&with(133_000, 1), "5%", &["--metric", "steady_ns_per_op"]);
    assert_eq!(code, 0, "only chosen figures count:\n{text}");
    let (code, text) = gate(&with(133_000, 1), "5%", &["--format", "markdown"]);
    assert_eq!(code, 1, "whatever the format");
    assert!(text.contains("**2 of 3 figures got worse by more than 5 %:**"), "{text}");

    let mut broken = with(60_000, 0);
    broken.contenders[0].verification = Verification::Failed { event: 2, message: "block 1 overlaps block 0".into() };
    broken.contenders[0].time = Figure::unknown("failed verification");
    let (code, text) = gate(&broken, "100%", &[]);
    assert_eq!(code, 1, "broken, and therefore faster:\n{text}");
    assert!(text.contains("dlmalloc on small: fails verification at event 2: block 1 overlaps block 0"), "{text}");
}

/// The commands of a workflow's steps, in order: the text after `run:`, or the more indented lines below it.
fn run_steps(workflow: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = workflow.lines().collect();
    let steps = lines.iter().enumerate().filter_map(|(index, line)| {
        let command = line.trim_start().trim_start_matches("- ").strip_prefix("run:")?.trim();
        if command != "|" {
            return Some(command.to_owned());
        }
        let below = lines[index + 1..].iter().take_while(|below| below.is_empty() || indent(below) > indent(line));
        Some(below.map(|line| line.trim()).collect::<Vec<_>>().join("\n"))
    });
    steps.collect()
}

#[test]
fn steps_are_found() {
    let workflow = "steps:\n  - uses: a\n  - name: b\n    run: |\n      one\n      two\n  - run: three\n";
    assert_eq!(run_steps(workflow), ["one\ntwo", "three"]);
}

/// Runs the example for GitHub Actions as GitHub would, with a stand-in for Cargo that copies this build into place;
/// `spoil` modifies the results of a build, and the old build does not have the allocator `added`. Returns the exit code
/// of each step, up to the first that fails, the summary, and what the last step printed.
#[cfg(unix)]
fn run_workflow(folder: &Path, spoil: &str, added: &str) -> (Vec<i32>, String, String) {
    use std::os::unix::fs::PermissionsExt;

    let script = |path: &Path, text: String| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    // cargo build --release --locked --manifest-path old/Cargo.toml --bin replay
    let cargo = format!(
        "#!/bin/bash\nset -eu\n[ \"$1 $2 $3 $4 $6 $7\" = 'build --release --locked --manifest-path --bin replay' ]\n\
         at=${{5%/Cargo.toml}}/target/release; mkdir -p \"$at\"; cp {}/${{5%/Cargo.toml}}-replay \"$at/replay\"\n",
        folder.display()
    );
    script(&folder.join("bin/cargo"), cargo);
    let replay = format!("{REPLAY} \"$@\"\ncase $1 in compare|--list) ;; *) {spoil} ;; esac\n");
    script(&folder.join("new-replay"), format!("#!/bin/bash\nset -eu\n{replay}"));
    let lacks = format!(
        "if [ \"$1\" = --list ]; then {REPLAY} --list | grep -v '^  {added} '; exit; fi\n\
         case \"$* \" in *'--allocator {added} '*) exit 2 ;; esac\n"
    );
    script(&folder.join("old-replay"), format!("#!/bin/bash\nset -u\n{lacks}set -e\n{replay}"));
    let summary = folder.join("summary.md");
    fs::write(&summary, "").unwrap();
    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap());
    let (mut codes, mut printed) = (Vec::new(), String::new());
    for step in run_steps(WORKFLOW) {
        let output = Command::new("bash")
            .args(["-e", "-c", &step])
            .current_dir(folder)
            .env("PATH", &path)
            .env("GITHUB_STEP_SUMMARY", &summary)
            .env("TRACES", "repeated-growth")
            .env("ALLOCATORS", "segregated-bump dlmalloc")
            .env("OPTIONS", "--rounds 7 --skip-bounds")
            .env("GATE", setting("GATE"))
            .output()
            .unwrap();
        printed = String::from_utf8(output.stdout).unwrap();
        let code = output.status.code().unwrap();
        codes.push(code);
        if code != 0 {
            break;
        }
    }
    (codes, fs::read_to_string(summary).unwrap(), printed)
}

#[cfg(unix)]
#[test]
fn the_example_for_github_runs_and_really_fails() {
    // Times of two runs in a busy test vary too much to compare; a third of the peak does not.
    let steady = "sed -i -E 's/\"(fresh|steady)_ns\":\\[[^]]*/\"\\1_ns\":[9,9,9,9,9,9,9/g' */*/results.json";
    let sound = Folder::new();
    let (codes, summary, printed) = run_workflow(sound.path(), steady, "nothing");
    assert_eq!(codes, [0, 0, 0], "{summary}");
    assert!(summary.contains("**None of 4 figures got worse by more than 5 %.**"), "{summary}");
    assert!(printed.starts_with("::notice title=No regression found::None of 4 figures got worse"), "{printed}");

    let worse = Folder::new();
    let spoil = "sed -i -E 's/\"peak_heap_bytes\":/\"peak_heap_bytes\":9/' new-run/*/results.json 2>/dev/null || true";
    let (codes, summary, printed) = run_workflow(worse.path(), spoil, "nothing");
    assert_eq!(codes, [0, 0, 1], "{summary}");
    assert!(summary.contains("- segregated-bump on repeated-growth: peak\\_heap\\_bytes"), "{summary}");
    let error = "::error title=Regression::segregated-bump on repeated-growth: peak_heap_bytes";
    assert!(printed.contains(error), "{printed}");
}

/// The pull request that adds an allocator passes, and the one that takes the allocator of the others away does not.
#[cfg(unix)]
#[test]
fn the_example_for_github_passes_where_an_allocator_is_new() {
    let added = Folder::new();
    let (codes, summary, printed) = run_workflow(added.path(), "true", "segregated-bump");
    assert_eq!(codes, [0, 0, 0], "{summary}");
    let new = "::notice title=New::segregated-bump on repeated-growth\n";
    assert!(printed.ends_with(new) && summary.contains("New, so there is nothing to compare with:"), "{printed}");

    // The trace is in both runs, but with other pages: nothing can be compared, and that is not because it is new.
    let other = Folder::new();
    let spoil = "sed -i 's/\"page_bytes\":65536/\"page_bytes\":4096/' old-run/*/results.json";
    let (codes, _, printed) = run_workflow(other.path(), spoil, "segregated-bump");
    assert_eq!(codes, [0, 0, 3], "{printed}");
}

/// The pull request that adds all traces of the workflow, or all its allocators, passes, and says that nothing was compared.
#[cfg(unix)]
#[test]
fn the_example_for_github_passes_where_all_is_new() {
    let nothing = "Nothing to compare yet: no allocator has been measured on the same trace in both runs.";
    let check = |codes: &[i32], summary: &str, printed: &str, new: &str| {
        assert_eq!(codes, [0, 0, 0], "{summary}");
        assert!(
            summary.contains(&format!("**{nothing}**")) && summary.contains(&format!("compare with: {new}\n")),
            "{summary}"
        );
        assert!(printed.starts_with(&format!("::warning title=Nothing to compare yet::{nothing}\n")), "{printed}");
        assert!(printed.ends_with(&format!("::notice title=New::{new}\n")), "{printed}");
    };
    let traces = Folder::new();
    let (codes, summary, printed) = run_workflow(traces.path(), "true", "repeated-growth");
    check(&codes, &summary, &printed, "repeated-growth");
    assert!(traces.path().join("old-run").read_dir().unwrap().next().is_none(), "the old build was not run");

    let allocators = Folder::new();
    let spoil = "sed -i 's/\"name\":\"dlmalloc\"/\"name\":\"other\"/' old-run/*/results.json";
    let (codes, summary, printed) = run_workflow(allocators.path(), spoil, "segregated-bump");
    check(&codes, &summary, &printed, "segregated-bump on repeated-growth, dlmalloc on repeated-growth");
    assert!(printed.contains("::warning title=Missing in the new run::other on repeated-growth\n"), "{printed}");
}

/// A variable of the example.
fn setting(name: &str) -> &'static str {
    WORKFLOW.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": ")).unwrap()
}

/// The traces, allocators and options in the example exist in the command.
#[test]
fn the_options_of_the_example_are_valid() {
    let traces = setting("TRACES").split(' ');
    for name in traces.clone() {
        assert!(heaprace_traces::library::entries().iter().any(|entry| entry.name == name), "{name}");
    }
    let allocators = setting("ALLOCATORS").split(' ').flat_map(|name| ["--allocator", name]);
    let arguments = traces.flat_map(|name| ["--trace", name]).chain(allocators).chain(setting("OPTIONS").split(' '));
    assert!(Command::new(REPLAY).args(arguments).arg("--list").output().unwrap().status.success());
}

/// A paper that includes the exported table, and a chart if this build can make PDF.
#[test]
fn a_paper_compiles() {
    if Command::new("pdflatex").arg("--version").output().is_err() {
        println!("skipped: no pdflatex; 'apt-get install texlive-latex-recommended' brings it");
        return;
    }
    let folder = Folder::new();
    let mut results = folder.measured("run", &["--rounds", "3"]);
    results.trace.name = "100%_of $special & {odd} ~names^ #1 \\input{nothing} é 名".into();
    let with_names = folder.path().join("odd.json");
    heaprace_reports::save(&with_names, results.to_json().as_bytes()).unwrap();
    let mut arguments = vec!["report", "run", "odd.json", "--export-latex", "table.tex"];
    if cfg!(feature = "pdf") {
        arguments.extend(["--export-pdf", "charts"]);
    } else {
        println!("without a chart: this build has no feature pdf");
    }
    let output = folder.replay(&arguments);
    assert!(output.status.success(), "{output:?}");
    let narrow = ["report", "run", "--export-latex", "narrow.tex", "--columns", "narrow"];
    assert!(folder.replay(&narrow).status.success());
    let chart = if cfg!(feature = "pdf") { "\\includegraphics[width=8.5cm]{charts/small-footprint.pdf}" } else { "" };
    let paper = format!(
        "\\documentclass{{article}}\n\\usepackage{{booktabs}}\n\\usepackage{{graphicx}}\n\\begin{{document}}\n\
         \\begin{{table}}\\centering\\small\\input{{table}}\\caption{{All of them.}}\\end{{table}}\n\
         \\begin{{table}}\\centering\\input{{narrow}}\\caption{{In one column.}}\\end{{table}}\n{chart}\n\\end{{document}}\n"
    );
    fs::write(folder.path().join("paper.tex"), paper).unwrap();
    let compiled = Command::new("pdflatex")
        .args(["-interaction=nonstopmode", "-halt-on-error", "paper.tex"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&compiled.stdout);
    assert!(compiled.status.success(), "{log}");
    assert!(folder.path().join("paper.pdf").is_file() && !log.contains("Missing character"), "{log}");
    if let Some(keep) = std::env::var_os("HEAPRACE_KEEP_PAPER") {
        fs::copy(folder.path().join("paper.pdf"), keep).unwrap();
    }
}
