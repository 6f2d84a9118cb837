//! The sheet that charts are drawn on: its sizes, its texts, and what makes plotters' SVG accessible.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::palette;
use crate::ReportError;

/// Width of every chart, in pixels of its own. Plotters draws in whole pixels, so there must be many; the viewer scales.
pub(super) const WIDTH: u32 = 1600;

/// Size of most text, in the same pixels: 5 points where the chart is one column of paper (8.5 cm) wide.
pub(super) const TEXT: f64 = 34.0;

/// Size of the chart's heading.
pub(super) const HEADING: f64 = 42.0;

/// Width of lines that guide the eye, and are never dashed.
pub(super) const HAIRLINE: u32 = 2;

/// Distance of texts from the edge.
pub(super) const EDGE: i32 = 24;

/// Ink for texts and axes, and the softer ones for what stands back.
pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(super) const SOFT: RGBColor = RGBColor(0x59, 0x59, 0x59);
pub(super) const GRID: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);

/// The sheet as plotters draws on it.
pub(super) type Sheet<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// What drawing can end with.
pub(super) type Failure = DrawingAreaErrorKind<std::io::Error>;
pub(super) type Drawn = Result<(), Failure>;

/// What a chart says of itself to those who cannot see it.
pub(super) struct Words {
    /// What it is of: the trace.
    pub(super) subject: String,
    /// What it shows, as in [`super::Chart::title`] but within a sentence.
    pub(super) what: &'static str,
    /// The same in sentences, with the figures that matter most.
    pub(super) description: String,
}

impl Words {
    /// The name of the chart.
    fn title(&self) -> String {
        format!("{}: {}", self.subject, self.what)
    }
}

/// Draws a chart of this height and makes it accessible.
pub(super) fn draw(words: &Words, height: u32, paint: impl FnOnce(&Sheet) -> Drawn) -> Result<String, ReportError> {
    let mut svg = String::new();
    let drawn = {
        let sheet = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        sheet.fill(&WHITE).and_then(|()| paint(&sheet)).and_then(|()| sheet.present())
    };
    drawn.map_err(|error| ReportError::Draw { chart: words.title(), message: error.to_string() })?;
    Ok(finish(&svg, words))
}

/// A chart that could not be drawn for want of figures: its heading, and why there is nothing to see.
pub(super) fn message(words: &Words, sentences: &[String]) -> Result<String, ReportError> {
    let room = f64::from(WIDTH as i32 - 2 * EDGE);
    let lines: Vec<String> = sentences.iter().flat_map(|sentence| wrap(sentence, TEXT, room)).collect();
    let height = 160 + 48 * lines.len() as u32;
    draw(words, height, |sheet| {
        heading(sheet, words)?;
        for (index, line) in lines.iter().enumerate() {
            text(sheet, line, (EDGE, 130 + 48 * index as i32), TEXT, SOFT, HPos::Left)?;
        }
        Ok(())
    })
}

/// The chart's heading. Where the name of the trace is too long, it is the name that is cut.
pub(super) fn heading(sheet: &Sheet, words: &Words) -> Drawn {
    // Bold letters are wider.
    let size = HEADING * 1.1;
    let room = f64::from(WIDTH as i32 - 2 * EDGE) - text_width(": ", size) - text_width(words.what, size);
    let fitted = format!("{}: {}", fit(&words.subject, size, room), words.what);
    let style =
        font(HEADING).style(FontStyle::Bold).into_text_style(sheet).color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
    sheet.draw_text(&fitted, &style, (EDGE, 44))
}

/// One line of text, centred on the height of its place.
pub(super) fn text(sheet: &Sheet, text: &str, place: (i32, i32), size: f64, ink: RGBColor, side: HPos) -> Drawn {
    let style = font(size).into_text_style(sheet).color(&ink).pos(Pos::new(side, VPos::Center));
    sheet.draw_text(text, &style, place)
}

/// The font of all texts, of this size in the SVG. Plotters divides sizes by 1.24 when it writes them.
pub(super) fn font(size: f64) -> FontDesc<'static> {
    FontDesc::new(FontFamily::SansSerif, size * 1.24, FontStyle::Normal)
}

/// The room that a text needs. No font is at hand to measure with, so this is for a wide one.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.6
}

