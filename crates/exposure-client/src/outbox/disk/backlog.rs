use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::frame;
use super::open::segment_path;
use super::record::{self, Entry};
use crate::Exposure;
use crate::outbox::Record;

/// What waits on disk alone, because the queues in memory are full: where it is, and what of it
/// was read back last. Memory holds one segment of it at a time, however much there is.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    ranges: VecDeque<Range>,
    reading: Option<Reading>,
    ready: VecDeque<(Record, Exposure)>,
}

/// A part of a segment, of whole groups.
#[derive(Debug)]
pub(super) struct Range {
    pub(super) segment: u64,
    pub(super) start: u64,
    pub(super) end: u64,
    /// How many exposures of it wait.
    pub(super) n_exposures: u64,
    /// Which they are; `None`: all that are there.
    pub(super) only: Option<BTreeSet<u64>>,
}

#[derive(Debug)]
struct Reading {
    range: Range,
    bytes: Vec<u8>,
    at: usize,
}

/// What comes of reading on.
#[derive(Debug)]
pub(super) enum Next {
    /// There is one, at the front.
    Ready,
    Nothing,
    /// So many can not be read any more.
    Lost(u64),
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty() && self.reading.is_none() && self.ready.is_empty()
    }

    pub(super) fn push(&mut self, range: Range) {
        if let Some(last) = self.ranges.back_mut()
            && last.segment == range.segment
            && last.end == range.start
            && last.only.is_none()
            && range.only.is_none()
        {
            last.end = range.end;
            last.n_exposures += range.n_exposures;
        } else {
            self.ranges.push_back(range);
        }
    }

    /// The one that waits longest, after [`Next::Ready`].
    pub(super) fn front(&self) -> Option<&(Record, Exposure)> {
        self.ready.front()
    }

    pub(super) fn pop(&mut self) -> Option<(Record, Exposure)> {
        self.ready.pop_front()
    }

    /// Reads on, if nothing is there. An error leaves all as it was.
    pub(super) fn read(&mut self, directory: &Path) -> io::Result<Next> {
        while self.ready.is_empty() {
            let Some(reading) = &mut self.reading else {
                let Some(range) = self.ranges.front() else { return Ok(Next::Nothing) };
                let bytes = bytes(directory, range)?;
                let range = self.ranges.pop_front();
                self.reading = range.map(|range| Reading { range, bytes, at: 0 });
                continue;
            };
            let Some(entries) = reading.group() else {
                let n_lost = reading.range.n_exposures;
                self.reading = None;
                return Ok(Next::Lost(n_lost));
            };
            self.ready.extend(entries);
            if reading.bytes.len() <= reading.at {
                self.reading = None;
            }
        }
        Ok(Next::Ready)
    }
}

impl Reading {
    /// What waits of the next group; `None` if it does not read.
    fn group(&mut self) -> Option<Vec<(Record, Exposure)>> {
        let group = frame::read(&self.bytes, self.at)?;
        let entries = record::read(group.payload)?;
        self.at = group.end;
        let mut waiting = Vec::new();
        for entry in entries {
            let Entry::Exposure(number, exposure) = entry else { continue };
            if self.range.only.as_ref().is_none_or(|only| only.contains(&number)) {
                waiting.push((Record { segment: self.range.segment, number }, exposure));
            }
        }
        self.range.n_exposures = self.range.n_exposures.saturating_sub(waiting.len() as u64);
        Some(waiting)
    }
}

fn bytes(directory: &Path, range: &Range) -> io::Result<Vec<u8>> {
    let mut file = File::open(segment_path(directory, range.segment))?;
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = Vec::new();
    file.take(range.end - range.start).read_to_end(&mut bytes)?;
    Ok(bytes)
}
