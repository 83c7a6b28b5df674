//! Numbers as text of a fixed width, written in place.

const DECIMAL: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Ten decimal digits.
#[inline]
pub(super) fn decimal(number: u64, to: &mut [u8; 10]) {
    // Halves do not wait for each other, as one digit after the other would.
    let (first, rest) = (number / 100_000_000 % 100, (number % 100_000_000) as u32);
    let (high, low) = (rest / 10_000, rest % 10_000);
    let pairs = [first as u32, high / 100, high % 100, low / 100, low % 100];
    for (to, pair) in to.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
        *to = DECIMAL[pair as usize];
    }
}

/// A UUID of version 4 with the given random bits, in its 36 characters.
#[inline]
pub(super) fn uuid(high: u64, low: u64, to: &mut [u8; 36]) {
    let high = high & !0xf000 | 0x4000;
    let low = low & !(3 << 62) | 2 << 62;
    let [first, second] = [hex((high >> 32) as u32), hex(high as u32)];
    let [third, fourth] = [hex((low >> 32) as u32), hex(low as u32)];
    to[..8].copy_from_slice(&first);
    to[9..13].copy_from_slice(&second[..4]);
    to[14..18].copy_from_slice(&second[4..]);
    to[19..23].copy_from_slice(&third[..4]);
    to[24..28].copy_from_slice(&third[4..]);
    to[28..].copy_from_slice(&fourth);
    for dash in [8, 13, 18, 23] {
        to[dash] = b'-';
    }
}

/// Eight hexadecimal digits, all at once: each half byte gets a byte of its own, and those above 9
/// go on at `a`.
#[inline]
fn hex(number: u32) -> [u8; 8] {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let mut bits = u64::from(number);
    bits = (bits << 16 | bits) & 0x0000_ffff_0000_ffff;
    bits = (bits << 8 | bits) & 0x00ff_00ff_00ff_00ff;
    bits = (bits << 4 | bits) & 0x0f0f_0f0f_0f0f_0f0f;
    let letters = (bits + 6 * EACH) >> 4 & EACH;
    let gap = u64::from(b'a' - b'9' - 1);
    (bits + u64::from(b'0') * EACH + letters * gap).to_be_bytes()
}

/// A number below 2^56 and not below 2^49 as a varint, which then takes eight bytes.
#[inline]
pub(super) fn varint8(number: u64, to: &mut [u8; 8]) {
    for (index, byte) in to.iter_mut().enumerate() {
        *byte = (number >> (7 * index)) as u8 | 0x80;
    }
    to[7] &= 0x7f;
}

/// Random bits out of a counter: no two counters give the same.
#[inline]
pub(super) fn mix(counter: u64) -> u64 {
    let mut bits = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_standard_library() {
        for (high, low) in [(0, 0), (u64::MAX, u64::MAX), (mix(1), mix(2)), (mix(3), mix(4))] {
            let mut text = [0; 36];
            uuid(high, low, &mut text);
            let hex = format!("{:016x}{:016x}", high & !0xf000 | 0x4000, low << 2 >> 2 | 1 << 63);
            let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
            assert_eq!(std::str::from_utf8(&text).unwrap(), parts.join("-"));
        }
        for number in [0, 7, 99, 1_234_567_890, 9_999_999_999, 100_000_000, 42_000_000_000] {
            let mut text = [0; 10];
            decimal(number, &mut text);
            let expected = format!("{:010}", number % 10_000_000_000);
            assert_eq!(std::str::from_utf8(&text).unwrap(), expected);
        }
    }
}
