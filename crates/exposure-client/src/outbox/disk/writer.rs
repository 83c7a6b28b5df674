use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use exposure_core::Timestamp;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::backlog::{Backlog, Next, Range};
use super::writing::{Writing, Written};
use super::{Memory, Open, Opened, OutboxError, OutboxOptions, Recovered};
use crate::engine::{Engine, Room};
use crate::outbox::Record;
use crate::tracker::Place;
use crate::{DropReason, Exposure};

/// The callers' side of an outbox on disk. A thread of its own writes what is put here, all that
/// came while it wrote before at once.
#[derive(Debug)]
pub(crate) struct DiskOutbox {
    shared: Arc<Shared>,
    n_open: Arc<AtomicU64>,
    /// Counts what was ever to wait on disk alone, and what was read back of it.
    n_spilled: Arc<AtomicU64>,
    n_read_back: Arc<AtomicU64>,
    pub(crate) is_write_through: bool,
    pub(crate) recovered: Recovered,
}

/// An exposure that is to be written.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) exposure: Exposure,
    pub(crate) place: Place,
    /// Where there is room for it; `None`: it waits on disk alone.
    pub(crate) room: Option<Room>,
    /// Where somebody waits for it.
    pub(crate) reply: Option<SyncSender<Fate>>,
}

/// What came of writing an exposure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Written,
    Dropped(DropReason),
}

#[derive(Debug)]
struct Shared {
    todo: Mutex<Todo>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Todo {
    jobs: Vec<Job>,
    ended: Vec<Record>,
    barriers: Vec<oneshot::Sender<()>>,
    closing: Closing,
    closers: Vec<oneshot::Sender<()>>,
    is_gone: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Closing {
    #[default]
    No,
    /// When no provider's thread is there any more to end exposures.
    AfterLanes,
    Now,
}

/// What an earlier run left.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Exposures that have not ended, in the order in which they were tracked.
    pub(crate) exposures: Vec<Open>,
    /// How many more there are, which wait on disk alone.
    pub(crate) n_beyond: u64,
    /// The latest time of any exposure that is still there.
    pub(crate) last: Option<Timestamp>,
    /// What was delivered last, if that was to be remembered.
    pub(crate) memory: Option<Memory>,
}

/// The writer's side.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    writing: Writing,
    backlog: Backlog,
    n_read_back: Arc<AtomicU64>,
    has_warned: bool,
}

/// How long ends of exposures wait for others; also how often it is looked whether the providers'
/// threads are gone.
const GATHER: Duration = Duration::from_millis(20);

impl DiskOutbox {
    /// Opens an outbox: both sides of it, and the exposures that an earlier run left.
    pub(crate) fn open(options: OutboxOptions) -> Result<(Self, Writer, Left), OutboxError> {
        let mut opened = Opened::open(&options)?;
        let memory = Memory::take(&options)?;
        let recovered = opened.recovered;
        let is_write_through = options.is_write_through;
        let exposures = std::mem::take(&mut opened.exposures);
        let (last, mut backlog) = (opened.last, Backlog::default());
        let beyond = std::mem::take(&mut opened.beyond);
        let n_beyond = beyond.iter().map(|range| range.n_exposures).sum();
        for range in beyond {
            backlog.push(range);
        }
        let writing = Writing::new(options, opened, exposures.len() as u64 + n_beyond);
        let n_spilled = Arc::new(AtomicU64::new(n_beyond));
        let n_read_back = Arc::new(AtomicU64::new(0));
        let shared = Arc::new(Shared { todo: Mutex::default(), wake: Condvar::new() });
        let n_open = writing.n_open();
        let outbox = Self {
            shared: Arc::clone(&shared),
            n_open,
            n_spilled,
            n_read_back: Arc::clone(&n_read_back),
            is_write_through,
            recovered,
        };
        let writer = Writer { shared, writing, backlog, n_read_back, has_warned: false };
        Ok((outbox, writer, Left { exposures, n_beyond, last, memory }))
    }

