//! A blocked Bloom filter: one cache line for each question.
//!
//! 512-bit blocks of eight words; a key sets one bit in each word of its block. At 20 bits a key one absent key in
//! some five thousand is taken for present: each of them is a read from disk that a commit waits for. The block comes
//! from the key's high half, so building from sorted ids writes through memory once; the bits come from the low half.

use std::sync::atomic::{AtomicU64, Ordering};

use super::format::u64_at;
use crate::prefetch;

/// Bits for each key.
const BITS_PER_KEY: usize = 20;
pub(super) const BLOCK_BYTES: usize = 64;

/// A set of keys that never forgets one and sometimes knows one too many.
#[derive(Debug)]
pub(super) struct Filter {
    blocks: Box<[Block]>,
}

/// Words are atomic because the background adds to a bucket's front filter while lookups read it. Relaxed is enough:
/// an id is looked up elsewhere until the addition is published under the caller's lock.
#[derive(Debug, Default)]
#[repr(C, align(64))]
struct Block([AtomicU64; 8]);

impl Filter {
    /// An empty filter for `n_keys`.
    pub(super) fn for_keys(n_keys: usize) -> Self {
        Self::with_blocks((n_keys * BITS_PER_KEY).div_ceil(512).max(1))
    }

    fn with_blocks(n_blocks: usize) -> Self {
        Self { blocks: std::iter::repeat_with(Block::default).take(n_blocks).collect() }
    }

    pub(super) fn bytes(&self) -> u64 {
        (self.blocks.len() * BLOCK_BYTES) as u64
    }

    fn block(&self, hi: u64) -> &Block {
        &self.blocks[((u128::from(hi) * self.blocks.len() as u128) >> 64) as usize]
    }

    /// Asks for what [`Self::contains`] will read.
    pub(super) fn prefetch(&self, hi: u64) {
        prefetch::line(self.block(hi));
    }

    /// Adds a key. One thread at a time: a lost bit would hide an id.
    pub(super) fn add(&self, hi: u64, lo: u64) {
        for (i, word) in self.block(hi).0.iter().enumerate() {
            let bit = 1 << ((lo >> (6 * i)) & 63);
            word.store(word.load(Ordering::Relaxed) | bit, Ordering::Relaxed);
        }
    }

    /// False: the key was never added.
    pub(super) fn contains(&self, hi: u64, lo: u64) -> bool {
        let mut all = 1;
        for (i, word) in self.block(hi).0.iter().enumerate() {
            all &= word.load(Ordering::Relaxed) >> ((lo >> (6 * i)) & 63);
        }
        all & 1 == 1
    }

    /// The blocks as they are stored, in pieces of at most a mebibyte.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.blocks.chunks((1 << 20) / BLOCK_BYTES).map(|blocks| {
            blocks
                .iter()
                .flat_map(|block| &block.0)
                .flat_map(|w| w.load(Ordering::Relaxed).to_le_bytes())
                .collect()
        })
    }
}

/// A filter that is read from stored blocks, a piece after the other: its memory is touched once.
#[derive(Debug)]
pub(super) struct Stored(Vec<Block>);

impl Stored {
    pub(super) fn with_room(n_blocks: usize) -> Self {
        Self(Vec::with_capacity(n_blocks))
    }

    /// Adds the blocks that come next; `bytes` is a whole number of them.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let block = |stored: &[u8]| Block(std::array::from_fn(|i| u64_at(stored, 8 * i).into()));
        self.0.extend(bytes.chunks_exact(BLOCK_BYTES).map(block));
    }

    pub(super) fn into_filter(self) -> Filter {
        Filter { blocks: self.0.into_boxed_slice() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SplitMix;

    #[test]
    fn no_key_is_lost_and_few_are_invented() {
        let mut random = SplitMix::new(7);
        for n in [1, 50, 1000, 100_000] {
            let filter = Filter::for_keys(n);
            let keys: Vec<_> = (0..n).map(|_| (random.next_u64(), random.next_u64())).collect();
            for (hi, lo) in &keys {
                filter.add(*hi, *lo);
            }
            let mut stored = Stored::with_room(1);
            filter.pieces().for_each(|piece| stored.add(&piece));
            let stored = stored.into_filter();
            assert!(
                keys.iter().all(|(hi, lo)| filter.contains(*hi, *lo) && stored.contains(*hi, *lo))
            );
            let n_invented = (0..20_000)
                .filter(|_| stored.contains(random.next_u64(), random.next_u64()))
                .count();
            assert!(n_invented < 160, "{n_invented} of 20000 with {n} keys");
        }
    }
}
