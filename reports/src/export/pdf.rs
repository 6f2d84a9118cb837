//! PDF: the charts as vectors with embedded fonts, by svg2pdf. A page is as wide as a column of a paper, 8.5 cm.

use svg2pdf::{ConversionOptions, PageOptions};

use super::typeface::{failed, tree};
use crate::ReportError;

/// Width of a page.
const WIDTH_CM: f32 = 8.5;

const CM_PER_INCH: f32 = 2.54;

pub(super) fn pdf(svg: &str) -> Result<Vec<u8>, ReportError> {
    let tree = tree(svg)?;
    let dpi = tree.size().width() / (WIDTH_CM / CM_PER_INCH);
    svg2pdf::to_pdf(&tree, ConversionOptions::default(), PageOptions { dpi }).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chart, sample};

    #[test]
    fn is_one_page_of_a_column_with_its_font() {
        let pdf = pdf(&chart::footprint(&sample::results()).unwrap()).unwrap();
        let text = String::from_utf8_lossy(&pdf);
        assert!(text.starts_with("%PDF-1.") && text.trim_end().ends_with("%%EOF"));
        assert!(text.contains("DejaVuSans"), "the font is embedded");
        let (_, rest) = text.split_once("/MediaBox [").unwrap();
        let corners: Vec<f32> =
            rest.split(']').next().unwrap().split(' ').map(|corner| corner.parse().unwrap()).collect();
        assert!((corners[2] - 8.5 / 2.54 * 72.0).abs() < 0.1, "{corners:?}");
    }
}
