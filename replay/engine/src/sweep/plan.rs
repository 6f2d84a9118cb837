//! A plan: a TOML file with traces, allocators and settings, and the cells derived from it.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use heaprace_allocators::Group;
use heaprace_traces::{Source, library};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;

use super::SweepError;
use super::cell::{CELLS, Cell};
use super::key::{Build, CellSettings, Key, Work};
use super::settings::Settings;
use crate::comparison::folder_name;
use crate::contender::Contender;
use crate::field::Field;

/// The content of a plan.
#[derive(Clone, Debug)]
pub struct Sweep {
    build: Build,
    /// Each trace with the SHA-256 of its content.
    traces: Vec<(Source, String)>,
    contenders: Vec<Contender>,
    /// Each choice with the label that distinguishes it from the others: `page-size-4096-touch-first`.
    settings: Vec<(String, CellSettings)>,
    bounds: bool,
}

/// The cells of one trace and one choice of settings, which are merged into one document.
#[derive(Clone, Debug)]
pub struct CellGroup {
    /// Name of its folder: the trace's name, followed by the settings if there are several choices.
    pub folder: String,
    /// The cell that computes the trace's bounds, shared by all groups of the trace.
    pub bounds: Option<Cell>,
    /// One cell per contender, in the order of the registry.
    pub contenders: Vec<Cell>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    traces: Spanned<Vec<Spanned<String>>>,
    allocators: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    settings: Settings,
}

impl Sweep {
    /// Reads the plan at this path, for these contenders. Paths in it are relative to its folder.
    ///
    /// # Errors
    ///
    /// [`SweepError::Open`] and [`SweepError::Plan`], and the error of a trace file that cannot be read.
    pub fn read(path: &Path, field: &Field, build: &Build) -> Result<Self, SweepError> {
        let file = path.display().to_string();
        let text = read(path).map_err(|source| SweepError::Open { file: file.clone(), source })?;
        Self::parse(&text, &file, path.parent().unwrap_or(Path::new("")), field, build)
    }

    /// Parses the text of a plan. Messages call it `file`, and its paths are relative to `folder`.
    ///
    /// # Errors
    ///
    /// Same as [`Sweep::read`].
    pub fn parse(text: &str, file: &str, folder: &Path, field: &Field, build: &Build) -> Result<Self, SweepError> {
        let faulty = |span: Option<Range<usize>>, message: String| SweepError::Plan {
            file: file.to_owned(),
            line: text.as_bytes()[..span.map_or(0, |span| span.start)].iter().filter(|&&byte| byte == b'\n').count()
                + 1,
            message,
        };
        let document: Document = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or("", |span| line_at(text, span.start));
            let message = error.message().replace('\n', "; ");
            faulty(error.span(), if line.is_empty() { message } else { format!("{message} (in `{line}`)") })
        })?;
        let traces = locate(&document.traces, folder, faulty)?;
        let contenders = match &document.allocators {
            None => field.members(Group::Default),
            Some(names) => choose(names, field, faulty)?,
        };
        let mut hashed = Vec::new();
        for trace in traces {
            let hash = match trace.library_entry() {
                Some(entry) => entry.about.sha256.clone(),
                None => trace.sha256()?,
            };
            hashed.push((trace, hash));
        }
        let bounds = !document.settings.skip_bounds;
        let settings = document.settings.combinations().map_err(|(span, message)| faulty(Some(span), message))?;
        Ok(Sweep { build: build.clone(), traces: hashed, contenders, settings, bounds })
    }

    /// The build that its cells belong to.
    pub fn build(&self) -> &Build {
        &self.build
    }

    /// The choices of settings, each with the label that distinguishes it from the others:
    /// `page-size-4096-touch-first`, or an empty label if there is only one.
    pub fn settings(&self) -> &[(String, CellSettings)] {
        &self.settings
    }

    /// The cells, grouped by the document that they are merged into.
    pub fn groups(&self) -> Vec<CellGroup> {
        let mut groups = Vec::new();
        for (trace, hash) in &self.traces {
            let cell = |work, contender| {
                let key = Key { build: self.build.clone(), trace_sha256: hash.clone(), work };
                Cell::new(key, trace.clone(), contender)
            };
            let bounds = self.bounds.then(|| cell(Work::Bounds, None));
            for (label, settings) in &self.settings {
                let of = |contender: &Contender| {
                    let work = Work::Contender {
                        name: contender.info.name.to_owned(),
                        version: contender.info.version.to_owned(),
                        settings: settings.clone(),
                    };
                    cell(work, Some(*contender))
                };
                let separator = if label.is_empty() { "" } else { "-" };
                let folder = short(format!("{}{separator}{label}", folder_name(trace.name())));
                groups.push(CellGroup {
                    // Results in the folder of the cells would be mistaken for a cell.
                    folder: if folder == CELLS { format!("trace-{CELLS}") } else { folder },
                    bounds: bounds.clone(),
                    contenders: self.contenders.iter().map(of).collect(),
                });
            }
        }
        groups
    }

    /// All cells, each once.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells: Vec<Cell> = Vec::new();
        let mut seen = HashSet::new();
        for group in self.groups() {
            let bounds = group.bounds.filter(|bounds| seen.insert(bounds.id().to_owned()));
            cells.extend(bounds);
            cells.extend(group.contenders);
        }
        cells
    }
}

