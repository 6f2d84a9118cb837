//! Reasons to distrust the timings: a line for each code of a warning, with its message and traces.

use maud::{Markup, html};

use crate::numbers::count;
use crate::prose::and;
use crate::reasons::by_reason;
use crate::results::{Results, WarningCode};

/// The warnings of all traces; nothing where there is none.
pub(super) fn warnings(results: &[Results]) -> Markup {
    html! {
        @if results.iter().any(|one| !one.warnings.is_empty()) {
            aside.warnings aria-label="Warnings" {
                details {
                    summary {
                        b { "Read the timings with care: " }
                        (and(codes(results)))
                    }
                    ul { @for code in WarningCode::ALL { (line(results, code)) } }
                }
            }
        }
    }
}

/// The names of the codes that some trace has a warning of.
fn codes(results: &[Results]) -> Vec<&'static str> {
    let has = |code: &WarningCode| results.iter().any(|one| one.warnings.iter().any(|warning| warning.code == *code));
    WarningCode::ALL.into_iter().filter(has).map(WarningCode::name).collect()
}

/// A code with its message, or with the number of its traces where their messages differ.
fn line(results: &[Results], code: WarningCode) -> Markup {
    let messages = results.iter().flat_map(|one| {
        let warnings = one.warnings.iter().filter(move |warning| warning.code == code);
        warnings.map(|warning| (one.trace.name.as_str(), warning.message.clone()))
    });
    let groups = by_reason(messages);
    let everywhere = results.iter().map(|one| one.trace.name.as_str()).collect::<Vec<_>>().join(", ");
    let message = |(names, message): &(String, String)| {
        html! { (message) @if *names != everywhere { " " small { "(" (names) ")" } } }
    };
    let traces = results.iter().filter(|one| one.warnings.iter().any(|warning| warning.code == code)).count();
    html! {
        @match &groups[..] {
            [] => {}
            [one] => li { (code.name()) ": " (message(one)) },
            several => li {
                details {
                    summary { (code.name()) ": on " (traces) " of " (count(results.len() as u64, "trace")) }
                    ul { @for group in several { li { (message(group)) } } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Warning;
    use crate::sample;

    fn with(name: &str, warnings: &[(WarningCode, &str)]) -> Results {
        let mut results = sample::results();
        results.trace.name = name.into();
        let warning = |&(code, message): &(WarningCode, &str)| Warning { code, message: message.into() };
        results.warnings = warnings.iter().map(warning).collect();
        results
    }

    fn html(results: &[Results]) -> String {
        warnings(results).into_string()
    }

    #[test]
    fn what_holds_for_all_is_said_once() {
        assert_eq!(html(&[with("one", &[]), with("two", &[])]), "");
        let governor = [(WarningCode::Governor, "the clock is not held")];
        let all = html(&[with("one", &governor), with("two", &governor)]);
        assert!(all.contains("<li>governor: the clock is not held</li>"), "{all}");
        let some = html(&[with("one", &governor), with("two", &[])]);
        assert!(some.contains("<li>governor: the clock is not held <small>(one)</small></li>"), "{some}");
    }

    #[test]
    fn what_differs_from_trace_to_trace_is_folded() {
        let noisy = |message| [(WarningCode::NoisyMachine, message)];
        let html = html(&[with("one", &noisy("5 %")), with("two", &noisy("<7 %")), with("three", &[])]);
        assert!(html.contains("<summary>noisy-machine: on 2 of 3 traces</summary>"), "{html}");
        assert!(html.contains("<li>5 % <small>(one)</small></li><li>&lt;7 % <small>(two)</small></li>"), "{html}");
    }
}
