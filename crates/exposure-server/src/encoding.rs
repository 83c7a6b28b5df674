//! How values of the protocol look in text: cursors, times, properties.

use exposure_core::names::PROPERTY_PREFIX;
use jiff::Timestamp;

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte)]).collect()
}

/// The bytes of hexadecimal digits; `None` for anything else.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    let byte = |pair: &[u8; 2]| u8::try_from(nibble(pair[0])? << 4 | nibble(pair[1])?).ok();
    pairs.iter().map(byte).collect()
}

/// A time in microseconds, for people: RFC 3339.
pub(crate) fn show_time(micros: i64) -> String {
    Timestamp::from_microsecond(micros)
        .map_or_else(|_| format!("{micros} us"), |time| time.to_string())
}

/// The microseconds of a time in milliseconds since the epoch or in RFC 3339.
pub(crate) fn parse_time(text: &str) -> Result<i64, String> {
    if let Ok(millis) = text.parse::<i64>() {
        return millis.checked_mul(1000).ok_or_else(|| "the time does not fit".to_owned());
    }
    let time = text.parse::<Timestamp>().map_err(|_| {
        "give milliseconds since 1970-01-01, or RFC 3339 such as 2026-01-31T12:00:00Z".to_owned()
    })?;
    Ok(time.as_microsecond())
}

/// The name of the property of a flag.
pub(crate) fn property(flag_key: &str) -> String {
    format!("{PROPERTY_PREFIX}{flag_key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_reads_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex(&to_hex(&bytes)), Some(bytes));
        for wrong in ["0", "0g", "é"] {
            assert_eq!(from_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_millis_or_rfc_3339() {
        assert_eq!(parse_time("1700000000000"), Ok(1_700_000_000_000_000));
        assert_eq!(parse_time("2023-11-14T22:13:20Z"), Ok(1_700_000_000_000_000));
        assert_eq!(show_time(1_700_000_000_000_000), "2023-11-14T22:13:20Z");
        assert!(parse_time("yesterday").is_err());
    }
}
