//! What should make a reader doubt the timings: a line for each code, and what was seen on which trace behind it.

use super::escape::escape;
use crate::numbers::count;
use crate::reasons::by_reason;
use crate::results::{Results, WarningCode};

/// The warnings of all traces; nothing where there is none.
pub(super) fn warnings(results: &[Results]) -> String {
    let lines: String = WarningCode::ALL.iter().map(|&code| line(results, code)).collect();
    if lines.is_empty() {
        return lines;
    }
    format!(
        "<aside class=\"warnings\" aria-label=\"Warnings\"><h2>Read the timings with care</h2><ul>\n{lines}</ul></aside>\n"
    )
}

/// A code with its message, or with how many traces it is about where their messages differ.
fn line(results: &[Results], code: WarningCode) -> String {
    let told = results.iter().flat_map(|one| {
        let warnings = one.warnings.iter().filter(move |warning| warning.code == code);
        warnings.map(|warning| (one.trace.name.as_str(), warning.message.clone()))
    });
    let groups = by_reason(told);
    let everywhere = results.iter().map(|one| one.trace.name.as_str()).collect::<Vec<_>>().join(", ");
    let message = |(names, message): &(String, String)| {
        let of = if *names == everywhere { String::new() } else { format!(" <small>({})</small>", escape(names)) };
        format!("{}{of}", escape(message))
    };
    match &groups[..] {
        [] => String::new(),
        [one] => format!("<li>{}: {}</li>\n", code.name(), message(one)),
        _ => {
            let traces = results.iter().filter(|one| one.warnings.iter().any(|warning| warning.code == code)).count();
            let each: String = groups.iter().map(|group| format!("<li>{}</li>\n", message(group))).collect();
            format!(
                "<li><details><summary>{}: on {} of {}</summary><ul>\n{each}</ul></details></li>\n",
                code.name(),
                traces,
                count(results.len() as u64, "trace")
            )
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

    #[test]
    fn what_holds_for_all_is_said_once() {
        assert_eq!(warnings(&[with("one", &[]), with("two", &[])]), "");
        let governor = [(WarningCode::Governor, "the clock is not held")];
        let all = warnings(&[with("one", &governor), with("two", &governor)]);
        assert!(all.contains("<li>governor: the clock is not held</li>"), "{all}");
        let some = warnings(&[with("one", &governor), with("two", &[])]);
        assert!(some.contains("<li>governor: the clock is not held <small>(one)</small></li>"), "{some}");
    }

    #[test]
    fn what_differs_from_trace_to_trace_is_folded() {
        let noisy = |message| [(WarningCode::NoisyMachine, message)];
        let html = warnings(&[with("one", &noisy("5 %")), with("two", &noisy("<7 %")), with("three", &[])]);
        assert!(html.contains("<summary>noisy-machine: on 2 of 3 traces</summary>"), "{html}");
        assert!(html.contains("<li>5 % <small>(one)</small></li>\n<li>&lt;7 % <small>(two)</small></li>"), "{html}");
    }
}
