//! Heap sizes as given by the user: the maximum size, and the page size.

use std::str::FromStr;

use heaprace_allocators::PageSize;
use heaprace_allocators::page_size::PageSizeError;

/// A larger limit is probably a mistake, and that much address space is not available everywhere.
const LARGEST_LIMIT_BYTES: usize = 64 << 30;

/// The maximum size of a heap: in bytes, or in pages of any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeapLimit {
    /// As many whole pages as fit into this many bytes.
    Bytes(usize),
    /// This many pages.
    Pages(usize),
}

impl FromStr for HeapLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let scale = match unit.as_str() {
            "page" | "pages" => None,
            unit => Some(scale(unit).ok_or("a limit is a number and a unit: KiB, MiB, GiB or pages")?),
        };
        let limit = match (number.parse().ok(), scale) {
            (Some(pages), None) => Some(HeapLimit::Pages(pages)),
            (Some(number), Some(scale)) => scale.checked_mul(number).map(HeapLimit::Bytes),
            (None, _) => None,
        };
        limit.ok_or_else(|| "the number is missing, or too large".to_owned())
    }
}

impl HeapLimit {
    /// The limit in whole pages of this size.
    ///
    /// # Errors
    ///
    /// If the limit is less than one page, or more than 64 GiB.
    pub fn pages(self, page: PageSize) -> Result<usize, String> {
        let pages = match self {
            HeapLimit::Bytes(bytes) => bytes / page.bytes(),
            HeapLimit::Pages(pages) => pages,
        };
        match pages {
            0 => Err(format!("the limit is less than one page of {page}")),
            _ if pages > LARGEST_LIMIT_BYTES / page.bytes() => Err("the largest limit is 64GiB".to_owned()),
            _ => Ok(pages),
        }
    }
}

/// Parses an amount of memory in bytes.
///
/// # Errors
///
/// If the text is not a number with a unit, or is 0.
pub fn parse_memory(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let scale = scale(&unit).ok_or("memory is a number and a unit: KiB, MiB or GiB")?;
    let bytes = number.parse().ok().and_then(|number: usize| number.checked_mul(scale)).filter(|&bytes| bytes > 0);
    bytes.map(|bytes| bytes as u64).ok_or_else(|| "the number is missing, 0, or too large".to_owned())
}

/// Parses a page size.
///
/// # Errors
///
/// If the text is not a page size.
pub fn parse_page_size(text: &str) -> Result<PageSize, String> {
    let (number, unit) = split(text);
    let scale = if matches!(unit.as_str(), "" | "b") { Some(1) } else { scale(&unit) };
    let bytes = number.parse().ok().zip(scale).and_then(|(number, scale): (usize, usize)| number.checked_mul(scale));
    let bytes = bytes.ok_or("a page size is a number of bytes, KiB or MiB: a power of two from 256 to 2MiB")?;
    PageSize::from_bytes(bytes).map_err(|error: PageSizeError| error.to_string())
}

/// The leading digits of a text, and the rest in lower case.
fn split(text: &str) -> (&str, String) {
    let digits = text.len() - text.trim_start_matches(|character: char| character.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    (number, unit.trim().to_ascii_lowercase())
}

fn scale(unit: &str) -> Option<usize> {
    match unit {
        "k" | "kib" => Some(1 << 10),
        "m" | "mib" => Some(1 << 20),
        "g" | "gib" => Some(1 << 30),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(text: &str, page: PageSize) -> Result<usize, String> {
        text.parse::<HeapLimit>()?.pages(page)
    }

    #[test]
    fn a_heap_limit_has_a_unit() {
        let wasm = PageSize::WASM;
        for (text, expected) in
            [("1page", 1), ("100 pages", 100), ("16MiB", 256), ("16m", 256), ("1gib", 16_384), ("100KiB", 1)]
        {
            assert_eq!(pages(text, wasm), Ok(expected), "{text}");
        }
        let too_large = usize::MAX.to_string() + "pages";
        for text in [
            "",
            "16",
            "MiB",
            "-1MiB",
            "16MB",
            "1KiB",
            "0pages",
            "99999999999999999999GiB",
            "65GiB",
            "1.5MiB",
            &too_large,
        ] {
            assert!(pages(text, wasm).is_err(), "{text}");
        }
    }

    #[test]
    fn a_heap_limit_in_bytes_does_not_depend_on_the_page_size() {
        for bytes in [256, 4096, 2 << 20] {
            let page = PageSize::from_bytes(bytes).unwrap();
            assert_eq!(pages("4GiB", page), Ok((4 << 30) / bytes));
            assert_eq!(pages("7pages", page), Ok(7));
            assert_eq!(pages("64GiB", page), Ok((64 << 30) / bytes));
        }
        assert!(pages("1MiB", PageSize::MAX).unwrap_err().contains("2 MiB"));
        assert_eq!(pages("1KiB", PageSize::MIN), Ok(4));
    }

    #[test]
    fn an_amount_of_memory_has_a_unit() {
        assert_eq!(parse_memory("512MiB"), Ok(512 << 20));
        assert_eq!(parse_memory("3 g"), Ok(3 << 30));
        for text in ["", "512", "MiB", "0MiB", "-1GiB", "1pages", "99999999999999999999GiB", "99999999999999GiB"] {
            assert!(parse_memory(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_page_size_is_a_power_of_two_in_bytes() {
        for (text, bytes) in [
            ("256", 256),
            ("4096", 4096),
            ("4096 B", 4096),
            ("4K", 4096),
            ("64KiB", 65_536),
            ("1m", 1 << 20),
            ("2 MiB", 2 << 20),
        ] {
            assert_eq!(parse_page_size(text).map(PageSize::bytes), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "KiB",
            "-4096",
            "128",
            "5000",
            "3KiB",
            "4MiB",
            "1GiB",
            "4KB",
            "1.5KiB",
            "1page",
            "99999999999999999999",
        ] {
            let message = parse_page_size(text).unwrap_err();
            assert!(message.contains("power of two from 256"), "{text}: {message}");
        }
    }
}
