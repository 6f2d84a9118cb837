//! PNG: the charts in their natural size in pixels, by resvg.

use resvg::tiny_skia::{Pixmap, Transform};

use super::typeface::{failed, tree};
use crate::ReportError;

pub(super) fn png(svg: &str) -> Result<Vec<u8>, ReportError> {
    let tree = tree(svg)?;
    let size = tree.size().to_int_size();
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or_else(|| failed(&"it has no size"))?;
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chart, sample};

    fn pixels(svg: &str) -> Pixmap {
        Pixmap::decode_png(&png(svg).unwrap()).unwrap()
    }

    #[test]
    fn has_the_size_of_the_chart() {
        let pixels = pixels(&chart::footprint(&sample::results()).unwrap());
        assert_eq!(pixels.width(), 1600);
        assert!(pixels.height() > 800);
    }

    /// A text without a font would be omitted silently: letters must leave ink, and bold letters more of it.
    #[test]
    fn texts_are_ink() {
        let ink = |weight: &str, text: &str| {
            let svg = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"400\" height=\"60\"><text x=\"5\" y=\"40\" \
                 font-family=\"sans-serif\" font-size=\"34\" font-weight=\"{weight}\">{text}</text></svg>"
            );
            pixels(&svg).pixels().iter().map(|pixel| u64::from(pixel.alpha())).sum::<u64>()
        };
        assert_eq!(ink("normal", ""), 0);
        let normal = ink("normal", "peak × 1–2 KiB");
        assert!(normal > 100_000, "{normal}");
        assert!(ink("bold", "peak × 1–2 KiB") > normal * 5 / 4);
    }

    #[test]
    fn malformed_svg_is_an_error() {
        assert!(png("<svg").unwrap_err().to_string().contains("cannot convert"));
    }
}
