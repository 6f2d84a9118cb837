//! The shape of the code itself: no circle of modules, no type name twice, no file too long to read.
//!
//! Only sources are read, as text: paths of `use` and paths that begin with `crate`, `super`, `self` or a child module. A `pub use` is no
//! dependency of the parent, which only shows what its child has. Unit tests are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Folders of the workspace's crates, from its root.
const CRATES: [&str; 9] = [
    "allocators",
    "allocators/segregated-bump",
    "traces",
    "traces/recorder",
    "traces/preload",
    "reports",
    "replay",
    "replay/engine",
    "replay/wasm",
];

/// Longest file, in lines, its tests included.
const MOST_LINES: usize = 500;

/// Modules by their paths (`time::calls`), each with its source.
type Modules = BTreeMap<String, String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in a folder of the workspace").to_owned()
}

/// The modules of the crate in this folder.
fn modules(folder: &str) -> Modules {
    fn collect(folder: &Path, prefix: &str, modules: &mut Modules) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
            if path.is_dir() {
                collect(&path, &format!("{prefix}{name}::"), modules);
            } else if let Some(stem) = name.strip_suffix(".rs") {
                modules.insert(format!("{prefix}{stem}"), fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut modules = Modules::new();
    collect(&root().join(folder).join("src"), "", &mut modules);
    assert!(!modules.is_empty(), "{folder} has no sources");
    modules
}

/// A source without comments, texts and unit tests.
fn code(source: &str) -> String {
    let tests = Regex::new(r"(?ms)^#\[cfg\(test\)\]\s*mod \w+ \{.*?^\}").unwrap();
    let comments = Regex::new(r"//[^\n]*").unwrap();
    let texts = Regex::new(r#""(\\.|[^"\\])*""#).unwrap();
    let visibility = Regex::new(r"pub\(in [^)]*\)").unwrap();
    let source = tests.replace_all(source, "");
    let source = comments.replace_all(&source, "");
    visibility.replace_all(&texts.replace_all(&source, "\"\""), "pub").into_owned()
}

/// The paths of a tree of `use`: `a::{b, c::d}` has two.
fn paths(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree);
        return vec![path.trim().to_owned()];
    };
    // The word `use` in a page's text begins no tree.
    let Some(inner) = rest.trim_end().strip_suffix('}') else { return Vec::new() };
    let (mut depth, mut from, mut found) = (0, 0, Vec::new());
    for (at, letter) in inner.char_indices().chain([(inner.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inner[from..at].trim().is_empty() {
                    found.extend(paths(&inner[from..at]).into_iter().map(|path| format!("{}{path}", prefix.trim())));
                }
                from = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// The modules that each module takes something from.
fn dependencies(modules: &Modules) -> BTreeMap<&str, BTreeSet<&str>> {
    let uses = Regex::new(r"(?s)(pub(?:\([^)]*\))?\s+)?\buse\s+([^;]+);").unwrap();
    let inline = Regex::new(r"\b(?:crate|super|self)(?:::\w+)+").unwrap();
    let children = Regex::new(r"(?m)^\s*(?:pub(?:\([^)]*\))? )?mod (\w+);").unwrap();
    let mut all = BTreeMap::new();
    for (module, source) in modules.iter().filter(|(module, _)| !["lib", "main"].contains(&module.as_str())) {
        let code = code(source);
        let mut taken = Vec::new();
        for found in uses.captures_iter(&code).filter(|found| found.get(1).is_none()) {
            taken.extend(paths(&found[2]));
        }
        let rest = uses.replace_all(&code, "");
        taken.extend(inline.find_iter(&rest).map(|path| path.as_str().to_owned()));
        for child in children.captures_iter(&code) {
            let child = &child[1];
            let called = Regex::new(&format!(r"(^|[^:\w]){child}::\w")).unwrap();
            if called.is_match(&rest) {
                taken.push(format!("self::{child}"));
            }
            for path in taken.iter_mut().filter(|path| path.split("::").next() == Some(child)) {
                *path = format!("self::{path}");
            }
        }
        let targets = taken.iter().filter_map(|path| resolve(module, path, modules)).filter(|target| target != module);
        all.insert(module.as_str(), targets.collect());
    }
    all
}

/// The module that a path leads into, seen from `module`; `None` where that is another crate, or this crate's root.
fn resolve<'m>(module: &str, path: &str, modules: &'m Modules) -> Option<&'m str> {
    let mut place: Vec<&str> = module.split("::").collect();
    let mut steps = path.split("::").map(str::trim).peekable();
    match steps.next()? {
        "crate" => place.clear(),
        "self" => {}
        "super" => {
            place.pop();
            while steps.next_if_eq(&"super").is_some() {
                place.pop();
            }
        }
        _ => return None,
    }
    place.extend(steps);
    while !place.is_empty() {
        if let Some((found, _)) = modules.get_key_value(&place.join("::")) {
            return Some(found);
        }
        place.pop();
    }
    None
}

/// A circle of modules, if there is one: each takes something from the next, and the last from the first.
fn circle(modules: &Modules) -> Option<Vec<String>> {
    fn visit<'m>(
        module: &'m str,
        all: &BTreeMap<&'m str, BTreeSet<&'m str>>,
        way: &mut Vec<&'m str>,
        done: &mut BTreeSet<&'m str>,
    ) -> Option<Vec<String>> {
        if let Some(at) = way.iter().position(|&one| one == module) {
            return Some(way[at..].iter().map(|&one| one.to_owned()).collect());
        }
        if !done.insert(module) {
            return None;
        }
        way.push(module);
        let found = all.get(module).into_iter().flatten().find_map(|next| visit(next, all, way, done));
        way.pop();
        found
    }
    let all = dependencies(modules);
    let mut done = BTreeSet::new();
    all.keys().find_map(|module| visit(module, &all, &mut Vec::new(), &mut done))
}

fn of(sources: &[(&str, &str)]) -> Modules {
    sources.iter().map(|&(module, source)| (module.to_owned(), source.to_owned())).collect()
}

#[test]
fn no_modules_go_in_a_circle() {
    for folder in CRATES {
        assert_eq!(circle(&modules(folder)), None, "{folder}");
    }
}

#[test]
fn a_circle_is_noticed_in_every_way_that_a_path_is_written() {
    let found = |one: &str, other: &str| circle(&of(&[("a", one), ("a::b", other)])).is_some();
    for (one, other) in [
        ("mod b; use self::b::X;", "use super::Y;"),
        ("mod b; use crate::a::b::{X, Z as W};", "use crate::a::{Y, Z};"),
        ("mod b; fn f() { b::g() }", "fn g() -> super::Y {}"),
        ("mod b;\nuse {std::fmt, b::{X, V}};", "fn g() -> crate::a::Y {}"),
    ] {
        assert!(found(one, other), "{one} / {other}");
    }
    for (one, other) in [
        ("mod b; pub use b::X;", "use super::Y;"),
        ("mod b; use self::b::X;", "// use super::Y;"),
        ("mod b; use self::b::X;", "#[cfg(test)]\nmod tests {\n    use super::super::Y;\n}\n"),
        ("mod b; use self::b::X;", "const TEXT: &str = \"super::Y\";"),
        ("mod b; use other::b::X;", "use super::Y;"),
    ] {
        assert!(!found(one, other), "{one} / {other}");
    }
    let three = of(&[("a", "use crate::b::X;"), ("b", "use crate::c::X;"), ("c", "use crate::a::X;")]);
    assert_eq!(circle(&three).map(|circle| circle.len()), Some(3));
}

/// The types that modules define for others, also within a macro such as `named!`, by name: the places where each is, and whether other crates
/// see it there.
fn types(krate: &str, modules: &Modules, all: &mut BTreeMap<String, Vec<(String, bool)>>) {
    let types = Regex::new(r"(?m)^(?:    )?pub(\([^)]*\))? (?:struct|enum|trait|union) (\w+)").unwrap();
    for (module, source) in modules {
        for found in types.captures_iter(&code(source)) {
            let place = (format!("{krate}: {module}"), found.get(1).is_none());
            all.entry(found[2].to_owned()).or_default().push(place);
        }
    }
}

/// The names of several types of one crate, or of several that other crates see.
fn doubled(crates: &[(&str, Modules)]) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    crates.iter().for_each(|(krate, modules)| types(krate, modules, &mut all));
    let krate = |place: &str| place.split(':').next().map(str::to_owned);
    let doubled = all.into_iter().filter(|(_, places)| {
        places.iter().enumerate().any(|(at, (one, seen))| {
            places[at + 1..].iter().any(|(other, also_seen)| (*seen && *also_seen) || krate(one) == krate(other))
        })
    });
    doubled.map(|(name, places)| (name, places.into_iter().map(|(place, _)| place).collect())).collect()
}

#[test]
fn a_type_name_means_one_thing() {
    let mut doubled = doubled(&CRATES.map(|folder| (folder, modules(folder))));
    for (name, reason) in NAMED_BY_THEIR_MODULE {
        assert!(doubled.remove(name).is_some(), "{name} is there once, and needs no reason: {reason}");
    }
    assert!(doubled.is_empty(), "{doubled:#?}");
}

/// Names that several types have on purpose, and why.
const NAMED_BY_THEIR_MODULE: [(&str, &str); 3] = [
    ("Contender", "the row of a contender in results, and the contender itself in replay"),
    ("Origin", "of a trace, in the library and in results: two leaves that do not know each other"),
    ("ProgramKind", "as Origin"),
];

#[test]
fn a_doubled_name_is_noticed_where_it_confuses() {
    let found = |one: (&'static str, &str), other: (&'static str, &str)| {
        !doubled(&[(one.0, of(&[("a", one.1)])), (other.0, of(&[("b", other.1)]))]).is_empty()
    };
    assert!(found(("x", "pub struct Plan;"), ("y", "pub enum Plan {}")));
    assert!(!found(("x", "pub struct Plan;"), ("y", "pub(crate) enum Plan {}")));
    assert!(!found(("x", "pub struct Plan;"), ("y", "struct Plan;")));
    let one_crate = of(&[("a", "pub(super) struct Plan;"), ("b", "pub trait Plan {}")]);
    assert_eq!(doubled(&[("x", one_crate)])["Plan"], ["x: a", "x: b"]);
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<String> = CRATES
        .iter()
        .flat_map(|folder| modules(folder).into_iter().map(move |(module, source)| (folder, module, source)))
        .filter(|(_, _, source)| source.lines().count() > MOST_LINES)
        .map(|(folder, module, source)| format!("{folder}: {module} has {} lines", source.lines().count()))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}
