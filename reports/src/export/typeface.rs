//! Charts with their texts laid out in DejaVu Sans. The font is part of the build: nothing needs to be installed, and
//! charts look the same everywhere.

use std::sync::Arc;

use crate::ReportError;

/// The version of usvg that both the PDF and the PNG writer use.
#[cfg(feature = "pdf")]
pub(super) use svg2pdf::usvg;

#[cfg(not(feature = "pdf"))]
pub(super) use resvg::usvg;

/// Parses a chart.
pub(super) fn tree(svg: &str) -> Result<usvg::Tree, ReportError> {
    let mut fonts = usvg::fontdb::Database::new();
    for font in [dejavu::sans::regular(), dejavu::sans::bold()] {
        fonts.load_font_source(usvg::fontdb::Source::Binary(Arc::new(font)));
    }
    // The charts ask for `sans-serif`, for which browsers have a good font of their own.
    fonts.set_sans_serif_family("DejaVu Sans");
    let options = usvg::Options { fontdb: Arc::new(fonts), font_family: "DejaVu Sans".into(), ..Default::default() };
    usvg::Tree::from_str(svg, &options).map_err(|error| failed(&error))
}

/// The error for a chart that could not be converted.
pub(super) fn failed(error: &dyn std::fmt::Display) -> ReportError {
    ReportError::Convert { message: error.to_string() }
}
