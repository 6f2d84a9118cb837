//! Writes the validation page: what replays predict, beside what the programs themselves do.
//!
//! `validation FROM TO` reads the folders `FROM/NAME`, each with the `real.json` of `replay run --compare --json` and
//! the `results.json` of `replay --trace NAME`, and `TO/causes.toml`, which explains misses. It writes `TO/README.md`,
//! `TO/validation.svg`, `TO/pairs.csv` and, for each program, `TO/NAME.json`. `traces/workloads/validate` calls it.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use heaprace_reports::real::RealRuns;
use heaprace_reports::results::Results;
use heaprace_reports::validation::{Cause, Pair, page, pairs};
use heaprace_reports::{chart, save};
use serde::Deserialize;

/// Growths of a heap that are kept: enough for a chart.
const MOST_GROWTHS: usize = 200;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Causes {
    /// Program, contender or `*`, and cause.
    causes: Vec<Cause>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [from, to] = &arguments[..] else { return Err("usage: validation FROM TO".into()) };
    let mut folders: Vec<PathBuf> =
        fs::read_dir(from)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    folders.sort();
    let (mut all, mut runs) = (Vec::new(), Vec::new());
    for folder in folders.iter().filter(|folder| folder.join("real.json").is_file()) {
        let (mut real, found) = one(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for row in &mut real.contenders {
            let step = row.growths.len().div_ceil(MOST_GROWTHS).max(1);
            let last = row.growths.len().saturating_sub(1);
            let mut index = 0;
            row.growths.retain(|_| {
                index += 1;
                (index - 1) % step == 0 || index - 1 == last
            });
        }
        save(&to.join(format!("{name}.json")), real.to_json().as_bytes())?;
        all.extend(found);
        runs.push(real);
    }
    let causes: Causes = match fs::read_to_string(to.join("causes.toml")) {
        Ok(text) => toml::from_str(&text)?,
        Err(_) => Causes::default(),
    };
    save(&to.join("README.md"), page(&all, &runs, &causes.causes).as_bytes())?;
    save(&to.join("validation.svg"), chart::validation(&all)?.as_bytes())?;
    save(&to.join("pairs.csv"), chart::validation_data(&all).as_bytes())?;
    println!("{} pairs of {} programs: {}", all.len(), runs.len(), to.join("README.md").display());
    Ok(())
}

/// The runs of one program, and its pairs.
fn one(folder: &Path) -> Result<(RealRuns, Vec<Pair>), Box<dyn Error>> {
    let mut real = RealRuns::from_json(&fs::read_to_string(folder.join("real.json"))?)?;
    // The folders of the machine are nobody's business.
    for word in &mut real.command {
        if let Some((_, name)) = word.rsplit_once('/') {
            *word = name.to_owned();
        }
    }
    let replayed = Results::from_json(&fs::read_to_string(folder.join("results.json"))?)?;
    let found = pairs(&real, &replayed);
    if found.is_empty() {
        return Err("no contender has both real and replayed times".into());
    }
    Ok((real, found))
}
