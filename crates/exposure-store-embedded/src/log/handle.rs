//! The log as its owner sees it.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::{Condvar, Mutex};

use super::driver::Driver;
use super::keeper::Keeper;
use super::metrics::Counters;
use super::queue::{PendingGroup, Queue};
use super::recovery::{Replay, recover};
use super::segment::Segments;
use super::waiters::Waiters;
use super::walk::Payload;
use super::writer::Writer;
use super::{
    Appender, LogError, LogMetrics, LogOptions, Reader, Ready, ReplayError, WaitDurable, seal,
};
use crate::disk::Disk;

/// An open log; clones are handles to the same one.
///
/// When the last handle is dropped, what was appended is written, but without the seal of [`Log::close`].
#[derive(Clone, Debug)]
pub struct Log {
    inner: Arc<Inner>,
}

/// What the threads of a log share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) options: LogOptions,
    pub(super) queue: Mutex<Queue>,
    /// The writer has something to do.
    pub(super) work: Condvar,
    /// Those who append blocking may have room again.
    pub(super) room: Condvar,
    pub(super) waiters: Arc<Waiters>,
    pub(super) segments: Segments,
    pub(super) keeper: Keeper,
    pub(super) counters: Counters,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    threads: Mutex<Threads>,
}

#[derive(Debug, Default)]
struct Threads {
    writer: Option<JoinHandle<()>>,
    keeper: Option<JoinHandle<()>>,
    driver: Option<Arc<Driver>>,
    closed: Option<Result<(), LogError>>,
}

