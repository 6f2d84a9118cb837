//! Headings by their level, and parts of the page that are closed until the reader opens them.

use maud::{Markup, PreEscaped, html};

/// The level of a heading: 1 is the page's title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level(u8);

impl Level {
    pub(super) const TWO: Level = Level(2);

    pub(super) fn below(self) -> Self {
        Level((self.0 + 1).min(6))
    }
}

pub(super) fn heading(Level(level): Level, text: &str) -> Markup {
    html! { (PreEscaped(format!("<h{level}>"))) (text) (PreEscaped(format!("</h{level}>"))) }
}

/// A part of the page below its heading. What is closed is not printed.
pub(super) fn part(id: &str, level: Level, title: &str, content: Markup) -> Markup {
    html! {
        details.part id=[(!id.is_empty()).then_some(id)] {
            summary { (heading(level, title)) }
            (content)
        }
    }
}
