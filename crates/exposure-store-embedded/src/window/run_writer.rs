//! Writes a run file from sorted ids, in one pass.

use std::path::{Path, PathBuf};

use super::Error;
use super::filter::Filter;
use super::format::{Header, IDS_PER_BLOCK, checksum, encode_block};
use super::generation::Span;
use super::run::Run;
use super::slot::Slot;
use crate::disk::{Disk, OpenMode, Stream, retry_interrupted};

/// Bytes written at once; the caller's pace is asked after each.
const PIECE: usize = 1 << 20;

/// A run file being written. Dropped unfinished, it leaves a file that no manifest lists.
pub(super) struct RunWriter<'a> {
    stream: Stream,
    path: PathBuf,
    header: Header,
    pace: &'a mut dyn FnMut(u64),
    block: Vec<Slot>,
    out: Vec<u8>,
    index: Vec<u64>,
    filter: Filter,
    n_pushed: u64,
}

impl<'a> RunWriter<'a> {
    /// Begins a run of exactly `n_ids` ids at `path`.
    pub(super) fn create(
        disk: &dyn Disk,
        path: &Path,
        number: u64,
        n_ids: usize,
        span: Span,
        pace: &'a mut dyn FnMut(u64),
    ) -> Result<Self, Error> {
        let file = retry_interrupted(|| disk.open(path, OpenMode::CreateNew))
            .map_err(Error::io("create", path))?;
        let filter = Filter::for_keys(n_ids);
        let n_filter_blocks = filter.bytes() / super::filter::BLOCK_BYTES as u64;
        let header = Header { number, n_ids: n_ids as u64, n_filter_blocks, span };
        Ok(Self {
            stream: Stream::new(file),
            path: path.to_path_buf(),
            header,
            pace,
            block: Vec::with_capacity(IDS_PER_BLOCK),
            out: header.encode(),
            index: Vec::with_capacity(header.n_blocks() as usize),
            filter,
            n_pushed: 0,
        })
    }

    /// Adds the next id in order.
    pub(super) fn push(&mut self, id: Slot) -> Result<(), Error> {
        self.filter.add(id.hi, id.lo);
        self.n_pushed += 1;
        self.block.push(id);
        if self.block.len() == IDS_PER_BLOCK { self.end_block() } else { Ok(()) }
    }

    /// Writes what remains, syncs, and opens the run for lookups. Its name is not yet durable.
    pub(super) fn finish(mut self) -> Result<Run, Error> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        debug_assert_eq!(
            self.n_pushed, self.header.n_ids,
            "the header names the count before the ids are written"
        );
        let index: Vec<u8> = self.index.iter().flat_map(|hi| hi.to_le_bytes()).collect();
        let sum = checksum(self.header.number, &[&index]);
        self.out.extend_from_slice(&index);
        self.out.extend_from_slice(&u64::from(sum).to_le_bytes());
        self.write_out(PIECE)?;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.header.number.to_le_bytes());
        let filter = std::mem::replace(&mut self.filter, Filter::for_keys(0));
        for piece in filter.pieces() {
            hasher.update(&piece);
            self.out.extend_from_slice(&piece);
            self.write_out(PIECE)?;
        }
        self.out.extend_from_slice(&u64::from(hasher.finalize()).to_le_bytes());
        self.write_out(1)?;
        let file = self.stream.finish().map_err(Error::io("sync", &self.path))?;
        Ok(Run::new(file, self.path, self.header, self.index, filter))
    }

    fn end_block(&mut self) -> Result<(), Error> {
        self.index.extend(self.block.first().map(|id| id.hi));
        encode_block(&mut self.out, self.header.number, self.index.len() as u64 - 1, &self.block);
        self.block.clear();
        self.write_out(PIECE)
    }

    /// Writes what is buffered if it is at least `least` bytes.
    fn write_out(&mut self, least: usize) -> Result<(), Error> {
        if self.out.len() < least {
            return Ok(());
        }
        self.stream.write(&self.out).map_err(Error::io("write", &self.path))?;
        self.stream.settle().map_err(Error::io("sync", &self.path))?;
        (self.pace)(self.out.len() as u64);
        self.out.clear();
        Ok(())
    }
}
