//! Real runs: what `replay run` has measured on a program itself, and what differs between contenders.

use serde::{Deserialize, Serialize};

use crate::ReportError;
use crate::numbers::{bytes, count, grouped};
use crate::results::{Provenance, fault};
use crate::stats::{Estimate, Interval, estimate_median, median};
use crate::table::model::{Table, TableColumn};
use crate::table::{terminal, wrap};

/// Version of the document.
const SCHEMA_VERSION: u64 = 1;

/// The runs of one program on several contenders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealRuns {
    /// Version of this document.
    pub real_runs_version: u64,
    /// The command and its arguments.
    pub command: Vec<String>,
    /// The contender that differences are to.
    pub baseline: String,
    /// Seed of the order within rounds.
    pub seed: u64,
    /// Maximum pages of the heap.
    pub heap_limit_pages: u64,
    /// Bytes in such a page.
    pub page_bytes: u64,
    /// Whether more than one thread allocated, so that a lock was paid for.
    pub has_threads: bool,
    /// Where, when and with what it was measured.
    pub provenance: Provenance,
    /// The contenders, in table order.
    pub contenders: Vec<RealContender>,
}

/// One contender's runs. The lists have one entry a round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealContender {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How the program ended, if not with success in every round.
    pub failure: Option<String>,
    /// Time from start to end, in nanoseconds.
    pub wall_ns: Vec<u64>,
    /// Processor time of the program, with that of the kernel for it.
    pub cpu_ns: Vec<u64>,
    /// Page faults that needed no disk.
    pub minor_faults: Vec<u64>,
    /// Peak of the heap, in pages.
    pub peak_pages: Vec<u64>,
    /// Requests that the contender refused, over all rounds.
    pub refused_requests: u64,
    /// Growths of the heap in the first round: nanoseconds since the first request, and pages from then on.
    pub growths: Vec<(u64, u64)>,
}

/// A clock of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunClock {
    /// Start to end.
    Wall,
    /// Processor time.
    Cpu,
}

impl RealContender {
    /// The times of all rounds.
    pub fn times_ns(&self, clock: RunClock) -> &[u64] {
        match clock {
            RunClock::Wall => &self.wall_ns,
            RunClock::Cpu => &self.cpu_ns,
        }
    }

    /// The median of the times.
    pub fn time_ns(&self, clock: RunClock) -> Option<Estimate> {
        estimate_median(&self.times_ns(clock).iter().map(|&ns| ns as f64).collect::<Vec<_>>())
    }

    /// The smallest and the largest peak.
    pub fn peaks(&self) -> Option<(u64, u64)> {
        Some((*self.peak_pages.iter().min()?, *self.peak_pages.iter().max()?))
    }

    fn median_faults(&self) -> Option<f64> {
        median(&self.minor_faults.iter().map(|&faults| faults as f64).collect::<Vec<_>>())
    }
}

impl RealRuns {
    /// The version that is written.
    pub const VERSION: u64 = SCHEMA_VERSION;

    /// The document, as one line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain data always serialises") + "\n"
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// If it is not such a document.
    pub fn from_json(json: &str) -> Result<Self, ReportError> {
        let document: serde_json::Value =
            serde_json::from_str(json).map_err(|cause| ReportError::NotResults { cause })?;
        serde_path_to_error::deserialize(&document).map_err(|error| ReportError::Field { fault: fault(&error) })
    }

    /// The contender of this name.
    pub fn named(&self, name: &str) -> Option<&RealContender> {
        self.contenders.iter().find(|row| row.name == name)
    }

    /// How much longer the program takes on this contender than on the baseline, in nanoseconds: the median of the
    /// differences within rounds.
    pub fn difference_ns(&self, contender: &RealContender, clock: RunClock) -> Option<Estimate> {
        let baseline = self.named(&self.baseline)?.times_ns(clock);
        let pairs = contender.times_ns(clock).iter().zip(baseline);
        estimate_median(&pairs.map(|(&ns, &base)| ns as f64 - base as f64).collect::<Vec<_>>())
    }

    /// The runs as a table, with what is to be said about them.
    pub fn text(&self, width: usize) -> String {
        let headings = ["CPU time, ms", "difference, ms", "of the time", "wall time, ms", "peak heap", "page faults"];
        let mut table = Table::new("allocator", headings.map(TableColumn::plain).to_vec());
        for row in &self.contenders {
            table.words("", row.name.clone(), self.cells(row));
        }
        let rounds = self.contenders.iter().map(|row| row.wall_ns.len()).max().unwrap_or(0);
        let mut notes = vec![format!(
            "The program itself, {}: medians. Differences of CPU time are to {}, within rounds, with 95 % intervals; ? \
             marks those whose sign is open.",
            count(rounds as u64, "round"),
            self.baseline
        )];
        if self.has_threads {
            notes.push(
                "More than one thread allocates: every call takes a lock, which is part of the times.".to_owned(),
            );
        }
        for row in &self.contenders {
            if row.refused_requests > 0 {
                notes.push(format!("{}: {} refused.", row.name, count(row.refused_requests, "request")));
            }
            if let Some(failure) = &row.failure {
                notes.push(format!("{}: the program ended with {failure}.", row.name));
            }
        }
        let mut text = terminal::lay_out(&table, width) + "\n\n";
        for line in notes.iter().flat_map(|note| wrap(note, width, 0)) {
            text += &line;
            text.push('\n');
        }
        text
    }

