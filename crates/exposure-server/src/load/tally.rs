use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

use super::skim::Outcomes;
use crate::failure::{Failure, Result};

/// What workers measured.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) outcomes: Outcomes,
    /// Requests that were sent again because the server had no room.
    pub(super) retries: u64,
    latencies: Histogram<u64>,
    /// When the run began.
    epoch: Instant,
    /// Events that were answered in each second since.
    per_second: Vec<u64>,
}

impl Tally {
    /// Nothing yet, of a run that began at `epoch`.
    pub(super) fn new(epoch: Instant) -> Result<Self> {
        // From a microsecond to five minutes, to three digits.
        let latencies = Histogram::new_with_bounds(1000, 300_000_000_000, 3);
        let latencies = latencies.map_err(Failure::failed)?;
        let (outcomes, per_second) = (Outcomes::default(), Vec::new());
        Ok(Self { outcomes, retries: 0, latencies, epoch, per_second })
    }

    pub(super) fn answered(&mut self, outcomes: Outcomes, latency: Duration) {
        self.outcomes.accepted += outcomes.accepted;
        self.outcomes.duplicate += outcomes.duplicate;
        self.outcomes.rejected += outcomes.rejected;
        self.count_at(self.epoch.elapsed().as_secs() as usize, outcomes.total());
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
        for (second, n_events) in other.per_second.iter().enumerate() {
            self.count_at(second, *n_events);
        }
        self.latencies.add(&other.latencies).map_err(Failure::failed)
    }

    /// Events that were answered in each second since the run began.
    pub(super) fn per_second(&self) -> &[u64] {
        &self.per_second
    }

    fn count_at(&mut self, second: usize, n_events: u64) {
        if self.per_second.len() <= second {
            self.per_second.resize(second + 1, 0);
        }
        if let Some(counted) = self.per_second.get_mut(second) {
            *counted += n_events;
        }
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
