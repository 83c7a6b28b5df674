//! What is to be done in the background, and taking over what was done.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::buckets::Joining;
use super::generation::{Generation, LARGE_ROOM};
use super::manifest::{FILE, Manifest, NEW_FILE};
use super::merge::choose;
use super::options::BUCKETS;
use super::run::{Run, file_name, number_of};
use super::table::Table;
use super::task::{Change, Done, Kind, Lane, NewSpare, Retired, Task};
use super::window_state::{Frozen, Window};
use super::{Error, Options};
use crate::disk::{Disk, retry_interrupted};

/// The bookkeeping of background work.
#[derive(Debug)]
pub(super) struct Background {
    /// A task of the lane is out; there is one at a time.
    is_flushing: bool,
    is_tidying: bool,
    next_number: u64,
    manifest: Arc<Mutex<Manifest>>,
    /// As the manifest on disk says.
    covered: u64,
    retired: Vec<Retired>,
    /// Tables that a task gives back to the system, outside the lock.
    discarded: Vec<Table>,
    /// A table that was used, to be emptied for a generation to come: its pages need not be made again.
    reusable: Option<Table>,
    /// An empty table for the next generation.
    spare: Option<Table>,
}

impl Background {
    pub(super) fn new(manifest: Manifest) -> Self {
        let last_number = manifest.runs.iter().copied().max().unwrap_or(0);
        Self {
            is_flushing: false,
            is_tidying: false,
            next_number: last_number.max(manifest.unmarked_below) + 1,
            covered: manifest.covered,
            manifest: Arc::new(Mutex::new(manifest)),
            retired: Vec::new(),
            discarded: Vec::new(),
            reusable: None,
            spare: None,
        }
    }

    /// Marks a run's file for removal. Lookups no longer reach it.
    pub(super) fn retire(&mut self, run: &Run) {
        self.retired.push(Retired { path: run.path.clone(), bytes: run.disk_bytes() });
    }

    /// Keeps a generation's table for another one, or until a task can free it outside the lock.
    pub(super) fn discard(&mut self, generation: Arc<Generation>) {
        // A task that still looks at it frees it.
        if let Some(generation) = Arc::into_inner(generation) {
            self.keep_or_discard(generation.table);
        }
    }

    fn keep_or_discard(&mut self, table: Table) {
        let is_kept = LARGE_ROOM / 2 <= table.n_room()
            && self.reusable.as_ref().is_none_or(|kept| kept.bytes() < table.bytes());
        let discarded = if is_kept { self.reusable.replace(table) } else { Some(table) };
        self.discarded.extend(discarded);
    }

    /// Gives up the table that would only save time.
    pub(super) fn discard_reusable(&mut self) {
        self.discarded.extend(self.reusable.take());
    }

    /// Memory of the tables that wait for their next use.
    pub(super) fn spare_bytes(&self) -> u64 {
        self.spare.iter().chain(&self.reusable).map(Table::bytes).sum()
    }

    pub(super) fn retired_bytes(&self) -> u64 {
        self.retired.iter().map(|file| file.bytes).sum()
    }

    fn take_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }
}

impl Window {
    /// The log position up to which every id is in synced runs: the log is needed from here on, and no further back.
    pub fn covered_position(&self) -> u64 {
        self.background.covered
    }

    /// Freezes what is in memory, for a checkpoint that wants to let go of the log.
    ///
    /// `position` is the end of the log: the ids of all records below it were added. It becomes the covered position
    /// when the tasks up to this point are done.
    pub fn force_freeze(&mut self, position: u64) {
        self.complete_active();
        let n_out = usize::from(self.background.is_flushing);
        let n_frozen = self.frozen.len();
        match self.frozen.back_mut() {
            // The first one may be out with a task, which has taken its position along.
            Some(last) if n_out < n_frozen => last.covers_to = position.max(last.covers_to),
            _ if position <= self.background.covered => {}
            _ => self.frozen.push_back(Frozen {
                generation: None,
                bucket: self.bucket,
                covers_to: position,
            }),
        }
    }

    /// Whether a flush is waiting: generations that were frozen and are not yet in runs.
    pub fn needs_flush(&self) -> bool {
        !self.frozen.is_empty()
    }

