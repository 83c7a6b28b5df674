use exposure_core::{Admitted, ExperimentKey, InsertId, Kind, Notes, Owner, SeenKey, Timestamp};

use crate::{Committed, KeyId, Origin, ProjectId, StateHasher, StoredEvent};

/// An event that arrived, and what was decided about it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of an admitted event and its origin")]
pub struct Known {
    pub project: ProjectId,
    pub key: KeyId,
    pub received: Timestamp,
    pub now: Timestamp,
    pub user: Option<String>,
    pub device: Option<String>,
    pub time: Timestamp,
    pub sequence: i64,
    pub insert_id: Option<String>,
    pub kind: Kind,
    pub event_type: String,
    pub exposed: Option<Exposed>,
    /// Flag and variant, `None` for an unset; an exposure's own first.
    pub writes: Vec<(String, Option<String>)>,
    pub payload: Vec<u8>,
    pub library: String,
    pub notes: Notes,
    pub decision: Committed,
    /// Whether it was taken away by a later erase.
    pub erased: bool,
    pub(super) hash: u128,
}

/// What an exposure is counted under.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of an exposure")]
pub struct Exposed {
    pub flag: String,
    pub variant: Option<String>,
    pub experiment_key: String,
}

/// What decides between two writes, in the order of the rule: time, sequence, unset over set,
/// variant, experiment key, insert id.
pub type Rank = (i64, i64, bool, Vec<u8>, Vec<u8>, Vec<u8>);

impl Known {
    pub(super) fn new(origin: &Origin, event: &Admitted<'_>) -> Self {
        let text = |text: &str| text.to_owned();
        Self {
            project: origin.project,
            key: origin.key,
            received: origin.received,
            now: origin.now,
            user: event.ids.user().map(|id| text(id.as_str())),
            device: event.ids.device().map(|id| text(id.as_str())),
            time: event.time,
            sequence: event.sequence,
            insert_id: event.insert_id.map(InsertId::as_str).map(text),
            kind: event.kind(),
            event_type: text(event.event_type()),
            exposed: event.exposed().map(|(flag, variant, experiment_key)| Exposed {
                flag: text(flag.as_str()),
                variant: variant.map(|variant| text(variant.as_str())),
                experiment_key: text(experiment_key.map_or("", ExperimentKey::as_str)),
            }),
            writes: event
                .writes()
                .map(|write| (text(write.flag.as_str()), write.change.variant().map(text)))
                .collect(),
            payload: event.payload.to_vec(),
            library: text(event.library),
            notes: event.notes,
            decision: Committed::Erased,
            erased: false,
            hash: StateHasher::event(origin.project, event),
        }
    }

    /// Whether it counts: merged, and not erased since.
    pub fn is_live(&self) -> bool {
        matches!(self.decision, Committed::Merged(_)) && !self.erased
    }

    /// Whom it names: the user, else the device.
    pub fn raw(&self) -> Owner {
        match (&self.user, &self.device) {
            (Some(user), _) => Owner::User(user.as_str().into()),
            (None, device) => Owner::Device(device.as_deref().unwrap_or_default().into()),
        }
    }

    /// Whose its insert id is: the device's, else the user's.
    pub(super) fn insert_id_owner(&self) -> Owner {
        match (&self.user, &self.device) {
            (_, Some(device)) => Owner::Device(device.as_str().into()),
            (user, None) => Owner::User(user.as_deref().unwrap_or_default().into()),
        }
    }

    /// Whether it names a user or a device, the device also beside a user.
    pub fn names(&self, id: &Owner) -> bool {
        match id {
            Owner::User(id) => self.user.as_deref() == Some(id),
            Owner::Device(id) => self.device.as_deref() == Some(id),
        }
    }

    /// Whether a retry with this content is no conflict.
    pub(super) fn has_content_of(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.user == other.user
            && self.device == other.device
            && self.exposed == other.exposed
            && self.writes_beside().eq(other.writes_beside())
    }

    /// The writes of other flags than the exposed one, whose variant is compared already: that
    /// it makes no write of its own is said by its metadata, which is no content.
    fn writes_beside(&self) -> impl Iterator<Item = &(String, Option<String>)> {
        let exposed = self.exposed.as_ref().map(|exposed| exposed.flag.as_str());
        self.writes.iter().filter(move |(flag, _)| Some(flag.as_str()) != exposed)
    }

    /// How a write of this event ranks.
    pub fn rank(&self, flag: &str, variant: Option<&str>) -> Rank {
        let exposed = self.exposed.as_ref().filter(|exposed| exposed.flag == flag);
        let bytes = |text: &str| text.as_bytes().to_vec();
        (
            self.time.as_micros(),
            self.sequence,
            variant.is_none(),
            bytes(variant.unwrap_or("")),
            bytes(exposed.map_or("", |exposed| &exposed.experiment_key)),
            bytes(self.insert_id.as_deref().unwrap_or("")),
        )
    }

    /// What it is counted under, if it is an exposure.
    pub fn seen_key(&self) -> Option<SeenKey> {
        self.exposed.as_ref().map(|exposed| SeenKey {
            flag: exposed.flag.as_str().into(),
            experiment_key: exposed.experiment_key.as_str().into(),
            variant: exposed.variant.as_deref().map(Into::into),
        })
    }

    /// Whether a store kept it as it arrived; positions are the store's own.
    pub fn is_stored_as(&self, event: &StoredEvent) -> bool {
        let writes = event.writes.iter().map(|w| (&*w.flag, w.variant.as_deref()));
        let own_writes = self.writes.iter().map(|(flag, v)| (flag.as_str(), v.as_deref()));
        event.kind == self.kind
            && *event.event_type == *self.event_type
            && event.user.as_deref() == self.user.as_deref()
            && event.device.as_deref() == self.device.as_deref()
            && event.time == self.time
            && event.received == self.received
            && event.sequence == self.sequence
            && event.insert_id.as_deref() == self.insert_id.as_deref()
            && event.exposed == self.seen_key()
            && writes.eq(own_writes)
            && *event.payload == *self.payload
            && event.key == self.key
            && *event.library == *self.library
            && event.notes == self.notes
    }
}
