//! Time against memory over several traces: geometric means with their intervals over the traces, and the Pareto front.
//!
//! Both means of a contender are over the same traces: those that all contenders completed, timed and with memory
//! figures. The rule is that of [`stats::summary`](crate::stats::common). A mean of time is over the reference's, as
//! traces differ in what an operation is.

use super::axis::Axis;
use super::canvas::{self, Words};
use super::frame::Frame;
use super::points::{self, Dot};
use super::summary::NEEDS_TWO;
use super::{data, palette};
use crate::ReportError;
use crate::growth;
use crate::numbers::{count, short};
use crate::results::{Origin, Results, Role};
use crate::stats::{Estimate, Measure, Regime, by_origin, check, common, trust_in_mean};
use crate::times;

/// Draws the mean of peak heap over peak live against the mean of fresh time over the reference's: programs that start.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn pareto_means_fresh(all: &[Results]) -> Result<String, ReportError> {
    draw(all, Regime::Fresh)
}

/// The same for steady times: programs that run on.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn pareto_means_steady(all: &[Results]) -> Result<String, ReportError> {
    draw(all, Regime::Steady)
}

/// The data of [`pareto_means_fresh`]: a row per contender.
pub(super) fn fresh_data(all: &[Results]) -> String {
    table(all, Regime::Fresh)
}

/// The data of [`pareto_means_steady`].
pub(super) fn steady_data(all: &[Results]) -> String {
    table(all, Regime::Steady)
}

/// The means of the contenders.
struct Means<'a> {
    regime: Regime,
    origin: Origin,
    reference: &'a str,
    /// The traces that count.
    traces: Vec<&'a Results>,
    rows: Vec<Row>,
    /// Traces of this origin that do not count.
    traces_left_out: usize,
    /// Traces of other origins.
    others: usize,
    contenders_left_out: Vec<(String, String)>,
}

struct Row {
    name: String,
    ships: bool,
    time: Estimate,
    overhead: Estimate,
}

impl<'a> Means<'a> {
    /// Those of recorded traces if there are any, else of those of unstated origin, else of synthetic ones. The error is
    /// a sentence that says why there are none.
    fn of(all: &'a [Results], regime: Regime) -> Result<Self, String> {
        let mut groups = by_origin(all).into_iter();
        let (origin, group) = groups.next().ok_or("No trace was replayed.")?;
        check(group.iter().copied()).map_err(|error| format!("There is no mean: {error}."))?;
        let reference = group[0].settings.baseline.as_str();
        let mut time = common(&group, reference, Measure::Time(regime));
        time.add_yardsticks(&group, reference, Measure::Time(regime));
        let traces: Vec<&Results> = group.iter().copied().filter(|one| time.traces.contains(&one.trace.name)).collect();
        let mut heap = common(&traces, reference, Measure::Footprint);
        heap.add_yardsticks(&traces, reference, Measure::Footprint);
        if time.traces.len() < 2 || heap.traces.len() != time.traces.len() {
            return Err(NEEDS_TWO.into());
        }
        let (times, heaps) = (time.geometric_means(), heap.geometric_means());
        let rows = time.rows.iter().zip(times).filter_map(|(row, time)| {
            let at = heap.rows.iter().position(|other| other.name == row.name)?;
            let role = traces.iter().flat_map(|one| &one.contenders).find(|one| one.name == row.name)?.role;
            Some(Row { name: row.name.clone(), ships: role == Role::Contender, time, overhead: *heaps.get(at)? })
        });
        Ok(Means {
            regime,
            origin,
            reference,
            rows: rows.collect(),
            traces_left_out: group.len() - traces.len(),
            traces,
            others: groups.map(|(_, group)| group.len()).sum(),
            contenders_left_out: time.contenders_left_out,
        })
    }

