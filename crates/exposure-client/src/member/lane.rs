use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::flush::Gathering;
use super::{Entry, Left};
use crate::provider::{BatchLimits, ExposureProvider};
use crate::{DropCounts, DropReason, ProviderAccount};

/// The way of exposures to one provider: callers put them in at one end, the provider's thread
/// takes them out at the other.
pub(crate) struct Lane {
    pub(crate) name: String,
    pub(crate) is_required: bool,
    pub(crate) provider: Box<dyn ExposureProvider>,
    pub(crate) limits: BatchLimits,
    bound: QueueBound,
    state: Mutex<State>,
    pub(crate) wake: Notify,
}

/// How much may wait for a provider, under way included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueBound {
    pub(crate) n_events: usize,
    pub(crate) n_bytes: usize,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Arc<Entry>>,
    /// Counts what was ever pushed: the position of the next one.
    n_pushed: u64,
    held: Held,
    counts: Counts,
    flushes: Vec<Request>,
    closing: Option<Instant>,
    closers: Vec<Arc<Gathering>>,
    /// The thread is gone, and nothing is taken any more.
    is_gone: bool,
    /// What it left when it went.
    left: Option<Left>,
}

/// What is reserved: from before it is pushed until it has ended.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    n_events: usize,
    n_bytes: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    offered: u64,
    delivered: u64,
    dropped: DropCounts,
    failures: u32,
}

/// Somebody waits until all that was pushed before has been tried.
#[derive(Debug)]
pub(crate) struct Request {
    /// The positions below this.
    pub(crate) through: u64,
    pub(crate) gathering: Arc<Gathering>,
}

/// What became of a few entries, to be booked at once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ends {
    n_bytes: usize,
    delivered: u64,
    dropped: DropCounts,
}

