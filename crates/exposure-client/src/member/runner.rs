use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::Instant;

use super::attempt::{Attempted, Item, attempt};
use super::lane::{Ends, Request};
use super::reporter::Reporter;
use super::{Entry, Failure, Lane, Left};
use crate::DropReason;
use crate::engine::Engine;
use crate::provider::{Batch, Breaker, Leave};

/// Takes exposures from a lane to its provider, on the provider's own thread.
pub(crate) struct Runner {
    pub(super) engine: Arc<Engine>,
    pub(super) lane: Arc<Lane>,
    pace: Pace,
    pub(super) breaker: Breaker,
    /// What is to be sent again, by when and position.
    pub(super) again: BTreeMap<(Instant, u64), Item>,
    pub(super) attempts: FuturesUnordered<BoxFuture<'static, Attempted>>,
    /// What each attempt under way carries, by its number.
    pub(super) under_way: BTreeMap<u64, Vec<Item>>,
    pub(super) n_popped: u64,
    pub(super) n_attempts: u64,
    /// The most events of a batch: smaller for a while after one was too large.
    pub(super) max_events: usize,
    linger_until: Option<Instant>,
    pub(super) reporter: Reporter,
    pub(super) flushes: Vec<Flush>,
}

/// When things are sent, sent again, and given up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How long a batch waits to fill.
    pub(crate) linger: Duration,
    /// How long an attempt may take.
    pub(crate) attempt_timeout: Duration,
    /// How long an exposure may wait.
    pub(crate) max_age: Duration,
}

pub(super) struct Flush {
    pub(super) request: Request,
    /// Attempts from this number on were made for it.
    pub(super) since_attempt: u64,
    pub(super) has_failed: bool,
}

/// What a batch that tries the ground has at most.
const PROBE_EVENTS: usize = 16;

impl Runner {
    pub(crate) fn new(engine: Arc<Engine>, lane: Arc<Lane>, pace: Pace, breaker: Breaker) -> Self {
        let max_events = lane.limits.max_events;
        Self {
            engine,
            lane,
            pace,
            breaker,
            again: BTreeMap::new(),
            attempts: FuturesUnordered::new(),
            under_way: BTreeMap::new(),
            n_popped: 0,
            n_attempts: 0,
            max_events,
            linger_until: None,
            reporter: Reporter::default(),
            flushes: Vec::new(),
        }
    }

    /// Runs until it is closed, and tells how many exposures are left undelivered.
    pub(crate) async fn run(mut self) -> Left {
        loop {
            let now = Instant::now();
            self.take_requests(now);
            let wake = self.launch(now);
            self.answer_flushes(now);
            let closing = self.lane.closing();
            let is_backlogged = self.lane.is_required && 0 < self.engine.outbox.backlog();
            let is_idle = self.again.is_empty() && self.under_way.is_empty() && !is_backlogged;
            if let Some(deadline) = closing
                && (deadline <= now || (is_idle && self.lane.n_ready() == 0))
            {
                return self.close(deadline).await;
            }
            self.report_if_due(now);
            let wake = wake.into_iter().chain(closing).chain(self.reporter.wake()).min();
            tokio::select! {
                Some(attempted) = self.attempts.next() => self.finish(attempted),
                () = self.reporter.done() => {}
                () = self.lane.wake.notified() => {}
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Starts as many attempts as may be; tells when to look again.
    fn launch(&mut self, now: Instant) -> Option<Instant> {
        loop {
            let n_ready = self.lane.n_ready();
            if self.linger_until.is_none() && n_ready > 0 {
                self.linger_until = Some(now + self.pace.linger);
            }
            let next_again = self.again.first_key_value().map(|(&(at, _), _)| at);
            let is_hurried = !self.flushes.is_empty() || self.lane.closing().is_some();
            let is_due = next_again.is_some_and(|at| at <= now)
                || self.max_events <= n_ready
                || (0 < n_ready && (is_hurried || self.linger_until <= Some(now)));
            if !is_due {
                return next_again.into_iter().chain(self.linger_until).min();
            }
            let (max_in_flight, max_events) = match self.breaker.leave(now) {
                Leave::Full => (self.lane.limits.in_flight, self.max_events),
                Leave::Probe => (1, self.max_events.min(PROBE_EVENTS)),
                Leave::Wait(until) => return Some(until),
            };
            if max_in_flight <= self.under_way.len() {
                // The end of an attempt wakes.
                return None;
            }
            let items = self.take_batch(now, max_events);
            if !items.is_empty() {
                self.start(items);
            }
        }
    }

    fn take_batch(&mut self, now: Instant, max_events: usize) -> Vec<Item> {
        let max_bytes = self.lane.limits.max_bytes;
        let (mut items, mut n_bytes, mut expired) = (Vec::new(), 0, Vec::new());
        while let Some(first) = self.again.first_entry() {
            let item = first.get();
            let is_full = max_events <= items.len()
                || (!items.is_empty()
                    && (max_bytes < n_bytes + item.entry.n_bytes || item.is_alone));
            if now < first.key().0 || is_full {
                break;
            }
            let item = first.remove();
            if self.pace.max_age <= now.saturating_duration_since(item.entry.since) {
                expired.push(item.entry);
                continue;
            }
            n_bytes += item.entry.n_bytes;
            let is_alone = item.is_alone;
            items.push(item);
            if is_alone {
                self.expire(&expired);
                return items;
            }
        }
        let mut n_events = items.len();
        let taken = self.lane.take(|entry| {
            let fits =
                n_events < max_events && (n_events == 0 || n_bytes + entry.n_bytes <= max_bytes);
            if fits {
                n_events += 1;
                n_bytes += entry.n_bytes;
            }
            fits
        });
        for entry in taken {
            let position = self.n_popped;
            self.n_popped += 1;
            if self.pace.max_age <= now.saturating_duration_since(entry.since) {
                expired.push(entry);
            } else {
                items.push(Item { entry, position, n_attempts: 0, n_panics: 0, is_alone: false });
            }
        }
        if self.lane.n_ready() == 0 {
            self.linger_until = None;
        }
        self.expire(&expired);
        items
    }

    fn start(&mut self, items: Vec<Item>) {
        let number = self.n_attempts;
        self.n_attempts += 1;
        let exposures = items.iter().map(|item| Arc::clone(&item.entry.exposure)).collect();
        let account = self.engine.account();
        self.reporter.told(&account);
        let batch = Batch::new(exposures, account, self.engine.client_id());
        let timeout = self.pace.attempt_timeout;
        self.under_way.insert(number, items);
        self.attempts.push(Box::pin(attempt(Arc::clone(&self.lane), batch, number, timeout)));
    }

    /// To be sent again as soon as anything is.
    pub(super) fn put_back(&mut self, now: Instant, items: Vec<Item>) {
        self.again.extend(items.into_iter().map(|item| ((now, item.position), item)));
    }

    fn expire(&self, entries: &[Arc<Entry>]) {
        self.drop_all(entries, &Failure::new(DropReason::Expired, "it waited as long as it may"));
    }

    pub(super) fn drop_all(&self, entries: &[Arc<Entry>], failure: &Failure) {
        let mut ends = Ends::default();
        for entry in entries {
            ends.dropped(entry, failure.reason);
        }
        self.lane.book(&ends, self.breaker.n_failures());
        for entry in entries {
            self.engine.ended(&self.lane, entry, Some(failure.clone()));
        }
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}
