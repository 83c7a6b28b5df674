//! One stored event, borrowed.

use std::borrow::Cow;
use std::cmp::Ordering;

use exposure_core::{Effect, Effects, Kind, Notes, SeenKey, Timestamp};
use exposure_store::{KeyId, ProjectId, StoredEvent, StoredWrite};

use super::IdRef;
use super::writes::WritesRef;

/// One stored event, its texts borrowed from wherever they lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRef<'a> {
    /// The tenant.
    pub project: ProjectId,
    /// The user it names.
    pub user: Option<IdRef<'a>>,
    /// The device it names.
    pub device: Option<IdRef<'a>>,
    /// What it is metered as.
    pub kind: Kind,
    /// The type it is shown and counted with.
    pub event_type: &'a str,
    /// Of an exposure: the flag, run and variant it is counted under.
    pub exposed: Option<ExposedRef<'a>>,
    /// Whether it sets or unsets the property of the exposed flag; then that write is not in `writes`.
    pub writes_exposed: bool,
    /// Its effective time.
    pub time: Timestamp,
    /// When it was received.
    pub received: Timestamp,
    /// Orders events of one time.
    pub sequence: i64,
    /// Its insert id.
    pub insert_id: Option<IdRef<'a>>,
    /// Its writes, without the exposed one.
    pub writes: WritesRef<'a>,
    /// What its writes did, by name, with commas between; empty where it made none. See [`effects_text`].
    pub effects: &'a str,
    /// Metadata or properties: JSON, or empty.
    pub payload: &'a [u8],
    /// The key it was sent with.
    pub key: KeyId,
    /// The sender library, or empty.
    pub library: &'a str,
    /// What its sender was told.
    pub notes: Notes,
    /// Its place in the order of arrival.
    pub position: u64,
}

/// The flag, run and variant of an exposure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExposedRef<'a> {
    /// The flag.
    pub flag: &'a str,
    /// The run of the flag, or empty.
    pub experiment_key: &'a str,
    /// The variant; `None` for an exposure that unset.
    pub variant: Option<&'a str>,
}

/// Whom a row is sorted under: the user it names, else the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileRef<'a> {
    /// Whether it is a user. Devices come first.
    pub is_user: bool,
    /// Its id.
    pub id: IdRef<'a>,
}

impl<'a> RowRef<'a> {
    /// Whom the row is sorted under.
    pub fn profile(&self) -> ProfileRef<'a> {
        match (self.user, self.device) {
            (Some(id), _) => ProfileRef { is_user: true, id },
            (None, device) => ProfileRef { is_user: false, id: device.unwrap_or(IdRef::Text("")) },
        }
    }

    /// The exposed flag, or empty.
    pub fn flag(&self) -> &'a str {
        self.exposed.map_or("", |exposed| exposed.flag)
    }

    /// The order of rows in files of events: project, profile, flag, time, position.
    pub fn compare(&self, other: &RowRef<'_>) -> Ordering {
        (self.project, self.profile(), self.flag(), self.time, self.position).cmp(&(
            other.project,
            other.profile(),
            other.flag(),
            other.time,
            other.position,
        ))
    }

    /// The order of rows in files of links: project, device, time, user, position.
    pub fn compare_as_link(&self, other: &RowRef<'_>) -> Ordering {
        (self.project, self.device, self.time, self.user, self.position).cmp(&(
            other.project,
            other.device,
            other.time,
            other.user,
            other.position,
        ))
    }

    /// Whether it names both a user and a device.
    pub const fn is_link(&self) -> bool {
        self.user.is_some() && self.device.is_some()
    }

    /// The event, owned.
    pub fn to_event(&self) -> StoredEvent {
        let exposed = self.exposed.map(|exposed| SeenKey {
            flag: exposed.flag.into(),
            experiment_key: exposed.experiment_key.into(),
            variant: exposed.variant.map(Into::into),
        });
        let own = self.exposed.filter(|_| self.writes_exposed).map(|exposed| StoredWrite {
            flag: exposed.flag.into(),
            variant: exposed.variant.map(Into::into),
        });
        let others = self.writes.iter().map(|(flag, variant)| StoredWrite {
            flag: flag.into(),
            variant: variant.map(Into::into),
        });
        StoredEvent {
            position: self.position,
            kind: self.kind,
            event_type: self.event_type.into(),
            user: self.user.map(IdRef::to_text),
            device: self.device.map(IdRef::to_text),
            time: self.time,
            received: self.received,
            sequence: self.sequence,
            insert_id: self.insert_id.map(IdRef::to_text),
            exposed,
            writes: own.into_iter().chain(others).collect(),
            payload: self.payload.into(),
            key: self.key,
            library: self.library.into(),
            notes: self.notes,
            effects: parse_effects(self.effects),
        }
    }

    /// Hands `then` the row of an owned event.
    pub fn with_event<R>(
        project: ProjectId,
        event: &StoredEvent,
        then: impl FnOnce(RowRef<'_>) -> R,
    ) -> R {
        let exposed = event.exposed.as_ref().map(|key| ExposedRef {
            flag: &key.flag,
            experiment_key: &key.experiment_key,
            variant: key.variant.as_deref(),
        });
        let own = event.writes.first().zip(exposed).filter(|(write, exposed)| {
            *write.flag == *exposed.flag && write.variant.as_deref() == exposed.variant
        });
        let mut packed = Vec::new();
        for write in event.writes.iter().skip(usize::from(own.is_some())) {
            WritesRef::pack(&write.flag, write.variant.as_deref(), &mut packed);
        }
        let effects = effects_text(&event.effects);
        then(RowRef {
            project,
            user: event.user.as_deref().map(IdRef::parse),
            device: event.device.as_deref().map(IdRef::parse),
            kind: event.kind,
            event_type: &event.event_type,
            exposed,
            writes_exposed: own.is_some(),
            time: event.time,
            received: event.received,
            sequence: event.sequence,
            insert_id: event.insert_id.as_deref().map(IdRef::parse),
            writes: WritesRef::packed(&packed),
            effects: &effects,
            payload: &event.payload,
            key: event.key,
            library: &event.library,
            notes: event.notes,
            position: event.position,
        })
    }
}

/// Effects as they are stored: their names, with commas between.
pub fn effects_text(effects: &Effects) -> Cow<'static, str> {
    match effects.as_slice() {
        [] => Cow::Borrowed(""),
        [effect] => Cow::Borrowed(effect.as_str()),
        many => {
            let names: Vec<&str> = many.iter().map(|effect| effect.as_str()).collect();
            Cow::Owned(names.join(","))
        }
    }
}

fn parse_effects(text: &str) -> Effects {
    let mut effects = Effects::None;
    for name in text.split(',').filter(|name| !name.is_empty()) {
        effects.push(match name {
            "set" => Effect::Set,
            "unset" => Effect::Unset,
            "same" => Effect::Same,
            "stale" => Effect::Stale,
            _ => Effect::Unknown,
        });
    }
    effects
}
