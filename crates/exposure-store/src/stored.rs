use exposure_core::{
    Admitted, Change, DeviceId, Effects, ErrorCode, ExperimentKey, FlagKey, Ids, InsertId, Kind,
    Notes, Owner, RawId, SeenKey, Subject, Timestamp, UserId, Variant, Version, Write,
};

use crate::{KeyId, Origin};

/// A link of a device, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredLink {
    /// When, effectively.
    pub time: Timestamp,
    /// The user.
    pub user: Box<str>,
    /// The place of its event in the store's order of arrival.
    pub position: u64,
}

impl StoredLink {
    /// The link that an event makes, where it names both a user and a device.
    pub fn of(event: StoredEvent) -> Option<Self> {
        let StoredEvent { time, user, device, position, .. } = event;
        device.and(user).map(|user| Self { time, user, position })
    }
}

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
    /// The event as it is stored at a position, with what its writes did.
    pub fn new(position: u64, origin: &Origin, event: &Admitted<'_>, effects: Effects) -> Self {
        Self {
            position,
            kind: event.kind(),
            event_type: event.event_type().into(),
            user: event.ids.user().map(|user| user.as_str().into()),
            device: event.ids.device().map(|device| device.as_str().into()),
            time: event.time,
            received: origin.received,
            sequence: event.sequence,
            insert_id: event.insert_id.map(|id| id.as_str().into()),
            exposed: event.exposed().map(|(flag, variant, experiment_key)| SeenKey {
                flag: flag.as_str().into(),
                experiment_key: experiment_key.map_or("", ExperimentKey::as_str).into(),
                variant: variant.map(|variant| variant.as_str().into()),
            }),
            writes: event
                .writes()
                .map(|write| StoredWrite {
                    flag: write.flag.as_str().into(),
                    variant: write.change.variant().map(Into::into),
                })
                .collect(),
            payload: event.payload.into(),
            key: origin.key,
            library: event.library.into(),
            notes: event.notes,
            effects,
        }
    }

    /// The event as it was admitted, such as for its state hash.
    pub fn as_admitted(&self) -> Admitted<'_> {
        let device = DeviceId::trusted(self.device.as_deref().unwrap_or(""));
        let ids = match (&self.user, &self.device) {
            (Some(user), Some(_)) => Ids::Both(UserId::trusted(user), device),
            (Some(user), None) => Ids::User(UserId::trusted(user)),
            (None, _) => Ids::Device(device),
        };
        let mut writes = self.writes.as_slice();
        let subject = match &self.exposed {
            Some(key) => {
                // Writes beside an exposure's own are never of its flag.
                let own = writes.split_first().filter(|(own, _)| own.flag == key.flag);
                writes = own.map_or(writes, |(_, extra)| extra);
                Subject::Exposure {
                    kind: self.kind,
                    flag: FlagKey::trusted(&key.flag),
                    variant: key.variant.as_deref().map(Variant::trusted),
                    experiment_key: Some(&*key.experiment_key)
                        .filter(|key| !key.is_empty())
                        .map(ExperimentKey::trusted),
                    writes: own.is_some(),
                }
            }
            None if self.kind.is_billable() => {
                Subject::Outcome { kind: self.kind, event_type: &self.event_type }
            }
            None => Subject::Plain(self.kind),
        };
        Admitted {
            ids,
            time: self.time,
            sequence: self.sequence,
            insert_id: self.insert_id.as_deref().map(InsertId::trusted),
            subject,
            extra: writes
                .iter()
                .map(|write| Write {
                    flag: FlagKey::trusted(&write.flag),
                    change: Change::to_variant(write.variant.as_deref()),
                })
                .collect(),
            payload: &self.payload,
            notes: self.notes,
            library: &self.library,
        }
    }

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
