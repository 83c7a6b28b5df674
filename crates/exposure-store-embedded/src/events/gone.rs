//! Files on their way out: shrunk in small steps, because one large deletion stalls every sync beside it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::{OpenMode, retry_interrupted};

use super::error::{EventsError, Result};
use super::file::EventFile;
use super::{Events, Pacer};

/// Bytes that a file shrinks by between two rests.
const STEP: u64 = 32 << 20;

/// A file that the manifest names no more.
#[derive(Debug)]
pub(super) struct Gone {
    path: PathBuf,
    len: u64,
    /// Who still reads it keeps it as it is.
    file: Option<Arc<EventFile>>,
}

impl Gone {
    pub(super) const fn new(path: PathBuf, len: u64, file: Option<Arc<EventFile>>) -> Self {
        Self { path, len, file }
    }

    fn is_read(&self) -> bool {
        self.file.as_ref().is_some_and(|file| Arc::strong_count(file) > 1)
    }
}

impl Events {
    /// Removes files that are gone and that nobody reads any more; how many.
    ///
    /// Large ones shrink by 32 MiB at a time, with a rest in between.
    pub fn remove_gone(&self, pacer: &dyn Pacer) -> Result<u64> {
        let mut n_removed = 0;
        loop {
            let next = {
                let mut gone = self.gone.lock();
                let place = gone.iter().position(|gone| !gone.is_read());
                place.map(|place| gone.remove(place))
            };
            let Some(gone) = next else { return Ok(n_removed) };
            if let Err(error) = self.shrink_away(&gone, pacer) {
                self.gone.lock().push(gone);
                return Err(error);
            }
            n_removed += 1;
        }
    }

    fn shrink_away(&self, gone: &Gone, pacer: &dyn Pacer) -> Result<()> {
        if gone.len > STEP {
            let file = self
                .disk
                .open(&gone.path, OpenMode::Write)
                .map_err(EventsError::io("open", &gone.path))?;
            let mut len = gone.len;
            while len > STEP {
                len -= STEP;
                retry_interrupted(|| file.truncate(len))
                    .map_err(EventsError::io("cut", &gone.path))?;
                pacer.rest();
            }
        }
        retry_interrupted(|| self.disk.remove(&gone.path))
            .map_err(EventsError::io("remove", &gone.path))
    }
}
