//! The work of the log's threads, done by whoever asks for it: then nothing but its calls decides what happens when.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use super::handle::Shared;
use super::writer::Writer;

/// Takes the place of the log's threads where [`super::LogOptions::driven`] is set.
pub(super) struct Driver {
    shared: Arc<Shared>,
    /// `None` after a failure, and after the log was closed.
    writer: Mutex<Option<Writer>>,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

impl Driver {
    pub(super) fn new(shared: &Arc<Shared>, writer: Writer) -> Self {
        Self { shared: Arc::clone(shared), writer: Mutex::new(Some(writer)) }
    }

    /// Writes and syncs what waits; whether something did.
    pub(super) fn write(&self) -> bool {
        let groups = self.shared.queue.lock().take();
        !groups.is_empty() && self.with_writer(|writer| writer.write(groups))
    }

    /// Notes what is durable, as the log does by itself after a while without appends.
    pub(super) fn mark(&self) {
        self.with_writer(Writer::mark);
    }

    /// Makes segments ready and disposes of released ones, until nothing is left to do.
    pub(super) fn keep(&self) {
        self.shared.keeper.run_jobs(&self.shared);
    }

    /// Writes what waits, for the last time.
    pub(super) fn finish(&self) {
        self.write();
        let Some(mut writer) = self.writer.lock().take() else { return };
        if let Err(failure) = writer.finish() {
            self.shared.poison(failure);
        }
        writer.end();
    }

    fn with_writer(&self, work: impl FnOnce(&mut Writer) -> Result<(), super::LogError>) -> bool {
        let mut writer = self.writer.lock();
        let Some(at_work) = writer.as_mut() else { return false };
        if let Err(failure) = work(at_work) {
            *writer = None;
            self.shared.poison(failure);
        }
        true
    }
}
