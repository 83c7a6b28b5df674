//! The background thread that makes segments ready and disposes of released ones.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::handle::Shared;
use super::metrics::Counters;
use super::recovery::Recovered;
use super::segment::Segment;
use super::{LogError, keeper_files};
use crate::disk::File;

/// How long after there was no room for a segment it is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// What the keeper's thread and the others tell each other.
#[derive(Debug)]
pub(super) struct Keeper {
    state: Mutex<State>,
    work: Condvar,
    delivered: Condvar,
    /// There is no room on the disk for the segments that are to be ready.
    is_short: AtomicBool,
}

#[derive(Debug)]
struct State {
    ready: VecDeque<(u64, Arc<dyn File>)>,
    next_start: u64,
    /// The writer waits for a segment.
    demanded: bool,
    /// The last attempt failed; there is no other one until the writer asks.
    failure: Option<LogError>,
    /// When it is tried again nevertheless: somebody may have made room.
    retry: Option<Instant>,
    /// They take turns: what a file held before must not stay in it for ever.
    spares: VecDeque<PathBuf>,
    retired: VecDeque<Arc<Segment>>,
    leaving: VecDeque<PathBuf>,
    next_shrink: Option<Instant>,
    stopping: bool,
}

enum Job {
    Prepare(u64, Option<PathBuf>),
    Retire(Arc<Segment>, bool),
    Shrink(PathBuf),
}

impl Keeper {
    pub(super) fn new(recovered: &mut Recovered) -> Self {
        let state = State {
            ready: std::mem::take(&mut recovered.ready).into(),
            next_start: recovered.next_start,
            demanded: false,
            failure: None,
            retry: None,
            spares: std::mem::take(&mut recovered.spares).into(),
            retired: VecDeque::new(),
            leaving: std::mem::take(&mut recovered.leaving).into(),
            next_shrink: None,
            stopping: false,
        };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            delivered: Condvar::new(),
            is_short: AtomicBool::new(false),
        }
    }

    /// The file of the segment at `start`, which must be the next one; waits until it is made.
    pub(super) fn take(&self, start: u64, shared: &Shared) -> Result<Arc<dyn File>, LogError> {
        let mut state = self.state.lock();
        let mut waited = false;
        loop {
            if let Some((_, file)) = state.ready.pop_front_if(|(ready, _)| *ready == start) {
                state.demanded = false;
                self.work.notify_one();
                return Ok(file);
            }
            if state.stopping {
                return Err(LogError::Closed);
            }
            if state.demanded
                && let Some(failure) = state.failure.take()
            {
                state.demanded = false;
                return Err(failure);
            }
            if !waited {
                waited = true;
                // What failed in the background earlier may work now.
                state.failure = None;
                Counters::add(&shared.counters.segment_waits, 1);
            }
            state.demanded = true;
            if shared.options.driven {
                self.work_off(&mut state, shared);
                continue;
            }
            self.work.notify_one();
            self.delivered.wait(&mut state);
        }
    }

    /// Whether there is no room for another segment: what is ready is a reserve for what is under way.
    pub(super) fn is_short(&self) -> bool {
        self.is_short.load(Ordering::Relaxed)
    }

    /// Does all there is to do now, also what failed before.
    pub(super) fn run_jobs(&self, shared: &Shared) {
        let mut state = self.state.lock();
        state.failure = None;
        self.work_off(&mut state, shared);
    }

    fn work_off(&self, state: &mut MutexGuard<'_, State>, shared: &Shared) {
        while let Some(job) = state.next_job(shared) {
            let done = MutexGuard::unlocked(state, || job.run(shared));
            self.note(state, done, shared);
        }
    }

    pub(super) fn retire(&self, segments: Vec<Arc<Segment>>) {
        if !segments.is_empty() {
            self.state.lock().retired.extend(segments);
            self.work.notify_one();
        }
    }

    pub(super) fn stop(&self) {
        self.state.lock().stopping = true;
        self.work.notify_all();
        self.delivered.notify_all();
    }

    /// The thread's body.
    pub(super) fn run(&self, shared: &Shared) {
        let mut state = self.state.lock();
        while !state.stopping {
            match state.next_job(shared) {
                Some(job) => {
                    let done = MutexGuard::unlocked(&mut state, || job.run(shared));
                    self.note(&mut state, done, shared);
                }
                None => match state.next_time() {
                    Some(at) => {
                        self.work.wait_until(&mut state, at);
                    }
                    None => self.work.wait(&mut state),
                },
            }
        }
    }

    fn note(&self, state: &mut State, done: Done, shared: &Shared) {
        match done {
            Done::Prepared(Ok((start, file))) => {
                state.ready.push_back((start, file));
                state.next_start = start + shared.segments.segment_bytes;
                (state.failure, state.retry) = (None, None);
                self.is_short.store(false, Ordering::Relaxed);
                self.delivered.notify_all();
            }
            Done::Prepared(Err(failure)) => {
                let is_short = failure.is_out_of_space();
                if !self.is_short.swap(is_short, Ordering::Relaxed) || !is_short {
                    tracing::warn!(%failure, "cannot make a log segment ready");
                }
                let is_tried_again = is_short && !shared.options.driven;
                state.retry = is_tried_again.then(|| Instant::now() + RETRY);
                state.failure = Some(failure);
                self.delivered.notify_all();
            }
            Done::Spare(path) => {
                // A name can come back after a torn tail was cut; the rename has replaced the older file.
                if !state.spares.contains(&path) {
                    state.spares.push_back(path);
                }
            }
            Done::Leaving(path) => state.leaving.push_back(path),
            Done::Shrunk(path) => {
                state.leaving.push_front(path);
                state.next_shrink = Some(Instant::now() + shared.options.shrink_pause);
            }
            Done::Removed => {
                Counters::add(&shared.counters.segments_removed, 1);
                state.next_shrink = Some(Instant::now() + shared.options.shrink_pause);
            }
            // The next open finds the file and tries again.
            Done::Failed(failure) => tracing::warn!(%failure, "cannot dispose of a log segment"),
        }
    }
}

