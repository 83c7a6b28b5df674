//! The window itself: the path of one id.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::activity::{active_slots, mark, slot_of};
use super::background::Background;
use super::buckets::{Buckets, Joined};
use super::format::{BLOCK, IDS_PER_BLOCK};
use super::generation::{Generation, Room, Span};
use super::manifest::Manifest;
use super::options::BUCKETS;
use super::run::Run;
use super::slot::Slot;
use super::{Error, Options};
use crate::disk::Disk;

/// What became of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Not seen within the window; it is remembered now.
    New,
    /// Seen within the window.
    Duplicate {
        /// The content is not the first one's.
        conflict: bool,
    },
    /// Not seen, and not remembered either: a bound is reached. The caller refuses the event.
    Full,
}

/// The `insert_id` window of a store; see the module's documentation.
#[derive(Debug)]
pub struct Window {
    pub(super) options: Options,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    /// The greatest clock seen, microseconds since 1970, and its bucket.
    clock_us: u64,
    pub(super) bucket: u64,
    bucket_ends_us: u64,
    /// The bucket of the server's clock at opening, which the replay comes up to.
    opened_bucket: u64,
    pub(super) active: Generation,
    /// Generations not yet in runs, oldest first.
    pub(super) frozen: VecDeque<Frozen>,
    /// Generations in runs that are still in memory, oldest first, with their buckets.
    pub(super) resident: VecDeque<(u64, Arc<Generation>)>,
    pub(super) buckets: Buckets,
    /// New ids that fit before the bounds are measured again.
    pub(super) room: usize,
    pub(super) background: Background,
}

/// A generation that waits to be written, or only the news that the log below a position holds no more ids.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) generation: Option<Arc<Generation>>,
    pub(super) bucket: u64,
    /// Once this and all before it are written, every id of a log record below this position is.
    pub(super) covers_to: u64,
}

/// Bytes that an id takes on disk: its slot, block heads, filter and index.
const DISK_BYTES_PER_ID: u64 = (BLOCK / IDS_PER_BLOCK) as u64 + 3;
/// Bytes that a run takes besides: its header and a last block that is hardly filled.
const DISK_BYTES_PER_RUN: u64 = 2 * BLOCK as u64;

impl Window {
    /// Opens the window in `dir`, which is created if missing and is the window's own.
    ///
    /// Headers, indexes and filters are read and checked; data blocks are checked when they are read. Files that the
    /// manifest does not list are removed. The caller then replays its log from [`Self::covered_position`].
    ///
    /// # Errors
    /// A setting out of its bounds, a damaged or foreign file, or a failing disk.
    pub fn open(
        dir: &Path,
        disk: Arc<dyn Disk>,
        options: Options,
        now_us: i64,
    ) -> Result<Self, Error> {
        options.check()?;
        let (manifest, runs) = super::background::load(&*disk, dir, &options)?;
        let now_bucket = u64::try_from(now_us).unwrap_or(0) / options.width_us();
        let mut background = Background::new(manifest);
        let mut buckets = Buckets::new();
        let mut clock_us = 0;
        for run in runs {
            let bucket = run.span.bucket(options.width_us());
            if bucket + BUCKETS < now_bucket {
                background.retire(&run);
            } else {
                clock_us = run.span.inserted_us.1.max(clock_us);
                buckets.add(bucket, Arc::new(run), Joined::Plain);
            }
        }
        // The clock starts at the newest run, not at `now`: replayed ids come from in between.
        let bucket = clock_us / options.width_us();
        let bucket_ends_us = (bucket + 1) * options.width_us();
        let active = Generation::new(0, &options);
        let (frozen, resident) = (VecDeque::new(), VecDeque::new());
        let dir = dir.to_path_buf();
        Ok(Self {
            options,
            disk,
            dir,
            clock_us,
            bucket,
            bucket_ends_us,
            opened_bucket: now_bucket,
            active,
            frozen,
            resident,
            buckets,
            room: 0,
            background,
        })
    }

    /// Decides about an id and remembers it if it is new.
    ///
    /// `key` is a keyed hash, `content` a hash of which the low 22 bits are kept. `now_us` is the server's clock,
    /// `position` where the id's record will stand in the log; neither may fall. `activity` is the owner's bitmap:
    /// zero for a new owner, [`UNKNOWN_ACTIVITY`](super::UNKNOWN_ACTIVITY) if it was lost. Times are microseconds
    /// since 1970.
    ///
    /// # Errors
    /// A run could not be read, or is damaged; the id was not remembered, earlier ones were.
    pub fn check_and_add(
        &mut self,
        key: u128,
        content: u64,
        received_us: i64,
        now_us: i64,
        position: u64,
        activity: &mut u64,
    ) -> Result<Outcome, Error> {
        self.advance(now_us);
        let id = Slot::new(key, content, received_us);
        let place = self.active.table.seek(&id, self.options.reach_ms());
        let found = match place.found {
            Some(found) => Some(found),
            None => self.find_older(&id, active_slots(*activity, self.bucket))?,
        };
        if let Some(first) = found {
            return Ok(Outcome::Duplicate { conflict: !first.same_content(&id) });
        }
        if self.room == 0 {
            self.measure_room();
            if self.room == 0 {
                return Ok(Outcome::Full);
            }
        }
        self.room -= 1;
        self.add(id, Some(place), position);
        *activity = mark(*activity, self.bucket);
        Ok(Outcome::New)
    }

