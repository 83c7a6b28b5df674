//! Canonical UUIDs as sixteen bytes: lower case, with hyphens, as nothing else would come back.

/// Where a canonical UUID has its hyphens.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
/// Where its digits stand, in runs of four.
const DIGITS: [[usize; 2]; 4] = [[0, 4], [9, 14], [19, 24], [28, 32]];

/// The bytes of a UUID in canonical text: lower case alone, as upper case would not come back.
pub(crate) fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    if HYPHENS.iter().any(|&at| text[at] != b'-') {
        return None;
    }
    let mut bytes = [0; 16];
    for (out, [first, second]) in bytes.chunks_exact_mut(4).zip(DIGITS) {
        let mut digits = [0; 8];
        digits[..4].copy_from_slice(&text[first..first + 4]);
        digits[4..].copy_from_slice(&text[second..second + 4]);
        out.copy_from_slice(&parse_digits(digits)?);
    }
    Some(bytes)
}

/// Writes the text of a UUID.
pub(crate) fn write_uuid(bytes: &[u8; 16], out: &mut [u8; 36]) {
    for at in HYPHENS {
        out[at] = b'-';
    }
    for (four, [first, second]) in bytes.chunks_exact(4).zip(DIGITS) {
        let digits = write_digits([four[0], four[1], four[2], four[3]]);
        out[first..first + 4].copy_from_slice(&digits[..4]);
        out[second..second + 4].copy_from_slice(&digits[4..]);
    }
}

/// A one in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// Eight hexadecimal digits as four bytes, all at once: each byte of the word is a digit.
fn parse_digits(digits: [u8; 8]) -> Option<[u8; 4]> {
    let word = u64::from_le_bytes(digits);
    let letters = (word >> 6) & ONES;
    let values = (word & (0x0F * ONES)) + letters * 9;
    // What is no digit does not come back from its value, or has too large a one.
    if values & (0xF0 * ONES) != 0 || characters(values) != word {
        return None;
    }
    let pairs = ((values << 4) | (values >> 8)) & 0x00FF_00FF_00FF_00FF;
    let quads = (pairs | (pairs >> 8)) & 0x0000_FFFF_0000_FFFF;
    Some(((quads | (quads >> 16)) as u32).to_le_bytes())
}

/// Four bytes as eight hexadecimal digits.
fn write_digits(bytes: [u8; 4]) -> [u8; 8] {
    let word = u64::from(u32::from_le_bytes(bytes));
    let quads = (word | (word << 16)) & 0x0000_FFFF_0000_FFFF;
    let pairs = (quads | (quads << 8)) & 0x00FF_00FF_00FF_00FF;
    let values = ((pairs >> 4) | (pairs << 8)) & (0x0F * ONES);
    characters(values).to_le_bytes()
}

/// The digits of values below sixteen, one in each byte.
fn characters(values: u64) -> u64 {
    let letters = ((values + 6 * ONES) >> 4) & ONES;
    values + u64::from(b'0') * ONES + letters * u64::from(b'a' - b'0' - 10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn canonical_uuids_come_back(bytes in any::<[u8; 16]>(), at in 0_usize..36, other in any::<char>()) {
            let mut text = [0; 36];
            write_uuid(&bytes, &mut text);
            let text = std::str::from_utf8(&text).unwrap();
            prop_assert_eq!(parse_uuid(text), Some(bytes));
            let mut changed = text.to_owned();
            changed.replace_range(at..=at, other.encode_utf8(&mut [0; 4]));
            let is_digit = other.is_ascii_digit() || ('a'..='f').contains(&other);
            let is_canonical = if HYPHENS.contains(&at) { other == '-' } else { is_digit };
            prop_assert_eq!(parse_uuid(&changed).is_some(), is_canonical, "{}", changed);
        }
    }
}