/// Maximum size of a plan.
const MOST_BYTES: u64 = 4 << 20;

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(io::Error::other("it has more than 4 MiB, so it is not a plan"));
    }
    Ok(text)
}

/// Maximum length of a folder's name in bytes.
const MOST_FOLDER_BYTES: usize = 200;

/// A folder name that file systems take: a long one is cut, and a hash of all of it keeps it apart from others.
fn short(folder: String) -> String {
    if folder.len() <= MOST_FOLDER_BYTES {
        return folder;
    }
    let hash = Sha256::digest(folder.as_bytes());
    let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let end = (0..MOST_FOLDER_BYTES - hash.len()).rev().find(|&end| folder.is_char_boundary(end)).unwrap_or(0);
    format!("{}-{hash}", &folder[..end])
}

/// The text of the line that contains this byte.
fn line_at(text: &str, byte: usize) -> &str {
    let start = text[..byte].rfind('\n').map_or(0, |feed| feed + 1);
    text[start..].lines().next().unwrap_or("").trim()
}

fn locate(
    wanted: &Spanned<Vec<Spanned<String>>>,
    folder: &Path,
    faulty: impl Fn(Option<Range<usize>>, String) -> SweepError,
) -> Result<Vec<Source>, SweepError> {
    let mut found: Vec<Source> = Vec::new();
    for item in wanted.get_ref() {
        for source in locate_one(item.get_ref(), folder).map_err(|message| faulty(Some(item.span()), message))? {
            let Some(other) = found.iter().find(|other| other.name() == source.name()) else {
                found.push(source);
                continue;
            };
            // A trace that is named and also part of a group counts once.
            if other.display() != source.display() {
                let (name, first, second) = (source.name(), other.display(), source.display());
                let message = format!(
                    "traces: {first} and {second} are both called {name:?}: their results would go to the same folder"
                );
                return Err(faulty(Some(item.span()), message));
            }
        }
    }
    if found.is_empty() {
        let known = library::GROUPS.map(|name| format!("{name:?}")).join(", ");
        let message =
            format!("traces: the list is empty; give files, names of the library (replay --list), or {known}");
        return Err(faulty(Some(wanted.span()), message));
    }
    Ok(found)
}

fn locate_one(name: &str, folder: &Path) -> Result<Vec<Source>, String> {
    if let Some(group) = library::group(name) {
        return Ok(group.into_iter().map(Source::from).collect());
    }
    if name.starts_with("library:") {
        let known = library::GROUPS.map(|name| format!("{name:?}")).join(", ");
        return Err(format!("traces: there is no group {name:?}; there are {known}"));
    }
    let relative = folder.join(name);
    let located = if relative.exists() {
        Source::locate(&relative.to_string_lossy())
    } else if Path::new(name).exists() && library::named(name).is_none() {
        // A file in the current folder would be a different trace on another machine.
        return Err(format!("traces: {name:?} is relative to the plan, and there is no {}", relative.display()));
    } else {
        Source::locate(name)
    };
    located.map(|source| vec![source]).map_err(|error| format!("traces: {error}"))
}

