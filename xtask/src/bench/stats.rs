//! The middle and the ends of what repeated runs gave.

use super::number::grouped;

/// Results of one cell, one for each run.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample(Vec<f64>);

impl Sample {
    pub(super) fn push(&mut self, result: f64) {
        self.0.push(result);
        self.0.sort_by(f64::total_cmp);
    }

    /// The middle, or the mean of the two in the middle; 0 where there is none.
    pub(super) fn median(&self) -> f64 {
        let (below, above) = (self.0.len().saturating_sub(1) / 2, self.0.len() / 2);
        let at = |index: usize| self.0.get(index).copied().unwrap_or(0.0);
        f64::midpoint(at(below), at(above))
    }

    pub(super) fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(0.0)
    }

    pub(super) fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or(0.0)
    }

    /// The least and the greatest.
    pub(super) fn span(&self) -> String {
        format!("{} to {}", grouped(self.min()), grouped(self.max()))
    }
}

impl FromIterator<f64> for Sample {
    fn from_iter<I: IntoIterator<Item = f64>>(results: I) -> Self {
        let mut sample = Self::default();
        results.into_iter().for_each(|result| sample.push(result));
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!(Sample::default().median().abs() < 1e-9);
        for (results, median) in [(&[3.0][..], 3.0), (&[1.0, 9.0], 5.0), (&[9.0, 1.0, 4.0], 4.0)] {
            let sample: Sample = results.iter().copied().collect();
            assert!((sample.median() - median).abs() < 1e-9, "{results:?}");
        }
        let sample: Sample = [9000.0, 1.0, 4.0].into_iter().collect();
        assert_eq!(sample.span(), "1 to 9,000");
    }
}
