//! A comparison of two runs as workflow commands, which GitHub shows as annotations.

use super::comparison::Regression;
use super::gate::Worse;
use super::sight::blind;

impl Regression {
    /// As workflow commands of GitHub Actions, a line each: what got worse is an error, what could not be judged a
    /// warning, what is new and a gate that found nothing a notice. GitHub shows ten of each kind for a step, so the first
    /// error is the verdict with their number.
    pub fn github(&self, worse: &Worse, threshold: f64) -> String {
        let verdict = self.verdict(worse, threshold);
        let mut text = match (worse.compared, &worse.lines[..]) {
            // The gate judged nothing, which must be seen, but nothing is wrong.
            _ if self.is_all_new() => command("warning", "Nothing to compare yet", &verdict),
            (0, _) => command("error", "Nothing to compare", &verdict),
            (_, []) => command("notice", "No regression found", &verdict),
            (_, lines) => {
                let lines = lines.iter().map(|line| command("error", "Regression", line));
                command("error", "Regressions", verdict.trim_end_matches(':')) + &lines.collect::<String>()
            }
        };
        let warn = |title: &str, line: &str| command("warning", title, line);
        text.extend(blind(&worse.sight, threshold).map(|line| warn("Too noisy to tell", &line)));
        text.extend(self.doubts.iter().map(|doubt| warn("Doubt", doubt)));
        text.extend(self.not_comparable.iter().map(|(what, why)| warn("Not comparable", &format!("{what}: {why}"))));
        text.extend((!self.only_old.is_empty()).then(|| warn("Missing in the new run", &self.only_old.join(", "))));
        text.extend((!self.only_new.is_empty()).then(|| command("notice", "New", &self.only_new.join(", "))));
        text
    }
}

/// A workflow command.
fn command(kind: &str, title: &str, message: &str) -> String {
    format!("::{kind} title={}::{}\n", escaped(title).replace(':', "%3A").replace(',', "%2C"), escaped(message))
}

/// A message on one line, whatever a name contains: GitHub decodes these three.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::super::default_gates;
    use super::*;
    use crate::sample::{contender, on};

    fn annotations(old: &[crate::results::Results], new: &[crate::results::Results]) -> String {
        let found = Regression::of(old, new, None);
        found.github(&found.worse(0.05, &default_gates()), 0.05)
    }

    #[test]
    fn each_kind_of_finding_is_a_command() {
        let old = [on("one", vec![contender("a").pages(10).build(), contender("gone").build()])];
        let new = [on("one", vec![contender("a").pages(20).build(), contender("here").build()]), on("two", vec![])];
        assert_eq!(
            annotations(&old, &new),
            "::error title=Regressions::1 of 3 figures got worse by more than 5 %25\n\
             ::error title=Regression::a on one: peak_heap_bytes 655,360 → 1,310,720 (+100 %25)\n\
             ::warning title=Missing in the new run::gone on one\n\
             ::notice title=New::here on one, two\n"
        );
        assert_eq!(
            annotations(&new, &new),
            "::notice title=No regression found::None of 6 figures got worse by more than 5 %25.\n"
        );
        let nothing = annotations(&old, &[]);
        assert!(nothing.starts_with("::error title=Nothing to compare::"), "{nothing}");
        assert_eq!(
            annotations(&[on("a", vec![])], &[on("b", vec![])]),
            "::warning title=Nothing to compare yet::Nothing to compare yet: no allocator has been measured on the same trace \
             in both runs.\n\
             ::warning title=Missing in the new run::a\n\
             ::notice title=New::b\n"
        );
    }

    /// A name with a line feed must not start a command of its own.
    #[test]
    fn a_name_cannot_add_a_command() {
        let run = |trace: &str| [on(trace, vec![contender("a").build()])];
        let text = annotations(&run("x"), &run("y\r\n::error::100 % wrong"));
        assert!(text.lines().all(|line| line.starts_with("::") && line.contains(" title=")), "{text}");
        assert!(text.ends_with("::notice title=New::y%0D%0A::error::100 %25 wrong\n"), "{text}");
        assert_eq!(command("notice", "a:b,c", "d"), "::notice title=a%3Ab%2Cc::d\n");
    }
}
