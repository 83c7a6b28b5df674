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
    /// Events of which is not known whether they were stored.
    pub(super) unknown: u64,
    /// Batches that were due and not sent: as many were under way as may be.
    pub(super) not_sent: u64,
    /// Batches under way at one moment, at most, as far as one worker can see.
    pub(super) peak: u64,
    latencies: Histogram<u64>,
    /// Times until a refusal; none where nothing was refused.
    refusals: Option<Histogram<u64>>,
    /// When the run began.
    epoch: Instant,
    /// Events that were answered in each second since.
    per_second: Vec<u64>,
}

impl Tally {
    /// Nothing yet, of a run that began at `epoch`.
    pub(super) fn new(epoch: Instant) -> Result<Self> {
        Ok(Self {
            outcomes: Outcomes::default(),
            retries: 0,
            unknown: 0,
            not_sent: 0,
            peak: 0,
            latencies: histogram()?,
            refusals: None,
            epoch,
            per_second: Vec::new(),
        })
    }

    pub(super) fn answered(&mut self, outcomes: Outcomes, latency: Duration) {
        self.answered_at(Instant::now(), outcomes, latency);
    }

    /// Counts a batch whose answer came at `now`.
    pub(super) fn answered_at(&mut self, now: Instant, outcomes: Outcomes, latency: Duration) {
        self.outcomes.accepted += outcomes.accepted;
        self.outcomes.duplicate += outcomes.duplicate;
        self.outcomes.rejected += outcomes.rejected;
        let second = now.saturating_duration_since(self.epoch).as_secs();
        self.count_at(second as usize, outcomes.total());
        self.took(latency);
    }

    pub(super) fn took(&mut self, latency: Duration) {
        self.latencies.saturating_record(nanos(latency));
    }

    /// Counts a batch that was refused and is not sent again.
    pub(super) fn refused(&mut self, after: Duration) -> Result<()> {
        let refusals = match &mut self.refusals {
            Some(refusals) => refusals,
            none => none.insert(histogram()?),
        };
        refusals.saturating_record(nanos(after));
        Ok(())
    }

    pub(super) fn n_refused(&self) -> u64 {
        self.refusals.as_ref().map_or(0, Histogram::len)
    }

    pub(super) fn n_answered(&self) -> u64 {
        self.latencies.len()
    }

    pub(super) fn add(&mut self, other: &Self) -> Result<()> {
        self.outcomes.accepted += other.outcomes.accepted;
        self.outcomes.duplicate += other.outcomes.duplicate;
        self.outcomes.rejected += other.outcomes.rejected;
        self.retries += other.retries;
        self.unknown += other.unknown;
        self.not_sent += other.not_sent;
        self.peak = self.peak.max(other.peak);
        if let Some(theirs) = &other.refusals {
            let refusals = match &mut self.refusals {
                Some(refusals) => refusals,
                none => none.insert(histogram()?),
            };
            refusals.add(theirs).map_err(Failure::failed)?;
        }
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
        ms(&self.latencies, quantile)
    }

    /// The same of the time until a refusal.
    pub(super) fn refusal_quantile_ms(&self, quantile: f64) -> f64 {
        self.refusals.as_ref().map_or(0.0, |refusals| ms(refusals, quantile))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.latencies.is_empty()
    }
}

/// From a microsecond to five minutes, to three digits.
fn histogram() -> Result<Histogram<u64>> {
    Histogram::new_with_bounds(1000, 300_000_000_000, 3).map_err(Failure::failed)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn ms(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    let nanos = histogram.value_at_quantile(quantile) as f64;
    (nanos / 1000.0).round() / 1000.0
}
