use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use async_trait::async_trait;
use exposure_core::{Limits, ProfileState, RawId, Timestamp};
use parking_lot::Mutex;

use super::state::State;
use crate::{
    Batch, Capabilities, Committed, DedupeTier, Document, Duplicates, EffectTier, Error,
    EventFilter, EventPage, FeedCursor, FeedPage, FeedTier, HashTier, ProfilePage, ProjectId,
    Result, ScanCursor, SenderRow, StateHash, Stats, Store, StoredEvent, StoredReject, UsageRow,
    UsageTier,
};

/// How a [`MemoryStore`] behaves.
#[derive(Clone, Debug)]
pub struct MemoryOptions {
    /// Users per device, rejects and duplicates kept. The default of the rules.
    pub limits: Limits,
    /// Entries of the feed that are kept; older cursors expire. Default: all.
    pub feed_kept: usize,
    /// Keys the hashes of erased ids. Default 0.
    pub erase_key: u64,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self { limits: Limits::default(), feed_kept: usize::MAX, erase_key: 0 }
    }
}

/// A store in memory: the reference that others are compared with.
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    closed: AtomicBool,
}

impl MemoryStore {
    /// An empty store with the default options.
    pub fn new() -> Self {
        Self::with_options(MemoryOptions::default())
    }

    /// An empty store.
    pub fn with_options(options: MemoryOptions) -> Self {
        let MemoryOptions { limits, feed_kept, erase_key } = options;
        let state = State { limits, feed_kept, erase_key, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), closed: AtomicBool::new(false) }
    }

    /// A store with the same state, as if this one's were opened again.
    #[must_use]
    pub fn reopen(&self) -> Self {
        Self { state: Arc::clone(&self.state), closed: AtomicBool::new(false) }
    }

    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }

    /// Changes the state, then wakes who waits for the feed.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T> {
        self.check_open()?;
        let (done, waiting) = {
            let mut state = self.state.lock();
            (change(&mut state), state.feed.take_waiting())
        };
        waiting.into_iter().for_each(std::task::Waker::wake);
        Ok(done)
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T> {
        self.check_open()?;
        Ok(read(&self.state.lock()))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            effects: EffectTier::Exact,
            dedupe: DedupeTier::Exact,
            usage: UsageTier::AtOnce,
            feed: FeedTier::EveryChange,
            hash: HashTier::Computed,
        }
    }

    async fn commit(&self, batch: &Batch<'_>) -> Result<Vec<Committed>> {
        self.change(|state| state.commit(batch))
    }

    async fn profile(&self, project: ProjectId, id: RawId<'_>) -> Result<Option<ProfileState>> {
        self.read(|state| state.profile(project, id))
    }

    async fn history(&self, project: ProjectId, id: RawId<'_>) -> Result<Vec<StoredEvent>> {
        self.read(|state| state.history(project, id))
    }

    async fn duplicates(&self, project: ProjectId, id: RawId<'_>) -> Result<Duplicates> {
        self.read(|state| state.counts.duplicates(project, id))
    }

    async fn scan_profiles(
        &self,
        project: ProjectId,
        from: &ScanCursor,
        limit: usize,
    ) -> Result<ProfilePage> {
        self.read(|state| state.scan_profiles(project, from, limit))?
    }

    async fn scan_events(
        &self,
        project: ProjectId,
        filter: EventFilter<'_>,
        from: &ScanCursor,
        limit: usize,
    ) -> Result<EventPage> {
        self.read(|state| state.scan_events(project, filter, from, limit))?
    }

    fn feed_end(&self) -> FeedCursor {
        self.state.lock().feed.end()
    }

    fn feed_start(&self) -> FeedCursor {
        self.state.lock().feed.start()
    }

    async fn feed(&self, project: ProjectId, from: &FeedCursor, limit: usize) -> Result<FeedPage> {
        self.read(|state| state.feed.page(project, from, limit))?
    }

    async fn feed_wait(&self, from: &FeedCursor) -> Result<()> {
        poll_fn(|context| {
            // Under the lock, or a close in between would not wake this one.
            let mut state = self.state.lock();
            match self.check_open() {
                Ok(()) => state.feed.poll_after(from, context),
                Err(error) => Poll::Ready(Err(error)),
            }
        })
        .await
    }

    async fn usage(&self, project: ProjectId, from_day: i64, to_day: i64) -> Result<Vec<UsageRow>> {
        self.read(|state| {
            let rows = state.counts.usage(project);
            rows.filter(|row| from_day <= row.day && row.day <= to_day).collect()
        })
    }

    async fn senders(&self, project: ProjectId) -> Result<Vec<SenderRow>> {
        self.read(|state| state.counts.senders(project))
    }

    async fn rejects(
        &self,
        project: ProjectId,
        below: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredReject>> {
        self.read(|state| state.counts.rejects(project, below, limit))
    }

    async fn flags(&self, project: ProjectId) -> Result<Vec<Box<str>>> {
        self.read(|state| {
            let of_project = state.flags.iter().filter(|((held, _), ())| *held == project);
            of_project.map(|((_, flag), ())| flag.clone()).collect()
        })
    }

    async fn erase(&self, project: ProjectId, user: &str, until: Timestamp) -> Result<u64> {
        self.change(|state| state.erase(project, user, until))
    }

    async fn put_document(&self, document: &Document) -> Result<()> {
        self.change(|state| state.put_document(document))
    }

    async fn documents(&self, prefix: &str) -> Result<Vec<Document>> {
        self.read(|state| {
            let named = state.documents.range(Box::from(prefix)..);
            named
                .take_while(|(name, _)| name.starts_with(prefix))
                .map(|(name, (version, bytes))| Document {
                    name: name.clone(),
                    version: *version,
                    bytes: bytes.clone(),
                })
                .collect()
        })
    }

    async fn state_hash(&self) -> Result<StateHash> {
        self.read(State::state_hash)
    }

    fn stats(&self) -> Stats {
        let state = self.state.lock();
        Stats {
            values: vec![
                ("events_stored", state.events.len() as u64),
                ("registers_resident", state.registers.len() as u64),
                ("feed_entries", state.feed.len() as u64),
            ],
        }
    }

    fn write_refusal(&self) -> Option<Error> {
        self.check_open().err()
    }

    async fn close(&self) -> Result<()> {
        self.closed.store(true, Ordering::Release);
        let waiting = self.state.lock().feed.take_waiting();
        waiting.into_iter().for_each(std::task::Waker::wake);
        Ok(())
    }
}