    /// The next piece of background work that may start now, or none.
    ///
    /// Flushes come first, then removals, then merges. One flush and one of the others may be out at a time: a long
    /// merge need not hold up flushes if a second thread asks, or the merge's own pace does.
    /// `now_us` is the server's clock; during replay, the insertion time of the last record.
    pub fn next_task(&mut self, now_us: i64) -> Option<Task> {
        self.advance(now_us);
        let flush = if self.background.is_flushing { None } else { self.flush() };
        let kind = match flush {
            Some(kind) => {
                self.background.is_flushing = true;
                kind
            }
            None if self.background.is_tidying => return None,
            None => {
                let kind = self.remove().or_else(|| self.merge())?;
                self.background.is_tidying = true;
                kind
            }
        };
        let spare = match &kind {
            Kind::Flush { generation, .. } => {
                let flushed = generation.as_ref().map_or(0, |(_, flushed)| flushed.table.bytes());
                self.spare_to_prepare(flushed)
            }
            _ => None,
        };
        Some(Task {
            disk: Arc::clone(&self.disk),
            dir: self.dir.clone(),
            manifest: Arc::clone(&self.background.manifest),
            kind,
            discarded: std::mem::take(&mut self.background.discarded),
            spare,
        })
    }

    /// The table to prepare, where the next generation will be a large one, while one of so many bytes is flushed.
    fn spare_to_prepare(&mut self, flushed_bytes: u64) -> Option<NewSpare> {
        let room = Generation::room_for(2 * self.active.table.n_room(), &self.options);
        let is_of_use = |table: &Table| LARGE_ROOM <= room && table.serves(room);
        let background = &mut self.background;
        // Traffic became another; these would only take memory.
        let of_no_use = background.spare.take_if(|spare| !is_of_use(spare));
        background.discarded.extend(of_no_use);
        let of_no_use = background.reusable.take_if(|table| !is_of_use(table));
        background.discarded.extend(of_no_use);
        if room < LARGE_ROOM || background.spare.is_some() {
            return None;
        }
        let mut reused = background.reusable.take();
        // The oldest would have to go as soon as the flush is done: so it goes now, and no table is made.
        if reused.is_none()
            && self.resident_bound() < self.resident_tables_bytes() + flushed_bytes
            && let Some((_, oldest)) =
                self.resident.pop_front_if(|(_, oldest)| is_of_use(&oldest.table))
        {
            reused = Arc::into_inner(oldest).map(|generation| generation.table);
        }
        Some(NewSpare { room, reused })
    }

    /// The generation after the active one: as large as the traffic, which a checkpoint may have cut short.
    pub(super) fn next_generation(&mut self) -> Generation {
        let table = &self.active.table;
        let room = Generation::room_for((2 * table.len()).max(table.n_room() / 2), &self.options);
        match self.background.spare.take_if(|spare| spare.serves(room)) {
            Some(spare) => Generation::of(spare),
            None => Generation::new(room, &self.options),
        }
    }

    fn flush(&mut self) -> Option<Kind> {
        let next = self.frozen.front()?;
        let covers_to = next.covers_to.max(self.background.covered);
        let kept = self.bucket <= next.bucket + BUCKETS;
        let generation =
            next.generation.as_ref().filter(|_| kept).map(|g| (next.bucket, Arc::clone(g)));
        let n_ids = generation.as_ref().map_or(0, |(_, generation)| generation.table.len());
        let joining = match self.buckets.get(next.bucket) {
            Some(bucket) => bucket.joining(n_ids),
            None => Joining::first(n_ids),
        };
        Some(Kind::Flush { number: self.background.take_number(), generation, joining, covers_to })
    }

    fn remove(&mut self) -> Option<Kind> {
        // They stay in the books until they are gone.
        let files = self.background.retired.clone();
        (!files.is_empty()).then_some(Kind::Remove { files })
    }

    fn merge(&mut self) -> Option<Kind> {
        let fan_in = self.options.merge_fan_in;
        let (bucket, inputs) = self.buckets.iter().find_map(|bucket| {
            let runs = bucket.runs().map(Arc::clone).collect();
            let is_closed = bucket.number < self.bucket
                && self.frozen.iter().all(|f| f.bucket != bucket.number);
            let inputs = choose(runs, fan_in, is_closed);
            (2 <= inputs.len()).then_some((bucket.number, inputs))
        })?;
        Some(Kind::Merge { number: self.background.take_number(), bucket, inputs })
    }