    /// Asks for the memory that [`Self::check_and_add`] will touch for a key, with its owner's activity bitmap; call
    /// it some events before.
    pub fn prefetch(&self, key: u128, activity: u64) {
        self.active.table.prefetch(key);
        let slots = active_slots(activity, self.bucket);
        if slots == 0 {
            return;
        }
        if !self.frozen.is_empty() {
            for generation in self.frozen.iter().filter_map(|frozen| frozen.generation.as_ref()) {
                generation.table.prefetch(key);
            }
        }
        self.buckets.prefetch(slots, (key >> 64) as u64);
    }

    /// Remembers the id of a replayed log record, decided as new when it was written.
    ///
    /// `inserted_us` is the server's clock of that time; where it is not known, now will do (the id is kept longer).
    /// Records come in the order of the log, from [`Self::covered_position`] on; an id that is already in a run is
    /// left as it is. `activity` is the owner's bitmap, or none if it is not at hand: then bitmaps are not trusted
    /// for the ids around this one, which costs a filter's probe for everybody. The bitmap must be marked even if
    /// the owner's state is of a later position than this record.
    ///
    /// # Errors
    /// A run could not be read, or is damaged.
    pub fn add_replayed(
        &mut self,
        key: u128,
        content: u64,
        received_us: i64,
        inserted_us: i64,
        position: u64,
        activity: Option<&mut u64>,
    ) -> Result<(), Error> {
        // One that ran out may be in no run, and must not be taken for a young one.
        let inserted_bucket = u64::try_from(inserted_us).unwrap_or(0) / self.options.width_us();
        if inserted_bucket + BUCKETS < self.bucket.max(self.opened_bucket) {
            return Ok(());
        }
        self.advance(inserted_us);
        let id = Slot::new(key, content, received_us);
        if !self.active.table.contains(&id) && !self.is_written(&id, position)? {
            self.add(id, None, position);
            match activity {
                Some(bits) => *bits = mark(*bits, self.bucket),
                None => self.active.span.unmarked = true,
            }
        }
        Ok(())
    }

    /// The greatest clock seen, microseconds since 1970.
    pub(super) const fn clock_us(&self) -> u64 {
        self.clock_us
    }

    /// A window with the same settings in which nothing ever was, and that has no directory: for a state that is a
    /// part of another, which has the window.
    #[must_use]
    pub fn stand_in(&self) -> Self {
        let manifest = Manifest {
            window_us: self.options.window_us,
            unmarked_below: 0,
            covered: 0,
            runs: vec![],
        };
        Self {
            options: self.options.clone(),
            disk: Arc::clone(&self.disk),
            dir: PathBuf::new(),
            clock_us: self.clock_us,
            bucket: self.bucket,
            bucket_ends_us: self.bucket_ends_us,
            opened_bucket: self.opened_bucket,
            active: Generation::new(0, &self.options),
            frozen: VecDeque::new(),
            resident: VecDeque::new(),
            buckets: Buckets::new(),
            room: 0,
            background: Background::new(manifest),
        }
    }

    /// Whether the next `n_ids` new ids will be remembered. Ask before a batch that stands or falls as a whole.
    pub fn has_room(&mut self, n_ids: usize) -> bool {
        if self.room < n_ids {
            self.measure_room();
        }
        n_ids <= self.room
    }

    /// Ids remembered.
    pub fn len(&self) -> usize {
        self.buckets.runs().map(|run| run.n_ids()).sum::<usize>() + self.unwritten_ids()
    }

    /// Whether no id is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory taken, in bytes: tables, filters and indexes.
    pub fn resident_bytes(&self) -> u64 {
        let frozen = self.frozen.iter().filter_map(|frozen| frozen.generation.as_ref());
        let resident = self.resident.iter().map(|(_, generation)| generation);
        let tables = frozen.chain(resident).map(|generation| generation.table.bytes()).sum::<u64>();
        let runs = self.buckets.runs().map(|run| run.resident_bytes()).sum::<u64>();
        let filters = self.buckets.front_bytes();
        tables + runs + filters + self.active.table.bytes() + self.background.spare_bytes()
    }

    /// Disk taken, in bytes, by runs and by files on their way out.
    pub fn disk_bytes(&self) -> u64 {
        self.buckets.runs().map(|run| run.disk_bytes()).sum::<u64>()
            + self.background.retired_bytes()
    }

