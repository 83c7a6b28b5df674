use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use exposure_core::{ProfileState, RawId, Timestamp};
use exposure_store::{
    Batch, Capabilities, Committed, DedupeTier, Document, Duplicates, EffectTier, Error,
    EventFilter, EventPage, FeedCursor, FeedPage, FeedTier, HashTier, ProfilePage, ProjectId,
    Result, ScanCursor, SenderRow, StateHash, Stats, Store, StoredEvent, StoredLink, StoredReject,
    UsageRow, UsageTier,
};

use super::state::log_error;
use super::{Inner, Options};
use crate::background::Background;
use crate::disk::{Disk, RealDisk};
use crate::frame::encode_document;
use crate::lock::DirLock;
use crate::state::{hash_profile, profile_state};

/// The embedded store: a log, resident state and files, in one data directory.
///
/// Dropping it without [`close`](Store::close) is like a crash that lost nothing: opening it
/// again replays the log.
#[derive(Debug)]
pub struct EmbeddedStore {
    pub(super) inner: Arc<Inner>,
    pub(super) background: Background,
    _lock: Option<DirLock>,
}

impl EmbeddedStore {
    /// Opens or makes a store in a directory. Blocks until its state is there.
    ///
    /// # Errors
    /// The directory is in use, can not be written to, is of another format, or is damaged: the
    /// error names the file and the place.
    pub fn open(options: Options, now: Timestamp) -> Result<Self> {
        let lock = DirLock::take(&options.dir)?;
        let inner = Arc::new(super::open::open(Arc::new(RealDisk), options, now)?);
        Ok(Self { background: Background::of(&inner), inner, _lock: Some(lock) })
    }

    /// Opens a store on a file system of one's own, such as one that fails on demand.
    pub fn open_on(disk: Arc<dyn Disk>, options: Options, now: Timestamp) -> Result<Self> {
        let inner = Arc::new(super::open::open(disk, options, now)?);
        Ok(Self { background: Background::of(&inner), inner, _lock: None })
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.inner.options.dir
    }

    /// Writes a checkpoint of everything now and turns the log into files; for tests and tools.
    ///
    /// # Errors
    /// What the background would log.
    pub fn settle(&self) -> Result<()> {
        self.background.settle(&self.inner)
    }

    async fn after_commit(&self) -> Result<()> {
        // What a commit counted that failed half-way is not there.
        self.inner.check_intact()?;
        let end = self.inner.state.lock().ledger.position;
        self.inner.log.wait_durable(end).await.map_err(log_error)
    }
}

