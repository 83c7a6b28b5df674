use exposure_core::explain::Lost;
use exposure_core::{Register, Timestamp};
use exposure_store::{KeyId, StoredEvent, StoredWrite};

/// A write with its event and its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedWrite {
    /// The variant it sets; `None` unsets.
    pub variant: Option<Box<str>>,
    /// Its effective time.
    pub time: Timestamp,
    /// Orders writes of one time.
    pub sequence: i64,
    /// The run of the flag, where the event named one.
    pub experiment_key: Option<Box<str>>,
    /// The insert id, where the event had one.
    pub insert_id: Option<Box<str>>,
    /// The user that the event names.
    pub user_id: Option<Box<str>>,
    /// The device that the event names.
    pub device_id: Option<Box<str>>,
    /// The rest; `None` where the stored event is past retention.
    pub event: Option<ExplainedEvent>,
}

/// What is stored of the event of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedEvent {
    /// The kind: `exposure`, `assignment`, `identify`, ….
    pub kind: &'static str,
    /// The event type.
    pub event_type: Box<str>,
    /// When it was received.
    pub received: Timestamp,
    /// The key it was sent with.
    pub key: KeyId,
    /// The sender library, or empty.
    pub library: Box<str>,
    /// Metadata or properties: JSON, or empty.
    pub payload: Box<[u8]>,
    /// What the write was said to do when it was stored: `set`, `unset`, `same`, `stale`.
    pub effect: &'static str,
}

/// A write that does not decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostWrite {
    /// The write.
    pub write: ExplainedWrite,
    /// Why it lost.
    pub reason: Lost,
}

/// A link that decided whom a write belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExplainedLink {
    /// The device.
    pub device_id: Box<str>,
    /// When the user was seen on it.
    pub time: Timestamp,
    /// The user.
    pub user_id: Box<str>,
}

impl ExplainedWrite {
    pub(crate) fn of(event: &StoredEvent, write: &StoredWrite) -> Self {
        let version = event.version(write);
        let effect = event
            .writes
            .iter()
            .position(|held| held.flag == write.flag)
            .and_then(|at| event.effects.as_slice().get(at));
        Self {
            variant: write.variant.clone(),
            time: event.time,
            sequence: event.sequence,
            experiment_key: text(version.experiment_key),
            insert_id: event.insert_id.clone(),
            user_id: event.user.clone(),
            device_id: event.device.clone(),
            event: Some(ExplainedEvent {
                kind: event.kind.as_str(),
                event_type: event.event_type.clone(),
                received: event.received,
                key: event.key,
                library: event.library.clone(),
                payload: event.payload.clone(),
                effect: effect.map_or("unknown", |effect| effect.as_str()),
            }),
        }
    }

    /// What a register tells of a write whose event is past retention.
    pub(crate) fn of_register(register: &Register) -> Self {
        let version = register.version();
        Self {
            variant: version.change.variant().map(Into::into),
            time: version.time,
            sequence: version.sequence,
            experiment_key: text(version.experiment_key),
            insert_id: text(version.insert_id),
            user_id: None,
            device_id: None,
            event: None,
        }
    }
}

fn text(text: &str) -> Option<Box<str>> {
    Some(text).filter(|text| !text.is_empty()).map(Into::into)
}