/// The text, or as much of its beginning as has room.
pub(super) fn fit(text: &str, size: f64, room: f64) -> String {
    if text_width(text, size) <= room {
        return text.to_string();
    }
    let kept = (room / text_width("m", size)) as usize;
    let start: String = text.chars().take(kept.saturating_sub(3)).collect();
    format!("{}...", start.trim_end())
}

/// What a target triple says of the figures: `native, 64-bit`.
pub(super) fn platform(target: &str) -> String {
    let architecture = target.split('-').next().unwrap_or_default();
    let kind = if architecture.starts_with("wasm") { "Wasm" } else { "native" };
    let bits = if architecture.contains("64") || architecture == "s390x" { 64 } else { 32 };
    format!("{kind}, {bits}-bit")
}

/// Breaks text at blanks into lines that have room.
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

/// Adds what plotters has no words for: a name and a description for screen readers, dashes, and round corners.
fn finish(svg: &str, words: &Words) -> String {
    let mut finished = String::with_capacity(svg.len() + 1024);
    for line in svg.lines() {
        if let Some(attributes) = line.strip_prefix("<svg ") {
            finished += &format!("<svg role=\"img\" {attributes}\n");
            finished += &format!("<title>{}</title>\n", escape(&words.title()));
            finished += &format!("<desc>{}</desc>\n", escape(&words.description));
        } else if let Some(attributes) = line.strip_prefix("<polyline ") {
            let hairline = attribute(attributes, "stroke-width") == Some(HAIRLINE.to_string().as_str());
            let color = attribute(attributes, "stroke").filter(|_| !hairline);
            let dashes = color.and_then(palette::dashes_of);
            let dashes = dashes.map(|dashes| format!("stroke-dasharray=\"{dashes}\" ")).unwrap_or_default();
            finished += &format!("<polyline stroke-linejoin=\"round\" {dashes}{attributes}\n");
        } else {
            finished += line;
            finished.push('\n');
        }
    }
    // A control character, which a name may have brought in, is not allowed in XML, escaped or not.
    let allowed = |character: char| character == '\n' || !character.is_control();
    finished.chars().map(|character| if allowed(character) { character } else { '\u{FFFD}' }).collect()
}

/// The value of an attribute of a tag.
fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = attributes.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(subject: &str) -> Words {
        Words { subject: subject.into(), what: "nothing", description: "nothing <much>".into() }
    }

    #[test]
    fn a_message_says_its_lines_and_who_it_is() {
        let svg = message(&words("a & b"), &["First.".into(), "Second.".into()]).unwrap();
        assert!(svg.starts_with("<svg role=\"img\" width=\"1600\" height=\"256\" viewBox=\"0 0 1600 256\""), "{svg}");
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
    fn lines_dash_by_their_colour() {
        let svg = "<svg >\n<polyline fill=\"none\" stroke=\"#E69F00\" points=\"1,2 \"/>\n\
                   <polyline fill=\"none\" stroke=\"#D55E00\"/>\n\
                   <polyline fill=\"none\" stroke=\"#E69F00\" stroke-width=\"2\"/>\n</svg>\n";
        let finished = finish(svg, &words("t"));
        assert!(finished.contains("<polyline stroke-linejoin=\"round\" stroke-dasharray=\"14 10\" fill=\"none\""));
        assert_eq!(finished.matches("dasharray").count(), 1, "neither solid lines nor hairlines: {finished}");
    }

    #[test]
    fn control_characters_do_not_reach_the_xml() {
        let svg = message(&words("a\u{1b}b"), &["c\u{0}d".into()]).unwrap();
        assert!(svg.contains("<title>a\u{FFFD}b: nothing</title>") && svg.contains("c\u{FFFD}d"));
        assert!(svg.chars().all(|character| character == '\n' || !character.is_control()));
    }

    #[test]
    fn the_platform_is_that_of_the_target() {
        assert_eq!(platform("aarch64-apple-darwin"), "native, 64-bit");
        assert_eq!(platform("i686-unknown-linux-gnu"), "native, 32-bit");
        assert_eq!(platform("wasm32-unknown-unknown"), "Wasm, 32-bit");
    }

    #[test]
    fn text_is_cut_and_broken_to_its_room() {
        let room = text_width("twelve chars", TEXT);
        assert_eq!(fit("twelve chars", TEXT, room), "twelve chars");
        assert_eq!(fit("thirteen char", TEXT, room), "thirteen...");
        assert_eq!(wrap("one two three four five", TEXT, room), ["one two", "three four", "five"]);
    }
}
