/// Users by Zipf's law: the one of rank `r` is drawn in proportion to `1 / r^theta`.
///
/// Gray et al., "Quickly generating billion-record synthetic databases", as YCSB draws.
#[derive(Clone, Debug)]
pub(super) struct Zipf {
    n_users: u64,
    theta: f64,
    alpha: f64,
    zeta: f64,
    eta: f64,
}

/// A prime above every number of users that can be asked for: multiplied by it, ranks are users without a pattern.
const SPREAD: u128 = 11_400_714_819_323_198_549;

impl Zipf {
    /// Sums over all users once; `theta` is between 0 and 1.
    pub(super) fn new(n_users: u64, theta: f64) -> Self {
        let zeta: f64 = (1..=n_users).map(|rank| (rank as f64).powf(-theta)).sum();
        let two = 1.0 + 0.5_f64.powf(theta);
        let eta = (1.0 - (2.0 / n_users as f64).powf(1.0 - theta)) / (1.0 - two / zeta);
        Self { n_users, theta, alpha: 1.0 / (1.0 - theta), zeta, eta }
    }

    /// The user for 53 random bits.
    pub(super) fn user(&self, bits: u64) -> u64 {
        (u128::from(self.rank(bits)) * SPREAD % u128::from(self.n_users)) as u64
    }

    fn rank(&self, bits: u64) -> u64 {
        let uniform = bits as f64 / (1_u64 << 53) as f64;
        let scaled = uniform * self.zeta;
        if scaled < 1.0 {
            return 0;
        }
        if scaled < 1.0 + 0.5_f64.powf(self.theta) {
            return 1.min(self.n_users - 1);
        }
        let rank = self.n_users as f64 * (self.eta * uniform - self.eta + 1.0).powf(self.alpha);
        (rank as u64).min(self.n_users - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::digits::mix;
    use super::*;

    #[test]
    fn the_first_ranks_are_drawn_as_often_as_the_law_says() {
        let zipf = Zipf::new(1000, 0.99);
        let mut drawn = vec![0_u32; 1000];
        for n in 0..100_000 {
            drawn[zipf.rank(mix(n) >> 11) as usize] += 1;
        }
        for (rank, times) in drawn.iter().enumerate().take(2) {
            let expected = 100_000.0 / zipf.zeta / (rank as f64 + 1.0).powf(0.99);
            assert!((f64::from(*times) / expected - 1.0).abs() < 0.05, "{rank}: {times}");
        }
        assert!(drawn.iter().filter(|times| **times > 0).count() > 900);
    }

    #[test]
    fn every_rank_is_another_user() {
        for n_users in [1, 2, 10, 1000] {
            let zipf = Zipf::new(n_users, 0.5);
            let users = (0..n_users).map(|rank| u128::from(rank) * SPREAD % u128::from(n_users));
            assert_eq!(users.collect::<std::collections::BTreeSet<_>>().len(), n_users as usize);
            assert!((0..100).all(|n| zipf.user(mix(n) >> 11) < n_users));
        }
    }
}
