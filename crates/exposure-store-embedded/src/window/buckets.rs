//! The runs of the window by bucket, behind the activity bits.

use std::sync::Arc;

use super::Error;
use super::activity::{SLOTS, slot_of};
use super::filter::Filter;
use super::run::Run;
use super::slot::Slot;

/// All runs, in the slots of the activity bitmap.
#[derive(Debug)]
pub(super) struct Buckets {
    slots: Vec<Vec<Bucket>>,
    /// Slots that have runs.
    used: u64,
    /// Slots with runs that bitmaps say nothing of.
    unmarked: u64,
}

/// The runs of one bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) number: u64,
    /// Runs to be asked by their own filters: found when opening, or all that a closed bucket has.
    plain: Vec<Arc<Run>>,
    /// Runs whose ids are all in `front`: asked only if that knows the key.
    fronted: Vec<Arc<Run>>,
    /// Filters over the fronted runs; each has room for twice what the one before has.
    front: Vec<Arc<Filter>>,
    /// Keys that still fit into the last front filter.
    front_room: usize,
}

/// How a new run joins its bucket: behind a front filter.
///
/// A run's own filter lets one absent key in some five thousand through to a read that a commit waits for; with a
/// front before it both have to. One probe also asks for one line of memory, where a run each asks for as many.
#[derive(Debug, Clone)]
pub(super) enum Joining {
    /// Its keys are to be added to the last front filter.
    Front(Arc<Filter>),
    /// Its keys are to be added to a new front filter with room for this many.
    NewFront(usize),
}

impl Joining {
    /// For the first run of a bucket.
    pub(super) fn first(n_ids: usize) -> Self {
        Self::NewFront(Self::room_of_first(n_ids))
    }

    /// Others of the same size will follow.
    const fn room_of_first(n_ids: usize) -> usize {
        4 * n_ids
    }
}

/// How a run joined its bucket.
#[derive(Debug)]
pub(super) enum Joined {
    Plain,
    Front(Arc<Filter>),
    NewFront(Arc<Filter>, usize),
}

