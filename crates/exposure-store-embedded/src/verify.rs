//! Checking a data directory at rest: what is stored against its checksums, and state against events.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use exposure_core::{Admitted, Timestamp};
use exposure_store::memory::{MemoryOptions, MemoryStore};
use exposure_store::{
    Batch, Error, EventFilter, KeyId, Origin, ProjectId, Result, ScanCursor, StateHash,
    StateHasher, Store as _, StoredEvent,
};

use crate::disk::RealDisk;
use crate::lock::DirLock;
use crate::store::{Inner, Options, events_error, log_error, open_to_read, window_error};

/// Events read at a time.
const PAGE: usize = 8192;
/// Events of which state is made once more, in memory, to compare. Of more only the sum is compared.
const REBUILD_AT_MOST: u64 = 1_000_000;

/// What a check of a data directory found; all of it is sound.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Profiles, of users and of devices.
    pub profiles: u64,
    /// Events that the state was made of.
    pub events: u64,
    /// Events that are still stored, in files and in the log.
    pub stored_events: u64,
    /// Files of stored events and links.
    pub files: u64,
    /// Bytes of log that were read.
    pub log_bytes: u64,
    /// How far state was compared with the stored events.
    pub compared: Compared,
    /// The state hash.
    pub state_hash: StateHash,
}

/// How far state was compared with the stored events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compared {
    /// Retention is between two steps, so there is nothing to compare with.
    Not,
    /// Their number and the sum of their hashes, which the state keeps: some events were erased
    /// or let go by retention, or they are too many.
    Sum,
    /// State was made of them once more, and is the same.
    Rebuilt,
}

/// Checks a data directory that no process uses: format, checkpoint, log, insert ids and stored
/// events against their checksums, then the state against the stored events. Blocks; the
/// memory of the state is needed, and the directory's settings are the default ones.
///
/// # Errors
/// The first thing that is wrong, with its file and place; or the directory is in use.
pub fn verify(dir: &Path) -> Result<VerifyReport> {
    if !dir.join("FORMAT").is_file() {
        let cause = "this is no data directory: it has no file FORMAT".into();
        return Err(Error::Io { file: dir.display().to_string(), cause });
    }
    let _lock = DirLock::take(dir)?;
    let inner = open_to_read(Arc::new(RealDisk), Options::new(dir), Timestamp::EARLIEST_EVENT)?;
    inner.state.lock().window.verify().map_err(window_error)?;
    inner.events.verify().map_err(events_error)?;
    let log_bytes = read_log(&inner)?;
    let state_hash = wait(inner.state_hash())?;
    let stats = inner.events.stats();
    let (profiles, events, sum, projects, is_retiring, is_whole) = {
        let state = inner.state.lock();
        let profiles = state.shards.iter().map(|shard| shard.len() as u64).sum();
        let mut projects = BTreeSet::new();
        projects.extend(state.ledger.usage_projects());
        let ledger = &state.ledger;
        let n_merged: u64 = ledger.usage.values().sum();
        let is_whole = n_merged == ledger.n_events;
        (profiles, ledger.n_events, ledger.events, projects, ledger.is_retiring, is_whole)
    };
    let rebuilt = (is_whole && events <= REBUILD_AT_MOST).then(|| {
        let limits = inner.options.limits.clone();
        MemoryStore::with_options(MemoryOptions {
            limits,
            feed_kept: 0,
            ..MemoryOptions::default()
        })
    });
    let (mut stored_events, mut stored_sum) = (0, StateHash::default());
    for project in projects {
        each_page(&inner, project, |page| {
            for event in page {
                stored_events += 1;
                stored_sum.add(StateHasher::event(project, &event.as_admitted()));
            }
            rebuilt.as_ref().map_or(Ok(()), |store| merge(store, project, page))
        })?;
    }
    let compared = if is_retiring {
        Compared::Not
    } else if (stored_events, stored_sum) != (events, sum) {
        return Err(differs(&format!(
            "it is of {events} events with the sum {sum}, and {stored_events} with the sum {stored_sum} are stored"
        )));
    } else if let Some(store) = rebuilt {
        let expected = wait(store.state_hash())?;
        if expected != state_hash {
            return Err(differs(&format!(
                "its hash is {state_hash}, and {expected} when it is made of the stored events once more"
            )));
        }
        Compared::Rebuilt
    } else {
        Compared::Sum
    };
    inner.log.close().map_err(log_error)?;
    Ok(VerifyReport {
        profiles,
        events,
        stored_events,
        files: stats.n_files,
        log_bytes,
        compared,
        state_hash,
    })
}

/// Reads all groups of the log that are kept; each is checked.
fn read_log(inner: &Inner) -> Result<u64> {
    let mut reader = inner.log.reader(inner.log.start()).map_err(log_error)?;
    let mut bytes = 0;
    while let Some(group) = reader.next_group().map_err(log_error)? {
        bytes += group.payload.len() as u64;
    }
    Ok(bytes)
}

fn each_page(
    inner: &Inner,
    project: ProjectId,
    mut visit: impl FnMut(&[StoredEvent]) -> Result<()>,
) -> Result<()> {
    let mut next = Some(ScanCursor::default());
    while let Some(from) = next {
        let page = inner.scan_events(project, EventFilter::default(), &from, PAGE)?;
        visit(&page.events)?;
        next = page.next;
    }
    Ok(())
}

/// Merges stored events into a store, one commit for each run of the same origin.
fn merge(store: &MemoryStore, project: ProjectId, events: &[StoredEvent]) -> Result<()> {
    let origin_of = |event: &StoredEvent| -> (KeyId, Timestamp) { (event.key, event.received) };
    for run in events.chunk_by(|a, b| origin_of(a) == origin_of(b)) {
        let Some(first) = run.first() else { continue };
        let (key, received) = origin_of(first);
        let events: Vec<Admitted<'_>> = run.iter().map(StoredEvent::as_admitted).collect();
        let origin = Origin { project, key, received, now: received };
        wait(store.commit(&Batch { origin, events: &events, rejects: &[] }))?;
    }
    Ok(())
}

fn differs(what: &str) -> Error {
    Error::Corrupt {
        file: "state".into(),
        what: format!("it is not what the stored events make: {what}"),
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks until a future is done.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(done) => return done,
            Poll::Pending => std::thread::park(),
        }
    }
}
