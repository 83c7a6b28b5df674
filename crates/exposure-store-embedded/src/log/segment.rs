//! Segments that hold positions, and the table of them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::LogError;
use super::format::Name;
use crate::disk::{self, File};

/// Bytes between two remembered group boundaries of a segment.
const BOUNDARY_STEP: u64 = 1 << 20;
/// Bytes that are written again at once.
const AGAIN_BYTES: u64 = 1 << 20;

/// A segment whose header is written.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) file: Arc<dyn File>,
    pub(super) start: u64,
    pub(super) epoch: u64,
    /// Where its groups end; `u64::MAX` while it is the last one.
    end: AtomicU64,
    /// Group boundaries, about one each [`BOUNDARY_STEP`], ascending: where a reader may begin.
    boundaries: Mutex<Vec<u64>>,
}

impl Segment {
    pub(super) fn new(path: PathBuf, file: Arc<dyn File>, start: u64, epoch: u64) -> Self {
        let end = AtomicU64::new(u64::MAX);
        Self { path, file, start, epoch, end, boundaries: Mutex::default() }
    }

    pub(super) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub(super) fn finish(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }

    /// Remembers that a group starts at `position`.
    pub(super) fn note_boundary(&self, position: u64) {
        let mut boundaries = self.boundaries.lock();
        let last = boundaries.last().copied().unwrap_or(self.start);
        if last + BOUNDARY_STEP <= position {
            boundaries.push(position);
        }
    }

    /// The last remembered group boundary at or before `position`; `None` stands for the first group.
    pub(super) fn boundary_before(&self, position: u64) -> Option<u64> {
        let boundaries = self.boundaries.lock();
        let n = boundaries.partition_point(|boundary| *boundary <= position);
        n.checked_sub(1).and_then(|last| boundaries.get(last).copied())
    }

    /// Gives back the memory of its content, which is durable.
    pub(super) fn forget(&self) {
        self.file.forget(0, u64::MAX);
    }

    /// Writes what is read, so that the next sync is of it whatever became of earlier ones.
    pub(super) fn write_again(&self, positions: Range<u64>) -> Result<(), LogError> {
        let mut bytes =
            vec![0; AGAIN_BYTES.min(positions.end.saturating_sub(positions.start)) as usize];
        let mut at = positions.start;
        while at < positions.end {
            bytes.truncate((positions.end - at) as usize);
            self.read(&mut bytes, at)?;
            disk::write_all_at(&*self.file, &bytes, at - self.start)
                .map_err(LogError::io("write", &self.path))?;
            at += bytes.len() as u64;
        }
        Ok(())
    }

    /// Reads bytes by position; the caller has made sure that they are in this segment.
    pub(super) fn read(&self, buf: &mut [u8], position: u64) -> Result<(), LogError> {
        disk::read_exact_at(&*self.file, buf, position - self.start)
            .map_err(LogError::io("read", &self.path))
    }
}

/// The segments that can be read, by first position.
#[derive(Debug)]
pub(super) struct Segments {
    pub(super) dir: PathBuf,
    pub(super) segment_bytes: u64,
    /// Below this position nothing can be read any more.
    start: AtomicU64,
    table: RwLock<BTreeMap<u64, Arc<Segment>>>,
}

impl Segments {
    pub(super) fn new(dir: &Path, segment_bytes: u64, segments: Vec<Arc<Segment>>) -> Self {
        let table: BTreeMap<_, _> = segments.into_iter().map(|s| (s.start, s)).collect();
        let start = table.first_key_value().map_or(0, |(start, _)| *start);
        Self {
            dir: dir.to_owned(),
            segment_bytes,
            start: AtomicU64::new(start),
            table: RwLock::new(table),
        }
    }

    pub(super) fn start(&self) -> u64 {
        self.start.load(Ordering::Acquire)
    }

    pub(super) fn path(&self, start: u64) -> PathBuf {
        self.dir.join(Name::segment(start))
    }

    pub(super) fn add(&self, segment: Arc<Segment>) {
        self.table.write().insert(segment.start, segment);
    }

    pub(super) fn last(&self) -> Option<Arc<Segment>> {
        self.table.read().last_key_value().map(|(_, segment)| Arc::clone(segment))
    }

    /// The segment that holds `position`.
    pub(super) fn holding(&self, position: u64) -> Result<Option<Arc<Segment>>, LogError> {
        let start = position & !(self.segment_bytes - 1);
        let found = self.table.read().get(&start).map(Arc::clone);
        self.check_start(position)?;
        Ok(found)
    }

    /// An error if `position` was released. What was read before this call is then worth nothing.
    pub(super) fn check_start(&self, position: u64) -> Result<(), LogError> {
        let start = self.start();
        if position < start { Err(LogError::Released { position, start }) } else { Ok(()) }
    }

    /// Takes the segments that end at or below `position` out of the table, oldest first; the last one stays.
    pub(super) fn take_before(&self, position: u64) -> Vec<Arc<Segment>> {
        let mut table = self.table.write();
        let mut taken = Vec::new();
        while 1 < table.len()
            && let Some(first) = table.first_entry()
            && first.get().end() <= position
        {
            taken.push(first.remove());
        }
        if let Some((start, _)) = table.first_key_value() {
            // Before anything happens to the files: readers look at it after each read.
            self.start.store(*start, Ordering::Release);
        }
        taken
    }
}
