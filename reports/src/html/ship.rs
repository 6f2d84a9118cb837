//! What to ship, first on the page: a card for each situation, and beside them what fails or goes on growing.

use maud::{Markup, html};

use super::heading::{Level, heading};
use super::theme::swatch;
use crate::recommendation::{Advice, LEGEND, Recommendation, SmallModule};

/// A recommendation, with its headings from this level on.
pub(super) fn ship(recommendation: &Recommendation, title: &str, level: Level) -> Markup {
    html! {
        section.ship {
            (heading(level, title))
            div.verdicts.advice {
                @for advice in &recommendation.advice { (card(advice, level.below())) }
                @if let Some(module) = &recommendation.small_module { (small_module(module, level.below())) }
                (avoid(recommendation, level.below()))
            }
            p.note {
                (LEGEND) " The reference is " (recommendation.reference) "."
                @for sentence in &recommendation.run { " " (sentence) }
            }
        }
    }
}

fn card(advice: &Advice, level: Level) -> Markup {
    let class = if advice.ship.is_empty() { "open" } else { "known" };
    html! {
        article class=(class) data-situation=(advice.situation.name()) {
            (heading(level, advice.situation.meaning()))
            @if let Some((first, others)) = advice.ship.split_first() {
                p.answer {
                    (swatch(first)) (first)
                    @if let Some(caveat) = &advice.caveat { span.caveat { ", but " (caveat) } }
                    @if !others.is_empty() { " " small { "or " (others.join(", ")) } }
                }
            }
            p { (advice.sentence) }
            @if !advice.details.is_empty() || advice.run.is_some() {
                p.more { (advice.details.iter().chain(&advice.run).map(String::as_str).collect::<Vec<_>>().join(" ")) }
            }
        }
    }
}

fn small_module(module: &SmallModule, level: Level) -> Markup {
    html! {
        article.known data-situation="small module" {
            (heading(level, "A small WebAssembly module"))
            p.answer { (swatch(&module.ship)) (module.ship) }
            p { (module.sentence) }
            @if !module.details.is_empty() { p.more { (module.details.join(" ")) } }
        }
    }
}

fn avoid(recommendation: &Recommendation, level: Level) -> Markup {
    let avoid = recommendation.avoid_sentences();
    html! {
        article class=(if avoid.is_empty() { "known" } else { "bad-news" }) data-situation="avoid" {
            (heading(level, "What fails, or grows like a leak"))
            @if avoid.is_empty() {
                p.answer { "None" }
                p { "No contender failed, and none is known to go on growing." }
            } @else {
                p.answer { "Avoid" }
                ul {
                    @for (names, sentence) in avoid { li { @for name in names { (swatch(name)) } (sentence) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Contender, Results};
    use crate::sample::{self, contender};

    fn of(contenders: Vec<Contender>) -> String {
        let results = Results { contenders, ..sample::empty() };
        ship(&Recommendation::of(&results), "What to ship", Level::TWO).into_string()
    }

    #[test]
    fn who_grows_is_never_in_an_answer_without_it() {
        let page = of(vec![
            contender("dlmalloc").fresh_ns(200).steady_ns(200).build(),
            contender("climber").grows_by(9).fresh_ns(100).steady_ns(100).build(),
        ]);
        let grows = "it grows by 9 pages each time the work repeats";
        for answer in page.split("class=\"answer\">").skip(1) {
            let answer = answer.split("</p>").next().unwrap();
            assert!(!answer.contains("climber") || answer.contains(grows), "{answer}");
        }
        assert!(page.contains(&format!("climber in a program that keeps running: {grows}.</li>")), "{page}");
    }

    #[test]
    fn where_nothing_is_known_the_card_says_what_to_run() {
        let page = of(vec![contender("a").failed_requests(1).build()]);
        assert!(!page.contains("class=\"known\""), "{page}");
        assert_eq!(page.matches("Give a larger --heap-limit.").count(), 3, "{page}");
        let fine = of(vec![contender("a").build(), contender("b").fresh_ns(900).steady_ns(900).build()]);
        assert!(fine.contains("No contender failed, and none is known to go on growing."), "{fine}");
    }
}