    fn dots(&self) -> Vec<Dot<'_>> {
        let dot = |row: &'_ Row| {
            let spread = |figure: &Estimate| {
                let interval = figure.interval;
                interval.map(|one| format!(" ({} to {})", short(one.low), short(one.high))).unwrap_or_default()
            };
            let tip = format!(
                "{}: {}{} times the time of {}, peak heap {}{} times peak live",
                row.name,
                short(row.time.value),
                spread(&row.time),
                self.reference,
                short(row.overhead.value),
                spread(&row.overhead)
            );
            (row.time, row.overhead, tip)
        };
        let dots = self.rows.iter().map(|row| {
            let (x, y, tip) = dot(row);
            let label = row.name.as_str().into();
            Dot { name: &row.name, label, color: palette::style_of(&row.name).color, ships: row.ships, x, y, tip }
        });
        dots.collect()
    }

    fn over(&self) -> String {
        let noun = match self.origin {
            Origin::Recorded => "recorded trace",
            Origin::Unstated => "trace",
            Origin::Synthetic => "synthetic trace",
        };
        count(self.traces.len() as u64, noun)
    }

    fn frame(&self, dots: &[Dot]) -> Frame {
        let x = axis(dots.iter().map(|dot| &dot.x));
        let y = axis(dots.iter().map(|dot| &dot.y));
        let mut notes = vec!["step line: the front, by means; bars: 95 % intervals over the traces".to_owned()];
        if points::has_arrows(dots, &x, &y) {
            notes.push(points::ARROWS.into());
        }
        if dots.iter().any(|dot| !dot.ships) {
            notes.push("ring: a yardstick, which is not part of the front".into());
        }
        notes.extend(growth::note_over_traces(&self.traces));
        let left_out = self.contenders_left_out.iter().filter(|(name, _)| !self.is_floor(name));
        let left_out: Vec<String> = left_out.map(|(name, reason)| format!("{name} ({reason})")).collect();
        if !left_out.is_empty() {
            notes.push(format!("not shown: {}", left_out.join("; ")));
        }
        if self.traces_left_out > 0 {
            let traces = count(self.traces_left_out as u64, "trace");
            notes.push(format!("left out because not all contenders completed them: {traces}"));
        }
        if self.others > 0 {
            notes.push(format!("left out because they are of another origin: {}", count(self.others as u64, "trace")));
        }
        notes.extend(trust_in_mean(self.traces.len()).map(|note| note.trim_end_matches('.').to_owned()));
        Frame {
            subtitle: format!(
                "{}; {}; {}; means over {}; lower left is better",
                canvas::platform(&self.traces[0].provenance.target),
                times::program(self.regime),
                times::written_in(self.traces.iter().copied()),
                self.over()
            ),
            x_title: times::heading(
                &format!("{} time over that of {}, {}", self.regime.name(), self.reference, x.note),
                &self.traces[0].settings,
            ),
            y_title: format!("peak heap / peak live, {}", y.note),
            x,
            y,
            name_room: 0,
            name_count: 0,
            notes,
        }
    }

    fn is_floor(&self, name: &str) -> bool {
        let rows = self.traces.iter().flat_map(|one| &one.contenders);
        rows.filter(|row| row.name == name).any(|row| row.role == Role::Floor)
    }

    fn words(&self, dots: &[Dot]) -> Words {
        let tips: Vec<&str> = dots.iter().map(|dot| dot.tip.as_str()).collect();
        let front = points::front(dots).into_iter().map(|index| {
            let name = dots[index].name;
            format!("{name}{}", growth::OverTraces::of(name, &self.traces).but("it"))
        });
        let front: Vec<String> = front.collect();
        let description = format!(
            "Geometric means of time and memory over {}, with 95 % intervals, for {}. {}. On the front: {}.",
            self.over(),
            times::timed(self.regime),
            tips.join("; "),
            front.join("; ")
        );
        Words { subject: "all traces".into(), what: what(self.regime), description }
    }
}

/// A logarithmic axis with all means, 1, and the intervals as far as they leave the means apart.
fn axis<'f>(figures: impl Iterator<Item = &'f Estimate> + Clone) -> Axis {
    let ends = |value: &mut dyn Iterator<Item = f64>| {
        value.fold((1.0_f64, 1.0_f64), |(low, high), one| (low.min(one), high.max(one)))
    };
    let (low, high) = ends(&mut figures.clone().map(|figure| figure.value));
    let intervals = figures.filter_map(|figure| figure.interval).flat_map(|one| [one.low, one.high]);
    let (lowest, highest) = ends(&mut intervals.filter(|end| *end > 0.0));
    // Over two traces an interval may span powers of ten.
    let room = (high / low).sqrt().max(1.5);
    Axis::log(lowest.max(low / room) / 1.15, highest.min(high * room) * 1.15, "", 8)
}

fn what(regime: Regime) -> &'static str {
    match regime {
        Regime::Steady => "memory against steady time, means",
        Regime::Rewound => "memory against time on a rewound heap, means",
        Regime::Fresh => "memory against fresh time, means",
    }
}

fn draw(all: &[Results], regime: Regime) -> Result<String, ReportError> {
    let means = match Means::of(all, regime) {
        Ok(means) => means,
        Err(reason) => {
            let description = format!("There is nothing to draw. {reason}");
            let words = Words { subject: "all traces".into(), what: what(regime), description };
            return canvas::message(&words, &["There is nothing to draw.".into(), reason]);
        }
    };
    let dots = means.dots();
    let (words, frame) = (means.words(&dots), means.frame(&dots));
    canvas::draw(&words, frame.height(), |sheet| {
        canvas::heading(sheet, &words)?;
        let plot = frame.paint(sheet)?;
        points::paint(sheet, &frame, &plot, &dots, &points::front(&dots), Vec::new())
    })
}

