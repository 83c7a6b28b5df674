use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::file::{DiskFile, sync_directory};
use super::frame::{self, SEGMENT_HEADER};
use super::open::{Opened, SegmentState, segment_path};
use super::{Memory, OutboxOptions, record};
use crate::engine::Engine;
use crate::outbox::Record;
use crate::{DropReason, Exposure};

/// The files of an outbox, as the one thread that writes them has them.
#[derive(Debug)]
pub(crate) struct Writing {
    options: OutboxOptions,
    _lock: File,
    segments: BTreeMap<u64, SegmentState>,
    active: Option<Active>,
    next_segment: u64,
    next_number: u64,
    n_open: Arc<AtomicU64>,
    group: Vec<u8>,
    /// Ends that were written since the last sync: what cuts off a failed write takes them along.
    unsynced_ends: Vec<u64>,
}

/// A group that was written and synced: its exposures, and where it is.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) records: Vec<Record>,
    pub(super) segment: u64,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// The segment that grows.
#[derive(Debug)]
struct Active {
    segment: u64,
    file: Box<dyn DiskFile>,
    n_bytes: u64,
    n_synced: u64,
    /// What is behind `n_synced` may be anything, since a write or a sync failed.
    is_broken: bool,
}

/// A segment that is longer is not written to any more.
const SEGMENT_BYTES: u64 = 8 << 20;
/// More ends than this are not left unsynced.
const MOST_UNSYNCED_ENDS: usize = 10_000;
/// The payload of a group is about this long at most.
const GROUP_BYTES: usize = 4 << 20;

impl Writing {
    pub(super) fn new(options: OutboxOptions, opened: Opened, n_open: u64) -> Self {
        let Opened { lock, segments, next_number, .. } = opened;
        let next_segment = segments.last_key_value().map_or(0, |(&last, _)| last + 1);
        let n_open = Arc::new(AtomicU64::new(n_open));
        Self {
            options,
            _lock: lock,
            segments,
            active: None,
            next_segment,
            next_number,
            n_open,
            group: Vec::new(),
            unsynced_ends: Vec::new(),
        }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.options.directory
    }