    fn unwritten_ids(&self) -> usize {
        let frozen = self.frozen.iter().filter_map(|frozen| frozen.generation.as_ref());
        frozen.map(|generation| generation.table.len()).sum::<usize>() + self.active.table.len()
    }

    /// Moves the clock on; where a bucket ended, its generation is complete and old buckets are forgotten.
    pub(super) fn advance(&mut self, now_us: i64) {
        self.clock_us = u64::try_from(now_us).unwrap_or(0).max(self.clock_us);
        if self.clock_us < self.bucket_ends_us {
            return;
        }
        self.complete_active();
        self.bucket = self.clock_us / self.options.width_us();
        self.bucket_ends_us = (self.bucket + 1) * self.options.width_us();
        let first = self.bucket.saturating_sub(BUCKETS);
        for run in self.buckets.expire(first) {
            self.background.retire(&run);
        }
        while let Some((_, generation)) = self.resident.pop_front_if(|(bucket, _)| *bucket < first)
        {
            self.background.discard(generation);
        }
    }

    /// Freezes the active generation, if it has ids, and begins another.
    pub(super) fn complete_active(&mut self) {
        if self.active.table.len() == 0 {
            return;
        }
        let next = self.next_generation();
        let complete = std::mem::replace(&mut self.active, next);
        let covers_to = complete.span.last_position;
        let generation = Some(Arc::new(complete));
        self.frozen.push_back(Frozen { generation, bucket: self.bucket, covers_to });
        self.room = 0;
    }

    /// Looks below the active generation.
    fn find_older(&self, id: &Slot, slots: u64) -> Result<Option<Slot>, Error> {
        let reach = self.options.reach_ms();
        for frozen in &self.frozen {
            let Some(generation) = &frozen.generation else { continue };
            let asked = generation.span.unmarked || slots >> slot_of(frozen.bucket) & 1 == 1;
            let kept = self.bucket <= frozen.bucket + BUCKETS;
            if asked
                && kept
                && let Some(found) = generation.table.seek(id, reach).found
            {
                return Ok(Some(found));
            }
        }
        if !self.buckets.any_in(slots) {
            return Ok(None);
        }
        self.buckets.find(slots, id, reach, |bucket| {
            let mut of_bucket = self.resident.iter().filter(|(number, _)| *number == bucket);
            of_bucket.find_map(|(_, generation)| generation.table.seek(id, reach).found)
        })
    }

    /// Whether a replayed id is already in a generation or run that reaches to its position.
    fn is_written(&self, id: &Slot, position: u64) -> Result<bool, Error> {
        let reaches = |span: &Span| position <= span.last_position;
        for generation in self.frozen.iter().filter_map(|frozen| frozen.generation.as_ref()) {
            if reaches(&generation.span) && generation.table.contains(id) {
                return Ok(true);
            }
        }
        for run in self.buckets.runs().filter(|run| reaches(&run.span)) {
            if run.contains(id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn add(&mut self, id: Slot, place: Option<super::table::Place>, position: u64) {
        let mut sought = place;
        loop {
            match self.active.make_room(&self.options) {
                Room::Here => {
                    let place = sought.unwrap_or_else(|| self.active.table.seek(&id, 0));
                    if self.active.insert(place, id, self.clock_us, position) {
                        return;
                    }
                    // Its keys crowd at the end, which uniform keys hardly do.
                    if self.active.grow(&self.options) == Room::Complete {
                        self.complete_active();
                    }
                }
                Room::Grown => self.room = 0,
                Room::Complete => self.complete_active(),
            }
            sought = None;
        }
    }

    /// Measures how many new ids fit below the bounds; gives up memory that only saves reads first.
    fn measure_room(&mut self) {
        let unwritten = self.unwritten_ids();
        let n_runs = 1 + self.frozen.len() as u64;
        let planned = unwritten as u64 * DISK_BYTES_PER_ID + n_runs * DISK_BYTES_PER_RUN;
        let bytes_per_id =
            DISK_BYTES_PER_ID + DISK_BYTES_PER_RUN.div_ceil(self.options.generation_ids as u64);
        let used = |window: &Self| window.resident_bytes() + window.disk_bytes() + planned;
        let bound = self.options.dedupe_max_bytes;
        if bound <= used(self) {
            self.background.discard_reusable();
        }
        while bound <= used(self) {
            let Some((_, generation)) = self.resident.pop_front() else { break };
            self.background.discard(generation);
            self.background.discard_reusable();
        }
        let fits = bound.saturating_sub(used(self)) / bytes_per_id;
        let waiting = self.options.unflushed_max_ids.saturating_sub(unwritten);
        self.room = usize::try_from(fits).unwrap_or(usize::MAX).min(waiting);
    }

    /// Reads every run whole and checks its blocks and their order; for an inspection at rest.
    ///
    /// # Errors
    /// The first damaged or unreadable place.
    pub fn verify(&self) -> Result<(), Error> {
        self.buckets.runs().try_for_each(Run::verify)
    }
}
