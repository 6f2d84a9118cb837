//! The trace library: traces of real programs that ship with Heaprace, each with a description.
//!
//! A trace is two files in `traces/library/`, `<name>.htrace` and `<name>.toml`, and one line in a table below. The
//! feature `library` embeds them; without it, the library is empty.
//!
//! Some programs were recorded a second time, in WebAssembly: these traces are [`twins`]. They are no further programs,
//! so [`entries`], which all means are formed over, are without them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::error::TraceError;
use crate::profile::Profile;

/// No library is embedded.
#[cfg(not(feature = "library"))]
static EMBEDDED: &[Embedded] = &[];
#[cfg(not(feature = "library"))]
static EMBEDDED_TWINS: &[Embedded] = &[];

/// The names of the twins: that of the other trace of the program, and `-wasm`.
#[cfg(feature = "library")]
static EMBEDDED_TWINS: &[Embedded] =
    embedded!["serde-heavy-wasm", "regex-match-wasm", "markdown-html-wasm", "image-decode-wasm"];

/// The names of the library, in the order in which they are listed.
#[cfg(feature = "library")]
static EMBEDDED: &[Embedded] = embedded![
    "serde-heavy",
    "rust-parse",
    "regex-match",
    "markdown-html",
    "template-serverless",
    "http-router",
    "script-interpreter",
    "wasm-interpreter",
    "image-decode",
    "gzip-responses",
    "btree-database",
    "cache-drift",
    "text-editor",
    "ecs-game",
    "path-finder",
    "thread-pipeline",
    "sqlite-ledger",
    "git-log",
    "python-simulation",
    "jq-report",
    "c-compiler",
    "lua-lint",
    "javascript-parser",
    "perl-manual",
    "ruby-page",
    "xslt-slides",
    "pdf-text",
    "ghostscript-text",
    "graph-layout",
    "chip-synthesis",
    "tour-solver",
    "cpp-check",
    "vim-colours",
    "api-reference",
    "web-server",
    "image-strip",
    "ripgrep-search",
    "toml-lint",
    "repeated-growth",
];

/// The two files of a library trace.
struct Embedded {
    name: &'static str,
    about: &'static str,
    htrace: &'static [u8],
}

/// Embeds the two files of each name.
#[cfg(feature = "library")]
macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(Embedded {
            name: $name,
            about: include_str!(concat!("../library/", $name, ".toml")),
            htrace: include_bytes!(concat!("../library/", $name, ".htrace")),
        }),*]
    };
}
#[cfg(feature = "library")]
use embedded;

/// A trace of the library.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LibraryEntry {
    /// Its name.
    pub name: &'static str,
    /// The trace, in the [binary format](crate::htrace).
    pub htrace: &'static [u8],
    /// Its description.
    pub about: LibraryAbout,
}

/// The description of a library trace, from its `.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LibraryAbout {
    /// A description in one line.
    pub description: String,
    /// Whether it was recorded or made up.
    pub origin: Origin,
    /// Who wrote the program that was recorded, and for what; a made-up trace has no program.
    #[serde(default)]
    pub kind: Option<ProgramKind>,
    /// The program that was recorded, or the rule.
    pub program: String,
    /// The versions that decide what the program does: crates, compiler. A made-up trace has none.
    #[serde(default)]
    pub versions: BTreeMap<String, String>,
    /// The platform of the recording, as `architecture-system`.
    pub platform: String,
    /// The input of the program.
    pub input: String,
    /// The licence of the trace.
    pub licence: String,
    /// The command that records it again, from the root of the repository.
    pub command: String,
    /// How far totals may be from [`totals`](Self::totals) when it is recorded again, in percent. Even with the same
    /// versions on the same platform, hashing seeded at compile time can make two builds of a program differ.
    pub tolerance_percent: f64,
    /// Why totals differ from run to run or from build to build, if they are known to.
    #[serde(default)]
    pub varies: Option<String>,
    /// What it stresses in an allocator, and why the library has it: one paragraph.
    pub story: String,
    /// The SHA-256 of the trace as canonical CSV, in hexadecimal, as [`Source::sha256`](crate::Source::sha256) returns
    /// it: it does not depend on the format of the file.
    pub sha256: String,
    /// Its exact totals.
    pub totals: Totals,
}

/// Whether a trace was recorded or made up. The two are never averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A real program ran.
    Recorded,
    /// Made up to show one thing.
    Synthetic,
}

