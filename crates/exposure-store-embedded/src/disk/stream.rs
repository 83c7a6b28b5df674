//! Files that are written or read from front to back, once.

use std::io;
use std::sync::Arc;

use super::{File, retry_interrupted, write_all_at};

/// Bytes written between syncs: a sync of everything at the end would hold up the log's.
const SYNC_EVERY: u64 = 8 << 20;
/// Bytes that are forgotten at once, at least.
const FORGET_EVERY: u64 = 8 << 20;
/// Borders that no piece of memory crosses: the system keeps pieces that are not wholly forgotten.
const BORDER: u64 = 2 << 20;

/// Forgets a file's content behind a place that only goes on, in large steps.
#[derive(Debug, Default)]
pub struct Trail {
    /// Everything below is forgotten.
    forgotten: u64,
}

impl Trail {
    /// Everything below `place` is durable and done with.
    pub fn pass(&mut self, file: &dyn File, place: u64) {
        let to = place & !(BORDER - 1);
        if self.forgotten + FORGET_EVERY <= to {
            file.forget(self.forgotten, to - self.forgotten);
            self.forgotten = to;
        }
    }

    /// All of the file is durable and done with.
    pub fn end(self, file: &dyn File) {
        file.forget(self.forgotten, u64::MAX);
    }
}

/// Writes a new file from front to back that is not read soon.
///
/// What is durable is forgotten, so that a large file takes little memory on its way to the disk.
#[derive(Debug)]
pub struct Stream {
    file: Arc<dyn File>,
    written: u64,
    synced: u64,
    trail: Trail,
}

impl Stream {
    /// Writes to `file` from its beginning.
    pub fn new(file: Arc<dyn File>) -> Self {
        Self { file, written: 0, synced: 0, trail: Trail::default() }
    }

    /// Bytes written so far: where the next ones go.
    pub fn position(&self) -> u64 {
        self.written
    }

    /// Writes all of `bytes` after what was written before.
    ///
    /// # Errors
    /// The first failure other than `Interrupted`; a part may have been written then, and nothing may follow.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        write_all_at(&*self.file, bytes, self.written)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Makes what was written durable if 8 MiB or more are not; call it after each piece.
    ///
    /// # Errors
    /// That of the sync.
    pub fn settle(&mut self) -> io::Result<()> {
        if self.written - self.synced < SYNC_EVERY {
            return Ok(());
        }
        retry_interrupted(|| self.file.sync_data())?;
        self.synced = self.written;
        self.trail.pass(&*self.file, self.synced);
        Ok(())
    }

    /// Makes all of the file durable. Its name is not yet.
    ///
    /// # Errors
    /// That of the sync.
    pub fn finish(self) -> io::Result<Arc<dyn File>> {
        retry_interrupted(|| self.file.sync_all())?;
        self.trail.end(&*self.file);
        Ok(self.file)
    }
}
