//! How much memory a comparison may take.
//!
//! Memory follows what a trace asks for, so there is a maximum: `--memory`, by default a third of what this process may
//! have. The program, the bookkeeping for live objects and the heaps of all contenders that are examined in parallel stay
//! within it; the results and charts themselves are not counted.

use crate::memory::bounds;
use crate::program::Program;

/// Share of the memory that this process may have: the reciprocal of the default.
const DEFAULT_SHARE: u64 = 3;

/// The default where the system does not say how much memory there is.
const DEFAULT_BYTES: u64 = 2 << 30;

/// Bookkeeping of an examination for each live object: its slot, its place and pattern, and its part in the metrics.
const BYTES_PER_LIVE_OBJECT: u64 = 160;

/// Bookkeeping of the distributions for each live object.
const DISTRIBUTION_BYTES_PER_LIVE_OBJECT: u64 = 8;

/// Memory that reading a trace takes for each live object, whatever is done with the events: most of it while the table of
/// live objects doubles.
const READING_BYTES_PER_LIVE_OBJECT: u64 = 200;

/// How many objects may be live at once in a trace that is read within this much memory.
pub fn most_live_objects(memory_bytes: u64) -> usize {
    usize::try_from(memory_bytes / READING_BYTES_PER_LIVE_OBJECT).unwrap_or(usize::MAX)
}

/// The memory that a comparison of this program takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// Once: the program, its distributions and its bounds.
    pub(crate) fixed_bytes: u64,
    /// For each contender that is examined, in addition to its heap.
    pub(crate) examination_bytes: u64,
}

impl Need {
    /// The need of a comparison of this program, with its bounds or without.
    pub(crate) fn of(program: &Program, with_bounds: bool) -> Self {
        let live = program.profile().peak_live_objects;
        let bounds = if with_bounds { bounds::memory_bytes(program) } else { 0 };
        Need {
            fixed_bytes: program.held_bytes() as u64 + live * DISTRIBUTION_BYTES_PER_LIVE_OBJECT + bounds,
            examination_bytes: live * BYTES_PER_LIVE_OBJECT,
        }
    }
}

/// A third of the memory that this process may have: the machine's, or less by a limit of its control group or on its
/// address space.
pub fn default_bytes() -> u64 {
    available_bytes().map_or(DEFAULT_BYTES, |bytes| bytes / DEFAULT_SHARE)
}

#[cfg(unix)]
fn available_bytes() -> Option<u64> {
    // SAFETY: pure queries.
    let (pages, page_bytes) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    let machine = u64::try_from(pages).ok()?.checked_mul(u64::try_from(page_bytes).ok()?);
    [machine, address_space_bytes(), control_group_bytes()].into_iter().flatten().min()
}

#[cfg(not(unix))]
fn available_bytes() -> Option<u64> {
    None
}

/// The limit on this process's address space (`ulimit -v`).
#[cfg(unix)]
fn address_space_bytes() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is written to a local variable.
    let answer = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
    (answer == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// The least limit of this process's control group and of those around it, of either version.
#[cfg(target_os = "linux")]
fn control_group_bytes() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let limits = groups.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            controllers if controllers.split(',').any(|one| one == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => return None,
        };
        least_limit(std::path::Path::new(root), path, file)
    });
    limits.min()
}

#[cfg(all(unix, not(target_os = "linux")))]
fn control_group_bytes() -> Option<u64> {
    None
}

/// The least number in the files of this name, from the group at `path` up to the root.
#[cfg(target_os = "linux")]
fn least_limit(root: &std::path::Path, path: &str, file: &str) -> Option<u64> {
    let group = root.join(path.trim_start_matches('/'));
    let files = group.ancestors().take_while(|folder| folder.starts_with(root)).map(|folder| folder.join(file));
    // "max" means no limit.
    files.filter_map(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_a_third_of_what_there_is_at_most() {
        assert!(default_bytes() > 0);
        if let Some(bytes) = available_bytes() {
            assert_eq!(default_bytes(), bytes / 3);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_limit_of_any_group_around_this_one_counts() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        let limit = || least_limit(folder.path(), "/a/b", "memory.max");
        assert_eq!(limit(), None);
        std::fs::write(inner.join("memory.max"), "max\n").unwrap();
        assert_eq!(limit(), None);
        std::fs::write(folder.path().join("a/memory.max"), "3000000\n").unwrap();
        assert_eq!(limit(), Some(3_000_000));
        std::fs::write(inner.join("memory.max"), "2000000\n").unwrap();
        assert_eq!(limit(), Some(2_000_000));
    }
}
