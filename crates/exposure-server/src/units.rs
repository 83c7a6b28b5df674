//! Sizes and spans of time as people write them: `4GiB`, `400d`.

use std::time::Duration;

const SIZES: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const SPANS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// The bytes of a size such as `16MiB`; a number alone is bytes.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let expected = "give a whole number and B, KiB, MiB, GiB or TiB, such as 4GiB";
    parse(text, &SIZES, "B").ok_or_else(|| expected.to_owned())
}

/// A size in the largest unit that is exact.
pub(crate) fn show_size(bytes: u64) -> String {
    show(bytes, &SIZES)
}

/// A span such as `400d` or `250ms`.
pub(crate) fn parse_span(text: &str) -> Result<Duration, String> {
    let expected = "give a whole number and ms, s, m, h or d, such as 30s";
    let millis = parse(text, &SPANS, if text == "0" { "ms" } else { "" });
    millis.map(Duration::from_millis).ok_or_else(|| expected.to_owned())
}

/// A span in the largest unit that is exact.
pub(crate) fn show_span(span: Duration) -> String {
    show(u64::try_from(span.as_millis()).unwrap_or(u64::MAX), &SPANS)
}

fn parse(text: &str, units: &[(&str, u64)], unit_of_none: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.trim_start();
    let unit = if unit.is_empty() { unit_of_none } else { unit };
    let (_, factor) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn show(value: u64, units: &[(&str, u64)]) -> String {
    let exact = units.iter().find(|(_, factor)| value != 0 && value.is_multiple_of(*factor));
    let (unit, factor) = exact.or(units.last()).copied().unwrap_or(("", 1));
    format!("{}{unit}", value / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_read_back() {
        for (text, bytes) in [("4GiB", 4 << 30), ("16 mib", 16 << 20), ("77", 77), ("0", 0)] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
            assert_eq!(parse_size(&show_size(bytes)), Ok(bytes), "{text}");
        }
        for (text, millis) in [("400d", 34_560_000_000), ("10s", 10_000), ("250ms", 250), ("0", 0)]
        {
            let span = Duration::from_millis(millis);
            assert_eq!(parse_span(text), Ok(span), "{text}");
            assert_eq!(parse_span(&show_span(span)), Ok(span), "{text}");
        }
    }

    #[test]
    fn what_is_neither_says_what_would_be() {
        for text in ["", "GiB", "4 potatoes", "-1B", "1.5GiB", "99999999999TiB"] {
            assert!(parse_size(text).unwrap_err().contains("4GiB"), "{text}");
        }
        for text in ["", "10", "10 years", "99999999999999d"] {
            assert!(parse_span(text).unwrap_err().contains("30s"), "{text}");
        }
    }
}
