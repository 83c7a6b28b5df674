//! Opening what an earlier process left: verify, replay, and cut a torn tail.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::format::{FoundHeader, Name, SEGMENT_HEADER, SegmentHeader, VERSION};
use super::format::{GroupHeader, Kind};
use super::remains::Remains;
use super::segment::Segment;
use super::walk::{Payload, Step, Walk};
use super::{Fault, LogError, LogOptions, ReplayError, seal};
use crate::disk::{self, Disk, File, OpenMode};

/// Takes what a log replays: the position of the first byte, payloads.
pub type Replay<'a> = dyn FnMut(u64, Payload) -> Result<(), ReplayError> + 'a;

/// Bytes that are read at once: what a processor keeps at hand until they are checked.
const READ_BYTES: usize = 1 << 20;

/// What was found, ready to be appended to.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) segment_bytes: u64,
    /// Segments with a header, oldest first.
    pub(super) segments: Vec<Arc<Segment>>,
    /// The position after the last group.
    pub(super) tail: u64,
    /// Segments made ready beyond the tail.
    pub(super) ready: Vec<(u64, Arc<dyn File>)>,
    /// The first segment that is not yet made ready.
    pub(super) next_start: u64,
    pub(super) spares: Vec<PathBuf>,
    pub(super) leaving: Vec<PathBuf>,
}

/// A file with a segment's name.
#[derive(Debug)]
struct Found {
    path: PathBuf,
    file: Arc<dyn File>,
    len: u64,
    /// `None` if the segment was never begun.
    header: Option<SegmentHeader>,
}

pub(super) fn recover(
    disk: &dyn Disk,
    dir: &Path,
    options: &LogOptions,
    replay: &mut Replay<'_>,
) -> Result<Recovered, LogError> {
    disk::retry_interrupted(|| disk.create_dir(dir)).map_err(LogError::io("create", dir))?;
    let mut recovery = Recovery::list(disk, dir, options)?;
    let sealed = seal::read(disk, dir, options.store_id)?;
    let floor = options.start_position.max(options.durable_floor).max(sealed.unwrap_or(0));

    let walked = recovery.walk(floor, sealed, replay)?;
    recovery.prepare(walked)
}

/// What the walk over all groups came to.
struct Walked {
    /// Oldest first.
    segments: Vec<Arc<Segment>>,
    /// The position after the last group.
    tail: u64,
    /// Everything below is known to have been durable.
    durable: u64,
}

struct Recovery<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    options: &'a LogOptions,
    segment_bytes: u64,
    found: BTreeMap<u64, Found>,
    spares: BTreeSet<PathBuf>,
    leaving: Vec<PathBuf>,
    /// Whether groups beyond the tail have to be erased, and in which files, by segment.
    erase: BTreeSet<u64>,
}

impl<'a> Recovery<'a> {
    fn list(disk: &'a dyn Disk, dir: &'a Path, options: &'a LogOptions) -> Result<Self, LogError> {
        let entries =
            disk::retry_interrupted(|| disk.list(dir)).map_err(LogError::io("list", dir))?;
        let mut this = Self {
            disk,
            dir,
            options,
            segment_bytes: options.segment_bytes,
            found: BTreeMap::new(),
            spares: BTreeSet::new(),
            leaving: Vec::new(),
            erase: BTreeSet::new(),
        };
        for entry in entries {
            let path = dir.join(&entry.name);
            match Name::parse(&entry.name) {
                Some(Name::Segment(start)) => {
                    let found = this.look_at(path, start, entry.len)?;
                    this.found.insert(start, found);
                }
                Some(Name::Spare) => {
                    this.spares.insert(path);
                }
                Some(Name::Leaving) => this.leaving.push(path),
                None => {}
            }
        }
        if let Some(header) = this.found.values().find_map(|found| found.header) {
            this.segment_bytes = 1_u64.checked_shl(header.size_log2).unwrap_or(0);
        }
        LogOptions { segment_bytes: this.segment_bytes, ..options.clone() }.check()?;
        Ok(this)
    }

    fn look_at(&self, path: PathBuf, start: u64, len: u64) -> Result<Found, LogError> {
        let file = disk::retry_interrupted(|| self.disk.open(&path, OpenMode::Write))
            .map_err(LogError::io("open", &path))?;
        let mut bytes = [0; SEGMENT_HEADER as usize];
        disk::read_up_to(&*file, &mut bytes, 0).map_err(LogError::io("read", &path))?;
        let header = match SegmentHeader::decode(&bytes) {
            FoundHeader::Version(found) => {
                return Err(LogError::UnsupportedVersion { path, found, known: VERSION });
            }
            // The header of an earlier life of the file names another start.
            FoundHeader::Valid(header) if header.start == start => {
                if header.store_id != self.options.store_id {
                    return Err(LogError::WrongStore { path });
                }
                Some(header)
            }
            FoundHeader::Valid(_) | FoundHeader::Invalid => None,
        };
        Ok(Found { path, file, len, header })
    }