    /// Takes over what a task did.
    ///
    /// # Errors
    /// The task's failure. Nothing is lost: the work is offered again by [`Self::next_task`], and memory holds what
    /// is not on disk. Retry after [`Error::is_retryable`], with a pause.
    pub fn finish(&mut self, done: Done) -> Result<(), Error> {
        match done.lane {
            Lane::Flush => self.background.is_flushing = false,
            Lane::Tidy => self.background.is_tidying = false,
        }
        self.room = 0;
        if let Some(spare) = done.spare
            && let Some(replaced) = self.background.spare.replace(spare)
        {
            self.background.keep_or_discard(replaced);
        }
        let change = match done.result {
            Ok(change) => change,
            Err(error) => {
                // The manifest that failed may yet be the one on disk: the file goes only after a newer manifest.
                self.background.retired.extend(done.begun.map(|path| Retired { path, bytes: 0 }));
                return Err(error);
            }
        };
        match change {
            Change::Flushed { bucket, run, joined, covered } => {
                self.background.covered = covered;
                let flushed = self.frozen.pop_front();
                if self.bucket <= bucket + BUCKETS {
                    self.buckets.add(bucket, run, joined);
                    self.keep_resident(bucket, flushed);
                } else {
                    self.background.retire(&run);
                }
            }
            Change::Covered(covered) => {
                self.background.covered = covered;
                if let Some(expired) = self.frozen.pop_front().and_then(|frozen| frozen.generation)
                {
                    self.background.discard(expired);
                }
            }
            Change::Merged { bucket, inputs, output } => {
                let is_closed = bucket < self.bucket;
                if self.buckets.replace(bucket, &inputs, Arc::clone(&output), is_closed) {
                    for input in &inputs {
                        self.background.retire(input);
                    }
                } else {
                    // The bucket expired meanwhile, and its runs with it.
                    self.background.retire(&output);
                }
            }
            Change::Removed { files } => {
                self.background
                    .retired
                    .retain(|file| files.iter().all(|gone| gone.path != file.path));
            }
        }
        Ok(())
    }

    fn keep_resident(&mut self, bucket: u64, flushed: Option<Frozen>) {
        self.resident.extend(flushed.and_then(|frozen| frozen.generation).map(|g| (bucket, g)));
        while self.resident_bound() < self.resident_tables_bytes()
            && let Some((_, oldest)) = self.resident.pop_front()
        {
            self.background.discard(oldest);
        }
    }

    /// By bytes, so that tables that were never full do not take more.
    fn resident_bound(&self) -> u64 {
        self.options.resident_max_ids as u64 * Table::BYTES_PER_ID
    }

    fn resident_tables_bytes(&self) -> u64 {
        self.resident.iter().map(|(_, generation)| generation.table.bytes()).sum()
    }
}

/// Reads what is in `dir`, and removes what the manifest does not list.
pub(super) fn load(
    disk: &dyn Disk,
    dir: &Path,
    options: &Options,
) -> Result<(Manifest, Vec<Run>), Error> {
    retry_interrupted(|| disk.create_dir(dir)).map_err(Error::io("create", dir))?;
    let stored = Manifest::load(disk, dir)?;
    let is_new = stored.is_none();
    let mut manifest = stored.unwrap_or(Manifest {
        window_us: options.window_us,
        unmarked_below: 0,
        covered: 0,
        runs: Vec::new(),
    });
    let entries = retry_interrupted(|| disk.list(dir)).map_err(Error::io("list", dir))?;
    let is_leftover = |name: &str| match number_of(name) {
        Some(number) => !manifest.runs.contains(&number),
        None => name == NEW_FILE,
    };
    for entry in entries.iter().filter(|entry| is_leftover(&entry.name)) {
        let path: PathBuf = dir.join(&entry.name);
        // The manifest of a new directory is durable before its first run begins.
        if is_new && number_of(&entry.name).is_some() {
            return Err(Error::damaged(&dir.join(FILE), 0, "the file is missing beside run files"));
        }
        retry_interrupted(|| disk.remove(&path)).map_err(Error::io("remove", &path))?;
    }
    let mut runs = Vec::with_capacity(manifest.runs.len());
    for number in &manifest.runs {
        let mut run = Run::open(disk, &dir.join(file_name(*number)), *number)?;
        run.span.unmarked |= *number < manifest.unmarked_below;
        runs.push(run);
    }
    let is_renumbered = manifest.window_us != options.window_us;
    if is_renumbered {
        // Buckets get other numbers now, so no owner's bitmap says anything of these runs.
        manifest.window_us = options.window_us;
        manifest.unmarked_below = manifest.runs.iter().max().map_or(0, |last| last + 1);
        for run in &mut runs {
            run.span.unmarked = true;
        }
    }
    if is_new || is_renumbered {
        manifest.store(disk, dir)?;
    }
    Ok((manifest, runs))
}