impl Buckets {
    pub(super) fn new() -> Self {
        Self { slots: std::iter::repeat_with(Vec::new).take(SLOTS).collect(), used: 0, unmarked: 0 }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Bucket> {
        self.slots.iter().flatten()
    }

    pub(super) fn runs(&self) -> impl Iterator<Item = &Arc<Run>> {
        self.iter().flat_map(Bucket::runs)
    }

    /// Memory of the front filters; the runs count their own.
    pub(super) fn front_bytes(&self) -> u64 {
        self.iter().flat_map(|bucket| &bucket.front).map(|filter| filter.bytes()).sum()
    }

    pub(super) fn get(&self, number: u64) -> Option<&Bucket> {
        self.slots.get(slot_of(number))?.iter().find(|bucket| bucket.number == number)
    }

    fn get_or_insert(&mut self, number: u64) -> &mut Bucket {
        let slot = &mut self.slots[slot_of(number)];
        let at = slot.iter().position(|bucket| bucket.number == number).unwrap_or_else(|| {
            slot.push(Bucket {
                number,
                plain: vec![],
                fronted: vec![],
                front: vec![],
                front_room: 0,
            });
            slot.len() - 1
        });
        &mut slot[at]
    }

    /// Adds a run to a bucket.
    pub(super) fn add(&mut self, number: u64, run: Arc<Run>, joined: Joined) {
        let n_ids = run.n_ids();
        let bucket = self.get_or_insert(number);
        match joined {
            Joined::Plain => bucket.plain.push(run),
            // A merge may have done away with the front since; then the run's own filter stands for it.
            Joined::Front(filter)
                if !bucket.front.iter().any(|front| Arc::ptr_eq(front, &filter)) =>
            {
                bucket.plain.push(run);
            }
            Joined::Front(_) => {
                bucket.front_room = bucket.front_room.saturating_sub(n_ids);
                bucket.fronted.push(run);
            }
            Joined::NewFront(filter, room) => {
                bucket.front.push(filter);
                bucket.front_room = room.saturating_sub(n_ids);
                bucket.fronted.push(run);
            }
        }
        self.summarize();
    }

    /// Puts a merged run in the place of its inputs. False: the bucket was forgotten meanwhile.
    pub(super) fn replace(
        &mut self,
        number: u64,
        inputs: &[Arc<Run>],
        output: Arc<Run>,
        is_closed: bool,
    ) -> bool {
        if self.get(number).is_none() {
            return false;
        }
        let is_input = |run: &Arc<Run>| inputs.iter().any(|input| input.number() == run.number());
        let bucket = self.get_or_insert(number);
        let was_plain = bucket.plain.iter().any(is_input);
        bucket.plain.retain(|run| !is_input(run));
        bucket.fronted.retain(|run| !is_input(run));
        // The front knows the output's keys only if it knew all inputs'. The last run of a bucket needs none.
        if was_plain || (is_closed && bucket.fronted.is_empty()) {
            bucket.plain.push(output);
        } else {
            bucket.fronted.push(output);
        }
        if bucket.fronted.is_empty() {
            bucket.front.clear();
            bucket.front_room = 0;
        }
        self.summarize();
        true
    }

    /// Takes out the runs of buckets before `first`.
    pub(super) fn expire(&mut self, first: u64) -> Vec<Arc<Run>> {
        let mut expired = Vec::new();
        for slot in &mut self.slots {
            for bucket in slot.extract_if(.., |bucket| bucket.number < first) {
                expired.extend(bucket.plain.into_iter().chain(bucket.fronted));
            }
        }
        self.summarize();
        expired
    }

    fn summarize(&mut self) {
        (self.used, self.unmarked) = (0, 0);
        for (i, slot) in self.slots.iter().enumerate() {
            let has = |yes: bool| u64::from(yes) << i;
            self.used |= has(!slot.is_empty());
            self.unmarked |= has(slot.iter().flat_map(Bucket::runs).any(|run| run.span.unmarked));
        }
    }

    /// Asks for the filter blocks that [`Self::find`] would look at in `slots`.
    pub(super) fn prefetch(&self, slots: u64, hi: u64) {
        for bucket in self.in_slots(slots) {
            for filter in bucket.filters() {
                filter.prefetch(hi);
            }
        }
    }

    /// An id of the same key in reach, in the buckets of `slots`.
    /// `resident` looks among what is in memory of a bucket, before its files.
    pub(super) fn find(
        &self,
        slots: u64,
        id: &Slot,
        reach_ms: u64,
        resident: impl Fn(u64) -> Option<Slot>,
    ) -> Result<Option<Slot>, Error> {
        for bucket in self.in_slots(slots) {
            if !bucket.may_contain(id) {
                continue;
            }
            if let Some(found) = resident(bucket.number) {
                return Ok(Some(found));
            }
            for run in bucket.runs_with(id) {
                if let Some(found) = run.find(id, reach_ms)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// Whether [`Self::find`] would ask any filter.
    pub(super) fn any_in(&self, slots: u64) -> bool {
        (slots | self.unmarked) & self.used != 0
    }

    fn in_slots(&self, slots: u64) -> impl Iterator<Item = &Bucket> {
        let mut rest = (slots | self.unmarked) & self.used;
        std::iter::from_fn(move || {
            let slot = self.slots.get(rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(slot)
        })
        .flatten()
    }
}

impl Bucket {
    pub(super) fn runs(&self) -> impl Iterator<Item = &Arc<Run>> {
        self.plain.iter().chain(&self.fronted)
    }

    fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.plain.iter().map(|run| &run.filter).chain(self.front.iter().map(|filter| &**filter))
    }

    fn may_contain(&self, id: &Slot) -> bool {
        self.filters().any(|filter| filter.contains(id.hi, id.lo))
    }

    fn runs_with(&self, id: &Slot) -> impl Iterator<Item = &Arc<Run>> {
        self.runs().filter(|run| run.filter.contains(id.hi, id.lo))
    }

    /// How the next run, of `n_ids`, is to join.
    pub(super) fn joining(&self, n_ids: usize) -> Joining {
        match self.front.last() {
            Some(filter) if n_ids <= self.front_room => Joining::Front(Arc::clone(filter)),
            _ => {
                let n_fronted: usize = self.fronted.iter().map(|run| run.n_ids()).sum();
                Joining::NewFront((2 * n_fronted).max(Joining::room_of_first(n_ids)))
            }
        }
    }
}
