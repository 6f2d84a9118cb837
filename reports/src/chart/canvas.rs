//! The sheet that charts are drawn on: sizes, texts and groups.

use std::cell::RefCell;
use std::ops::Deref;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::svg::{self, TAG_ROW, Tag};
use crate::ReportError;

/// Width of every chart, in its own pixels. Plotters draws in whole pixels, so the width is large; the viewer scales.
pub(super) const WIDTH: u32 = 1600;

/// Size of most text, in the same pixels: 6 points if the chart is as wide as a column of a paper (8.5 cm). No text is
/// smaller.
pub(super) const TEXT: f64 = 40.0;

/// Height of a line of such text.
pub(super) const LINE: i32 = 48;

/// Size of the chart's heading.
pub(super) const HEADING: f64 = 48.0;

/// Width of guide lines, which are never dashed.
pub(super) const HAIRLINE: u32 = 2;

/// Distance of texts from the edge.
pub(super) const EDGE: i32 = 24;

/// Ink for texts and axes, and softer inks for secondary elements.
pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(super) const SOFT: RGBColor = RGBColor(0x59, 0x59, 0x59);
pub(super) const GRID: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);

/// The classes of these inks in the SVG, for a page's style sheet.
const INKS: [(RGBColor, &str); 3] = [(INK, "ink"), (SOFT, "soft"), (GRID, "grid")];

/// The drawing area of plotters, with groups.
pub(super) struct Sheet<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    /// The tags, in the order of the pixels that stand for them.
    tags: RefCell<Vec<Tag>>,
}

impl<'a> Deref for Sheet<'a> {
    type Target = DrawingArea<SVGBackend<'a>, Shift>;

    fn deref(&self) -> &Self::Target {
        &self.area
    }
}

impl Sheet<'_> {
    /// Marks what is painted, including the name next to the line, as belonging to this contender: a page can switch it
    /// off.
    pub(super) fn contender(&self, name: &str, paint: impl FnOnce() -> Drawn) -> Drawn {
        self.group(vec![("class", "contender".into()), ("data-contender", name.into())], None, paint)
    }

    /// Gives what is painted this tooltip.
    pub(super) fn tip(&self, text: &str, paint: impl FnOnce() -> Drawn) -> Drawn {
        self.group(Vec::new(), Some(text.into()), paint)
    }

    /// Gives lines this dash pattern, in the order and unit of SVG; solid if empty.
    pub(super) fn dashed(&self, dashes: &str, paint: impl FnOnce() -> Drawn) -> Drawn {
        match dashes {
            "" => paint(),
            _ => self.group(vec![("stroke-dasharray", dashes.into())], None, paint),
        }
    }

    /// Paints into a group with these attributes. Control characters in them become U+FFFD.
    pub(super) fn group(
        &self,
        attributes: Vec<(&'static str, String)>,
        tip: Option<String>,
        paint: impl FnOnce() -> Drawn,
    ) -> Drawn {
        self.tag(Tag::Open { attributes, tip })?;
        paint()?;
        self.tag(Tag::Close)
    }

    fn tag(&self, tag: Tag) -> Drawn {
        let mut tags = self.tags.borrow_mut();
        tags.push(tag);
        self.area.draw_pixel((tags.len() as i32 - 1, TAG_ROW), &BLACK)
    }
}

/// The errors of drawing.
pub(super) type Failure = DrawingAreaErrorKind<std::io::Error>;
pub(super) type Drawn = Result<(), Failure>;

/// The texts of a chart for readers who cannot see it.
pub(super) struct Words {
    /// The subject: the trace.
    pub(super) subject: String,
    /// What the chart shows, as in [`super::Chart::title`] but within a sentence.
    pub(super) what: &'static str,
    /// The description in sentences, with the most important figures.
    pub(super) description: String,
}

impl Words {
    /// The title of the chart.
    pub(super) fn title(&self) -> String {
        format!("{}: {}", self.subject, self.what)
    }
}

/// Draws a chart of this height and makes it accessible.
pub(super) fn draw(words: &Words, height: u32, paint: impl FnOnce(&Sheet) -> Drawn) -> Result<String, ReportError> {
    let mut svg = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let sheet = Sheet { area, tags: RefCell::default() };
        paint(&sheet).and_then(|()| sheet.present()).map(|()| sheet.tags.take())
    };
    match drawn {
        Ok(tags) => Ok(svg::finish(&svg, (&words.title(), &words.description), &tags, &INKS)),
        Err(error) => Err(ReportError::Draw { chart: words.title(), message: error.to_string() }),
    }
}

/// Replaces a chart that lacks figures: its heading, and the reason.
pub(super) fn message(words: &Words, sentences: &[String]) -> Result<String, ReportError> {
    let room = f64::from(WIDTH as i32 - 2 * EDGE);
    let lines: Vec<String> = sentences.iter().flat_map(|sentence| wrap(sentence, TEXT, room)).collect();
    let height = 160 + LINE as u32 * lines.len() as u32;
    let svg = draw(words, height, |sheet| {
        heading(sheet, words)?;
        for (index, line) in lines.iter().enumerate() {
            text(sheet, line, (EDGE, 130 + LINE * index as i32), TEXT, SOFT, HPos::Left)?;
        }
        Ok(())
    })?;
    Ok(svg.replacen("<svg ", MESSAGE_BEGIN, 1))
}

/// The beginning of a message's SVG, which no chart has.
const MESSAGE_BEGIN: &str = "<svg class=\"message\" ";

/// The text of a message's SVG, as XML text; `None` for a chart.
pub(crate) fn message_of(svg: &str) -> Option<&str> {
    let (_, rest) = svg.starts_with(MESSAGE_BEGIN).then(|| svg.split_once("<desc>"))??;
    rest.split_once("</desc>").map(|(description, _)| description)
}

