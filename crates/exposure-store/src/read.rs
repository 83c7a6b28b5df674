use exposure_core::{ErrorCode, Kind, Owner, ProfileState, Timestamp};

use crate::{KeyId, ProjectId, StoredDuplicate, StoredEvent};

/// Where a scan goes on: opaque bytes of the store. Empty begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanCursor(pub Vec<u8>);

/// Where a feed goes on: offsets of the store's streams, opaque to everybody else.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedCursor(pub Vec<u8>);

/// A page of profiles, in an order that does not change while profiles stay.
#[derive(Clone, Debug)]
pub struct ProfilePage {
    /// The profiles.
    pub profiles: Vec<ProfileState>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<ScanCursor>,
}

/// Which stored events a scan is for.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventFilter<'a> {
    /// Only exposures and writes of this flag.
    pub flag: Option<&'a str>,
    /// Only exposures and impressions; with a flag, only exposures of it.
    pub exposures_only: bool,
}

impl EventFilter<'_> {
    /// Whether a scan with this filter gives the event.
    pub fn matches(&self, event: &StoredEvent) -> bool {
        if self.exposures_only && event.exposed.is_none() {
            return false;
        }
        self.flag.is_none_or(|flag| {
            let is_exposed = event.exposed.as_ref().is_some_and(|key| *key.flag == *flag);
            let is_written = event.writes.iter().any(|write| *write.flag == *flag);
            is_exposed || (is_written && !self.exposures_only)
        })
    }
}

/// A page of stored events, in no order that means anything.
#[derive(Clone, Debug)]
pub struct EventPage {
    /// The events.
    pub events: Vec<StoredEvent>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<ScanCursor>,
}

/// What happened, in the order of the store's feed.
#[derive(Clone, Debug)]
pub enum FeedEntry {
    /// An event was merged.
    Event {
        /// Whose.
        project: ProjectId,
        /// The event, with its effects.
        event: Box<StoredEvent>,
        /// Whether the users seen on its device, or their spans, changed: owners may have.
        links_changed: bool,
    },
    /// A profile was erased.
    Erased {
        /// Whose.
        project: ProjectId,
        /// Which one.
        owner: Owner,
        /// Everything at or before this time.
        until: Timestamp,
    },
}

impl FeedEntry {
    /// Whose it is.
    pub const fn project(&self) -> ProjectId {
        match self {
            Self::Event { project, .. } | Self::Erased { project, .. } => *project,
        }
    }
}

/// A part of the feed.
#[derive(Clone, Debug)]
pub struct FeedPage {
    /// The entries after the cursor, each with the cursor behind it.
    pub entries: Vec<(FeedEntry, FeedCursor)>,
    /// Where to go on, also when there was no entry for the project.
    pub next: FeedCursor,
}

/// A count of usage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsageRow {
    /// The day of receipt, counted from the epoch in UTC.
    pub day: i64,
    /// What it is metered as.
    pub kind: Kind,
    /// Its type.
    pub event_type: Box<str>,
    /// The key it was sent with.
    pub key: KeyId,
    /// The sender library, or empty.
    pub library: Box<str>,
    /// How many, a duplicate once.
    pub events: u64,
}

/// What one sender library sent: received = accepted + duplicates + rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderRow {
    /// The library and its version, or empty.
    pub library: Box<str>,
    /// Events that were new.
    pub accepted: u64,
    /// Events seen before.
    pub duplicates: u64,
    /// Events refused, by reason.
    pub rejected: Vec<(ErrorCode, u64)>,
    /// The greatest receive time among all of them; `None` where they came in before a store
    /// kept it.
    pub last_received: Option<Timestamp>,
}

/// The duplicates of one raw id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// How many there were.
    pub count: u64,
    /// The last ten, newest last.
    pub last: Vec<StoredDuplicate>,
}

/// A small value kept under a name: a project, a key, a setting. The greater version stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name, such as `project/1`.
    pub name: Box<str>,
    /// Its version: of two the greater stands, of equal ones the greater bytes.
    pub version: u64,
    /// Its bytes.
    pub bytes: Box<[u8]>,
}

/// Figures of a store, for metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Name and value, in a fixed order; names are snake case with a unit.
    pub values: Vec<(&'static str, u64)>,
}