#[async_trait]
impl Store for EmbeddedStore {
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
        self.inner.commit(batch).await
    }

    async fn profile(&self, project: ProjectId, id: RawId<'_>) -> Result<Option<ProfileState>> {
        let key = self.inner.secret.profile(project, id);
        let found = self.inner.with_profile(key, |profile, long, texts| {
            let mut state = profile_state(profile, texts, long);
            // An erased profile keeps no id; whoever asks names it.
            state.id = id.to_owner();
            (state, profile.last)
        })?;
        match found {
            None => Ok(None),
            Some((state, last)) => {
                self.inner.settled(last).await?;
                Ok(Some(state))
            }
        }
    }

    async fn history(&self, project: ProjectId, id: RawId<'_>) -> Result<Vec<StoredEvent>> {
        self.inner.history(project, id).await
    }

    async fn links(&self, project: ProjectId, device: &str) -> Result<Vec<StoredLink>> {
        self.inner.links(project, device).await
    }

    async fn duplicates(&self, project: ProjectId, id: RawId<'_>) -> Result<Duplicates> {
        let key = self.inner.secret.profile(project, id);
        let found = self.inner.with_profile(key, |profile, _, _| {
            let log = profile.more.as_ref().and_then(|more| more.duplicates.as_deref());
            let duplicates = log.map_or_else(Duplicates::default, |log| Duplicates {
                count: log.count,
                last: log.last.clone(),
            });
            (duplicates, profile.last)
        })?;
        match found {
            None => Ok(Duplicates::default()),
            Some((duplicates, last)) => {
                self.inner.settled(last).await?;
                Ok(duplicates)
            }
        }
    }

    async fn scan_profiles(
        &self,
        project: ProjectId,
        from: &ScanCursor,
        limit: usize,
    ) -> Result<ProfilePage> {
        self.inner.scan_profiles(project, from, limit.max(1)).await
    }

    async fn scan_events(
        &self,
        project: ProjectId,
        filter: EventFilter<'_>,
        from: &ScanCursor,
        limit: usize,
    ) -> Result<EventPage> {
        self.inner.scan_events(project, filter, from, limit.max(1))
    }

    fn feed_end(&self) -> FeedCursor {
        self.inner.cursor(self.inner.log.durable())
    }

    fn feed_start(&self) -> FeedCursor {
        self.inner.cursor(self.inner.log.start())
    }

    async fn feed(&self, project: ProjectId, from: &FeedCursor, limit: usize) -> Result<FeedPage> {
        self.inner.feed(project, from, limit.max(1)).await
    }

    async fn feed_wait(&self, from: &FeedCursor) -> Result<()> {
        let position = self.inner.position_of(from)?;
        self.inner.log.wait_durable(position.saturating_add(1)).await.map_err(log_error)
    }

    async fn usage(&self, project: ProjectId, from_day: i64, to_day: i64) -> Result<Vec<UsageRow>> {
        let rows = {
            let texts = self.inner.interner.read();
            let mut state = self.inner.state.lock();
            state.ledger.settle();
            state.ledger.usage_rows(project, from_day, to_day, &texts)
        };
        self.after_commit().await?;
        Ok(rows)
    }

    async fn senders(&self, project: ProjectId) -> Result<Vec<SenderRow>> {
        let rows = {
            let texts = self.inner.interner.read();
            let mut state = self.inner.state.lock();
            state.ledger.settle();
            state.ledger.sender_rows(project, &texts)
        };
        self.after_commit().await?;
        Ok(rows)
    }

    async fn rejects(
        &self,
        project: ProjectId,
        below: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredReject>> {
        let rejects = {
            let state = self.inner.state.lock();
            let kept = state.ledger.rejects.get(&project);
            let newest_first = kept.into_iter().flatten().rev();
            newest_first
                .filter(|reject| below.is_none_or(|below| reject.position < below))
                .take(limit)
                .cloned()
                .collect()
        };
        self.after_commit().await?;
        Ok(rejects)
    }

    async fn flags(&self, project: ProjectId) -> Result<Vec<Box<str>>> {
        let mut flags: Vec<Box<str>> = {
            let texts = self.inner.interner.read();
            let state = self.inner.state.lock();
            let ids = state.ledger.flags.get(&project);
            ids.into_iter().flatten().map(|&id| texts.text(id).into()).collect()
        };
        self.after_commit().await?;
        flags.sort_unstable();
        Ok(flags)
    }

    async fn erase(&self, project: ProjectId, user: &str, until: Timestamp) -> Result<u64> {
        self.inner.erase(project, user, until).await
    }

    async fn put_document(&self, document: &Document) -> Result<()> {
        self.inner.check_writable()?;
        let frame = encode_document(document);
        let end = {
            let mut state = self.inner.state.lock();
            let mut appender = self.inner.log.lock().map_err(log_error)?;
            let base = appender.push(&frame.bytes).map_err(log_error)?;
            state.ledger.document(document.clone());
            state.ledger.position = base + frame.bytes.len() as u64;
            state.ledger.position
        };
        self.inner.log.wait_durable(end).await.map_err(log_error)
    }

    async fn documents(&self, prefix: &str) -> Result<Vec<Document>> {
        let documents = {
            let state = self.inner.state.lock();
            let from =
                state.ledger.documents.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
            from.take_while(|(name, _)| name.starts_with(prefix))
                .map(|(_, document)| document.clone())
                .collect()
        };
        self.after_commit().await?;
        Ok(documents)
    }

    async fn state_hash(&self) -> Result<StateHash> {
        self.inner.state_hash().await
    }

    fn stats(&self) -> Stats {
        self.inner.stats()
    }

    fn write_refusal(&self) -> Option<Error> {
        self.inner.check_writable().err().or_else(|| self.inner.check_room().err())
    }

    async fn close(&self) -> Result<()> {
        self.inner.closing.store(true, Ordering::Relaxed);
        self.background.stop();
        self.inner.log.close().map_err(log_error)
    }
}

impl Inner {
    /// The hash of all state: profiles are visited one shard after the other under the lock, so
    /// intake waits for it. A diagnosis, not a query.
    pub(crate) async fn state_hash(&self) -> Result<StateHash> {
        let mut sum = StateHash::default();
        let (end, cold) = {
            let texts = self.interner.read();
            let mut state = self.state.lock();
            state.ledger.settle();
            sum.combine(state.ledger.hash(&texts));
            // Under the same lock: a profile that comes or goes meanwhile would count twice, or not.
            let mut cold = Vec::new();
            for (number, shard) in state.shards.iter().enumerate() {
                for (_, profile) in shard.hot() {
                    sum.combine(hash_profile(profile, &texts, &shard.long));
                }
                cold.extend(
                    shard.cold().map(|at| (at, self.sections.numbered(number, at.section))),
                );
            }
            (state.ledger.position, cold)
        };
        for (at, section) in cold {
            let Some(section) = section else { continue };
            let (profile, long) = super::warm::read_profile(&section, at, &self.interner)?;
            sum.combine(hash_profile(&profile, &self.interner.read(), &long));
        }
        self.check_intact()?;
        self.log.wait_durable(end).await.map_err(log_error)?;
        Ok(sum)
    }

    fn stats(&self) -> Stats {
        let log = self.log.metrics();
        let mut values = vec![
            ("log_durable_bytes", self.log.durable()),
            ("log_start_bytes", self.log.start()),
            ("log_pending_bytes", self.log.pending_bytes() as u64),
            ("log_groups", log.groups),
            ("log_written_bytes", log.written_bytes),
            ("log_syncs", log.syncs),
            ("log_sync_micros", log.sync_time.as_micros() as u64),
            ("log_sync_max_micros", log.sync_time_max.as_micros() as u64),
            ("converted_position_bytes", self.converted_position()),
            ("text_bytes", self.interner.memory() as u64),
        ];
        let state = self.state.lock();
        values.extend([
            ("profiles", state.shards.iter().map(|shard| shard.len() as u64).sum()),
            ("profiles_resident", state.shards.iter().map(|shard| shard.n_hot() as u64).sum()),
            ("profile_bytes", state.memory() as u64),
            ("events", state.ledger.n_events),
            ("window_ids", state.window.len() as u64),
            ("window_resident_bytes", state.window.resident_bytes()),
            ("window_disk_bytes", state.window.disk_bytes()),
        ]);
        Stats { values }
    }
}
