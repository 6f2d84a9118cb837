//! Parts of the page that are not shown at first, compressed: the charts and tables of twenty traces are megabytes of
//! text that a reader may never look at.
//!
//! The browser unpacks them itself, without a network or a library. gzip leaves an eighth of the text, and base64 adds
//! a third to that.

use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use maud::{Markup, html};

/// An element that page.js replaces by this markup.
pub(super) fn packed(markup: Markup) -> Markup {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(markup.into_string().as_bytes()).and_then(|()| encoder.finish());
    let bytes = written.expect("memory takes all that is written into it");
    html! { script.packed type="text/plain" { (BASE64_STANDARD.encode(bytes)) } }
}

#[cfg(test)]
mod tests {
    use maud::PreEscaped;

    use super::*;

    #[test]
    fn what_repeats_takes_little_room() {
        let markup = "<path d=\"M1 2h3v4\"/>".repeat(1000);
        let length = markup.len();
        let packed = packed(PreEscaped(markup)).into_string();
        assert!(packed.len() < length / 50 && packed.contains(">H4sI"), "{packed}");
    }
}