fn choose(
    wanted: &Spanned<Vec<Spanned<String>>>,
    field: &Field,
    faulty: impl Fn(Option<Range<usize>>, String) -> SweepError,
) -> Result<Vec<Contender>, SweepError> {
    for name in wanted.get_ref() {
        if let Err(error) = field.choose([name.get_ref().as_str()]) {
            return Err(faulty(Some(name.span()), format!("allocators: {error}")));
        }
    }
    let names = wanted.get_ref().iter().map(|name| name.get_ref().as_str());
    let chosen = field.choose(names).map_err(|error| faulty(Some(wanted.span()), error.to_string()))?;
    if chosen.is_empty() {
        let known = field.choices().collect::<Vec<_>>().join(", ");
        let message = format!("allocators: nothing is chosen; omit the key for the default, or give some of {known}");
        return Err(faulty(Some(wanted.span()), message));
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use heaprace_reports::results::BuildProfile;

    use std::fs;

    use super::*;

    fn build() -> Build {
        Build {
            schema_version: 3,
            heaprace_version: "0.1.0".into(),
            revision: "9700486".into(),
            rustc: "rustc".into(),
            profile: BuildProfile::Release,
            target: "x86_64-unknown-linux-gnu".into(),
            host_page_bytes: 4096,
        }
    }

    fn parse(text: &str) -> Result<Sweep, SweepError> {
        Sweep::parse(text, "plan.toml", Path::new(""), &Field::registered(), &build())
    }

    #[test]
    fn faults_are_reported_with_their_line_and_the_known_names() {
        let all_names = Field::registered().choices().collect::<Vec<_>>().join(", ");
        let cases = [
            ("", "1: missing field `traces`"),
            ("traces = []\n", "1: traces: the list is empty; give files, names of the library"),
            ("\ntraces = [\n", "2: unclosed array"),
            (
                "tracs = [\"serde-heavy\"]\n",
                "1: unknown field `tracs`, expected one of `traces`, `allocators`, `settings`",
            ),
            ("traces = [\"serde-heavy\",\n\"serde-havy\"]\n", "2: traces: no trace \"serde-havy\""),
            ("traces = [\"serde-havy\"]\n", "did you mean serde-heavy?"),
            (
                "traces = [\"library:made-up\"]\n",
                "there are \"library\", \"library:recorded\", \"library:programs\", \"library:drivers\", \"library:synthetic\", \"library:wasm\"",
            ),
            ("traces = [\"src\"]\n", "1: traces: src: is a folder"),
            ("traces = \"library\"\n", "1: invalid type: string \"library\", expected a sequence"),
            (
                "traces = [\"serde-heavy\"]\nallocators = [\n\"tlac\"]\n",
                "3: allocators: there is no allocator \"tlac\"; there are ",
            ),
            ("traces = [\"serde-heavy\"]\nallocators = [\"tlac\"]\n", &all_names),
            (
                "traces = [\"serde-heavy\"]\nallocators = []\n",
                "2: allocators: nothing is chosen; omit the key for the default",
            ),
        ];
        for (text, expected) in cases {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.starts_with("plan.toml:") && message.contains(expected), "{text:?}: {message}");
        }
    }

    #[test]
    fn invalid_settings_are_reported_with_their_key() {
        let cases = [
            ("pages = 3", "unknown field `pages`, expected one of `page_size`, `heap_limit`, `touch`, `rounds`"),
            ("page_size = 5000", "page size of 5000 bytes: must be a power of two from 256 bytes to 2 MiB"),
            ("page_size = \"4KB\"", "a page size is a number of bytes, KiB or MiB"),
            ("page_size = [4096, \"4KiB\"]", "the list contains a value twice"),
            ("page_size = []", "the list is empty"),
            ("heap_limit = 16", "a limit is a number and a unit"),
            (
                "heap_limit = [\"4GiB\", \"65536pages\"]",
                "heap_limit: two of the limits are the same, 65536 pages of 64 KiB",
            ),
            ("heap_limit = \"65GiB\"", "heap_limit: the largest limit is 64GiB"),
            ("touch = \"some\"", "\"some\" is not \"none\", \"first\" or \"all\""),
            ("rounds = -1", "\"-1\" is not a whole number from 0 to 4294967295"),
            ("rounds = 1.5", "expected a whole number from 0 to 4294967295, or a list of these"),
            ("seed = [[1]]", "expected a whole number from 0"),
            ("min_heap = \"maybe\"", "\"maybe\" is not true or false"),
            ("rigorous = true", "rigorous: needs at least 20 rounds, but there are 15: set rounds = 30"),
            ("budget = \"60\"", "a duration needs a unit: 60s, 5min"),
            ("budget = \"0s\"", "a time budget must be above 0"),
            ("skip_bounds = [true, false]", "expected a boolean"),
        ];
        for (line, expected) in cases {
            let message = parse(&format!("traces = [\"serde-heavy\"]\n[settings]\n{line}\n")).unwrap_err().to_string();
            assert!(message.starts_with("plan.toml:3: ") && message.contains(expected), "{line}: {message}");
            let key = line.split(' ').next().unwrap();
            assert!(message.contains(key), "{line}: {message}");
        }
    }

    #[test]
    fn a_cell_for_each_combination_and_one_for_the_bounds_of_each_trace() {
        let text = "traces = [\"repeated-growth\", \"serde-heavy.csv\"]\nallocators = [\"null\", \"talc\", \"talc\"]\n\
            [settings]\npage_size = [4096, \"64KiB\"]\nheap_limit = \"1MiB\"\ntouch = [\"none\", \"all\"]\nbudget = [\"none\", \"2min 5s\"]\n";
        let sweep = parse(text).unwrap();
        let groups = sweep.groups();
        let folders: Vec<&str> = groups.iter().map(|group| group.folder.as_str()).collect();
        assert_eq!(folders.len(), 16);
        assert_eq!(folders[0], "repeated-growth-page-size-4096-touch-none-budget-none");
        assert_eq!(folders[15], "serde-heavy-page-size-65536-touch-all-budget-2m5s");
        for group in &groups {
            // In the order of the registry.
            let subjects: Vec<&str> = group.contenders.iter().map(Cell::subject).collect();
            assert_eq!(subjects, ["talc", "null"]);
        }
        let Work::Contender { settings, .. } = &groups[15].contenders[0].key().work else {
            panic!("a contender's cell")
        };
        assert_eq!((settings.heap_limit_pages, settings.budget_ns), (16, Some(125_000_000_000)));
        let cells = sweep.cells();
        assert_eq!(cells.len(), 16 * 2 + 2);
        assert_eq!(cells.iter().filter(|cell| cell.subject() == "bounds").count(), 2);
        let mut ids: Vec<&str> = cells.iter().map(Cell::id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), cells.len(), "ids are unique");

        let more = parse(&text.replace("\"none\", \"all\"", "\"first\", \"none\", \"all\"")).unwrap().cells();
        assert!(ids.iter().all(|id| more.iter().any(|cell| cell.id() == *id)), "a plan that grows keeps its cells");
    }

    #[test]
    fn groups_of_the_library_are_its_traces_each_once() {
        let traces = |text: &str| parse(&format!("traces = {text}\nallocators = [\"null\"]\n")).unwrap().traces.len();
        let all = library::entries().len();
        assert_eq!(traces("[\"library\"]"), all);
        assert_eq!(traces("[\"library:recorded\"]") + traces("[\"library:synthetic\"]"), all);
        assert_eq!(traces("[\"library:programs\", \"library:drivers\"]"), traces("[\"library:recorded\"]"));
        assert_eq!(traces("[\"serde-heavy\", \"library:recorded\", \"library\"]"), all);
    }

    #[test]
    fn paths_are_relative_to_the_plan_wherever_the_command_runs() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        fs::create_dir_all(folder.join("deep")).unwrap();
        let read_plan = |plan: &Path| Sweep::read(plan, &Field::registered(), &build());
        let plan = folder.join("plan.toml");
        let text = "op,id,size,align\nalloc,1,24,8\n";
        fs::write(folder.join("deep/a.csv"), text).unwrap();
        fs::write(folder.join("a.csv"), text).unwrap();
        fs::write(&plan, "traces = [\"deep/a.csv\"]\n").unwrap();
        assert_eq!(read_plan(&plan).unwrap().traces[0].0.name(), "a");
        fs::write(&plan, "traces = [\"deep/a.csv\", \"a.csv\"]\n").unwrap();
        let message = read_plan(&plan).unwrap_err().to_string();
        assert!(message.contains("are both called \"a\""), "{message}");
        // This file exists where the tests run, but not next to the plan.
        fs::write(&plan, "traces = [\"Cargo.toml\"]\n").unwrap();
        let message = read_plan(&plan).unwrap_err().to_string();
        assert!(message.contains("is relative to the plan"), "{message}");
        fs::remove_file(&plan).unwrap();
        let message = read_plan(&plan).unwrap_err().to_string();
        assert!(message.contains("plan.toml: No such file") && message.contains("name a plan"), "{message}");
    }

    #[test]
    fn a_long_folder_name_is_cut_and_stays_apart_from_others() {
        assert_eq!(short("a-page-size-4096".to_owned()), "a-page-size-4096");
        let long = |last: char| "ü".repeat(150) + &last.to_string();
        assert!(short(long('a')).len() <= 255 && short(long('a')) != short(long('b')), "{}", short(long('a')));
    }

    #[test]
    #[cfg(unix)]
    fn a_plan_without_an_end_is_an_error() {
        assert!(read(Path::new("/dev/zero")).unwrap_err().to_string().contains("more than 4 MiB"));
    }

    #[test]
    fn combinations_have_a_maximum_before_they_are_made() {
        let seeds = (0..100).map(|seed| seed.to_string()).collect::<Vec<_>>().join(", ");
        let rounds = (0..100).map(|rounds| rounds.to_string()).collect::<Vec<_>>().join(", ");
        let text = format!("traces = [\"serde-heavy\"]\n[settings]\nseed = [{seeds}]\nrounds = [{rounds}]\n");
        let message = parse(&text).unwrap_err().to_string();
        assert!(message.contains("more than 4096 combinations"), "{message}");
    }
}
