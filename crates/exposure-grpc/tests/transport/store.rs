//! A store in memory whose commits can be held back.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use exposure_core::{ProfileState, RawId, Timestamp};
use exposure_store::memory::MemoryStore;
use exposure_store::{
    Batch, Capabilities, Committed, Document, Duplicates, Error, EventFilter, EventPage,
    FeedCursor, FeedPage, ProfilePage, ProjectId, Result, ScanCursor, SenderRow, StateHash, Stats,
    Store, StoredEvent, StoredReject, UsageRow,
};
use parking_lot::Mutex;
use tokio::sync::watch;

/// Commits of events of a held user wait, and those of a failing one fail.
#[derive(Debug)]
pub(crate) struct HeldStore {
    store: MemoryStore,
    held: watch::Sender<BTreeSet<String>>,
    failing: Mutex<Option<Error>>,
    /// Commits that have begun, and that have ended.
    pub(crate) begun: AtomicUsize,
    pub(crate) ended: AtomicUsize,
}

impl HeldStore {
    pub(crate) fn new() -> Self {
        Self {
            store: MemoryStore::new(),
            held: watch::Sender::new(BTreeSet::new()),
            failing: Mutex::new(None),
            begun: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
        }
    }

    pub(crate) fn hold(&self, user: &str) {
        self.held.send_modify(|held| {
            held.insert(user.to_owned());
        });
    }

    pub(crate) fn release(&self, user: &str) {
        self.held.send_modify(|held| {
            held.remove(user);
        });
    }

    /// What the next commits of events fail with.
    pub(crate) fn fail_with(&self, error: Option<Error>) {
        *self.failing.lock() = error;
    }
}

#[async_trait]
impl Store for HeldStore {
    async fn commit(&self, batch: &Batch<'_>) -> Result<Vec<Committed>> {
        let users: Vec<String> = batch
            .events
            .iter()
            .filter_map(|event| Some(event.ids.user()?.as_str().to_owned()))
            .collect();
        self.begun.fetch_add(1, Ordering::SeqCst);
        let mut held = self.held.subscribe();
        let released = held.wait_for(|held| users.iter().all(|user| !held.contains(user))).await;
        released.map_err(|_| Error::Closed)?;
        drop(held);
        let failing = self.failing.lock().clone();
        let committed = match failing {
            Some(error) => Err(error),
            None => self.store.commit(batch).await,
        };
        self.ended.fetch_add(1, Ordering::SeqCst);
        committed
    }

    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    async fn profile(&self, project: ProjectId, id: RawId<'_>) -> Result<Option<ProfileState>> {
        self.store.profile(project, id).await
    }

    async fn history(&self, project: ProjectId, id: RawId<'_>) -> Result<Vec<StoredEvent>> {
        self.store.history(project, id).await
    }

    async fn duplicates(&self, project: ProjectId, id: RawId<'_>) -> Result<Duplicates> {
        self.store.duplicates(project, id).await
    }

    async fn scan_profiles(
        &self,
        project: ProjectId,
        from: &ScanCursor,
        limit: usize,
    ) -> Result<ProfilePage> {
        self.store.scan_profiles(project, from, limit).await
    }

    async fn scan_events(
        &self,
        project: ProjectId,
        filter: EventFilter<'_>,
        from: &ScanCursor,
        limit: usize,
    ) -> Result<EventPage> {
        self.store.scan_events(project, filter, from, limit).await
    }

    fn feed_end(&self) -> FeedCursor {
        self.store.feed_end()
    }

    fn feed_start(&self) -> FeedCursor {
        self.store.feed_start()
    }

    async fn feed(&self, project: ProjectId, from: &FeedCursor, limit: usize) -> Result<FeedPage> {
        self.store.feed(project, from, limit).await
    }

    async fn feed_wait(&self, from: &FeedCursor) -> Result<()> {
        self.store.feed_wait(from).await
    }

    async fn usage(&self, project: ProjectId, from_day: i64, to_day: i64) -> Result<Vec<UsageRow>> {
        self.store.usage(project, from_day, to_day).await
    }

    async fn senders(&self, project: ProjectId) -> Result<Vec<SenderRow>> {
        self.store.senders(project).await
    }

    async fn rejects(
        &self,
        project: ProjectId,
        below: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredReject>> {
        self.store.rejects(project, below, limit).await
    }

    async fn flags(&self, project: ProjectId) -> Result<Vec<Box<str>>> {
        self.store.flags(project).await
    }

    async fn erase(&self, project: ProjectId, user: &str, until: Timestamp) -> Result<u64> {
        self.store.erase(project, user, until).await
    }

    async fn put_document(&self, document: &Document) -> Result<()> {
        self.store.put_document(document).await
    }

    async fn documents(&self, prefix: &str) -> Result<Vec<Document>> {
        self.store.documents(prefix).await
    }

    async fn state_hash(&self) -> Result<StateHash> {
        self.store.state_hash().await
    }

    fn stats(&self) -> Stats {
        self.store.stats()
    }

    fn write_refusal(&self) -> Option<Error> {
        self.store.write_refusal()
    }

    async fn close(&self) -> Result<()> {
        self.store.close().await
    }
}
