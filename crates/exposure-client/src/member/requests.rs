use std::sync::Arc;

use tokio::time::Instant;

use super::runner::Flush;
use super::{Entry, Failure, Left, Runner};
use crate::DropReason;
use crate::provider::Leave;

/// What others ask of a provider's thread: to hurry, and to end.
impl Runner {
    pub(super) fn take_requests(&mut self, now: Instant) {
        let requests = self.lane.new_flushes();
        if requests.is_empty() {
            return;
        }
        self.breaker.hurry();
        // Where the provider asked to be left alone, nobody hurries it.
        let has_failed = matches!(self.breaker.leave(now), Leave::Wait(_));
        let since_attempt = self.n_attempts;
        self.flushes.extend(requests.into_iter().map(|request| Flush {
            request,
            since_attempt,
            has_failed,
        }));
    }

    /// Answers those who wait for what has ended, or cannot end soon.
    pub(super) fn answer_flushes(&mut self, now: Instant) {
        for flush in std::mem::take(&mut self.flushes) {
            let through = flush.request.through;
            let is_before = |position: u64| position < through;
            let under_way = self.under_way.values().flatten();
            let n_under_way = under_way.filter(|item| is_before(item.position)).count() as u64;
            let waiting = self.again.keys().filter(|&&(_, position)| is_before(position));
            let n_waiting = waiting.clone().count() as u64;
            let n_ready = through.saturating_sub(self.n_popped);
            let none_soon = waiting.clone().all(|&(at, _)| now < at);
            let is_done = n_under_way == 0 && n_ready == 0 && none_soon;
            if is_done || flush.has_failed {
                let left = Left { n_events: n_under_way + n_waiting + n_ready };
                flush.request.gathering.answer(&self.lane.name, left);
            } else {
                self.flushes.push(flush);
            }
        }
    }

    /// Ends what is left: dropped, or kept on disk for the next run.
    pub(super) async fn close(mut self, deadline: Instant) -> Left {
        let (mut left, requests) = self.lane.leave();
        drop(std::mem::take(&mut self.attempts));
        let under_way = std::mem::take(&mut self.under_way).into_values().flatten();
        let again = std::mem::take(&mut self.again).into_values();
        left.extend(under_way.chain(again).map(|item| item.entry));
        let n_events = left.len() as u64;
        let (kept, dropped): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|entry: &Arc<Entry>| self.lane.keeps(entry));
        drop(kept);
        self.drop_all(&dropped, &Failure::new(DropReason::ShutDown, "the client was shut down"));
        let asked = self.flushes.drain(..).map(|flush| flush.request).chain(requests);
        for request in asked {
            request.gathering.answer(&self.lane.name, Left { n_events });
        }
        let closed = tokio::time::timeout_at(deadline, async {
            self.report_at_last().await;
            self.lane.provider.close().await;
        });
        let closed = closed.await;
        if closed.is_err() {
            tracing::warn!(provider = self.lane.name, "the provider did not close in time");
        }
        Left { n_events }
    }
}
