/// Finds where the plain part of a string ends: at a quote, a backslash or a control character.
///
/// It looks at 64 bytes at once and keeps what it found as bits, since most strings are short:
/// the next end is then a shift away, and takes no loop whose length is to be guessed.
#[derive(Clone, Debug)]
pub(super) struct Blocks<'b> {
    whole: &'b [[u8; BLOCK]],
    rest: &'b [u8],
    /// Which block the bits are of.
    index: usize,
    stops: u64,
}

const BLOCK: usize = 64;

impl<'b> Blocks<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        let (whole, rest) = bytes.as_chunks();
        Self { whole, rest, index: usize::MAX, stops: 0 }
    }

    /// The place of the first stop from `at` on; `None` if there is none before the end.
    #[inline]
    pub(super) fn stop(&mut self, at: usize) -> Option<usize> {
        if at / BLOCK == self.index {
            let left = self.stops >> (at % BLOCK);
            if left != 0 {
                return Some(at + left.trailing_zeros() as usize);
            }
        }
        self.stop_further_on(at)
    }

    #[inline(never)]
    fn stop_further_on(&mut self, mut at: usize) -> Option<usize> {
        loop {
            let index = at / BLOCK;
            if index != self.index {
                self.stops = match self.whole.get(index) {
                    Some(block) => stops(block),
                    None => self.stops_of_rest(index)?,
                };
                self.index = index;
            }
            let left = self.stops >> (at % BLOCK);
            if left != 0 {
                return Some(at + left.trailing_zeros() as usize);
            }
            at = (index + 1) * BLOCK;
        }
    }

    #[cold]
    fn stops_of_rest(&self, index: usize) -> Option<u64> {
        if index != self.whole.len() {
            return None;
        }
        let mut block = [b' '; BLOCK];
        for (to, from) in block.iter_mut().zip(self.rest) {
            *to = *from;
        }
        Some(stops(&block))
    }
}

/// One bit for each byte that ends a plain part.
#[inline]
fn stops(block: &[u8; BLOCK]) -> u64 {
    // Bits at 0, 8, …, 56 to bits 56 to 63.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut flags = [0_u8; BLOCK];
    for (flag, &byte) in flags.iter_mut().zip(block) {
        *flag = u8::from(byte == b'"') | u8::from(byte == b'\\') | u8::from(byte < b' ');
    }
    let mut bits = 0;
    for (place, eight) in flags.as_chunks::<8>().0.iter().enumerate() {
        bits |= (u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56) << (8 * place);
    }
    bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn stops_are_found_where_they_are(
            bytes in prop::collection::vec(prop_oneof![4 => Just(b'x'), 1 => any::<u8>()], 0..300),
            at in 0_usize..310,
        ) {
            let is_stop = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..b' ');
            let rest = bytes.get(at..).unwrap_or_default();
            let expected = rest.iter().position(is_stop).map(|found| at + found);
            prop_assert_eq!(Blocks::new(&bytes).stop(at), expected);
        }
    }
}
