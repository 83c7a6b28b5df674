//! Levels and dictionary numbers: Parquet's hybrid of runs and packed bits, always as one run.

/// Appends an unsigned LEB128 number.
pub(super) fn put_varint(to: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// The zigzag form of a number that Thrift takes for a signed one.
pub(super) const fn zigzag(value: u32) -> u32 {
    let signed = value as i32;
    ((signed << 1) ^ (signed >> 31)) as u32
}

fn take_varint(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0_u32;
    for (i, byte) in bytes.iter().enumerate().take(5) {
        value |= u32::from(byte & 0x7F).checked_shl(7 * i as u32)?;
        if *byte < 0x80 {
            return Some((value, bytes.get(i + 1..)?));
        }
    }
    None
}

/// How many bits a number takes, at least one.
pub(super) const fn bit_width(max: u32) -> u32 {
    if max == 0 { 1 } else { 32 - max.leading_zeros() }
}

/// Appends one run of equal numbers.
pub(super) fn put_equal(to: &mut Vec<u8>, n: u32, value: u32, width: u32) {
    put_varint(to, n << 1);
    to.extend(value.to_le_bytes().into_iter().take(width.div_ceil(8) as usize));
}

/// Appends one run of packed numbers.
pub(super) fn put_packed(to: &mut Vec<u8>, values: &[u32], width: u32) {
    let n_groups = values.len().div_ceil(8);
    put_varint(to, (n_groups as u32) << 1 | 1);
    let end = to.len() + n_groups * width as usize;
    let (mut bits, mut n_bits) = (0_u64, 0);
    for &value in values {
        bits |= u64::from(value) << n_bits;
        n_bits += width;
        if n_bits >= 32 {
            to.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= 32;
            n_bits -= 32;
        }
    }
    to.extend(bits.to_le_bytes().into_iter().take(n_bits.div_ceil(8) as usize));
    to.resize(end, 0);
}

/// Appends one run of packed bits that are packed already, `n` of them.
pub(super) fn put_bits(to: &mut Vec<u8>, bits: &[u8], n: usize) {
    let n_groups = n.div_ceil(8);
    put_varint(to, (n_groups as u32) << 1 | 1);
    to.extend(bits.iter().copied().chain(std::iter::repeat(0)).take(n_groups));
}

/// One run, as it lies in a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// All are this number.
    Equal(u32),
    /// Packed from this byte of the page on, with so many bits each.
    Packed { start: usize, width: u32 },
}

impl Run {
    /// Finds the run of `n` numbers at a place of a page; `None` if there is none of that length.
    pub(super) fn find(page: &[u8], start: usize, end: usize, n: u32, width: u32) -> Option<Self> {
        if n == 0 {
            return Some(Self::Equal(0));
        }
        let bytes = page.get(start..end)?;
        let (head, rest) = take_varint(bytes)?;
        if head & 1 == 0 {
            let mut value = [0; 4];
            let len = width.div_ceil(8) as usize;
            value.get_mut(..len)?.copy_from_slice(rest.get(..len)?);
            return (head >> 1 == n).then(|| Self::Equal(u32::from_le_bytes(value)));
        }
        let fits = head >> 1 == n.div_ceil(8) && rest.len() >= ((head >> 1) * width) as usize;
        fits.then(|| Self::Packed { start: end - rest.len(), width })
    }

    /// The number at a place.
    pub(super) fn get(&self, page: &[u8], i: usize) -> u32 {
        match *self {
            Self::Equal(value) => value,
            Self::Packed { start, width } => {
                let bit = i * width as usize;
                let bytes = page.get(start + bit / 8..).unwrap_or_default();
                let word = bytes.first_chunk().copied().unwrap_or_else(|| {
                    let mut word = [0; 8];
                    for (to, from) in word.iter_mut().zip(bytes) {
                        *to = *from;
                    }
                    word
                });
                (u64::from_le_bytes(word) >> (bit % 8)) as u32 & (u32::MAX >> (32 - width))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_numbers_are_found_one_by_one(values in proptest::collection::vec(0_u32..100_000, 1..50)) {
            let width = bit_width(values.iter().copied().max().unwrap_or(0));
            let mut page = vec![7, 7];
            put_packed(&mut page, &values, width);
            let run = Run::find(&page, 2, page.len(), values.len() as u32, width).unwrap();
            for (i, value) in values.iter().enumerate() {
                prop_assert_eq!(run.get(&page, i), *value);
            }
        }
    }

    #[test]
    fn equal_numbers_are_one_run() {
        let mut page = Vec::new();
        put_equal(&mut page, 2048, 300, 9);
        assert_eq!(page.len(), 4);
        assert_eq!(Run::find(&page, 0, 4, 2048, 9), Some(Run::Equal(300)));
        assert_eq!(Run::find(&page, 0, 4, 2047, 9), None);
    }
}
