//! What a change of allocator would save of the recorded program's whole time.
//!
//! A program that spends 4 % of its time on allocation gains at most 4 % from the fastest allocator. The times of a
//! replay alone do not show that; together with the run time in the recording they do.

use crate::numbers::{fixed, grouped};
use crate::prose::and;
use crate::results::{Figure, RecordedRun, Results, Role};
use crate::stats::{Estimate, Regime, estimate_median, net_ns_per_op, rounds_beside};

/// What the program would save or lose on each contender against the baseline, in sentences; `None` if the recording
/// does not say how long the program ran, or nothing was timed.
pub(crate) fn sentences(results: &Results) -> Option<String> {
    let run = results.trace.run?;
    let cpu_ns = program_ns(run)?;
    let baseline = results.contenders.iter().find(|row| row.name == results.settings.baseline)?;
    let others = results.contenders.iter().filter(|row| row.role == Role::Contender && row.name != baseline.name);
    let changes: Vec<String> = others
        .filter_map(|row| {
            let Figure::Known((ours, theirs)) = rounds_beside(results, row, &baseline.name, Regime::Fresh) else {
                return None;
            };
            let saved: Vec<f64> = ours.iter().zip(theirs).map(|(&ns, &base)| base as f64 - ns as f64).collect();
            Some(format!("{} would {}", row.name, change(estimate_median(&saved)?, cpu_ns)))
        })
        .collect();
    if changes.is_empty() {
        return None;
    }
    let share = net_ns_per_op(results, baseline, Regime::Fresh);
    let share = share.known().map(|net| net.value * results.trace.events as f64 / cpu_ns * 100.0);
    let share = share.map_or_else(String::new, |share| {
        format!(
            " On {}, its requests take {} % of that.",
            baseline.name,
            fixed(share, if share < 10.0 { 1 } else { 0 })
        )
    });
    Some(format!(
        "End to end: the recorded program took {} ms of processor time, less {} ms for recording.{share} Against {}, {}.",
        ms(cpu_ns),
        ms(run.recorder_ns as f64),
        baseline.name,
        and(changes)
    ))
}

/// The program's processor time without that of recording; `None` if nothing is left.
fn program_ns(run: RecordedRun) -> Option<f64> {
    run.cpu_ns.checked_sub(run.recorder_ns).filter(|&ns| ns > 0).map(|ns| ns as f64)
}

fn ms(ns: f64) -> String {
    match ns / 1e6 {
        ms @ 100.0.. => grouped(ms.round() as u64),
        ms => fixed(ms, if ms < 10.0 { 2 } else { 1 }),
    }
}

fn change(saved: Estimate, cpu_ns: f64) -> String {
    let percent = |ns: f64| fixed(ns.abs() / cpu_ns * 100.0, if ns.abs() < 0.1 * cpu_ns { 1 } else { 0 });
    let verb = if saved.value < 0.0 { "cost" } else { "save" };
    match saved.interval {
        Some(interval) if interval.contains(0.0) => "change nothing that shows".to_owned(),
        Some(interval) => {
            let (near, far) = match saved.value < 0.0 {
                true => (interval.high, interval.low),
                false => (interval.low, interval.high),
            };
            format!(
                "{verb} {} ms, {} % ({}–{})",
                ms(saved.value.abs()),
                percent(saved.value),
                percent(near),
                percent(far)
            )
        }
        None => format!("{verb} {} ms, {} %", ms(saved.value.abs()), percent(saved.value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn results(cpu_ms: u64) -> Results {
        let mut results = sample::results();
        results.trace.run = Some(RecordedRun { wall_ns: 0, cpu_ns: (cpu_ms + 5) * 1_000_000, recorder_ns: 5_000_000 });
        results
    }

    #[test]
    fn a_saving_is_a_share_of_the_whole_program() {
        let mut results = results(1000);
        results.settings.baseline = "dlmalloc".to_owned();
        for row in &mut results.contenders {
            let Figure::Known(time) = &mut row.time else { continue };
            let ms = if row.name == "dlmalloc" { 40 } else { 10 };
            time.fresh_ns = (0..7).map(|round| (ms + round) * 1_000_000).collect();
        }
        let text = sentences(&results).unwrap();
        assert!(text.contains("took 1,000 ms of processor time, less 5.00 ms for recording"), "{text}");
        assert!(text.contains("would save 30.0 ms, 3.0 % (3.0–3.0)"), "three quarters of the allocator's time: {text}");
    }

    #[test]
    fn without_the_time_of_the_run_there_is_nothing_to_say() {
        assert_eq!(sentences(&sample::results()), None);
        let mut results = results(0);
        assert_eq!(sentences(&results), None, "all of the time was recording");
        results.trace.run = Some(RecordedRun { wall_ns: 0, cpu_ns: 1, recorder_ns: 5_000_000 });
        assert_eq!(sentences(&results), None);
    }
}
