//! The owner's activity bitmap: in which buckets did it have new ids.
//!
//! Layout of the 64 bits: the low 48 hold one bit for each *pair* of buckets, `(bucket / 2) % 48`; the high 16 hold
//! the bucket of the last mark, modulo 2^16. 65 buckets are kept, at most 34 pairs, so a pair has its bit to itself;
//! the last bucket tells which bits belong to pairs long gone, so that a faithful owner does not slowly collect all
//! bits. Zero is an owner never seen, all ones one of whom nothing is known.
//!
//! A set bit that should not be is only a lost optimisation. A missing one would hide a duplicate, so bits are taken
//! away only where the age is certain: the last mark lies in the past, by less than half the 16-bit circle.
//! Two bitmaps cannot be combined; an owner that has two is unknown.

/// The bitmap of an owner of whom nothing is known: everything is probed.
pub const UNKNOWN_ACTIVITY: u64 = u64::MAX;

/// Pairs that have a bit.
pub(super) const SLOTS: usize = 48;

const MASK: u64 = (1 << SLOTS) - 1;

/// The bit of a bucket.
pub(super) fn slot_of(bucket: u64) -> usize {
    ((bucket / 2) % SLOTS as u64) as usize
}

/// The bits that may be active at `bucket`, without those that ran out since the last mark.
pub(super) fn active_slots(bits: u64, bucket: u64) -> u64 {
    if bits == UNKNOWN_ACTIVITY {
        return MASK;
    }
    let slots = bits & MASK;
    let age =
        i16::from_ne_bytes((bucket as u16).wrapping_sub((bits >> SLOTS) as u16).to_ne_bytes());
    if age <= 0 || bucket < age as u64 {
        return slots;
    }
    let last_pair = (bucket - age as u64) / 2;
    let n_passed = bucket / 2 - last_pair;
    if SLOTS as u64 <= n_passed {
        return 0;
    }
    let passed = (1_u64 << n_passed) - 1;
    let start = ((last_pair + 1) % SLOTS as u64) as u32;
    let rotated = ((passed << start) | (passed >> (SLOTS as u32 - start))) & MASK;
    slots & !rotated
}

/// The bitmap after a new id in `bucket`.
pub(super) fn mark(bits: u64, bucket: u64) -> u64 {
    let last = u64::from(bucket as u16);
    (last << SLOTS) | active_slots(bits, bucket) | (1 << slot_of(bucket))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_mark_is_seen_as_long_as_its_bucket_is_kept(
            start in 0_u64..200_000,
            steps in proptest::collection::vec(0_u64..90, 1..40),
            from_unknown in any::<bool>(),
        ) {
            let mut bits = if from_unknown { UNKNOWN_ACTIVITY } else { 0 };
            let mut marked = Vec::new();
            let mut bucket = start;
            for step in steps {
                bucket += step;
                for &m in &marked {
                    if bucket - m <= 64 {
                        prop_assert!(active_slots(bits, bucket) >> slot_of(m) & 1 == 1, "{m} lost at {bucket}");
                    }
                }
                bits = mark(bits, bucket);
                marked.push(bucket);
            }
            // Nothing older than the circle of pairs survives, however long the owner was there.
            let live: std::collections::BTreeSet<_> =
                marked.iter().filter(|m| bucket / 2 - **m / 2 < 48).map(|m| slot_of(*m)).collect();
            if !from_unknown {
                prop_assert_eq!(active_slots(bits, bucket).count_ones() as usize, live.len());
            }
        }
    }

    #[test]
    fn a_new_owner_has_no_bits() {
        assert_eq!(active_slots(0, 12_345), 0);
    }
}