    /// Walks all groups from the start position.
    fn walk(
        &mut self,
        floor: u64,
        sealed: Option<u64>,
        replay: &mut Replay<'_>,
    ) -> Result<Walked, LogError> {
        let from = self.options.start_position;
        // A start position on a segment's border is the end of the segment before.
        let before = from.saturating_sub(1) & !(self.segment_bytes - 1);
        // That one may have been released with its last group: the next one says where it ended.
        let next = before + self.segment_bytes;
        let released = !self.found.contains_key(&before)
            && self
                .found
                .get(&next)
                .and_then(|found| found.header)
                .is_some_and(|header| header.previous_end <= from);
        let first = if released { next } else { before };
        let Some(found) = self.found.get(&first) else {
            if floor == 0 && self.found.is_empty() {
                return Ok(Walked { segments: Vec::new(), tail: 0, durable: 0 });
            }
            return Err(LogError::Missing {
                path: self.dir.join(Name::segment(first)),
                position: from,
            });
        };
        let Some(header) = found.header else {
            self.check_unbegun(first, floor, sealed)?;
            return Ok(Walked { segments: Vec::new(), tail: first, durable: first });
        };

        let mut segments = self.segments_below(first, &header)?;
        let segment = Arc::new(found.begin(&header));
        segments.push(Arc::clone(&segment));
        let mut walk =
            Walk::new(segment, self.options.store_id, first + SEGMENT_HEADER, READ_BYTES);
        let mut durable = floor;
        loop {
            let (start, len) = self
                .found
                .get(&walk.segment().start)
                .map_or((0, 0), |found| (walk.segment().start, found.len.min(self.segment_bytes)));
            let fault = match walk.step(start + len)? {
                Step::Group { header, payload } => {
                    durable = durable.max(header.durable);
                    walk.segment().note_boundary(header.position);
                    self.hand_out(&header, walk.lend(payload), replay)?;
                    continue;
                }
                Step::Stop(_) if len < self.segment_bytes => Fault::EndOfFile,
                Step::Stop(fault) => fault,
            };
            let next = start + self.segment_bytes;
            let continued = self.found.get(&next).and_then(|found| Some((found, found.header?)));
            let Some((found, header)) = continued else {
                self.check_tail(start, walk.position, fault, durable, sealed)?;
                return Ok(Walked { segments, tail: walk.position, durable });
            };
            if header.previous_end != walk.position {
                let ended_early = walk.position < header.previous_end;
                let fault = if ended_early { fault } else { Fault::Continuation };
                return Err(self.damaged(start, walk.position, fault, header.previous_end));
            }
            walk.segment().finish(walk.position);
            // It was synced before the next one was begun, and what is read again soon is the newest.
            walk.segment().forget();
            let segment = Arc::new(found.begin(&header));
            segments.push(Arc::clone(&segment));
            walk.enter(segment, next + SEGMENT_HEADER);
        }
    }

    fn hand_out(
        &self,
        header: &GroupHeader,
        payload: Payload,
        replay: &mut Replay<'_>,
    ) -> Result<(), LogError> {
        if header.kind != Kind::Payload || header.end() <= self.options.start_position {
            return Ok(());
        }
        let position = header.end() - payload.len() as u64;
        replay(position, payload)
            .map_err(|source| LogError::Replay { position, source: Arc::new(source) })
    }

    /// The segments before the first one that is replayed: an unbroken run, each ending where the next one says.
    fn segments_below(
        &self,
        first: u64,
        header: &SegmentHeader,
    ) -> Result<Vec<Arc<Segment>>, LogError> {
        let mut segments = Vec::new();
        let mut previous_end = header.previous_end;
        let mut next = first;
        while let Some(start) = next.checked_sub(self.segment_bytes)
            && let Some(found) = self.found.get(&start)
        {
            let Some(header) = found.header else {
                return Err(self.damaged(start, start, Fault::SegmentHeader, previous_end));
            };
            let segment = found.begin(&header);
            segment.finish(previous_end);
            segments.push(Arc::new(segment));
            previous_end = header.previous_end;
            next = start;
        }
        segments.reverse();
        Ok(segments)
    }