impl Origin {
    /// Its name in tables: `recorded` or `synthetic`.
    pub const fn name(self) -> &'static str {
        match self {
            Origin::Recorded => "recorded",
            Origin::Synthetic => "synthetic",
        }
    }
}

/// Who wrote a recorded program, and for what. Means are shown for each kind, because a driver does what its author
/// thought typical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgramKind {
    /// Written for this library, around a published crate.
    Driver,
    /// Written by others, for a use of their own.
    Program,
}

impl ProgramKind {
    /// Its name in tables: `driver` or `program`.
    pub const fn name(self) -> &'static str {
        match self {
            ProgramKind::Driver => "driver",
            ProgramKind::Program => "program",
        }
    }
}

/// The totals of a trace, as its `.toml` states them. [`Profile`] finds them in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Totals {
    /// All events.
    pub events: u64,
    /// Allocations, including zeroed ones.
    pub allocs: u64,
    /// Allocations whose bytes must be 0.
    pub zeroed_allocs: u64,
    /// Reallocations.
    pub reallocs: u64,
    /// Deallocations.
    pub deallocs: u64,
    /// Bytes requested in total.
    pub allocated_bytes: u64,
    /// Peak of the bytes in live objects.
    pub peak_live_bytes: u64,
    /// Peak of the live objects.
    pub peak_live_objects: u64,
    /// Bytes in the objects that are live at the end.
    pub left_live_bytes: u64,
    /// Objects that are live at the end.
    pub left_live_objects: u64,
}

impl Totals {
    /// Each total with its name, in the order in which the `.toml` has them.
    pub fn named(&self) -> [(&'static str, u64); 10] {
        [
            ("events", self.events),
            ("allocs", self.allocs),
            ("zeroed_allocs", self.zeroed_allocs),
            ("reallocs", self.reallocs),
            ("deallocs", self.deallocs),
            ("allocated_bytes", self.allocated_bytes),
            ("peak_live_bytes", self.peak_live_bytes),
            ("peak_live_objects", self.peak_live_objects),
            ("left_live_bytes", self.left_live_bytes),
            ("left_live_objects", self.left_live_objects),
        ]
    }
}

impl From<&Profile> for Totals {
    fn from(profile: &Profile) -> Self {
        Totals {
            events: profile.events(),
            allocs: profile.allocs,
            zeroed_allocs: profile.zeroed_allocs,
            reallocs: profile.reallocs,
            deallocs: profile.deallocs,
            allocated_bytes: profile.allocated_bytes,
            peak_live_bytes: profile.peak_live_bytes,
            peak_live_objects: profile.peak_live_objects,
            left_live_bytes: profile.live_bytes,
            left_live_objects: profile.live_objects,
        }
    }
}

/// Names of groups of traces: all [`entries`], those of one origin or kind, and the [`twins`], which are in no other.
pub const GROUPS: [&str; 6] =
    ["library", "library:recorded", "library:programs", "library:drivers", "library:synthetic", "library:wasm"];

/// The traces of a group; `None` if there is no group of this name.
///
/// ```
/// let all = heaprace_traces::library::group("library").unwrap();
/// assert_eq!(all.len(), heaprace_traces::library::entries().len());
/// assert!(heaprace_traces::library::group("serde-heavy").is_none());
/// ```
pub fn group(name: &str) -> Option<Vec<&'static LibraryEntry>> {
    let belongs: fn(&LibraryAbout) -> bool = match name {
        "library" => |_| true,
        "library:recorded" => |about| about.origin == Origin::Recorded,
        "library:programs" => |about| about.kind == Some(ProgramKind::Program),
        "library:drivers" => |about| about.kind == Some(ProgramKind::Driver),
        "library:synthetic" => |about| about.origin == Origin::Synthetic,
        "library:wasm" => return Some(twins().iter().collect()),
        _ => return None,
    };
    Some(entries().iter().filter(|entry| belongs(&entry.about)).collect())
}

/// The traces of the library, each of a program of its own.
///
/// ```
/// for entry in heaprace_traces::library::entries() {
///     println!("{:<20} {:>9} events  {}", entry.name, entry.about.totals.events, entry.about.description);
/// }
/// ```
pub fn entries() -> &'static [LibraryEntry] {
    static ENTRIES: OnceLock<Vec<LibraryEntry>> = OnceLock::new();
    ENTRIES.get_or_init(|| EMBEDDED.iter().map(LibraryEntry::parse).collect())
}

