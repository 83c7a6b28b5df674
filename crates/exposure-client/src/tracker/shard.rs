use super::marks::{Mark, Marks};
use super::pending::{Pending, PendingTable};
use super::{Counts, Key, Ticket, VariantHash};
use crate::DropReason;

/// A part of the keys: what was queued last for each, what is under way, and the figures.
///
/// Every method leaves the figures closed, modulo 2^64 for what is pending: what was found on disk
/// counts with one shard, and ends with another.
#[derive(Debug)]
pub(crate) struct Shard {
    marks: Marks,
    pending: PendingTable,
    counts: Counts,
}

/// What an evaluation turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// The same as what was queued last; it is counted.
    Repeat,
    /// An exposure, which must be settled.
    New(Ticket),
}

/// How an exposure ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every required provider acknowledged it.
    Delivered,
    /// Some required provider will never have it.
    Dropped(DropReason),
}

/// What was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    /// The repeats that ended with it.
    pub(crate) repeats: u64,
}

/// Whether an exposure counts as tracked from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    /// It does.
    AtOnce,
    /// Once [`Shard::written`] says that it is on stable storage.
    WhenWritten,
    /// It does, and an earlier run had tracked it.
    Recovered,
    /// The same, and after it another one of the same key was queued that has ended.
    Outdated,
}

impl Shard {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            marks: Marks::new(capacity),
            pending: PendingTable::default(),
            counts: Counts::default(),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// What was delivered last for each key, the least recently used first.
    pub(crate) fn delivered(&self) -> impl Iterator<Item = (Key, VariantHash)> + '_ {
        self.marks.delivered()
    }

    /// Takes what an earlier run had delivered.
    pub(crate) fn remember(&mut self, key: Key, variant: VariantHash) {
        self.marks.put(key, Mark { variant, pending: None });
    }

    /// Counts the evaluation if it repeats what was queued last; the way of nearly all of them.
    pub(crate) fn repeat(&mut self, key: Key, variant: VariantHash) -> bool {
        let pending = match self.marks.touch(key) {
            Some(mark) if mark.variant == variant => mark.pending,
            _ => return false,
        };
        let Some(pending) = pending.and_then(|ticket| self.pending.get_mut(ticket)) else {
            self.counts.tracked += 1;
            self.counts.deduplicated += 1;
            return true;
        };
        pending.repeats += 1;
        if pending.is_tracked {
            self.counts.tracked += 1;
            self.counts.pending = self.counts.pending.wrapping_add(1);
            self.counts.pending_repeats += 1;
        }
        true
    }

    /// Takes an exposure in, unless another thread just did.
    pub(crate) fn admit(
        &mut self,
        key: Key,
        variant: VariantHash,
        counting: Counting,
    ) -> Admission {
        if counting == Counting::Outdated {
            // What was queued last is another one: it has no mark.
            self.counts.tracked += 1;
            self.counts.recovered += 1;
            self.counts.pending = self.counts.pending.wrapping_add(1);
            return Admission::New(self.pending.add(Pending::unmarked(key)));
        }
        if counting != Counting::Recovered && self.repeat(key, variant) {
            return Admission::Repeat;
        }
        let is_tracked = counting != Counting::WhenWritten;
        let ticket = self.pending.add(Pending { key, mark: 0, repeats: 0, is_tracked });
        let mark = self.marks.put(key, Mark { variant, pending: Some(ticket) });
        if let Some(pending) = self.pending.get_mut(ticket) {
            pending.mark = mark;
        }
        if is_tracked {
            self.counts.tracked += 1;
            self.counts.pending = self.counts.pending.wrapping_add(1);
        } else {
            self.counts.unwritten += 1;
        }
        if counting == Counting::Recovered {
            self.counts.recovered += 1;
        }
        Admission::New(ticket)
    }

    /// Counts an evaluation that never was queued. What was queued last stays what it was.
    pub(crate) fn refuse(&mut self, reason: DropReason) {
        self.counts.tracked += 1;
        self.counts.dropped.add(reason, 1);
    }

    /// Counts an exposure, and what it suppressed meanwhile, as tracked from now on.
    pub(crate) fn written(&mut self, ticket: Ticket) {
        let Some(pending) = self.pending.get_mut(ticket) else { return };
        if pending.is_tracked {
            return;
        }
        pending.is_tracked = true;
        let repeats = pending.repeats;
        self.counts.unwritten -= 1;
        self.counts.tracked += 1 + repeats;
        self.counts.pending = self.counts.pending.wrapping_add(1 + repeats);
        self.counts.pending_repeats += repeats;
    }

    /// Lets go of an exposure that waits on disk alone. It stays pending; what it suppressed, and
    /// will, counts as deduplicated, for the outbox does not lose it.
    pub(crate) fn spill(&mut self, ticket: Ticket) {
        self.written(ticket);
        let Some(Pending { key, mark, repeats, .. }) = self.pending.take(ticket) else { return };
        self.marks.settle(key, mark, ticket, true);
        self.counts.pending = self.counts.pending.wrapping_sub(repeats);
        self.counts.pending_repeats -= repeats;
        self.counts.deduplicated += repeats;
    }

    /// Takes up an exposure that was let go of, which counts already.
    pub(crate) fn read_back(&mut self, key: Key, variant: VariantHash) -> Ticket {
        let ticket = self.pending.add(Pending::unmarked(key));
        if let Some(mark) = self.marks.attach(key, variant, ticket)
            && let Some(pending) = self.pending.get_mut(ticket)
        {
            pending.mark = mark;
        }
        ticket
    }

    /// Counts what an earlier run left, and waits on disk alone.
    pub(crate) fn found(&mut self, n: u64) {
        self.counts.tracked += n;
        self.counts.recovered += n;
        self.counts.pending = self.counts.pending.wrapping_add(n);
    }

    /// Counts what waited on disk alone, and does not read back.
    pub(crate) fn lost(&mut self, n: u64) {
        self.counts.pending = self.counts.pending.wrapping_sub(n);
        self.counts.dropped.add(DropReason::DiskFailed, n);
    }

    /// Ends an exposure. If it was not delivered, its mark is taken back, so that the next
    /// evaluation is an exposure again, and what it suppressed is dropped with it.
    pub(crate) fn settle(&mut self, ticket: Ticket, ending: Ending) -> Option<Settled> {
        self.written(ticket);
        let Pending { key, mark, repeats, .. } = self.pending.take(ticket)?;
        self.marks.settle(key, mark, ticket, ending == Ending::Delivered);
        self.counts.pending = self.counts.pending.wrapping_sub(1 + repeats);
        self.counts.pending_repeats -= repeats;
        match ending {
            Ending::Delivered => {
                self.counts.delivered += 1;
                self.counts.deduplicated += repeats;
            }
            Ending::Dropped(reason) => self.counts.dropped.add(reason, 1 + repeats),
        }
        Some(Settled { repeats })
    }
}
