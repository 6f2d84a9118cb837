//! Numbers for readers: grouped digits, no more digits than the figure supports, and units that fit.

const KIB: u64 = 1 << 10;

/// The binary units of bytes, largest first.
const UNITS: [(u64, &str); 5] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (KIB, "KiB"), (1, "B")];

/// Decimal digits in groups of three: `1,310,720`.
///
/// ```
/// assert_eq!(heaprace_reports::numbers::grouped(1_310_720), "1,310,720");
/// ```
pub fn grouped(number: u64) -> String {
    group(&number.to_string())
}

/// Puts a comma before every third digit of a string of digits, counted from its end.
fn group(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Decimals for about three significant digits: 2 below 10, 1 below 100, else none.
pub(crate) fn decimals(value: f64) -> usize {
    match value.abs() {
        size if size < 9.995 => 2,
        size if size < 99.95 => 1,
        _ => 0,
    }
}

/// The value with this many decimals, its whole part grouped: `1,445.3`. From ten million on in powers of ten
/// (`6.7e7`). A dash if it is not finite, such as a ratio for a trace that never holds a byte.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    if value.abs() >= 1e7 {
        return format!("{value:.1e}");
    }
    let text = format!("{:.decimals$}", value.abs());
    let sign = if value < 0.0 && text.contains(|digit| ('1'..='9').contains(&digit)) { "-" } else { "" };
    match text.split_once('.') {
        Some((whole, part)) => format!("{sign}{}.{part}", group(whole)),
        None => format!("{sign}{}", group(&text)),
    }
}

/// The same for a number that may be negative: `-1,234`.
pub fn signed(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(number.unsigned_abs()))
}

/// The value with about three significant digits: `1.23`, `18.5`, `1,445`.
///
/// ```
/// assert_eq!(heaprace_reports::numbers::short(18.54), "18.5");
/// ```
pub fn short(value: f64) -> String {
    fixed(value, decimals(value))
}

/// The largest unit that the number of bytes reaches, and its size: `(1_048_576, "MiB")`.
pub(crate) fn unit_for(bytes: f64) -> (u64, &'static str) {
    UNITS.into_iter().find(|&(size, _)| bytes >= size as f64).unwrap_or((1, "B"))
}

/// A number of bytes with about three significant digits and its unit: `1.25 MiB`, `64 KiB`. Not exact: for charts and
/// headings.
///
/// ```
/// assert_eq!(heaprace_reports::numbers::bytes(65_536), "64 KiB");
/// ```
pub fn bytes(bytes: u64) -> String {
    let (size, unit) = unit_for(bytes as f64);
    let digits = if bytes.is_multiple_of(size) { grouped(bytes / size) } else { short(bytes as f64 / size as f64) };
    format!("{digits} {unit}")
}

/// The unit in which all these numbers of bytes are whole: KiB if it is exact, as for pages, else B.
pub(crate) fn exact_unit(all_bytes: impl IntoIterator<Item = u64>) -> (u64, &'static str) {
    if all_bytes.into_iter().all(|bytes| bytes.is_multiple_of(KIB)) { (KIB, "KiB") } else { (1, "B") }
}

/// A count with its noun: `1 page`, `2 pages`.
///
/// ```
/// assert_eq!(heaprace_reports::numbers::count(2, "page"), "2 pages");
/// ```
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_in_threes() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (65_536, "65,536"), (u64::MAX, "18,446,744,073,709,551,615")]
        {
            assert_eq!(grouped(number), text);
        }
        assert_eq!((count(1, "page").as_str(), count(4711, "event").as_str()), ("1 page", "4,711 events"));
    }

    #[test]
    fn figures_keep_about_three_digits() {
        for (value, text) in [
            (0.0, "0.00"),
            (1.234, "1.23"),
            (9.994, "9.99"),
            (9.996, "10.0"),
            (18.54, "18.5"),
            (99.96, "100"),
            (1445.3, "1,445"),
            (272_966.7, "272,967"),
            (67_108_864.0, "6.7e7"),
            (-18.54, "-18.5"),
            (-0.001, "0.00"),
            (f64::INFINITY, "–"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(short(value), text);
        }
        assert_eq!(fixed(1502.84, 1), "1,502.8");
    }

    #[test]
    fn bytes_have_the_unit_that_fits() {
        for (number, text) in [
            (0, "0 B"),
            (24, "24 B"),
            (1023, "1,023 B"),
            (65_536, "64 KiB"),
            (1_310_720, "1.25 MiB"),
            (4 << 30, "4 GiB"),
            (3 << 40, "3 TiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
        assert_eq!(exact_unit([65_536, 131_072]), (1024, "KiB"));
        assert_eq!(exact_unit([65_536, 1000]), (1, "B"));
    }
}
