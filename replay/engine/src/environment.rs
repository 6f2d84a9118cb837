//! Where, when and with what a measurement was made.

use std::fs;
use std::io;
use std::time::SystemTime;

use heaprace_reports::results::{BuildProfile, Figure, Provenance, Reason};

/// Everything known about this build and this machine. Anything else is an unknown figure with its reason.
pub fn provenance() -> Provenance {
    Provenance {
        heaprace_version: env!("CARGO_PKG_VERSION").to_owned(),
        git_revision: match env!("HEAPRACE_GIT_REVISION") {
            "" => Figure::unknown(Reason::NoGitCheckout),
            revision => Figure::Known(revision.to_owned()),
        },
        rustc: env!("HEAPRACE_RUSTC").to_owned(),
        profile: if cfg!(debug_assertions) { BuildProfile::Debug } else { BuildProfile::Release },
        target: env!("HEAPRACE_TARGET").to_owned(),
        cpu: cpu(),
        cpu_count: std::thread::available_parallelism().map_or(1, |count| count.get() as u32),
        kernel: kernel(),
        governor: line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        transparent_huge_pages: match line_of("/sys/kernel/mm/transparent_hugepage/enabled") {
            Figure::Known(choices) => Figure::Known(chosen(&choices).unwrap_or(&choices).to_owned()),
            unknown => unknown,
        },
        host_page_bytes: heaprace_allocators::page_heap::host_page_bytes() as u64,
        date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
    }
}

fn line_of(path: &str) -> Figure<String> {
    match fs::read_to_string(path) {
        Ok(text) => Figure::Known(text.trim().to_owned()),
        // Most virtual machines have no such file.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Figure::unknown(Reason::NotReported),
        // In words, without the number of the error.
        Err(error) => {
            Figure::unknown(Reason::FileNotReadable { path: path.to_owned(), cause: error.kind().to_string() })
        }
    }
}

/// The choice in brackets of a line such as `always [madvise] never`.
fn chosen(choices: &str) -> Option<&str> {
    choices.split_once('[')?.1.split_once(']').map(|(chosen, _)| chosen)
}

fn cpu() -> Figure<String> {
    match line_of("/proc/cpuinfo") {
        Figure::Known(text) => match text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")) {
            Some((_, name)) => Figure::Known(name.trim().to_owned()),
            None => Figure::unknown(Reason::NoProcessorModel),
        },
        unknown => unknown,
    }
}

fn kernel() -> Figure<String> {
    match (line_of("/proc/sys/kernel/ostype"), line_of("/proc/sys/kernel/osrelease")) {
        (Figure::Known(name), Figure::Known(release)) => Figure::Known(format!("{name} {release}")),
        (Figure::Known(_), unknown) | (unknown, _) => unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_policy_is_the_one_in_brackets() {
        assert_eq!(chosen("always [madvise] never"), Some("madvise"));
        assert_eq!(chosen("always"), None);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_unknown_with_its_reason_in_words() {
        assert_eq!(line_of("/no/such/file"), Figure::unknown(Reason::NotReported));
        let folder = line_of("/");
        let words = folder.reason().unwrap().to_string();
        assert!(words.starts_with("cannot read /: ") && !words.contains("os error"), "{words}");
    }

    #[test]
    fn the_build_is_known() {
        let provenance = provenance();
        assert!(provenance.rustc.starts_with("rustc 1."), "{}", provenance.rustc);
        assert!(provenance.date.ends_with('Z') && provenance.date.len() == 20, "{}", provenance.date);
        assert!(provenance.host_page_bytes.is_power_of_two());
    }
}
