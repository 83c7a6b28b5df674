use std::fmt;

use async_trait::async_trait;
use exposure_core::{ProfileState, RawId, Timestamp};

use crate::{
    Batch, Capabilities, Committed, Document, Duplicates, EventFilter, EventPage, FeedCursor,
    FeedPage, ProfilePage, ProjectId, Result, ScanCursor, SenderRow, StateHash, Stats, StoredEvent,
    StoredLink, StoredReject, UsageRow,
};

/// A store. Every one passes the same conformance suite, tier by tier.
///
/// Nothing is shown, fed or acknowledged before it is durable at the configured level, not
/// even as somebody's duplicate.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// What this store offers.
    fn capabilities(&self) -> Capabilities;

    /// Merges a batch; durable when it returns. One result for each event, in order.
    ///
    /// An error means that nothing is acknowledged: each event is stored or not, and sending
    /// the batch again is harmless for events with an insert id.
    async fn commit(&self, batch: &Batch<'_>) -> Result<Vec<Committed>>;

    /// What is kept of a raw id; `None` where it was never seen. Of an erased one only
    /// `erased_until` and what came later.
    async fn profile(&self, project: ProjectId, id: RawId<'_>) -> Result<Option<ProfileState>>;

    /// Every stored event that names a raw id, a device also beside a user, by position.
    async fn history(&self, project: ProjectId, id: RawId<'_>) -> Result<Vec<StoredEvent>>;

    /// Every link of a device, in order of time and user. Links outlive the stored events they
    /// came with: a store that lets events go gives those too.
    async fn links(&self, project: ProjectId, device: &str) -> Result<Vec<StoredLink>> {
        let events = self.history(project, RawId::Device(device)).await?;
        let mut links: Vec<_> = events.into_iter().filter_map(StoredLink::of).collect();
        links.sort_unstable();
        Ok(links)
    }

    /// The duplicates that named a raw id ([`RawId`] of the duplicate itself).
    async fn duplicates(&self, project: ProjectId, id: RawId<'_>) -> Result<Duplicates>;

    /// Profiles of a project, page by page; at most `limit` a page. A profile that is there
    /// during the whole scan is in exactly one page.
    async fn scan_profiles(
        &self,
        project: ProjectId,
        from: &ScanCursor,
        limit: usize,
    ) -> Result<ProfilePage>;

    /// Stored events of a project, page by page. An event that is there during the whole scan
    /// is in exactly one page; a page may be empty before the end.
    async fn scan_events(
        &self,
        project: ProjectId,
        filter: EventFilter<'_>,
        from: &ScanCursor,
        limit: usize,
    ) -> Result<EventPage>;

    /// The end of the feed: what comes after is what is committed from now on.
    fn feed_end(&self) -> FeedCursor;

    /// The oldest cursor that the feed still answers from.
    fn feed_start(&self) -> FeedCursor;

    /// What happened after a cursor, of one project, oldest first; empty when nothing did yet.
    async fn feed(&self, project: ProjectId, from: &FeedCursor, limit: usize) -> Result<FeedPage>;

    /// Waits until something was committed after a cursor.
    async fn feed_wait(&self, from: &FeedCursor) -> Result<()>;

    /// Usage of a project by days of receipt, `from` and `to` included, in the rows' order.
    async fn usage(&self, project: ProjectId, from_day: i64, to_day: i64) -> Result<Vec<UsageRow>>;

    /// What each sender library sent, by its name.
    async fn senders(&self, project: ProjectId) -> Result<Vec<SenderRow>>;

    /// Rejected events, newest first, below a position (or from the newest).
    async fn rejects(
        &self,
        project: ProjectId,
        below: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredReject>>;

    /// The flags that a set ever created, by key, whether retired since or not.
    async fn flags(&self, project: ProjectId) -> Result<Vec<Box<str>>>;

    /// Erases what is kept of a user up to a time, and its devices that no other user was seen
    /// on. Returns how many profiles were erased of those that were there.
    ///
    /// Of each: its events at or before that time (also from the feed), with all that they put
    /// into registers, counts and links; rejects received until then; all of its duplicates.
    /// Links that others have to a device stay. Usage and flags stay: they name nobody.
    async fn erase(&self, project: ProjectId, user: &str, until: Timestamp) -> Result<u64>;

    /// Keeps a document; of two under one name the greater version stands. Durable when it returns.
    async fn put_document(&self, document: &Document) -> Result<()>;

    /// The documents whose names begin with a prefix, by name.
    async fn documents(&self, prefix: &str) -> Result<Vec<Document>>;

    /// A hash of all state that must not depend on order.
    async fn state_hash(&self) -> Result<StateHash>;

    /// Figures for metrics.
    fn stats(&self) -> Stats;

    /// Whether writes are refused at the moment, and why.
    fn write_refusal(&self) -> Option<crate::Error>;

    /// Stops cleanly: what was committed stays, and opening again is quick.
    async fn close(&self) -> Result<()>;
}
