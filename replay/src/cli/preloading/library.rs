//! Where the library is that is preloaded.

use std::env;
use std::path::PathBuf;

use anyhow::Context;

/// The library beside this executable, where `cargo build` puts both.
pub(crate) fn locate(name: &str) -> anyhow::Result<PathBuf> {
    let executable = env::current_exe().context("cannot find this executable, and so not the library beside it")?;
    // A build of the library as part of something else leaves it in `deps` alone.
    let folders = executable.parent().into_iter().flat_map(|folder| [folder.to_owned(), folder.join("deps")]);
    let Some(library) = folders.map(|folder| folder.join(name)).find(|path| path.is_file()) else {
        anyhow::bail!(
            "the library that is preloaded, {name}, is not beside {}; 'cargo build --release' in Heaprace's folder builds both: \
             use target/release/replay, or copy the library here",
            executable.display()
        );
    };
    // The dynamic linker takes a list and knows no way to quote.
    if library.to_string_lossy().contains([' ', ':', '\t', '\n']) {
        anyhow::bail!(
            "{} cannot be preloaded: its path has a blank or a colon; copy replay and {name} to a folder without",
            library.display()
        );
    }
    Ok(library)
}
