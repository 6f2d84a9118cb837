//! Writes the page of the design space: what each decision of allocator design costs and gains.
//!
//! `design_space FROM TO` reads `FROM/TRACE/results.json`, as `replay library --out FROM` leaves them, and
//! `TO/design-space/decisions.toml`, which describes the decisions. It writes `TO/design-space.md` and, for each decision,
//! `TO/design-space/ALLOCATOR.svg` and its data, `ALLOCATOR.csv`.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use heaprace_reports::design_space::{Decision, Study, page};
use heaprace_reports::results::Results;
use heaprace_reports::{chart, load, save};
use serde::Deserialize;

/// The commands at the top of the page.
const COMMANDS: [&str; 2] = [
    "replay library -a segregated-bump -a swept-bump -a ablations --baseline segregated-bump --rounds 8 --skip-bounds --out OUT",
    "cargo run --release -p heaprace --example design_space -- OUT docs",
];

/// The table of decisions, with the bytes of each.
const README: &str = "allocators/segregated-bump/README.md";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    classic: String,
    decisions: Vec<DescribedDecision>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribedDecision {
    allocator: String,
    name: String,
    field: String,
    several: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [from, to] = &arguments[..] else { return Err("usage: design_space FROM TO".into()) };
    let folder = to.join("design-space");
    let described: Described = toml::from_str(&fs::read_to_string(folder.join("decisions.toml"))?)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in a folder of the repository");
    let readme = fs::read_to_string(root.join(README))?;
    let classic = &described.classic;
    let decisions = described.decisions.into_iter().map(|one| {
        let row = one.allocator.strip_prefix(classic.as_str()).and_then(|end| row_of(&readme, &format!("`{end}`")));
        Decision {
            constant: row.as_ref().map(|cells| cells[1].clone()).filter(|_| one.several.is_none()),
            module_bytes: row.and_then(|cells| bytes(&cells)),
            allocator: one.allocator,
            name: one.name,
            field: one.field,
            several: one.several,
        }
    });
    let saved = load(&[from])?;
    for one in &saved {
        one.mismatches.iter().for_each(|mismatch| eprintln!("{}: {mismatch}", one.path.display()));
    }
    let all: Vec<Results> = saved.into_iter().map(|saved| saved.results).collect();
    let classic_bytes = row_of(&readme, "").and_then(|cells| bytes(&cells));
    let study = Study::of(&all, classic, classic_bytes, decisions.collect())?;
    for effect in &study.effects {
        let file = |ending: &str| folder.join(format!("{}.{ending}", effect.decision.allocator));
        save(&file("svg"), chart::design_space(&study, effect)?.as_bytes())?;
        save(&file("csv"), chart::design_space_data(effect).as_bytes())?;
    }
    save(&to.join("design-space.md"), page(&study, &COMMANDS).as_bytes())?;
    println!("{} decisions on {} traces: {}", study.effects.len(), all.len(), to.join("design-space.md").display());
    Ok(())
}

/// The cells of the row of the README's table of decisions that begins with this one.
fn row_of(readme: &str, first: &str) -> Option<Vec<String>> {
    let (_, table) = readme.split_once("| decision | peak heap")?;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut rows = rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect());
    rows.find(|cells: &Vec<String>| cells.len() > 2 && cells[0] == first)
}

/// The last cell of a row.
fn bytes(cells: &[String]) -> Option<u64> {
    cells.last()?.replace(',', "").parse().ok()
}
