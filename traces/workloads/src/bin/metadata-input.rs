//! Makes `input/metadata.json`: the output of `cargo metadata`, without what belongs to one machine or to an author.
//!
//! From the root of the repository:
//!
//! ```sh
//! cargo metadata --format-version 1 --locked |
//!     cargo run --release --locked --manifest-path traces/workloads/Cargo.toml --bin metadata-input \
//!     > traces/workloads/input/metadata.json
//! ```
//!
//! Paths become neutral, and descriptions and authors are emptied. The structure stays what Cargo wrote. The traces belong to the
//! file as it is committed: it is made anew only together with them.

use std::error::Error;
use std::io;

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let mut metadata: Value = serde_json::from_reader(io::stdin().lock())?;
    let root = metadata["workspace_root"].as_str().ok_or("no workspace_root")?.to_owned();
    let packages = metadata["packages"].as_array_mut().ok_or("no packages")?;
    for package in packages {
        package["description"] = Value::Null;
        package["authors"] = Value::Array(Vec::new());
    }
    rewrite(&mut metadata, &|text| neutral(text, &root));
    serde_json::to_writer(io::stdout().lock(), &metadata)?;
    Ok(())
}

/// The same text without the folders of this machine.
fn neutral(text: &str, root: &str) -> String {
    // `<cargo home>/registry/src/<index>/<package>/...`
    if let Some((_, in_registry)) = text.split_once("/registry/src/")
        && let Some((_, package)) = in_registry.split_once('/')
    {
        return format!("/registry/{package}");
    }
    text.replace(root, "/project")
}

/// Applies `rewritten` to every string below `value`; keys stay.
fn rewrite(value: &mut Value, rewritten: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = rewritten(text),
        Value::Array(values) => values.iter_mut().for_each(|value| rewrite(value, rewritten)),
        Value::Object(members) => members.values_mut().for_each(|value| rewrite(value, rewritten)),
        _ => {}
    }
}
