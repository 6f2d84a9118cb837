//! Parts of the page that are not shown at first, packed: the charts of twenty traces are megabytes of text that one may never look at.
//!
//! The browser unpacks them itself, without a network or a library; gzip makes an eighth of the text, and base64 a third more of that.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// An element that page.js puts this HTML in the place of.
pub(super) fn packed(html: &str) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(html.as_bytes()).and_then(|()| encoder.finish());
    let bytes = written.expect("memory takes all that is written into it");
    format!("<script type=\"text/plain\" class=\"packed\">{}</script>\n", base64(&bytes))
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 4648.
    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn what_repeats_takes_little_room() {
        let html = "<path d=\"M1 2h3v4\"/>".repeat(1000);
        let packed = packed(&html);
        assert!(packed.len() < html.len() / 50 && packed.contains(">H4sI"), "{packed}");
    }
}
