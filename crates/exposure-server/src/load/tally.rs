use std::time::Duration;

use hdrhistogram::Histogram;

use super::skim::Outcomes;
use crate::failure::{Failure, Result};

/// What workers measured.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) outcomes: Outcomes,
    /// Requests that were sent again because the server had no room.
    pub(super) retries: u64,
    latencies: Histogram<u64>,
}

impl Tally {
    pub(super) fn new() -> Result<Self> {
        // From a microsecond to five minutes, to three digits.
        let latencies = Histogram::new_with_bounds(1000, 300_000_000_000, 3);
        let latencies = latencies.map_err(Failure::failed)?;
        Ok(Self { outcomes: Outcomes::default(), retries: 0, latencies })
    }

    pub(super) fn answered(&mut self, outcomes: Outcomes, latency: Duration) {
        self.outcomes.accepted += outcomes.accepted;
        self.outcomes.duplicate += outcomes.duplicate;
        self.outcomes.rejected += outcomes.rejected;
        self.took(latency);
    }

    pub(super) fn took(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(nanos);
    }

    pub(super) fn add(&mut self, other: &Self) -> Result<()> {
        self.outcomes.accepted += other.outcomes.accepted;
        self.outcomes.duplicate += other.outcomes.duplicate;
        self.outcomes.rejected += other.outcomes.rejected;
        self.retries += other.retries;
        self.latencies.add(&other.latencies).map_err(Failure::failed)
    }

    /// A quantile in milliseconds; 1 is the greatest.
    pub(super) fn quantile_ms(&self, quantile: f64) -> f64 {
        let nanos = self.latencies.value_at_quantile(quantile) as f64;
        (nanos / 1000.0).round() / 1000.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.latencies.is_empty()
    }
}