/// Further traces of some programs, recorded in WebAssembly.
///
/// ```
/// for twin in heaprace_traces::library::twins() {
///     assert!(twin.about.platform.starts_with("wasm32"), "{}", twin.name);
/// }
/// ```
pub fn twins() -> &'static [LibraryEntry] {
    static TWINS: OnceLock<Vec<LibraryEntry>> = OnceLock::new();
    TWINS.get_or_init(|| EMBEDDED_TWINS.iter().map(LibraryEntry::parse).collect())
}

/// The trace of this name, which may be a twin.
///
/// ```
/// use heaprace_traces::library::named;
///
/// let [native, twin] = ["serde-heavy", "serde-heavy-wasm"].map(|name| named(name).expect("it is in the library"));
/// assert!(twin.about.totals.peak_live_bytes < native.about.totals.peak_live_bytes, "pointers are half as large");
/// ```
pub fn named(name: &str) -> Option<&'static LibraryEntry> {
    entries().iter().chain(twins()).find(|entry| entry.name == name)
}

impl LibraryEntry {
    fn parse(files: &Embedded) -> Self {
        let about = toml::from_str(files.about).expect("the files are embedded, and a test reads them");
        LibraryEntry { name: files.name, htrace: files.htrace, about }
    }
}

/// The error for an argument that is neither a file nor a name of the library.
pub(crate) fn not_found(argument: &str, asked: &str) -> TraceError {
    let names: Vec<&'static str> = entries().iter().chain(twins()).map(|entry| entry.name).collect();
    let nearest = nearest(asked, names.iter().copied());
    TraceError::NotFound { argument: argument.to_owned(), nearest, names }
}

/// The name that a misspelt one probably means: the one with the smallest edit distance, if it is small.
///
/// ```
/// assert_eq!(heaprace_traces::library::nearest("serde-havy", ["rust-parse", "serde-heavy"]), Some("serde-heavy"));
/// assert_eq!(heaprace_traces::library::nearest("weather", ["rust-parse", "serde-heavy"]), None);
/// ```
pub fn nearest<'a>(asked: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let nearest = names.into_iter().map(|name| (strsim::osa_distance(asked, name), name)).min();
    // With more than a third of its letters changed, it is another name.
    nearest.filter(|(distance, name)| 3 * distance <= name.len()).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    /// Compares each `.toml` with its trace.
    #[test]
    fn totals_and_hash_are_those_of_the_trace() {
        for entry in entries().iter().chain(twins()) {
            let source = Source::from(entry);
            let mut profile = Profile::default();
            for event in source.open().unwrap() {
                profile.add(&event.unwrap());
            }
            assert_eq!(Totals::from(&profile), entry.about.totals, "{}", entry.name);
            assert_eq!(source.sha256().unwrap(), entry.about.sha256, "{}", entry.name);
        }
    }

    #[test]
    fn groups_are_found_by_their_names_and_each_recorded_trace_is_of_one_kind() {
        let of = |name| group(name).map(|found| found.len());
        let [all, recorded, programs, drivers, synthetic, wasm] = GROUPS.map(|name| of(name).unwrap());
        assert_eq!((all, recorded), (entries().len(), programs + drivers));
        assert_eq!(recorded + synthetic, all);
        assert_eq!(wasm, twins().len());
        assert_eq!(of("library:made-up"), None);
    }

    #[test]
    fn a_twin_is_of_a_program_that_has_a_trace_and_only_twins_are_of_webassembly() {
        for twin in twins() {
            let native = twin.name.strip_suffix("-wasm").and_then(named).unwrap();
            assert!(std::ptr::eq(named(twin.name).unwrap(), twin), "{}", twin.name);
            assert_eq!((twin.about.kind, twin.about.origin), (native.about.kind, native.about.origin), "{}", twin.name);
            assert!(twin.about.platform.starts_with("wasm32"), "{}", twin.name);
        }
        assert!(entries().iter().all(|entry| !entry.about.platform.starts_with("wasm32")));
    }

    #[test]
    fn a_slip_is_a_letter_that_is_wrong_missing_or_in_the_place_of_its_neighbour() {
        let names = ["talc", "dlmalloc"];
        for (asked, meant) in
            [("tlac", Some("talc")), ("talk", Some("talc")), ("dlmaloc", Some("dlmalloc")), ("x", None)]
        {
            assert_eq!(nearest(asked, names), meant, "{asked}");
        }
        assert_eq!(nearest("", []), None);
    }
}