impl Lane {
    pub(crate) fn new(
        provider: Box<dyn ExposureProvider>,
        is_required: bool,
        bound: QueueBound,
    ) -> Self {
        let limits = provider.limits();
        let limits = BatchLimits {
            max_events: limits.max_events.max(1),
            max_bytes: limits.max_bytes,
            in_flight: limits.in_flight.max(1),
        };
        Self {
            name: provider.name().to_owned(),
            is_required,
            provider,
            limits,
            bound,
            state: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Keeps room for an exposure, if there is any.
    pub(crate) fn reserve(&self, n_bytes: usize) -> bool {
        let mut state = self.state.lock();
        let Held { n_events, n_bytes: held } = state.held;
        // A single exposure has room in an empty queue, however long it is.
        let fits = n_events < self.bound.n_events && held + n_bytes <= self.bound.n_bytes;
        if fits || n_events == 0 {
            state.held = Held { n_events: n_events + 1, n_bytes: held + n_bytes };
            return true;
        }
        false
    }

    /// Keeps room even where there is none: for what an earlier run had taken in.
    pub(crate) fn reserve_always(&self, n_bytes: usize) {
        let mut state = self.state.lock();
        state.held.n_events += 1;
        state.held.n_bytes += n_bytes;
    }

    /// Whether an entry that does not get through is kept for the next run.
    pub(crate) fn keeps(&self, entry: &Entry) -> bool {
        // A best-effort provider has no claim on the outbox.
        self.is_required && entry.record.is_some()
    }

    /// Whether the provider's thread has ended.
    pub(crate) fn is_gone(&self) -> bool {
        self.state.lock().left.is_some()
    }

    /// Gives room back that was not used.
    pub(crate) fn release(&self, n_bytes: usize) {
        let mut state = self.state.lock();
        state.held.n_events -= 1;
        state.held.n_bytes -= n_bytes;
    }

    /// Counts an exposure that there was no room for.
    pub(crate) fn refuse(&self, reason: DropReason) {
        let mut state = self.state.lock();
        state.counts.offered += 1;
        state.counts.dropped.add(reason, 1);
    }

    /// Puts an entry in for which room was kept. `false`: the provider's thread is gone, and the
    /// entry has been counted as dropped here, or is kept for the next run.
    pub(crate) fn push(&self, entry: &Arc<Entry>) -> bool {
        let wakes = {
            let mut state = self.state.lock();
            state.counts.offered += 1;
            if state.is_gone {
                if !self.keeps(entry) {
                    state.counts.dropped.add(DropReason::Closed, 1);
                }
                state.held.n_events -= 1;
                state.held.n_bytes -= entry.n_bytes;
                return false;
            }
            state.n_pushed += 1;
            state.ready.push_back(Arc::clone(entry));
            let n_ready = state.ready.len();
            n_ready == 1 || n_ready == self.limits.max_events
        };
        // The thread sleeps only while there is nothing, or not enough to hurry for.
        if wakes {
            self.wake.notify_one();
        }
        true
    }

    pub(crate) fn n_ready(&self) -> usize {
        self.state.lock().ready.len()
    }

    /// Takes entries out while `take` wants them.
    pub(crate) fn take(&self, mut take: impl FnMut(&Arc<Entry>) -> bool) -> Vec<Arc<Entry>> {
        let mut state = self.state.lock();
        let n_taken = state.ready.iter().take_while(|entry| take(entry)).count();
        state.ready.drain(..n_taken).collect()
    }

    /// Books what has ended.
    pub(crate) fn book(&self, ends: &Ends, failures: u32) {
        let mut state = self.state.lock();
        let n_ended = ends.delivered + ends.dropped.total();
        state.held.n_events -= usize::try_from(n_ended).unwrap_or(usize::MAX);
        state.held.n_bytes -= ends.n_bytes;
        state.counts.delivered += ends.delivered;
        state.counts.dropped += ends.dropped;
        state.counts.failures = failures;
    }

    /// Asks for everything that was pushed so far to be tried now.
    pub(crate) fn flush(&self, gathering: &Arc<Gathering>) {
        let mut state = self.state.lock();
        if state.is_gone {
            drop(state);
            gathering.answer(&self.name, Left::default());
            return;
        }
        let through = state.n_pushed;
        state.flushes.push(Request { through, gathering: Arc::clone(gathering) });
        drop(state);
        self.wake.notify_one();
    }

    pub(crate) fn new_flushes(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.lock().flushes)
    }

    /// Asks the thread to end by then at the latest, and to tell what it left.
    pub(crate) fn close(&self, deadline: Instant, gathering: Option<&Arc<Gathering>>) {
        let mut state = self.state.lock();
        if let Some(left) = state.left {
            drop(state);
            if let Some(gathering) = gathering {
                gathering.answer(&self.name, left);
            }
            return;
        }
        state.closing = Some(state.closing.map_or(deadline, |before| before.min(deadline)));
        state.closers.extend(gathering.map(Arc::clone));
        drop(state);
        self.wake.notify_one();
    }

    /// The thread has ended, and left this.
    pub(crate) fn closed(&self, left: Left) {
        let closers = {
            let mut state = self.state.lock();
            (state.is_gone, state.left) = (true, Some(left));
            std::mem::take(&mut state.closers)
        };
        for closer in closers {
            closer.answer(&self.name, left);
        }
    }

    pub(crate) fn closing(&self) -> Option<Instant> {
        self.state.lock().closing
    }

    /// Nothing is taken from here on; what is left comes out, and the requests that nobody will
    /// answer.
    pub(crate) fn leave(&self) -> (Vec<Arc<Entry>>, Vec<Request>) {
        let mut state = self.state.lock();
        state.is_gone = true;
        (state.ready.drain(..).collect(), std::mem::take(&mut state.flushes))
    }

    pub(crate) fn account(&self) -> ProviderAccount {
        let counts = self.state.lock().counts;
        ProviderAccount {
            name: self.name.clone(),
            required: self.is_required,
            offered: counts.offered,
            delivered: counts.delivered,
            dropped: counts.dropped,
            pending: counts.offered - counts.delivered - counts.dropped.total(),
            failures: counts.failures,
        }
    }
}

impl Ends {
    pub(crate) fn delivered(&mut self, entry: &Entry) {
        self.n_bytes += entry.n_bytes;
        self.delivered += 1;
    }

    pub(crate) fn dropped(&mut self, entry: &Entry, reason: DropReason) {
        self.n_bytes += entry.n_bytes;
        self.dropped.add(reason, 1);
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("name", &self.name)
            .field("is_required", &self.is_required)
            .finish_non_exhaustive()
    }
}
