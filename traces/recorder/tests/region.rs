//! The documented way to record a region, in a program of its own.

#[path = "../examples/region.rs"]
mod example;

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use heaprace_recorder::Action;
    use heaprace_traces::Source;

    /// Is set in the process that is recorded.
    const CHILD: &str = "HEAPRACE_TEST_REGION";

    #[test]
    fn the_recorded_region_is_what_lies_between_start_and_stop() {
        if std::env::var_os(CHILD).is_some() {
            return super::example::main();
        }
        let trace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("region.csv");
        let mut child = Command::new(std::env::current_exe().unwrap());
        let name = "tests::the_recorded_region_is_what_lies_between_start_and_stop";
        child.args(["--exact", name, "--nocapture", "--test-threads=1"]).env("HEAPRACE_TRACE", &trace).env(CHILD, "1");
        let output = child.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let mut events = Source::locate(trace.to_str().unwrap()).unwrap().open().unwrap();
        let sizes = events.by_ref().map(Result::unwrap).filter_map(|event| match event.action {
            Action::Alloc { layout, .. } => Some(layout.size()),
            _ => None,
        });
        let sizes: Vec<usize> = sizes.filter(|size| [1000, 2000, 3000].contains(size)).collect();
        assert_eq!(sizes, [2000, 2000, 2000]);
        let marks = ["mark: request 1", "mark: request 2", "mark: request 3"];
        let text = std::fs::read_to_string(&trace).unwrap();
        assert!(marks.iter().all(|mark| text.contains(&format!("\n# {mark}\n"))), "{text}");
    }

    #[test]
    fn the_documents_have_the_lines_of_the_example() {
        let example = include_str!("../examples/region.rs");
        let line = example.lines().find(|line| line.starts_with("static ALLOCATOR")).unwrap();
        let documents = [
            include_str!("../../../README.md"),
            include_str!("../../../docs/TUTORIAL.md"),
            include_str!("../README.md"),
        ];
        for document in documents {
            let document = document.replace("my-module", "my-program");
            for part in [line, "ALLOCATOR.start()", "ALLOCATOR.stop()"] {
                assert!(document.contains(part), "{part}");
            }
        }
    }
}
