//! One remembered id in 24 bytes: its key, receive time and content.

/// Bits of the content hash that are kept: a conflict goes unmarked once in four million conflicts.
const CONTENT_BITS: u32 = 22;
const CONTENT_MASK: u64 = (1 << CONTENT_BITS) - 1;
/// The receive time has the other 42 bits: milliseconds since 1970, until 2109. Times beyond stand at the ends.
const MAX_MS: u64 = (1 << (64 - CONTENT_BITS)) - 1;

/// One remembered id. Ordered by key, then receive time. All zero is "no id".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(C)]
pub(super) struct Slot {
    pub(super) hi: u64,
    pub(super) lo: u64,
    meta: u64,
}

impl Slot {
    pub(super) const BYTES: usize = 24;

    pub(super) fn new(key: u128, content: u64, received_us: i64) -> Self {
        // Zero marks an empty slot; sharing a key with another is as likely as any 128-bit collision.
        let key = if key == 0 { u128::MAX } else { key };
        let ms = (u64::try_from(received_us).unwrap_or(0) / 1000).min(MAX_MS);
        let meta = (ms << CONTENT_BITS) | (content & CONTENT_MASK);
        Self { hi: (key >> 64) as u64, lo: key as u64, meta }
    }

    pub(super) fn is_empty(&self) -> bool {
        (self.hi | self.lo) == 0
    }

    pub(super) fn same_key(&self, other: &Self) -> bool {
        self.hi == other.hi && self.lo == other.lo
    }

    /// Orders by key alone.
    pub(super) fn key_before(&self, other: &Self) -> bool {
        (self.hi, self.lo) < (other.hi, other.lo)
    }

    /// Whether two ids of one key are one and the same by the rule.
    pub(super) fn in_reach(&self, other: &Self, reach_ms: u64) -> bool {
        (self.meta >> CONTENT_BITS).abs_diff(other.meta >> CONTENT_BITS) <= reach_ms
    }

    pub(super) fn same_content(&self, other: &Self) -> bool {
        (self.meta ^ other.meta) & CONTENT_MASK == 0
    }

    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.hi.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.lo.to_le_bytes());
        bytes[16..].copy_from_slice(&self.meta.to_le_bytes());
        bytes
    }

    /// Reads the slot at the start of `bytes`, which holds at least 24.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(word)
        };
        Self { hi: word(0), lo: word(8), meta: word(16) }
    }
}
