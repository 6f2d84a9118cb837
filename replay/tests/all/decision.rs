//! What to ship: the terminal, the page and the JSON of one run say the same, and the terminal says it last.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

fn replay() -> Command {
    Command::new(env!("CARGO_BIN_EXE_replay"))
}

/// An empty folder of this name.
fn fresh_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// What a page says, without its markup.
fn text_of_page(html: &str) -> String {
    let text = Regex::new("<[^>]*>").unwrap().replace_all(html, "").into_owned();
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")]
        .iter()
        .fold(text, |text, (escape, meaning)| text.replace(escape, meaning))
}

/// The sentences of the recommendation in `results.json`.
fn sentences(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("results.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let advice = json["recommendation"]["advice"].as_array().unwrap_or_else(|| panic!("no advice in {json:.300}"));
    advice.iter().map(|advice| advice["sentence"].as_str().unwrap().to_owned()).collect()
}

/// Words with one blank between them, however they were wrapped.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn terminal_page_and_json_recommend_the_same_and_the_terminal_last() {
    let folder = fresh_folder("decision");
    let arguments = ["repeated-growth", "--rounds", "6", "--skip-bounds", "--report", "page.html"];
    let output = replay().args(arguments).env("COLUMNS", "80").current_dir(&folder).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sentences = sentences(&folder.join("heaprace-report/repeated-growth"));
    assert_eq!(sentences.len(), 3, "{sentences:?}");
    let page = text_of_page(&fs::read_to_string(folder.join("page.html")).unwrap());
    let last = words(text.trim_end().rsplit("\n\n").next().unwrap());
    assert!(last.starts_with("What to ship, by repeated-growth:"), "{text}");
    for sentence in &sentences {
        let sentence = words(sentence);
        assert!(last.contains(&sentence), "{sentence} in the terminal: {last}");
        assert!(words(&page).contains(&sentence), "{sentence} in the page");
    }
    let long = text.lines().find(|line| line.chars().count() > 80);
    assert_eq!(long, None, "at 80 columns");
}

#[test]
fn several_traces_have_a_line_each_and_one_recommendation() {
    let folder = fresh_folder("decision-several");
    let traces = ["repeated-growth", "image-decode", "wasm-interpreter"];
    let arguments = ["--rounds", "0", "--skip-bounds", "--allocator", "dlmalloc", "--allocator", "segregated-bump"];
    let output = replay().args(traces).args(arguments).current_dir(&folder).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for trace in traces {
        assert_eq!(text.lines().filter(|line| line.starts_with(trace)).count(), 1, "{trace} in\n{text}");
    }
    assert!(
        text.trim_end().rsplit("\n\n").next().unwrap().starts_with("What to ship, by 2 recorded traces:"),
        "{text}"
    );
    assert!(text.lines().count() < 40, "{text}");
}

/// A recording is a recorded trace, and so is averaged with those of the library.
#[test]
fn what_a_recorder_wrote_is_called_recorded() {
    let folder = fresh_folder("decision-origin");
    fs::write(folder.join("mine.csv"), "# recorder: one of my own\nop,id,size,align\nalloc,1,24,8\n").unwrap();
    let output = replay().args(["inspect", "mine.csv"]).current_dir(&folder).output().unwrap();
    assert!(output.stdout.starts_with(b"mine (recorded): 1 event"), "{}", String::from_utf8_lossy(&output.stdout));
}
