use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::attempt::{Attempt, Attempted, Item};
use super::lane::Ends;
use super::{Entry, Failure, Runner};
use crate::DropReason;
use crate::provider::{Delivery, LONGEST_ASKED, SendError};

/// What an attempt's outcome means for the exposures it carried.
impl Runner {
    pub(super) fn finish(&mut self, attempted: Attempted) {
        let Attempted { number, result } = attempted;
        let Some(items) = self.under_way.remove(&number) else { return };
        let now = Instant::now();
        self.reporter.answered(now);
        let mut ends = Ends::default();
        let mut settled = Vec::new();
        let failed = match result {
            Attempt::Answered(deliveries) => {
                if 0 < self.breaker.n_failures() {
                    tracing::info!(provider = self.lane.name, "the provider takes exposures again");
                }
                self.breaker.succeeded();
                // Back up by an eighth, after a batch that was too large.
                let more = self.max_events.div_ceil(8);
                self.max_events = (self.max_events + more).min(self.lane.limits.max_events);
                self.take_answers(now, items, deliveries, &mut ends, &mut settled);
                false
            }
            Attempt::Failed(SendError::TooLarge { reason }) => {
                if let [only] = &items[..] {
                    let failure = Failure::new(DropReason::Rejected, reason);
                    ends.dropped(&only.entry, failure.reason);
                    settled.push((Arc::clone(&only.entry), Some(failure)));
                } else {
                    self.max_events = (items.len() / 2).max(1);
                    self.put_back(now, items);
                }
                false
            }
            Attempt::Failed(SendError::Unavailable { after, reason }) => {
                self.fail(now, after, &reason);
                self.put_back(now, items);
                true
            }
            Attempt::Panicked => {
                self.fail(now, None, "it panicked");
                self.take_panic(now, items, &mut ends, &mut settled);
                true
            }
        };
        if failed {
            for flush in self.flushes.iter_mut().filter(|flush| flush.since_attempt <= number) {
                flush.has_failed = true;
            }
        }
        self.lane.book(&ends, self.breaker.n_failures());
        for (entry, failure) in settled {
            self.engine.ended(&self.lane, &entry, failure);
        }
    }

    fn take_answers(
        &mut self,
        now: Instant,
        items: Vec<Item>,
        deliveries: Vec<Delivery>,
        ends: &mut Ends,
        settled: &mut Vec<(Arc<Entry>, Option<Failure>)>,
    ) {
        // An exposure that the answer is silent about was not answered for: it is sent again.
        let deliveries = deliveries.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        for (mut item, delivery) in items.into_iter().zip(deliveries) {
            match delivery {
                Some(Delivery::Delivered) => {
                    ends.delivered(&item.entry);
                    settled.push((item.entry, None));
                }
                Some(Delivery::Rejected { reason }) => {
                    let failure = Failure::new(DropReason::Rejected, reason);
                    ends.dropped(&item.entry, failure.reason);
                    settled.push((item.entry, Some(failure)));
                }
                Some(Delivery::Retry { .. }) | None => {
                    item.n_attempts += 1;
                    item.is_alone = false;
                    let own = self.breaker.retry(item.n_attempts);
                    let asked = match delivery {
                        Some(Delivery::Retry { after: Some(after) }) => after,
                        _ => Duration::ZERO,
                    };
                    let at = now + own.max(asked.min(LONGEST_ASKED));
                    self.again.insert((at, item.position), item);
                }
            }
        }
    }

    fn take_panic(
        &mut self,
        now: Instant,
        mut items: Vec<Item>,
        ends: &mut Ends,
        settled: &mut Vec<(Arc<Entry>, Option<Failure>)>,
    ) {
        if let [only] = &mut items[..] {
            only.n_panics += 1;
            if MOST_PANICS <= only.n_panics {
                let failure = Failure::new(DropReason::Panicked, "the provider panicked over it");
                ends.dropped(&only.entry, failure.reason);
                settled.push((Arc::clone(&only.entry), Some(failure)));
                return;
            }
        }
        for item in &mut items {
            item.is_alone = true;
        }
        self.put_back(now, items);
    }

    fn fail(&mut self, now: Instant, after: Option<Duration>, reason: &str) {
        self.breaker.failed(now, after);
        if self.breaker.n_failures() == 1 {
            tracing::warn!(
                provider = self.lane.name,
                reason,
                "the provider took no exposures; they wait, and are sent again"
            );
        }
    }
}

/// What panics so often alone is not sent again.
const MOST_PANICS: u32 = 3;