impl Log {
    /// Opens or creates the log in `dir`, and gives what it holds to `replay`: position of the first byte, payloads.
    ///
    /// Replay begins with the group that holds [`LogOptions::start_position`], or the first one after it; one call gets
    /// one group, with the payloads of one or more appends. Blocks until done.
    ///
    /// A group that is torn at the end is cut. Everything known to have been durable is there, or opening fails.
    ///
    /// # Errors
    /// [`LogError::Damaged`] and [`LogError::Missing`] name the file; [`LogError::Replay`] is what `replay` said.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: impl Into<PathBuf>,
        options: LogOptions,
        mut replay: impl FnMut(u64, &[u8]) -> Result<(), ReplayError>,
    ) -> Result<Self, LogError> {
        let mut replay = |position, payload: Payload| replay(position, &payload);
        Self::open_and(disk, dir, options, &mut replay, &mut || Ok(()))
    }

    /// As [`Log::open`]; calls `replayed` behind the last group, before anything is written.
    ///
    /// # Errors
    /// As [`Log::open`]; [`LogError::Replay`] is also what `replayed` said.
    pub fn open_and(
        disk: Arc<dyn Disk>,
        dir: impl Into<PathBuf>,
        options: LogOptions,
        replay: &mut Replay<'_>,
        replayed: &mut dyn FnMut() -> Result<(), ReplayError>,
    ) -> Result<Self, LogError> {
        let dir = dir.into();
        options.check()?;
        let mut recovered = recover(&*disk, &dir, &options, replay)?;
        let tail = recovered.tail;
        replayed()
            .map_err(|source| LogError::Replay { position: tail, source: Arc::new(source) })?;
        let segments = std::mem::take(&mut recovered.segments);
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue::new(tail, recovered.segment_bytes, &options)),
            work: Condvar::new(),
            room: Condvar::new(),
            waiters: Arc::new(Waiters::new(tail)),
            segments: Segments::new(&dir, recovered.segment_bytes, segments),
            keeper: Keeper::new(&mut recovered),
            counters: Counters::default(),
            disk,
            options,
        });
        let inner = Inner { shared: Arc::clone(&shared), threads: Mutex::default() };
        let driven = shared.options.driven;
        if !driven {
            let for_keeper = Arc::clone(&shared);
            inner.threads.lock().keeper =
                Some(spawn("log-keeper", &dir, move || for_keeper.keeper.run(&for_keeper))?);
        }

        // A mark vouches for what was replayed; from then on the seal is not needed.
        let mut writer = Writer::new(&shared, tail);
        let mark = {
            let mut queue = shared.queue.lock();
            queue.push_mark();
            queue.take()
        };
        writer.write(mark)?;
        writer.sync_now()?;
        seal::remove(&*shared.disk, &dir)?;
        if driven {
            let driver = Arc::new(Driver::new(&shared, writer));
            shared.waiters.be_driven(&driver);
            inner.threads.lock().driver = Some(driver);
        } else {
            inner.threads.lock().writer = Some(spawn("log-writer", &dir, move || writer.run())?);
        }
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Takes the right to append, alone; blocks while more than `max_pending_bytes` wait for the disk.
    ///
    /// # Errors
    /// [`LogError::Poisoned`] after a failed write, [`LogError::Closed`] after closing.
    pub fn lock(&self) -> Result<Appender<'_>, LogError> {
        Appender::lock(&self.inner.shared)
    }

    /// Waits until [`Log::lock`] would not block for room.
    pub fn ready(&self) -> Ready {
        Ready::new(&self.inner.shared)
    }

    /// Everything below this position is durable.
    pub fn durable(&self) -> u64 {
        self.inner.shared.waiters.durable()
    }

    /// The position after everything appended so far, durable or not.
    pub fn end(&self) -> u64 {
        self.inner.shared.queue.lock().next()
    }

    /// The first position that can still be read.
    pub fn start(&self) -> u64 {
        self.inner.shared.segments.start()
    }

    /// Bytes of payload that wait for the disk.
    pub fn pending_bytes(&self) -> usize {
        self.inner.shared.queue.lock().pending_bytes
    }

    /// Bytes per segment: of the log, where it existed before, else of the options.
    pub fn segment_bytes(&self) -> u64 {
        self.inner.shared.segments.segment_bytes
    }

    /// Why nothing can be appended any more, if so.
    pub fn failure(&self) -> Option<LogError> {
        self.inner.shared.queue.lock().check_open().err()
    }

    /// Whether the disk has no room for the segments that are to be ready. What is under way has its place yet;
    /// whoever goes on appending risks that the log is poisoned.
    pub fn is_short_of_room(&self) -> bool {
        self.inner.shared.keeper.is_short()
    }

    /// Waits until everything below `position` is durable; `.block()` on it blocks the thread instead.
    ///
    /// Fails with [`LogError::Poisoned`] or [`LogError::Closed`] if that can no longer happen.
    pub fn wait_durable(&self, position: u64) -> WaitDurable {
        WaitDurable::new(&self.inner.shared.waiters, position)
    }

    /// Fills `buf` with the durable bytes from `position`, which were pushed in one payload.
    ///
    /// The log's checksums cover whole groups, so these bytes are not verified: let them carry their own.
    ///
    /// # Errors
    /// [`LogError::Released`] below [`Log::start`], [`LogError::OutOfRange`] beyond [`Log::durable`].
    pub fn read_exact_at(&self, position: u64, buf: &mut [u8]) -> Result<(), LogError> {
        let shared = &self.inner.shared;
        let segments = &shared.segments;
        let durable = shared.waiters.durable();
        let len = buf.len();
        let out_of_range = LogError::OutOfRange { position, len, durable };
        let Some(end) = position.checked_add(len as u64).filter(|end| *end <= durable) else {
            return Err(out_of_range);
        };
        let Some(segment) = segments.holding(position)? else { return Err(out_of_range) };
        if segment.end().min(segment.start + segments.segment_bytes) < end {
            return Err(out_of_range);
        }
        let read = segment.read(buf, position);
        // A released file may have been reused while it was read.
        segments.check_start(position)?;
        read
    }

    /// A reader of the durable groups from the one that holds `from`, or the first one after it.
    ///
    /// # Errors
    /// [`LogError::Released`] below [`Log::start`], [`LogError::OutOfRange`] beyond [`Log::durable`].
    pub fn reader(&self, from: u64) -> Result<Reader, LogError> {
        Reader::new(&self.inner.shared, from)
    }

    /// Lets go of the segments that lie wholly below `position`; they are reused, or shrunk away in the background.
    pub fn release_before(&self, position: u64) {
        let shared = &self.inner.shared;
        shared.keeper.retire(shared.segments.take_before(position));
    }

    /// Of a driven log: writes and syncs what was appended; whether there was anything.
    pub fn write_now(&self) -> bool {
        self.driver().is_some_and(|driver| driver.write())
    }

    /// Of a driven log: notes what was durable, as others do by themselves after [`LogOptions::mark_after`].
    pub fn mark_now(&self) {
        if let Some(driver) = self.driver() {
            driver.mark();
        }
    }

    /// Of a driven log: makes segments ready and disposes of released ones.
    pub fn keep_now(&self) {
        if let Some(driver) = self.driver() {
            driver.keep();
        }
    }

    fn driver(&self) -> Option<Arc<Driver>> {
        self.inner.threads.lock().driver.as_ref().map(Arc::clone)
    }

    /// What the log counts of itself.
    pub fn metrics(&self) -> LogMetrics {
        self.inner.shared.counters.read()
    }

    /// Writes what was appended and seals the log, so that a missing tail is noticed later. Blocks until done.
    ///
    /// Every handle is closed by it; reading goes on. Closing again gives the same answer.
    ///
    /// # Errors
    /// [`LogError::Poisoned`] if a write failed, then or earlier: the log is not sealed.
    pub fn close(&self) -> Result<(), LogError> {
        let shared = &self.inner.shared;
        let mut threads = self.inner.threads.lock();
        if let Some(result) = &threads.closed {
            return result.clone();
        }
        threads.join(shared);
        let failure = shared.queue.lock().failure.clone();
        let result = match failure {
            Some(failure) => Err(failure),
            None => seal::write(
                &*shared.disk,
                &shared.segments.dir,
                shared.options.store_id,
                shared.waiters.durable(),
            ),
        };
        threads.closed = Some(result.clone());
        result
    }
}