    fn cells(&self, row: &RealContender) -> Vec<String> {
        let unknown = || "–".to_owned();
        let is_baseline = row.name == self.baseline;
        let difference = self.difference_ns(row, RunClock::Cpu).filter(|_| !is_baseline);
        let base = self.named(&self.baseline).and_then(|base| base.time_ns(RunClock::Cpu));
        let share = difference.zip(base).map(|(it, base)| format!("{:+.1} %", it.value / base.value * 100.0));
        vec![
            row.time_ns(RunClock::Cpu).map_or_else(unknown, |time| ms(time.value)),
            difference.map_or_else(unknown, signed_ms),
            share.unwrap_or_else(unknown),
            row.time_ns(RunClock::Wall).map_or_else(unknown, |time| ms(time.value)),
            row.peaks().map_or_else(unknown, |peaks| pages(peaks, self.page_bytes)),
            row.median_faults().map_or_else(unknown, |faults| grouped(faults.round() as u64)),
        ]
    }
}

fn ms(ns: f64) -> String {
    format!("{:.2}", ns / 1e6)
}

fn signed_ms(difference: Estimate) -> String {
    let Some(Interval { low, high }) = difference.interval else { return format!("{:+.2}", difference.value / 1e6) };
    let mark = if low <= 0.0 && high >= 0.0 { " ?" } else { "" };
    format!("{:+.2} ({:+.2} to {:+.2}){mark}", difference.value / 1e6, low / 1e6, high / 1e6)
}

fn pages((low, high): (u64, u64), page_bytes: u64) -> String {
    match low == high {
        true => format!("{} ({})", count(low, "page"), bytes(low * page_bytes)),
        false => format!("{} to {}", grouped(low), count(high, "page")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(base: &[u64], other: &[u64]) -> RealRuns {
        let row = |name: &str, times: &[u64]| RealContender {
            name: name.to_owned(),
            version: "1".to_owned(),
            failure: None,
            wall_ns: times.iter().map(|ms| ms * 1_000_000).collect(),
            cpu_ns: times.iter().map(|ms| ms * 900_000).collect(),
            minor_faults: vec![1_000; times.len()],
            peak_pages: vec![3; times.len()],
            refused_requests: 0,
            growths: vec![(0, 3)],
        };
        RealRuns {
            real_runs_version: RealRuns::VERSION,
            command: vec!["program".to_owned()],
            baseline: "dlmalloc".to_owned(),
            seed: 1,
            heap_limit_pages: 65_536,
            page_bytes: 65_536,
            has_threads: false,
            provenance: crate::sample::results().provenance,
            contenders: vec![row("dlmalloc", base), row("talc", other)],
        }
    }

    #[test]
    fn differences_are_within_rounds() {
        // Every round is slower than the one before by more than the two contenders differ.
        let runs = runs(&[10, 20, 30, 40, 50, 60], &[11, 21, 31, 41, 51, 61]);
        for (clock, ns) in [(RunClock::Wall, 1e6), (RunClock::Cpu, 0.9e6)] {
            let difference = runs.difference_ns(&runs.contenders[1], clock).unwrap();
            let interval = difference.interval.unwrap();
            assert_eq!((difference.value, interval.low, interval.high), (ns, ns, ns));
        }
        let text = runs.text(140);
        assert!(text.contains("+0.90 (+0.90 to +0.90)") && text.contains("+2.9 %"), "{text}");
        assert!(text.contains("3 pages (192 KiB)") && text.contains("6 rounds"), "{text}");
    }

    #[test]
    fn an_open_sign_is_marked() {
        let text = runs(&[10, 20, 30, 40, 50, 60], &[11, 19, 31, 39, 51, 59]).text(140);
        assert!(text.contains(") ?"), "{text}");
    }

    #[test]
    fn the_document_is_read_back() {
        let runs = runs(&[1, 2], &[3, 4]);
        assert_eq!(RealRuns::from_json(&runs.to_json()).unwrap(), runs);
        assert!(RealRuns::from_json("{}").is_err());
        assert!(RealRuns::from_json(&runs.to_json().replace("\"seed\":1", "\"seed\":-1")).is_err());
    }
}
