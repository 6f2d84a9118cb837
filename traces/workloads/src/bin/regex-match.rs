//! `regex-match`: a search service that compiles the expressions of its users and runs them over source files.
//!
//! An expression is parsed, translated and compiled into automata when it is first asked for, kept while it is popular, and thrown
//! out by others. Searching fills the lazy automaton's cache, which lives with the expression. The results are gathered per
//! request: lines with their matches, captured groups by name, and texts with replacements.

use std::collections::{BTreeMap, VecDeque};

use regex::{Captures, Regex, RegexBuilder};
use workloads::{Sequence, sources};

workloads::allocator!("regex-match.htrace");

const REQUESTS: u32 = 180;
/// Compiled expressions that are kept, the one used last at the end.
const KEPT: usize = 8;

/// What users search source files for. The popular ones come first.
const EXPRESSIONS: [&str; 28] = [
    r"\bunsafe\b",
    r"fn\s+(?P<name>[a-z_][a-z0-9_]*)\s*(<[^>]*>)?\(",
    r"(?i)todo|fixme|xxx",
    r"(?P<type>[A-Z]\w+)::(?P<item>\w+)",
    r"\w+_bytes\b",
    r"(?m)^\s*///?\s*(?P<comment>.*)$",
    r#""(?P<text>(?:[^"\\]|\\.)*)""#,
    r"\b\d{1,3}(_\d{3})*\b",
    r"(?m)^use\s+(?P<path>[\w:]+)(::\{(?P<items>[^}]*)\})?;",
    r"Result<(?P<value>[^,<>]+(<[^<>]*>)?),\s*(?P<error>\w+)>",
    r"\bself\.(\w+)\.(\w+)\(",
    r"\p{Lu}\p{Ll}+(\p{Lu}\p{Ll}+)+",
    r"(?x) \b (?: alloc | dealloc | realloc ) (?: _ \w+ )? \s* \(",
    r"assert(_eq|_ne)?!\((?P<condition>[^;]*)\);",
    r"\|\s*&?\w+(,\s*&?\w+)*\s*\|",
    r"#\[(?P<attribute>[\w:]+)(\((?P<arguments>[^)]*)\))?\]",
    r"0x[0-9a-fA-F_]+",
    r"(?s)match\s+.{1,40}?\s+\{",
    r"\b(\w+)\s+=\s+\w+\.(\w+)\(\)",
    r"[^\x00-\x7F]+",
    r"(?i)\b(?:error|fail(?:ed|ure)?|panic|broken)\b",
    r"\bimpl(<[^>]*>)?\s+(?P<trait>[\w:]+)(<[^>]*>)?\s+for\s+(?P<type>\w+)",
    r"\b[a-z]+(?:_[a-z]+){3,}\b",
    r"(?m)^(?P<indent> *)(?P<code>\S.*?)\s*//\s+(?P<note>.+)$",
    r"(\d+)\.\.=?(\d+)",
    r"&(?:'(?P<lifetime>\w+)\s+)?(?:mut\s+)?\[(?P<element>\w+)\]",
    r"\b(?:u8|u16|u32|u64|usize|i32|i64|f64)\b",
    r"(?:\w+::)+\w+!?\(",
];

fn main() -> Result<(), regex::Error> {
    let files: Vec<(&str, &str)> = sources().collect();
    let mut users = Sequence::new(11);
    let mut kept: Vec<(usize, Regex)> = Vec::new();
    let mut recent = VecDeque::new();
    let (mut found, mut compiled) = (0, 0);
    for request in 0..REQUESTS {
        let number = users.mostly_low(EXPRESSIONS.len());
        let at = match kept.iter().position(|&(known, _)| known == number) {
            Some(at) => at,
            None => {
                compiled += 1;
                if kept.len() == KEPT {
                    kept.remove(0);
                }
                kept.push((number, RegexBuilder::new(EXPRESSIONS[number]).size_limit(4 << 20).build()?));
                kept.len() - 1
            }
        };
        let entry = kept.remove(at);
        let folder = &files[users.below(files.len() - 3)..][..3];
        let answer = match request % 4 {
            0 | 1 => lines(&entry.1, folder),
            2 => groups(&entry.1, folder),
            _ => replaced(&entry.1, folder[0].1),
        };
        kept.push(entry);
        found += answer.len();
        // The last answers are kept for users who page through them.
        recent.push_back(answer);
        if recent.len() > 12 {
            recent.pop_front();
        }
    }
    println!("{REQUESTS} searches, {compiled} expressions compiled, {found} results");
    Ok(())
}

/// The lines that match, each with its place, as grep prints them.
fn lines(expression: &Regex, files: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        for (number, line) in text.lines().enumerate() {
            if let Some(place) = expression.find(line) {
                found.push(format!("{path}:{}:{}: {line}", number + 1, place.start() + 1));
            }
        }
    }
    found
}

/// How often each text was captured, by the name of its group.
fn groups(expression: &Regex, files: &[(&str, &str)]) -> Vec<String> {
    let mut counts: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
    for (_, text) in files {
        for captures in expression.captures_iter(text) {
            for name in expression.capture_names().flatten() {
                if let Some(captured) = captures.name(name) {
                    *counts.entry(name).or_default().entry(captured.as_str()).or_default() += 1;
                }
            }
        }
    }
    let counts = counts.iter().flat_map(|(name, counts)| counts.iter().map(move |(text, count)| (name, text, count)));
    counts.map(|(name, text, count)| format!("{name}\t{count}\t{text}")).collect()
}

/// The text with every match in brackets, line by line: the preview of a replacement.
fn replaced(expression: &Regex, text: &str) -> Vec<String> {
    let replaced = expression.replace_all(text, |captures: &Captures<'_>| format!("[{}]", &captures[0]));
    replaced.lines().filter(|line| line.contains('[')).map(str::to_owned).collect()
}
