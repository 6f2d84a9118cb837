//! The progress of a comparison, on standard error.

use std::cell::Cell;
use std::fmt;
use std::io::{self, IsTerminal};
use std::time::Duration;

use heaprace_engine::comparison::{ComparisonPlan, Progress};
use heaprace_reports::numbers::{count, grouped};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::cli::terminal::note;

/// Progress in events, of which there may be billions.
const EVENTS: &str = "{prefix}: {msg} {wide_bar} {percent}%, {rate}, {eta} left";

/// Progress in small steps, which may end before the last.
const SHARE: &str = "{prefix}: {msg} {wide_bar} {percent}%";

/// Something whose length is not known.
const BEGUN: &str = "{prefix}: {msg}";

/// Progress in steps, of which there are few.
const STEPS: &str = "{prefix}: {msg} {wide_bar} {pos}/{len}, {eta} left";

/// The rate of examinations that take longer is reported.
const LONG: Duration = Duration::from_secs(10);

/// Events per second, in words.
fn rate(per_second: f64) -> String {
    if per_second < 1e5 {
        format!("{} events per second", grouped(per_second as u64))
    } else {
        format!("{:.1} million events per second", per_second / 1e6)
    }
}

/// Progress on standard error, if that is a terminal.
pub(crate) struct Bar {
    bar: ProgressBar,
    rate_is_reported: Cell<bool>,
    /// Replays of the examinations, and the events of each.
    replays: Cell<(u64, u64)>,
    trace: String,
    /// What the comparison goes through.
    steps: Vec<Step>,
}

/// A part of a comparison that takes its time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Checking,
    Bounding,
    Searching,
    Timing,
    Further,
}

impl Step {
    /// Those that the plan asks for, in their order.
    fn of(plan: &ComparisonPlan) -> Vec<Step> {
        let all = [
            (Step::Checking, true),
            (Step::Bounding, plan.bounds),
            (Step::Searching, plan.min_heap),
            (Step::Timing, plan.rounds.count > 0),
            (Step::Further, plan.latency || plan.instructions),
        ];
        all.into_iter().filter_map(|(step, is_wanted)| is_wanted.then_some(step)).collect()
    }
}

impl Bar {
    pub(crate) fn new(trace: &str, plan: &ComparisonPlan) -> Self {
        let bar = if io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        bar.set_style(Bar::style(BEGUN));
        bar.set_prefix(trace.to_owned());
        bar.set_message("reading");
        Bar {
            bar,
            rate_is_reported: Cell::new(false),
            replays: Cell::default(),
            trace: trace.to_owned(),
            steps: Step::of(plan),
        }
    }

    pub(crate) fn show(&self, progress: &Progress<'_>) {
        let step = match progress {
            Progress::Examining { .. } => Some(Step::Checking),
            Progress::Bounding { .. } => Some(Step::Bounding),
            Progress::Searching { .. } => Some(Step::Searching),
            Progress::Timing { .. } => Some(Step::Timing),
            Progress::Further { .. } => Some(Step::Further),
            _ => None,
        };
        if let Some(at) = self.steps.iter().position(|known| Some(*known) == step) {
            self.bar.set_prefix(format!("{}, step {} of {}", self.trace, at + 1, self.steps.len()));
        }
        match *progress {
            Progress::Reading => self.bar.set_message("reading"),
            Progress::Examining { names, events, replays, trace_events } => {
                self.replays.set((replays, trace_events));
                self.bar.set_style(Bar::style(EVENTS));
                self.bar.set_message(format!("checking {}", names.join(", ")));
                self.bar.set_length(replays * trace_events);
                self.bar.set_position(events);
            }
            Progress::Waiting { name } => self.bar.suspend(|| {
                note(format_args!(
                    "{name}: its heap does not fit into --memory beside the others; it is checked again, alone"
                ));
            }),
            Progress::Snapshots { .. } | Progress::Examined(_) => {}
            Progress::Bounding { steps, most_steps } => {
                self.report_rate();
                self.bar.set_style(Bar::style(SHARE));
                self.bar.set_message("placing all objects with hindsight");
                self.bar.set_length(most_steps.max(1));
                self.bar.set_position(steps.min(most_steps));
            }
            Progress::AllExamined(_) => {
                self.report_rate();
                self.bar.set_style(Bar::style(BEGUN));
                self.bar.set_message("saving memory figures");
            }
            Progress::Searching { name, limit_pages: Some(pages), done, all } => {
                self.step(format!("minimum heap: {name} at {}", count(pages as u64, "page")), done, all);
            }
            Progress::Searching { name, limit_pages: None, done, all } => {
                self.step(format!("minimum heap: {name} is done"), done, all);
            }
            Progress::Timing { done, all, .. } => self.step("timing".to_owned(), done as usize, all as usize),
            Progress::Further { what, name, done, all } => self.step(format!("{what} of {name}"), done, all),
        }
    }

    /// Reports the rate of the examinations, once, if they took long.
    fn report_rate(&self) {
        let elapsed = self.bar.elapsed();
        let (replays, trace_events) = self.replays.get();
        if !self.rate_is_reported.replace(true) && elapsed >= LONG {
            // An examination that ended early has done fewer events than its replays have.
            let rate = rate(self.bar.position() as f64 / elapsed.as_secs_f64());
            let (replays, events) = (count(replays, "replay"), count(trace_events, "event"));
            self.bar.suspend(|| note(format_args!("{replays} of {events} in {:.0} s: {rate}", elapsed.as_secs_f64())));
        }
    }

    fn style(template: &str) -> ProgressStyle {
        let show_rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
            // What cannot be written is not shown.
            let _ = write!(text, "{}", rate(state.per_sec()));
        };
        ProgressStyle::with_template(template).expect("the template is sound").with_key("rate", show_rate)
    }

    fn step(&self, message: String, done: usize, all: usize) {
        // First, so that the events of before are not shown as steps.
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
        self.bar.set_style(Bar::style(STEPS));
        self.bar.set_message(message);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_rate_is_no_zero() {
        assert_eq!(rate(4_040_000.0), "4.0 million events per second");
        assert_eq!(rate(100_000.0), "0.1 million events per second");
        assert_eq!(rate(31_234.5), "31,234 events per second");
    }
}