    /// How many exposures are on disk.
    pub(crate) fn n_open(&self) -> u64 {
        self.n_open.load(Ordering::Relaxed)
    }

    /// How many exposures were ever to wait on disk alone, and how many of them do not any more.
    pub(crate) fn spilled(&self) -> (u64, u64) {
        // In this order, so that what is read back meanwhile was counted before.
        let n_read_back = self.n_read_back.load(Ordering::Acquire);
        (self.n_spilled.load(Ordering::Acquire), n_read_back)
    }

    /// An exposure will wait on disk alone.
    pub(crate) fn spill(&self) {
        self.n_spilled.fetch_add(1, Ordering::AcqRel);
    }

    /// An exposure that was to wait on disk alone does not come there.
    pub(crate) fn unspill(&self) {
        self.n_read_back.fetch_add(1, Ordering::AcqRel);
    }

    /// Has an exposure written; gives it back if nobody is there to write it.
    #[expect(clippy::result_large_err, reason = "it is given back as it came")]
    pub(crate) fn push(&self, job: Job) -> Result<(), Job> {
        let is_first = {
            let mut todo = self.shared.todo.lock();
            if todo.is_gone {
                return Err(job);
            }
            todo.jobs.push(job);
            todo.jobs.len() == 1
        };
        if is_first {
            self.shared.wake.notify_one();
        }
        Ok(())
    }

    pub(crate) fn ended(&self, record: Record) {
        let is_first = {
            let mut todo = self.shared.todo.lock();
            if todo.is_gone {
                return;
            }
            todo.ended.push(record);
            todo.ended.len() == 1
        };
        if is_first {
            self.shared.wake.notify_one();
        }
    }

    /// Returns when everything that was pushed before has been written, or dropped.
    pub(crate) async fn synced(&self) {
        let (sender, receiver) = oneshot::channel();
        {
            let mut todo = self.shared.todo.lock();
            if todo.is_gone {
                return;
            }
            todo.barriers.push(sender);
        }
        self.shared.wake.notify_one();
        // The writer is gone: there is nothing to wait for.
        drop(receiver.await);
    }

    /// Ends the writer, and returns when the directory is free.
    pub(crate) async fn close(&self) {
        let (sender, receiver) = oneshot::channel();
        {
            let mut todo = self.shared.todo.lock();
            if todo.is_gone {
                return;
            }
            todo.closing = Closing::Now;
            todo.closers.push(sender);
        }
        self.shared.wake.notify_one();
        drop(receiver.await);
    }

    /// Ends the writer when the providers' threads have ended.
    pub(crate) fn close_after_lanes(&self) {
        let mut todo = self.shared.todo.lock();
        if todo.closing == Closing::No {
            todo.closing = Closing::AfterLanes;
        }
        drop(todo);
        self.shared.wake.notify_one();
    }
}

impl Writer {
    /// Writes until it is closed.
    pub(crate) fn run(mut self, engine: &Engine) {
        let _gone = Gone(Arc::clone(&self.shared));
        loop {
            let next = self.shared.next(engine, !self.backlog.is_empty());
            let Some(Todo { jobs, ended, barriers, .. }) = next else { break };
            self.writing.end(&ended);
            self.write(engine, jobs);
            self.read_back(engine);
            for barrier in barriers {
                // Whoever asked may have stopped waiting.
                let _ = barrier.send(());
            }
        }
        let Self { shared, mut writing, .. } = self;
        writing.seal();
        let rest =
            std::mem::replace(&mut *shared.todo.lock(), Todo { is_gone: true, ..Todo::default() });
        for job in rest.jobs {
            engine.unwritten(job, DropReason::Closed);
        }
        writing.remember(engine);
        // The lock goes before anybody is told that it is gone.
        drop(writing);
        for closer in rest.closers.into_iter().chain(rest.barriers) {
            let _ = closer.send(());
        }
    }

