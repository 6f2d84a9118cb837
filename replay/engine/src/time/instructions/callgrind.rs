//! Exact counts by simulation: a separate process under valgrind's callgrind, which counts every instruction of one
//! function.

use std::fs;
use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, io};

use heaprace_reports::results::Reason;

/// The tool. It is looked up in the path.
const VALGRIND: &str = "valgrind";

/// Makes glibc copy and clear with vectors. callgrind would count each byte of a single copy instruction.
const TUNABLES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-ERMS,-FSRM");

/// Checks that valgrind can be run.
///
/// # Errors
///
/// The reason why not.
pub(super) fn probe() -> Result<(), String> {
    let version = Command::new(VALGRIND).arg("--version").stdin(Stdio::null()).output();
    match version {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("valgrind does not run: {}", output.status)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err("valgrind is not installed".to_owned()),
        Err(error) => Err(format!("valgrind cannot be run: {error}")),
    }
}

/// Instructions that `command` spends in the function of this symbol, including its callees. `run` runs the command to
/// its end.
///
/// # Errors
///
/// The reason why there is no count, in words for a table.
pub(super) fn count(
    command: &Command,
    symbol: &str,
    run: impl FnOnce(Command) -> Result<(), Reason>,
) -> Result<u64, Reason> {
    let folder = Scratch::new().map_err(|error| format!("callgrind's counts have no place: {error}"))?;
    let counts = folder.0.join("counts");
    let path =
        counts.to_str().ok_or("callgrind's counts have no place: the folder for temporary files is not UTF-8")?;
    run(under_callgrind(command, symbol, path))?;
    let text = fs::read_to_string(&counts).map_err(|error| format!("callgrind has left no counts: {error}"))?;
    Ok(total(&text)?)
}

fn under_callgrind(command: &Command, symbol: &str, counts: &str) -> Command {
    let mut valgrind = Command::new(VALGRIND);
    valgrind.args(["--quiet", "--vgdb=no", "--tool=callgrind", "--collect-atstart=no"]);
    valgrind.arg(format!("--toggle-collect={symbol}"));
    // A per cent sign has a special meaning there.
    valgrind.arg(format!("--callgrind-out-file={}", counts.replace('%', "%%")));
    valgrind.arg(command.get_program()).args(command.get_args());
    valgrind.env(TUNABLES.0, TUNABLES.1);
    valgrind
}

/// The total in a file of counts.
fn total(text: &str) -> Result<u64, String> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    // Other event kinds would follow it.
    let counted = field("events:").filter(|events| events.split(' ').next() == Some("Ir")).and(field("totals:"));
    match counted.and_then(|numbers| numbers.split(' ').next()?.parse().ok()) {
        Some(0) => Err("callgrind has not seen the replay: the program must have its symbols".to_owned()),
        Some(total) => Ok(total),
        None => Err("callgrind's counts cannot be read".to_owned()),
    }
}

/// A folder that is removed on drop.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("heaprace-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        // Fails if the folder exists.
        fs::create_dir(&path)?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A leftover in the folder for temporary files is harmless.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_read_or_the_reason_is_reported() {
        let text = "# callgrind format\nevents: Ir\nsummary: 7\n\nfn=(1) run\n12 5\n\ntotals: 4321\n";
        assert_eq!(total(text), Ok(4321));
        assert_eq!(total("events: Ir Dr\ntotals: 4321 17\n"), Ok(4321));
        assert_eq!(
            total("events: Ir\ntotals: 0\n"),
            Err("callgrind has not seen the replay: the program must have its symbols".to_owned())
        );
        for text in ["", "totals: 12\n", "events: Dr Ir\ntotals: 1 2\n", "events: Ir\ntotals: many\n", "events: Ir\n"] {
            assert_eq!(total(text), Err("callgrind's counts cannot be read".to_owned()), "{text:?}");
        }
    }

    #[test]
    fn a_scratch_folder_is_new_and_removed() {
        let (first, second) = (Scratch::new().unwrap(), Scratch::new().unwrap());
        assert_ne!(first.0, second.0);
        let path = first.0.clone();
        fs::write(path.join("counts"), "events: Ir").unwrap();
        drop(first);
        assert!(!path.exists() && second.0.exists());
    }
}
