//! Numbers as text of a fixed width, written in place.

const HEX: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};

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
pub(super) fn decimal(mut number: u64, to: &mut [u8; 10]) {
    for pair in to.as_chunks_mut::<2>().0.iter_mut().rev() {
        *pair = DECIMAL[(number % 100) as usize];
        number /= 100;
    }
}

/// A UUID of version 4 with the given random bits, in its 36 characters.
#[inline]
pub(super) fn uuid(high: u64, low: u64, to: &mut [u8; 36]) {
    let high = high & !0xf000 | 0x4000;
    let low = low & !(3 << 62) | 2 << 62;
    let bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
    let places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    for (place, byte) in places.into_iter().zip(bytes) {
        let [first, second] = HEX[usize::from(byte)];
        to[place] = first;
        to[place + 1] = second;
    }
    for dash in [8, 13, 18, 23] {
        to[dash] = b'-';
    }
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