    /// How many exposures are in it.
    pub(super) fn n_open(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.n_open)
    }

    /// Writes and syncs exposures, as many as a group holds: tells how many, and where they are,
    /// or why they are not.
    pub(super) fn write<'a>(
        &mut self,
        exposures: impl Iterator<Item = &'a Exposure>,
    ) -> (usize, Result<Written, DropReason>) {
        frame::begin(&mut self.group);
        let first = self.next_number;
        let mut n_written = 0;
        for exposure in exposures {
            record::write_exposure(&mut self.group, self.next_number, exposure);
            self.next_number += 1;
            n_written += 1;
            if self.group_bytes() <= self.group.len() {
                break;
            }
        }
        let n_held: u64 = self.segments.values().map(|state| state.n_bytes).sum();
        if self.options.max_bytes < n_held + self.group.len() as u64 {
            return (n_written, Err(DropReason::OutboxFull));
        }
        if let Err(error) = self.append().and_then(|()| self.sync()) {
            self.failed(&error);
            return (n_written, Err(DropReason::DiskFailed));
        }
        let Some(active) = &self.active else { return (n_written, Err(DropReason::DiskFailed)) };
        let (segment, end) = (active.segment, active.n_bytes);
        let start = end - self.group.len() as u64;
        self.segments.entry(segment).or_default().n_open += n_written as u64;
        self.n_open.fetch_add(n_written as u64, Ordering::Relaxed);
        let records = (first..self.next_number).map(|number| Record { segment, number }).collect();
        if let Err(error) = self.roll() {
            self.failed(&error);
        }
        (n_written, Ok(Written { records, segment, start, end }))
    }

    /// Notes the end of exposures, and removes segments that have become free. Not synced: an
    /// exposure whose end is lost is sent once more.
    pub(super) fn end(&mut self, records: &[Record]) {
        for records in records.chunks(GROUP_BYTES / 16) {
            frame::begin(&mut self.group);
            for record in records {
                record::write_done(&mut self.group, record.number);
                if let Some(state) = self.segments.get_mut(&record.segment) {
                    state.n_open = state.n_open.saturating_sub(1);
                }
            }
            self.n_open.fetch_sub(records.len() as u64, Ordering::Relaxed);
            let written = self.append();
            self.unsynced_ends.extend(records.iter().map(|record| record.number));
            let is_long = MOST_UNSYNCED_ENDS < self.unsynced_ends.len();
            let written = written.and_then(|()| if is_long { self.sync() } else { Ok(()) });
            if let Err(error) = written.and_then(|()| self.roll()) {
                self.failed(&error);
            }
        }
        self.remove_free();
    }

    /// Notes that all of it is on stable storage, so that what does not read later is damage.
    pub(super) fn seal(&mut self) {
        if self.active.is_none() {
            return;
        }
        frame::begin(&mut self.group);
        let sealed = self.sync().and_then(|()| self.append()).and_then(|()| self.sync());
        if let Err(error) = sealed {
            self.failed(&error);
        }
    }

    /// Leaves what was delivered to the next run, if it is to be remembered.
    pub(super) fn remember(&self, engine: &Engine) {
        if self.options.remembers {
            let memory = Memory::of(engine.hasher, &engine.tracker);
            if let Err(error) = memory.leave(&self.options.directory) {
                self.failed(&error);
            }
        }
    }

    /// Puts the group behind all others, in a new segment where there is none to write to.
    fn append(&mut self) -> io::Result<()> {
        self.repair()?;
        if self.active.is_none() {
            self.active = Some(self.create()?);
        }
        let Some(active) = &mut self.active else { return Ok(()) };
        frame::finish(&mut self.group, active.n_synced);
        active.is_broken = true;
        active.file.append(&self.group)?;
        active.is_broken = false;
        active.n_bytes += self.group.len() as u64;
        let n_bytes = active.n_bytes;
        self.segments.entry(active.segment).or_default().n_bytes = n_bytes;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.repair()?;
        let Some(active) = &mut self.active else { return Ok(()) };
        active.is_broken = true;
        active.file.sync()?;
        active.is_broken = false;
        active.n_synced = active.n_bytes;
        self.unsynced_ends.clear();
        Ok(())
    }

    /// Ends a segment that is long enough.
    fn roll(&mut self) -> io::Result<()> {
        if self.active.as_ref().is_some_and(|active| self.segment_bytes() <= active.n_bytes) {
            self.sync()?;
            self.active = None;
        }
        Ok(())
    }

    /// Cuts off what a failed write or sync left behind.
    fn repair(&mut self) -> io::Result<()> {
        let Some(active) = self.active.as_mut().filter(|active| active.is_broken) else {
            return Ok(());
        };
        active.file.truncate(active.n_synced)?;
        active.file.sync()?;
        active.n_bytes = active.n_synced;
        if !self.unsynced_ends.is_empty() {
            let mut group = Vec::new();
            frame::begin(&mut group);
            self.unsynced_ends.iter().for_each(|&number| record::write_done(&mut group, number));
            frame::finish(&mut group, active.n_synced);
            active.file.append(&group)?;
            active.n_bytes += group.len() as u64;
        }
        active.is_broken = false;
        self.segments.entry(active.segment).or_default().n_bytes = active.n_bytes;
        Ok(())
    }

    fn create(&mut self) -> io::Result<Active> {
        let segment = self.next_segment;
        let path = segment_path(&self.options.directory, segment);
        let mut file = self.options.disk.create(&path)?;
        // From here on the name is taken, whatever comes of it.
        self.next_segment += 1;
        let begun = file.append(&frame::segment_header()).and_then(|()| file.sync());
        if let Err(error) = begun {
            // An empty segment is none; half a header would be damage in front of the next one.
            file.truncate(0)?;
            return Err(error);
        }
        let n_bytes = SEGMENT_HEADER as u64;
        self.segments.insert(segment, SegmentState { n_open: 0, n_bytes });
        Ok(Active { segment, file, n_bytes, n_synced: n_bytes, is_broken: false })
    }

    /// Only from the front: what ended in a segment may be noted in a later one.
    fn remove_free(&mut self) {
        let mut has_removed = false;
        while let Some((&segment, state)) = self.segments.first_key_value() {
            let is_active = self.active.as_ref().is_some_and(|active| active.segment == segment);
            if is_active || 0 < state.n_open {
                break;
            }
            match fs::remove_file(segment_path(&self.options.directory, segment)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    self.failed(&error);
                    break;
                }
                _ => self.segments.remove(&segment),
            };
            has_removed = true;
        }
        if has_removed && let Err(error) = sync_directory(&self.options.directory) {
            self.failed(&error);
        }
    }

    /// A small outbox has small segments, or what is delivered would not leave in time.
    fn segment_bytes(&self) -> u64 {
        SEGMENT_BYTES.min(self.options.max_bytes / 8)
    }

    fn group_bytes(&self) -> usize {
        GROUP_BYTES.min(usize::try_from(self.options.max_bytes / 8).unwrap_or(GROUP_BYTES))
    }

    fn failed(&self, error: &io::Error) {
        tracing::warn!(directory = %self.options.directory.display(), %error, "the outbox can not write");
    }
}