fn table(all: &[Results], regime: Regime) -> String {
    let means = Means::of(all, regime).ok();
    let dots = means.as_ref().map_or(Vec::new(), Means::dots);
    let front = points::front(&dots);
    let rows = dots.iter().enumerate().map(|(index, dot)| {
        let ends = |figure: &Estimate| {
            [figure.interval.map(|one| one.low), figure.interval.map(|one| one.high)].map(data::cell)
        };
        let ([time_low, time_high], [heap_low, heap_high]) = (ends(&dot.x), ends(&dot.y));
        [
            dot.name.to_owned(),
            regime.name().to_owned(),
            dot.x.value.to_string(),
            time_low,
            time_high,
            dot.y.value.to_string(),
            heap_low,
            heap_high,
            front.contains(&index).to_string(),
        ]
    });
    let header = [
        "contender",
        "regime",
        "time_ratio",
        "time_ratio_low",
        "time_ratio_high",
        "peak_heap_per_peak_live",
        "peak_heap_per_peak_live_low",
        "peak_heap_per_peak_live_high",
        "on_front",
    ];
    data::table(header, rows)
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::structure::{child, of_contender, texts, unreadable};
    use crate::results::Contender;
    use crate::sample::{self, contender};

    fn row(name: &str, tenths: u64, pages: u64) -> Contender {
        contender(name).pages(pages).fresh_ns(tenths).steady_ns(tenths).build()
    }

    fn six() -> Vec<Results> {
        let names = ["one", "two", "three", "four", "five", "six"];
        let on = |(index, name): (usize, &str)| {
            let more = index as u64;
            let bump = contender("bump").role(Role::Baseline).pages(400).fresh_ns(20).steady_ns(20).build();
            sample::on(name, vec![row("dlmalloc", 200, 20), row("talc", 90 + 5 * more, 22 + more), bump])
        };
        names.into_iter().enumerate().map(on).collect()
    }

    #[test]
    fn each_contender_has_a_point_with_intervals_in_both_directions() {
        let all = six();
        let svg = pareto_means_steady(&all).unwrap();
        let svg = Document::parse(&svg).unwrap();
        for name in ["dlmalloc", "talc", "bump"] {
            assert_eq!(of_contender(&svg, name, "circle").len(), 2, "{name}: the point and its margin");
            assert!(of_contender(&svg, name, "polyline").len() >= 6, "{name}: two intervals with caps");
            assert_eq!(of_contender(&svg, name, "text").len(), 1, "{name}");
        }
        let description = child(&svg, "desc");
        assert!(
            description.contains("over 6 recorded traces") && description.ends_with("On the front: talc; dlmalloc.")
        );
        assert!(texts(&svg).iter().any(|text| text.contains("time over that of dlmalloc")), "{:?}", texts(&svg));
        assert_eq!(unreadable(&svg), [""; 0]);
    }

    #[test]
    fn the_data_have_means_intervals_and_the_front() {
        let data = fresh_data(&six());
        assert_eq!(data.lines().count(), 4, "{data}");
        assert!(
            data.lines().any(|line| line.starts_with("dlmalloc,fresh,1,1,1,") && line.ends_with(",true")),
            "{data}"
        );
        assert!(data.lines().any(|line| line.starts_with("bump,") && line.ends_with(",false")), "{data}");
    }

    /// Over two traces the interval of a mean spans powers of ten.
    #[test]
    fn intervals_far_beyond_the_means_have_arrows() {
        let all = [
            sample::on("one", vec![row("dlmalloc", 200, 20), row("talc", 100, 22)]),
            sample::on("two", vec![row("dlmalloc", 200, 20), row("talc", 300, 44)]),
        ];
        let svg = pareto_means_steady(&all).unwrap();
        assert!(svg.contains("class=\"arrow\"") && svg.contains(points::ARROWS), "{svg}");
    }

    #[test]
    fn without_common_traces_it_says_so() {
        let failing = |name| sample::on(name, vec![contender("a").failed_requests(1).build()]);
        for all in [vec![], six()[..1].to_vec(), vec![failing("one"), failing("two")]] {
            let svg = pareto_means_fresh(&all).unwrap();
            assert!(svg.contains("There is nothing to draw."), "{svg}");
            assert_eq!(fresh_data(&all).lines().count(), 1);
        }
    }
}