    fn write(&mut self, engine: &Engine, jobs: Vec<Job>) {
        let mut jobs = jobs;
        while let Some(first) = jobs.first() {
            // What waits on disk alone is in groups of its own, to be read back as a whole.
            let is_spilled = first.room.is_none();
            let alike = jobs.iter().take_while(|job| job.room.is_none() == is_spilled);
            let (n_written, written) = self.writing.write(alike.map(|job| &job.exposure));
            let rest = jobs.split_off(n_written);
            match written {
                Ok(Written { records, segment, start, end }) => {
                    for (job, record) in jobs.into_iter().zip(records) {
                        engine.written(job, record);
                    }
                    if is_spilled {
                        let n_exposures = n_written as u64;
                        self.backlog.push(Range { segment, start, end, n_exposures, only: None });
                    }
                }
                Err(reason) => {
                    for job in jobs {
                        engine.unwritten(job, reason);
                    }
                }
            }
            jobs = rest;
        }
    }

    /// Hands on what waits on disk alone, as far as there is room.
    fn read_back(&mut self, engine: &Engine) {
        if self.backlog.is_empty() {
            return;
        }
        loop {
            match self.backlog.read(self.writing.directory()) {
                Ok(Next::Ready) => {}
                Ok(Next::Nothing) => break,
                Ok(Next::Lost(n_lost)) => {
                    tracing::error!(n_lost, "a part of the outbox does not read back");
                    engine.tracker.lost(n_lost);
                    self.n_read_back.fetch_add(n_lost, Ordering::AcqRel);
                    continue;
                }
                Err(error) => {
                    if !std::mem::replace(&mut self.has_warned, true) {
                        tracing::warn!(%error, "the outbox can not be read; it is tried again");
                    }
                    return;
                }
            }
            let room = self.backlog.front().and_then(|(_, one)| engine.reserve_all(one.size()));
            let Some(room) = room else { return };
            if let Some((record, exposure)) = self.backlog.pop() {
                engine.read_back(record, exposure, room);
                self.n_read_back.fetch_add(1, Ordering::AcqRel);
            }
        }
        // Those that end wait for this.
        engine.lanes.iter().for_each(|lane| lane.wake.notify_one());
    }
}

/// Whatever ends the writer, nobody waits for it any more.
struct Gone(Arc<Shared>);

impl Drop for Gone {
    fn drop(&mut self) {
        *self.0.todo.lock() = Todo { is_gone: true, ..Todo::default() };
    }
}

impl Shared {
    /// What is to be done next; `None` at the end.
    fn next(&self, engine: &Engine, has_backlog: bool) -> Option<Todo> {
        let mut todo = self.todo.lock();
        loop {
            if !todo.jobs.is_empty() || !todo.barriers.is_empty() {
                return Some(todo.take());
            }
            if !todo.ended.is_empty() {
                if todo.closing == Closing::No {
                    let _timeout = self.wake.wait_for(&mut todo, GATHER);
                }
                return Some(todo.take());
            }
            match todo.closing {
                Closing::Now => return None,
                Closing::AfterLanes if engine.lanes.iter().all(|lane| lane.is_gone()) => {
                    return None;
                }
                Closing::AfterLanes | Closing::No if has_backlog => {
                    // Room comes with ends, and those wake; but not all of it.
                    let _timeout = self.wake.wait_for(&mut todo, GATHER);
                    return Some(todo.take());
                }
                Closing::AfterLanes => {
                    let _timeout = self.wake.wait_for(&mut todo, GATHER);
                }
                Closing::No => self.wake.wait(&mut todo),
            }
        }
    }
}

impl Todo {
    fn take(&mut self) -> Self {
        Self {
            jobs: std::mem::take(&mut self.jobs),
            ended: std::mem::take(&mut self.ended),
            barriers: std::mem::take(&mut self.barriers),
            ..Self::default()
        }
    }
}
