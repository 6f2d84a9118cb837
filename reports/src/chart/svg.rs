//! SVG features that plotters lacks: groups, tooltips, a title and a description for screen readers, and classes for a
//! page's style sheet.
//!
//! Plotters writes one element per line and has no groups. To begin or end a group, a chart draws a pixel far outside
//! the sheet (its column is the index of a [`Tag`]), and [`finish`] replaces the pixel with the tag.

use plotters::style::RGBColor;

use super::palette;

/// The row of pixels that stand for tags, far beyond any chart.
pub(super) const TAG_ROW: i32 = -2_000_000_000;

/// The meaning of a pixel in [`TAG_ROW`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// Begins a group, with its attributes, and its tooltip if it has one.
    Open { attributes: Vec<(&'static str, String)>, tip: Option<String> },
    /// Ends the innermost group.
    Close,
}

impl Tag {
    fn text(&self) -> String {
        match self {
            Tag::Close => "</g>".into(),
            Tag::Open { attributes, tip } => {
                let mut text = "<g".to_string();
                for (name, value) in attributes {
                    text += &format!(" {name}=\"{}\"", escape(value));
                }
                match tip {
                    // The attribute is for the HTML page, the element for viewers of the bare SVG.
                    Some(tip) => text + &format!(" data-tip=\"{0}\"><title>{0}</title>", escape(tip)),
                    None => text + ">",
                }
            }
        }
    }
}

/// Turns plotters' SVG into a finished chart: with a name and a description, groups in place of the pixels of `tags`, and
/// the classes of these inks.
pub(super) fn finish(
    svg: &str,
    (name, description): (&str, &str),
    tags: &[Tag],
    inks: &[(RGBColor, &'static str)],
) -> String {
    let mut finished = String::with_capacity(svg.len() + 1024);
    let classes: Vec<_> = inks.iter().map(|&(color, class)| (palette::hex(color), class)).collect();
    // Tiles of a map: consecutive rectangles of one colour, which a single path draws in a tenth of the bytes.
    let mut tiles = Tiles::default();
    for line in svg.lines() {
        if tiles.take(line) {
            continue;
        }
        tiles.flush_into(&mut finished);
        if tiles.take(line) {
            continue;
        }
        if let Some(attributes) = line.strip_prefix("<svg ") {
            finished += &format!("<svg role=\"img\" stroke-linejoin=\"round\" {attributes}\n");
            finished += &format!("<title>{}</title>\n", escape(name));
            finished += &format!("<desc>{}</desc>\n", escape(description));
            finished += "<rect class=\"sheet\" width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>\n";
        } else if let Some(tag) = tag_of(line, tags) {
            finished += &tag.text();
            finished.push('\n');
        } else {
            finished += &classed(line, &classes);
            finished.push('\n');
        }
    }
    // XML allows no control character, escaped or not, and a name may contain one.
    let allowed = |character: char| character == '\n' || !character.is_control();
    finished.chars().map(|character| if allowed(character) { character } else { '\u{FFFD}' }).collect()
}

fn tag_of<'a>(line: &str, tags: &'a [Tag]) -> Option<&'a Tag> {
    let attributes = line.strip_prefix("<rect")?;
    let in_row = attribute(attributes, "y")?.parse() == Ok(TAG_ROW);
    if in_row { tags.get(attribute(attributes, "x")?.parse::<usize>().ok()?) } else { None }
}

/// The element with the class of its ink, and without a redundant opacity.
fn classed(line: &str, classes: &[(String, &'static str)]) -> String {
    if !line.starts_with('<') {
        return line.to_string();
    }
    let line = line.replacen(" opacity=\"1\"", "", 1);
    let color = [attribute(&line, "stroke"), attribute(&line, "fill")].into_iter().flatten().find(|&ink| ink != "none");
    let class = color.and_then(|color| classes.iter().find(|(known, _)| known == color));
    match (class, line.split_once(' ')) {
        (Some((_, class)), Some((element, attributes))) => format!("{element} class=\"{class}\" {attributes}"),
        _ => line,
    }
}

/// Consecutive filled rectangles of one colour.
#[derive(Default)]
struct Tiles {
    color: String,
    path: String,
    count: usize,
    /// Upper left corner of the last rectangle.
    last: (i32, i32),
    /// The first rectangle, unchanged: a single rectangle stays one.
    first: String,
}

impl Tiles {
    /// Takes the line if it is a rectangle that continues these tiles, or starts new ones.
    fn take(&mut self, line: &str) -> bool {
        let Some(attributes) = line.strip_prefix("<rect") else { return false };
        let value = |name| attribute(attributes, name);
        let whole = |name| value(name).and_then(|text| text.parse::<i32>().ok());
        let (Some(color), Some("none"), Some("1")) = (value("fill"), value("stroke"), value("opacity")) else {
            return false;
        };
        let (Some(x), Some(y), Some(width), Some(height)) = (whole("x"), whole("y"), whole("width"), whole("height"))
        else {
            return false;
        };
        if y == TAG_ROW || (self.count > 0 && self.color != color) {
            return false;
        }
        if self.count == 0 {
            self.color = color.to_string();
            self.first = line.to_string();
        }
        // Relative to the corner where the last rectangle began and ended.
        let (from_x, from_y) = self.last;
        self.path += &format!("m{} {}h{width}v{height}h-{width}z", x - from_x, y - from_y);
        self.last = (x, y);
        self.count += 1;
        true
    }

    fn flush_into(&mut self, svg: &mut String) {
        match self.count {
            0 => return,
            1 => *svg += &self.first.replacen(" opacity=\"1\"", "", 1),
            _ => *svg += &format!("<path shape-rendering=\"crispEdges\" fill=\"{}\" d=\"{}\"/>", self.color, self.path),
        }
        svg.push('\n');
        *self = Tiles::default();
    }
}

/// The value of an attribute of a tag.
pub(crate) fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finish(svg: &str, tags: &[Tag]) -> String {
        let inks = [(RGBColor(0x22, 0x22, 0x22), "ink"), (RGBColor(0xDD, 0xDD, 0xDD), "grid")];
        super::finish(&format!("<svg >\n{svg}\n</svg>\n"), ("t: nothing", "nothing <much>"), tags, &inks)
    }

    fn pixel(index: usize) -> String {
        format!(
            "<rect x=\"{index}\" y=\"{TAG_ROW}\" width=\"1\" height=\"1\" stroke=\"none\" opacity=\"1\" fill=\"#000000\"/>"
        )
    }

    #[test]
    fn tags_replace_their_pixels() {
        let open = Tag::Open { attributes: vec![("data-contender", "a<\"b".into())], tip: Some("1 & 2".into()) };
        let svg = finish(&[pixel(0), "<line stroke=\"#123456\"/>".into(), pixel(1)].join("\n"), &[open, Tag::Close]);
        let group = "<g data-contender=\"a&lt;&quot;b\" data-tip=\"1 &amp; 2\"><title>1 &amp; 2</title>\n\
                     <line stroke=\"#123456\"/>\n</g>\n</svg>\n";
        assert!(svg.ends_with(group), "{svg}");
        assert!(!svg.contains(&TAG_ROW.to_string()));
    }

    #[test]
    fn inks_have_classes() {
        let svg = finish(
            "<text opacity=\"1\" fill=\"#222222\">\n<text\n</text>\n<line stroke=\"#DDDDDD\"/>\n<line stroke=\"#DDDDDE\"/>",
            &[],
        );
        let classed = "<text class=\"ink\" fill=\"#222222\">\n<text\n</text>\n<line class=\"grid\" stroke=\"#DDDDDD\"/>\n<line stroke=\"#DDDDDE\"/>\n";
        assert!(svg.contains(classed), "{svg}");
    }

    #[test]
    fn tiles_of_one_colour_become_one_path() {
        let tile = |x: i32, color: &str| {
            format!("<rect x=\"{x}\" y=\"5\" width=\"2\" height=\"3\" opacity=\"1\" fill=\"{color}\" stroke=\"none\"/>")
        };
        let svg = finish(&[tile(0, "#AA0000"), tile(2, "#AA0000"), tile(4, "#BB0000")].join("\n"), &[]);
        let expected = "<path shape-rendering=\"crispEdges\" fill=\"#AA0000\" d=\"m0 5h2v3h-2zm2 0h2v3h-2z\"/>\n\
                        <rect x=\"4\" y=\"5\" width=\"2\" height=\"3\" fill=\"#BB0000\" stroke=\"none\"/>\n</svg>\n";
        assert!(svg.ends_with(expected), "{svg}");
    }
}
