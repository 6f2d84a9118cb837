//! SOUNDNESS.md of the allocators that ship has an entry for each function with an unsafe block, and for nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A file, and a function or an implementation in it.
type Entry = (String, String);

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/segregated-bump"))
}

/// The word after `keyword`, if the line has it.
fn word_after<'a>(line: &'a str, keyword: &str) -> Option<&'a str> {
    let (before, rest) = line.split_once(keyword)?;
    let begins_a_word = before.is_empty() || before.ends_with([' ', '(']);
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
    (begins_a_word && end > 0).then(|| &rest[..end])
}

/// A line without what is between `<` and `>`.
fn without_generics(line: &str) -> String {
    let mut depth = 0;
    line.chars()
        .filter(|letter| {
            depth += i32::from(*letter == '<') - i32::from(*letter == '>');
            depth == 0 && *letter != '>'
        })
        .collect()
}

/// The functions and implementations of a source that are unsafe inside. Its tests at the end are left out.
fn unsafe_in(file: &str, source: &str) -> BTreeSet<Entry> {
    let mut found = BTreeSet::new();
    let mut function = "";
    let code = source.lines().map(|line| line.split("//").next().unwrap_or("").trim());
    for line in code.take_while(|line| *line != "mod tests {") {
        function = word_after(line, "fn ").unwrap_or(function);
        if line.starts_with("unsafe impl") {
            let words = without_generics(line.split('{').next().unwrap_or(""));
            found.insert((file.to_owned(), words.split_whitespace().collect::<Vec<_>>().join(" ")));
        } else if line.contains("unsafe {") {
            found.insert((file.to_owned(), function.to_owned()));
        }
    }
    found
}

/// The entries of the document: names in the backquotes that begin an item, up to its colon, below the heading of a file.
fn entries(document: &str) -> BTreeSet<Entry> {
    let mut found = BTreeSet::new();
    let mut file = "";
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            file = heading.strip_prefix("`src/").map_or("", |heading| heading.trim_end_matches('`'));
        } else if let Some((names, _)) = line.strip_prefix("- ").and_then(|item| item.split_once(':'))
            && !file.is_empty()
        {
            found.extend(names.split(", ").map(|name| (file.to_owned(), name.trim_matches('`').to_owned())));
        }
    }
    found
}

/// All files of the folder, by their paths in it.
fn sources(folder: &Path, prefix: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        if entry.path().is_dir() {
            found.extend(sources(&entry.path(), &format!("{name}/")));
        } else {
            found.push((name, fs::read_to_string(entry.path()).unwrap()));
        }
    }
    found
}

#[test]
fn each_function_with_an_unsafe_block_has_an_argument_and_each_argument_a_function() {
    let document = entries(&fs::read_to_string(folder().join("SOUNDNESS.md")).unwrap());
    let code: BTreeSet<_> =
        sources(&folder().join("src"), "").iter().flat_map(|(file, source)| unsafe_in(file, source)).collect();
    assert!(code.len() > 40, "{code:?}");
    let missing: Vec<_> = code.difference(&document).collect();
    let stale: Vec<_> = document.difference(&code).collect();
    assert!(missing.is_empty() && stale.is_empty(), "without an argument: {missing:?}; no longer unsafe: {stale:?}");
}

#[test]
fn an_unsafe_block_without_an_argument_is_found() {
    let source = "
        /// unsafe { in a comment }
        pub(super) const unsafe fn quiet(&self) {}
        // SAFETY: it is not.
        unsafe impl<S: Send, const N: usize> Send for Thing<S, N> {}
        fn loud(&self) -> *mut u8 {
            // SAFETY: none.
            let value = unsafe { self.read() };
        }
        mod tests {
        fn left_out() { unsafe { } }
    ";
    let entry = |name: &str| ("a/b.rs".to_owned(), name.to_owned());
    let code = unsafe_in("a/b.rs", source);
    assert_eq!(code, BTreeSet::from([entry("loud"), entry("unsafe impl Send for Thing")]));
    let document =
        "- `loud`: not below a file.\n## `src/a/b.rs`\n\nWords.\n\n- `quiet`, `unsafe impl Send for Thing`: why.";
    let document = entries(document);
    assert_eq!(code.difference(&document).collect::<Vec<_>>(), [&entry("loud")]);
    assert_eq!(document.difference(&code).collect::<Vec<_>>(), [&entry("quiet")]);
}
