use exposure_core::{
    Change, Effects, ErrorCode, ExperimentKey, Kind, Notes, Owner, RawId, SeenKey, Timestamp,
    Version,
};

use crate::KeyId;

/// An event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the store's order of arrival; greater is later.
    pub position: u64,
    /// What it is metered as.
    pub kind: Kind,
    /// The type it is shown and counted with.
    pub event_type: Box<str>,
    /// The user it names.
    pub user: Option<Box<str>>,
    /// The device it names.
    pub device: Option<Box<str>>,
    /// Its effective time.
    pub time: Timestamp,
    /// When it was received.
    pub received: Timestamp,
    /// Orders events of one time.
    pub sequence: i64,
    /// Its insert id.
    pub insert_id: Option<Box<str>>,
    /// Of an exposure: the flag, run and variant it is counted under.
    pub exposed: Option<SeenKey>,
    /// Its writes, an exposure's own first.
    pub writes: Vec<StoredWrite>,
    /// Metadata or properties: JSON, or empty.
    pub payload: Box<[u8]>,
    /// The key it was sent with.
    pub key: KeyId,
    /// The sender library, or empty.
    pub library: Box<str>,
    /// What its sender was told.
    pub notes: Notes,
    /// What its writes did, as told.
    pub effects: Effects,
}

/// One write of a stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredWrite {
    /// The flag.
    pub flag: Box<str>,
    /// The variant; `None` unset.
    pub variant: Option<Box<str>>,
}

impl StoredEvent {
    /// Whom it names: its user where there is one, else its device.
    pub fn raw(&self) -> RawId<'_> {
        match (&self.user, &self.device) {
            (Some(user), _) => RawId::User(user),
            (None, device) => RawId::Device(device.as_deref().unwrap_or("")),
        }
    }

    /// The value that one of its writes put before a register.
    pub fn version<'a>(&'a self, write: &'a StoredWrite) -> Version<'a> {
        let experiment_key = match &self.exposed {
            Some(key) if key.flag == write.flag => {
                ExperimentKey::trusted(&key.experiment_key).as_str()
            }
            _ => "",
        };
        Version {
            time: self.time,
            sequence: self.sequence,
            change: Change::to_variant(write.variant.as_deref()),
            experiment_key,
            insert_id: self.insert_id.as_deref().unwrap_or(""),
        }
    }
}

/// A duplicate, as far as it is kept for explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDuplicate {
    /// Its insert id.
    pub insert_id: Box<str>,
    /// When it was received.
    pub received: Timestamp,
    /// The flag, of an exposure.
    pub flag: Option<Box<str>>,
    /// Whether its content differs from the first one's.
    pub conflict: bool,
    /// The sender library, or empty.
    pub library: Box<str>,
}

/// A rejected event, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReject {
    /// Its place in the order of arrival.
    pub position: u64,
    /// When it was received.
    pub received: Timestamp,
    /// Why.
    pub code: ErrorCode,
    /// The field.
    pub field: Box<str>,
    /// What was wrong and what would be right.
    pub message: Box<str>,
    /// Whom it named, if anybody.
    pub named: Option<Owner>,
    /// The event as it came, at most 1 KiB of it.
    pub event: Box<[u8]>,
    /// The key it was sent with.
    pub key: KeyId,
    /// The sender library, or empty.
    pub library: Box<str>,
}