/// The chart's heading. If the text is too long, the name of the trace is cut.
pub(super) fn heading(sheet: &Sheet, words: &Words) -> Drawn {
    // Bold letters are wider.
    let size = HEADING * 1.1;
    let room = f64::from(WIDTH as i32 - 2 * EDGE) - text_width(": ", size) - text_width(words.what, size);
    let fitted = format!("{}: {}", fit(&words.subject, size, room), words.what);
    let style = font(HEADING)
        .style(FontStyle::Bold)
        .into_text_style(&**sheet)
        .color(&INK)
        .pos(Pos::new(HPos::Left, VPos::Center));
    sheet.draw_text(&fitted, &style, (EDGE, 44))
}

/// One line of text, vertically centred at its place.
pub(super) fn text(sheet: &Sheet, text: &str, place: (i32, i32), size: f64, ink: RGBColor, side: HPos) -> Drawn {
    if text.is_empty() {
        return Ok(());
    }
    let style = font(size).into_text_style(&**sheet).color(&ink).pos(Pos::new(side, VPos::Center));
    sheet.draw_text(text, &style, place)
}

/// The font of all texts, with this size in the SVG. Plotters divides sizes by 1.24 when it writes them.
pub(super) fn font(size: f64) -> FontDesc<'static> {
    FontDesc::new(FontFamily::SansSerif, size * 1.24, FontStyle::Normal)
}

/// The width of a text. No font is available to measure with, so this assumes DejaVu Sans, the widest font that viewers
/// commonly use.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().map(letter_width).sum::<f64>() * size
}

/// The widest text; empty if there is none.
pub(super) fn widest(texts: impl IntoIterator<Item = String>) -> String {
    let width = |text: &String| text_width(text, TEXT);
    texts.into_iter().max_by(|one, other| width(one).total_cmp(&width(other))).unwrap_or_default()
}

/// Width of a letter as a fraction of the font size.
fn letter_width(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 0.34,
        'f' | 'r' | 't' | '-' | '(' | ')' | '[' | ']' | '/' => 0.42,
        'w' | 'G' | 'O' | 'Q' | '+' | '=' | '<' | '>' => 0.84,
        'm' | 'M' | 'W' | '%' | '@' => 1.0,
        'A'..='Z' => 0.76,
        _ if letter.is_ascii() => 0.64,
        _ => 1.0,
    }
}

/// The text, or as much of its beginning as fits.
pub(super) fn fit(text: &str, size: f64, room: f64) -> String {
    if text_width(text, size) <= room {
        return text.to_string();
    }
    let mut free = room - text_width("...", size);
    let has_room = |letter: &char| {
        free -= letter_width(*letter) * size;
        free >= 0.0
    };
    let start: String = text.chars().take_while(has_room).collect();
    format!("{}...", start.trim_end())
}

/// The platform of a target triple: `native, 64-bit`.
pub(crate) fn platform(target: &str) -> String {
    let architecture = target.split('-').next().unwrap_or_default();
    let kind = if architecture.starts_with("wasm") { "Wasm" } else { "native" };
    let bits = if architecture.contains("64") || architecture == "s390x" { 64 } else { 32 };
    format!("{kind}, {bits}-bit")
}

/// Breaks text at blanks into lines that fit.
pub(super) fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line, size) + text_width(word, size) + text_width(" ", size) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(fit(word, size, room)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(subject: &str) -> Words {
        Words { subject: subject.into(), what: "nothing", description: "nothing <much>".into() }
    }

    #[test]
    fn a_message_has_its_title_and_lines() {
        let svg = message(&words("a & b"), &["First.".into(), "Second.".into()]).unwrap();
        assert_eq!(message_of(&svg), Some("nothing &lt;much&gt;"));
        assert_eq!(message_of(&draw(&words("a & b"), 100, |_| Ok(())).unwrap()), None);
        assert!(
            svg.starts_with(
                "<svg class=\"message\" role=\"img\" stroke-linejoin=\"round\" width=\"1600\" height=\"256\" viewBox=\"0 0 1600 256\""
            ),
            "{svg}"
        );
        for part in [
            "<title>a &amp; b: nothing</title>",
            "<desc>nothing &lt;much&gt;</desc>",
            "\na &amp; b: nothing\n",
            "\nFirst.\n",
            "\nSecond.\n",
        ] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
    }

    #[test]
    fn control_characters_do_not_reach_the_xml() {
        let svg = message(&words("a\u{1b}b"), &["c\u{0}d".into()]).unwrap();
        assert!(svg.contains("<title>a\u{FFFD}b: nothing</title>") && svg.contains("c\u{FFFD}d"));
        assert!(svg.chars().all(|character| character == '\n' || !character.is_control()));
    }

    #[test]
    fn the_platform_follows_from_the_target() {
        assert_eq!(platform("aarch64-apple-darwin"), "native, 64-bit");
        assert_eq!(platform("i686-unknown-linux-gnu"), "native, 32-bit");
        assert_eq!(platform("wasm32-unknown-unknown"), "Wasm, 32-bit");
    }

    #[test]
    fn text_is_cut_and_wrapped_to_fit() {
        let room = text_width("twelve chars", TEXT);
        assert_eq!(fit("twelve chars", TEXT, room), "twelve chars");
        assert_eq!(fit("thirteen chars", TEXT, room), "thirteen ch...");
        assert_eq!(wrap("one two three four five", TEXT, room), ["one two", "three four", "five"]);
        assert_eq!(text_width("ab", 10.0), 12.8);
        assert!(text_width("ill", TEXT) < text_width("mum", TEXT) / 2.0);
    }
}