impl State {
    /// When there is something to do by the clock.
    fn next_time(&self) -> Option<Instant> {
        let shrink = self.next_shrink.filter(|_| !self.leaving.is_empty());
        shrink.into_iter().chain(self.retry).min()
    }

    fn next_job(&mut self, shared: &Shared) -> Option<Job> {
        let wanted = self.ready.len() < shared.options.ahead;
        let tries = self.failure.is_none() || self.retry.is_some_and(|at| at <= Instant::now());
        let prepares = wanted && tries;
        let as_spare = self.spares.len() < shared.options.max_spares;
        // Before a new file is made, a released one is reused.
        if (!prepares || (self.spares.is_empty() && as_spare))
            && let Some(segment) = self.retired.pop_front()
        {
            return Some(Job::Retire(segment, as_spare));
        }
        if prepares {
            return Some(Job::Prepare(self.next_start, self.spares.pop_front()));
        }
        if self.next_shrink.is_none_or(|at| at <= Instant::now()) {
            return self.leaving.pop_front().map(Job::Shrink);
        }
        None
    }
}

enum Done {
    Prepared(Result<(u64, Arc<dyn File>), LogError>),
    Spare(PathBuf),
    Leaving(PathBuf),
    Shrunk(PathBuf),
    Removed,
    Failed(LogError),
}

impl Job {
    fn run(self, shared: &Shared) -> Done {
        let (disk, dir) = (&*shared.disk, shared.segments.dir.as_path());
        match self {
            Self::Prepare(start, spare) => {
                let spare = spare.as_deref();
                let bytes = shared.segments.segment_bytes;
                let prepared = keeper_files::prepare(disk, dir, start, spare, bytes);
                if prepared.is_ok() {
                    let counters = &shared.counters;
                    Counters::add(
                        if spare.is_some() {
                            &counters.segments_recycled
                        } else {
                            &counters.segments_created
                        },
                        1,
                    );
                }
                Done::Prepared(prepared.map(|file| (start, file)))
            }
            Self::Retire(segment, as_spare) => {
                match keeper_files::retire(disk, dir, &segment, as_spare) {
                    Ok(path) if as_spare => Done::Spare(path),
                    Ok(path) => Done::Leaving(path),
                    Err(failure) => Done::Failed(failure),
                }
            }
            Self::Shrink(path) => {
                match keeper_files::shrink(disk, &path, shared.options.shrink_bytes) {
                    Ok(true) => Done::Removed,
                    Ok(false) => Done::Shrunk(path),
                    Err(failure) => Done::Failed(failure),
                }
            }
        }
    }
}
