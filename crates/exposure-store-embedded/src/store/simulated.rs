//! The work behind commits, done when it is asked for: with [`super::Options::driven`], one order of calls is one run.

use exposure_store::Result;

use super::EmbeddedStore;
use crate::background::Background;

/// A piece of what else goes on behind commits, for [`EmbeddedStore::work`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Writes what was committed to the log and syncs it; commits under way end by it.
    Log,
    /// Notes in the log what of it is durable, as a log does that is at rest.
    Mark,
    /// Makes log segments ready, and disposes of released ones.
    Segments,
    /// One task of the window of insert ids, where there is one.
    Window,
    /// One file of the rolling checkpoint, where a round is due.
    Checkpoint,
    /// Turns log into stored events, where enough waits, and tends their files.
    Archive,
    /// All of it, also what is not due: as [`EmbeddedStore::settle`].
    Settle,
}

impl EmbeddedStore {
    /// Does a piece of the work behind commits; whether there may be more of it. Where the store has threads,
    /// they do theirs beside it.
    ///
    /// # Errors
    /// What the background would log, and try again later.
    pub fn work(&self, work: Work) -> Result<bool> {
        let log = &self.inner.log;
        match work {
            Work::Log => Ok(log.write_now()),
            Work::Mark => {
                log.mark_now();
                Ok(false)
            }
            Work::Segments => {
                log.keep_now();
                Ok(false)
            }
            Work::Window => Background::window(&self.inner),
            Work::Checkpoint => self.background.checkpoint(&self.inner),
            Work::Archive => Background::archive(&self.inner),
            Work::Settle => self.settle().map(|()| false),
        }
    }
}
