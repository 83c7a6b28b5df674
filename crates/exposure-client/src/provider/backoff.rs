use std::time::Duration;

/// How long to wait after failures: doubling from `first` to `most`, then a random part of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backoff {
    pub(crate) first: Duration,
    pub(crate) most: Duration,
}

/// A small generator of random numbers, so that clients do not come back all at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jitter(u64);

impl Backoff {
    /// The time to wait after `n_failures` in a row: from a half to all of the doubled time.
    pub(crate) fn after(self, n_failures: u32, jitter: &mut Jitter) -> Duration {
        let doubled = self.first.saturating_mul(1 << n_failures.saturating_sub(1).min(20));
        let longest = doubled.min(self.most);
        longest / 2 + longest.mul_f64(jitter.next() / 2.0)
    }
}

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to 1.
    fn next(&mut self) -> f64 {
        // SplitMix64: good enough to spread clients, and needs no state but a number.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_bound_and_are_spread() {
        let backoff = Backoff { first: Duration::from_millis(100), most: Duration::from_secs(10) };
        let mut jitter = Jitter::new(3);
        let mut waits = std::collections::BTreeSet::new();
        for n_failures in 1..100 {
            let full = Duration::from_millis(100 << (n_failures - 1).min(30)).min(backoff.most);
            let wait = backoff.after(n_failures, &mut jitter);
            assert!(full / 2 <= wait && wait <= full, "{n_failures}: {wait:?} of {full:?}");
            waits.insert(wait);
        }
        assert!(waits.len() > 90, "clients would come back together");
    }
}
