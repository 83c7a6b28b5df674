use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use exposure_core::Timestamp;

use super::backlog::Range;
use super::file::sync_directory;
use super::frame::{self, FORMAT, SEGMENT_HEADER, SEGMENT_MAGIC};
use super::record;
use super::taken::{GroupPlace, Taken};
use super::{OutboxError, OutboxOptions};
use crate::Exposure;
use crate::outbox::Record;

/// An outbox as an earlier run left it.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Held as long as the outbox is in use.
    pub(super) lock: File,
    /// Exposures without an end, in the order in which they were tracked.
    pub(crate) exposures: Vec<Open>,
    /// Where those are that memory has no room for.
    pub(super) beyond: Vec<Range>,
    /// The latest time of any exposure that is still there.
    pub(crate) last: Option<Timestamp>,
    /// What is left of segments, in order: their exposures without an end, and their bytes.
    pub(super) segments: BTreeMap<u64, SegmentState>,
    pub(super) next_number: u64,
    pub(crate) recovered: Recovered,
}

/// An exposure without an end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Open {
    pub(crate) record: Record,
    pub(crate) exposure: Exposure,
    /// Whether no later one of the same user, flag and run was written; if there was, and it has
    /// ended, what was sent last is not this one.
    pub(crate) is_last: bool,
}

/// What was found when an outbox was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// Bytes at the end that were not whole: never counted, and cut.
    pub(crate) cut_bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SegmentState {
    pub(super) n_open: u64,
    pub(super) n_bytes: u64,
}

const LOCK: &str = "lock";
const EXTENSION: &str = "outbox";

impl Opened {
    /// Takes hold of a directory, which is made if it is not there, and reads what is in it.
    pub(crate) fn open(options: &OutboxOptions) -> Result<Self, OutboxError> {
        let directory = &options.directory;
        fs::create_dir_all(directory)
            .map_err(|error| OutboxError::io("make the directory", directory, error))?;
        let lock = lock(directory)?;
        let paths = segments(directory)?;
        let mut opened = Self {
            lock,
            exposures: Vec::new(),
            beyond: Vec::new(),
            last: None,
            segments: BTreeMap::new(),
            next_number: 0,
            recovered: Recovered::default(),
        };
        let mut taken = Taken::new(options.held);
        let last = paths.last_key_value().map(|(&number, _)| number);
        for (&segment, path) in &paths {
            opened.read_segment(segment, path, Some(segment) == last, &mut taken)?;
        }
        for segment in taken.segments() {
            opened.segments.entry(segment).or_default().n_open += 1;
        }
        opened.next_number = taken.next_number;
        opened.last = taken.last;
        (opened.exposures, opened.beyond) = taken.finish();
        Ok(opened)
    }

    fn read_segment(
        &mut self,
        segment: u64,
        path: &Path,
        is_last: bool,
        taken: &mut Taken,
    ) -> Result<(), OutboxError> {
        let bytes = fs::read(path).map_err(|error| OutboxError::io("read", path, error))?;
        let damaged =
            |offset: usize| OutboxError::Damaged { path: path.to_owned(), offset: offset as u64 };
        let mut offset = match bytes.get(..SEGMENT_HEADER) {
            Some(header) if header[..12] == *SEGMENT_MAGIC => {
                let found =
                    header[12..].iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte));
                if found != FORMAT {
                    return Err(OutboxError::UnknownFormat {
                        path: path.to_owned(),
                        found,
                        known: FORMAT,
                    });
                }
                SEGMENT_HEADER
            }
            _ => 0,
        };
        if 0 < offset {
            while let Some(group) = frame::read(&bytes, offset) {
                let entries = record::read(group.payload).ok_or_else(|| damaged(offset))?;
                let place = GroupPlace { segment, start: offset as u64, end: group.end as u64 };
                for entry in entries {
                    taken.take(place, entry);
                }
                offset = group.end;
            }
        }
        if offset < bytes.len() {
            // A later group that knows of something synced beyond this place proves damage.
            let is_proven =
                frame::search(&bytes, offset + 1).any(|group| (offset as u64) < group.synced);
            if !is_last || is_proven {
                return Err(damaged(offset));
            }
            self.recovered.cut_bytes += (bytes.len() - offset) as u64;
        }
        if is_last {
            // Ends are not synced when they are written; before a segment is begun behind this one
            // it must be on stable storage as it was read.
            cut(path, offset as u64)?;
        }
        let state = SegmentState { n_open: 0, n_bytes: offset as u64 };
        self.segments.insert(segment, state);
        Ok(())
    }
}

/// The path of a segment.
pub(super) fn segment_path(directory: &Path, segment: u64) -> PathBuf {
    directory.join(format!("{segment:016x}.{EXTENSION}"))
}

fn lock(directory: &Path) -> Result<File, OutboxError> {
    let path = directory.join(LOCK);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| OutboxError::io("make the lock", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OutboxError::InUse(directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(OutboxError::io("lock", &path, error)),
    }
}

fn segments(directory: &Path) -> Result<BTreeMap<u64, PathBuf>, OutboxError> {
    let failed = |error| OutboxError::io("list", directory, error);
    let mut paths = BTreeMap::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_segment = path.extension().is_some_and(|extension| extension == EXTENSION);
        let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_segment);
        if let Some(segment) = stem.and_then(|stem| u64::from_str_radix(stem, 16).ok()) {
            paths.insert(segment, path);
        }
    }
    Ok(paths)
}

fn cut(path: &Path, n_bytes: u64) -> Result<(), OutboxError> {
    let failed = |error| OutboxError::io("cut the unfinished end of", path, error);
    let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
    file.set_len(n_bytes).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    path.parent().map_or(Ok(()), sync_directory).map_err(failed)
}