impl Shared {
    /// No more appends, because of `failure`; whoever waits gets to know.
    pub(super) fn poison(&self, failure: LogError) {
        let failure = failure.into_poison();
        tracing::error!(%failure, "the log is poisoned");
        {
            let mut queue = self.queue.lock();
            queue.failure.get_or_insert_with(|| failure.clone());
            queue.discard();
        }
        self.waiters.fail(failure);
        self.stop_appends();
    }

    /// No more appends; what waits is still written.
    pub(super) fn stop_appends(&self) {
        let ready = {
            let mut queue = self.queue.lock();
            queue.stopping = true;
            std::mem::take(&mut queue.ready)
        };
        self.work.notify_all();
        self.room.notify_all();
        for waker in ready.into_values() {
            waker.wake();
        }
    }

    /// Takes buffers of written groups back and lets those go on who wait for room.
    pub(super) fn give_back(&self, groups: Vec<PendingGroup>) {
        let ready = {
            let mut queue = self.queue.lock();
            queue.give_back(groups);
            if self.options.max_pending_bytes <= queue.pending_bytes {
                return;
            }
            if 0 < queue.n_blocked {
                self.room.notify_all();
            }
            std::mem::take(&mut queue.ready)
        };
        for waker in ready.into_values() {
            waker.wake();
        }
    }
}

impl Threads {
    fn join(&mut self, shared: &Shared) {
        shared.stop_appends();
        // The writer may need a segment yet, so the keeper stops after it.
        if let Some(driver) = self.driver.take() {
            driver.finish();
        }
        join(self.writer.take());
        shared.keeper.stop();
        join(self.keeper.take());
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.threads.get_mut().join(&self.shared);
    }
}

fn spawn(
    name: &str,
    dir: &std::path::Path,
    body: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, LogError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(LogError::io("start a thread for", dir))
}

fn join(thread: Option<JoinHandle<()>>) {
    // A waker that holds the last handle may run on one of the threads: it cannot wait for itself.
    if let Some(thread) = thread.filter(|handle| handle.thread().id() != thread::current().id())
        && thread.join().is_err()
    {
        tracing::error!("a thread of the log panicked");
    }
}