    /// As [`Self::check_tail`] for a log whose first segment has no valid header.
    fn check_unbegun(
        &mut self,
        first: u64,
        durable: u64,
        sealed: Option<u64>,
    ) -> Result<(), LogError> {
        self.check_tail(first, first, Fault::SegmentHeader, durable, sealed).map_err(|error| {
            match error {
                LogError::Damaged { durable: Some(durable), .. } => {
                    self.damaged(first, first, Fault::SegmentHeader, durable)
                }
                other => other,
            }
        })
    }

    /// Decides whether the end at `position` is a torn tail or damage.
    fn check_tail(
        &mut self,
        segment: u64,
        position: u64,
        fault: Fault,
        durable: u64,
        sealed: Option<u64>,
    ) -> Result<(), LogError> {
        if sealed == Some(position) && durable <= position {
            return Ok(());
        }
        let next = segment + self.segment_bytes;
        let (mut durable, mut goes_on, mut fault_is_here) =
            (durable, false, fault == Fault::Checksum);
        for (start, found) in self.found.range(segment..) {
            let from = position.max(*start);
            let remains = Remains::search(&*found.file, self.options.store_id, *start, from)
                .map_err(LogError::io("read", &found.path))?;
            durable = durable.max(remains.durable);
            goes_on |= next <= *start && found.header.is_some();
            if 0 < remains.n_groups {
                fault_is_here |= *start == segment;
                self.erase.insert(*start);
            }
        }
        if !goes_on && durable <= position {
            return Ok(());
        }
        if fault_is_here || (!goes_on && durable <= next) {
            return Err(self.damaged(segment, position, fault, durable));
        }
        // The segment may well end here, but the next one was begun.
        if self.found.contains_key(&next) {
            return Err(self.damaged(next, next, Fault::SegmentHeader, durable));
        }
        Err(LogError::Missing { path: self.dir.join(Name::segment(next)), position: next })
    }

    /// Erases what is beyond the tail and sorts the files by what they are good for.
    fn prepare(mut self, walked: Walked) -> Result<Recovered, LogError> {
        let Walked { segments, tail, durable } = walked;
        let last = segments.last().map(Arc::clone);
        if let Some(last) = &last {
            let found_len = self.found.get(&last.start).map_or(0, |found| found.len);
            let io = |what| LogError::io(what, &last.path);
            if self.erase.contains(&last.start) || found_len != self.segment_bytes {
                disk::retry_interrupted(|| last.file.truncate(tail - last.start))
                    .map_err(io("truncate"))?;
                disk::retry_interrupted(|| last.file.allocate(self.segment_bytes))
                    .map_err(io("allocate"))?;
            }
            // The last groups may have been written without being synced; what is replayed has to stay. Where a
            // sync of them failed, the system holds them for written: it writes them only if they are new to it.
            last.write_again(durable.max(last.start)..tail)?;
            disk::retry_interrupted(|| last.file.sync_all()).map_err(io("sync"))?;
        }

        let mut next_start = last.map_or(tail, |last| last.start + self.segment_bytes);
        let oldest = segments.first().map_or(tail, |segment| segment.start);
        let mut ready = Vec::new();
        for (start, found) in std::mem::take(&mut self.found) {
            if start < oldest {
                // Left over from a release that was not finished.
                self.leaving.push(found.path);
            } else if next_start <= start {
                let io = |what| LogError::io(what, &found.path);
                if self.erase.contains(&start) || self.segment_bytes < found.len {
                    disk::retry_interrupted(|| found.file.truncate(0)).map_err(io("truncate"))?;
                }
                disk::retry_interrupted(|| found.file.allocate(self.segment_bytes))
                    .map_err(io("allocate"))?;
                disk::retry_interrupted(|| found.file.sync_all()).map_err(io("sync"))?;
                if start == next_start {
                    ready.push((start, found.file));
                    next_start += self.segment_bytes;
                } else {
                    let spare = self.dir.join(Name::spare(start));
                    disk::retry_interrupted(|| self.disk.rename(&found.path, &spare))
                        .map_err(io("rename"))?;
                    self.spares.insert(spare);
                }
            }
        }
        disk::retry_interrupted(|| self.disk.sync_dir(self.dir))
            .map_err(LogError::io("sync", self.dir))?;
        Ok(Recovered {
            segment_bytes: self.segment_bytes,
            segments,
            tail,
            ready,
            next_start,
            spares: self.spares.into_iter().collect(),
            leaving: self.leaving,
        })
    }

    fn damaged(&self, segment: u64, position: u64, fault: Fault, durable: u64) -> LogError {
        LogError::Damaged {
            path: self.dir.join(Name::segment(segment)),
            offset: position - segment,
            fault,
            durable: Some(durable),
        }
    }
}

impl Found {
    fn begin(&self, header: &SegmentHeader) -> Segment {
        Segment::new(self.path.clone(), Arc::clone(&self.file), header.start, header.epoch)
    }
}
