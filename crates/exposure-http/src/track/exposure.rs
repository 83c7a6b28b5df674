use std::borrow::Cow;

use exposure_core::{Body, EventTime, Exposure, Incoming, Metadata, Rejection};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::member::{invalid, present, text};
use super::time::event_time;

/// One exposure of a body, its members by their JSON: each is of its type, or a fault of its
/// own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Members<'a> {
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    device_id: Option<&'a RawValue>,
    #[serde(borrow)]
    flag_key: Option<&'a RawValue>,
    #[serde(borrow)]
    variant: Option<&'a RawValue>,
    #[serde(borrow)]
    experiment_key: Option<&'a RawValue>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
    #[serde(borrow)]
    sequence: Option<&'a RawValue>,
    #[serde(borrow)]
    insert_id: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

/// One exposure, its texts unescaped.
#[derive(Debug)]
pub(super) struct Read<'a> {
    user_id: Option<Cow<'a, str>>,
    device_id: Option<Cow<'a, str>>,
    flag_key: Option<Cow<'a, str>>,
    variant: Option<Cow<'a, str>>,
    experiment_key: Option<Cow<'a, str>>,
    time: EventTime,
    sequence: i64,
    insert_id: Option<Cow<'a, str>>,
    metadata: Metadata<'a>,
}

/// Why an exposure could not be read, and whom it named.
#[derive(Debug)]
pub(super) struct Unread<'a> {
    pub(super) rejection: Rejection,
    pub(super) user_id: Cow<'a, str>,
    pub(super) device_id: Cow<'a, str>,
}

impl<'a> Read<'a> {
    /// Reads one exposure of a body.
    pub(super) fn parse(json: &'a RawValue) -> Result<Self, Unread<'a>> {
        let unread = |message| Unread {
            rejection: invalid("exposures", message),
            user_id: Cow::default(),
            device_id: Cow::default(),
        };
        // An array would pass for an object whose members come without their names.
        if !json.get().starts_with('{') {
            return Err(unread("holds a value that is no object"));
        }
        // It is JSON, as part of the body.
        let members: Members<'a> = serde_json::from_str(json.get())
            .map_err(|_| unread("holds an object that has a member twice"))?;
        Self::of(&members).map_err(|rejection| {
            let named = |member| text("", member).ok().flatten().unwrap_or_default();
            Unread {
                rejection,
                user_id: named(members.user_id),
                device_id: named(members.device_id),
            }
        })
    }

    fn of(members: &Members<'a>) -> Result<Self, Rejection> {
        Ok(Self {
            user_id: text("user_id", members.user_id)?,
            device_id: text("device_id", members.device_id)?,
            flag_key: text("flag_key", members.flag_key)?,
            variant: text("variant", members.variant)?,
            experiment_key: text("experiment_key", members.experiment_key)?,
            time: match present(members.time) {
                Some(json) => event_time(json)?,
                None => EventTime::Missing,
            },
            sequence: match present(members.sequence) {
                Some(json) => {
                    json.parse().map_err(|_| invalid("sequence", "is not an integer of 64 bits"))?
                }
                None => 0,
            },
            insert_id: text("insert_id", members.insert_id)?,
            metadata: match present(members.metadata) {
                Some(json) => Metadata::parse(json.as_bytes())?,
                None => Metadata::default(),
            },
        })
    }

    /// The exposure as the rules take it.
    pub(super) fn incoming(&self) -> Incoming<'_> {
        Incoming {
            user_id: self.user_id.as_deref(),
            device_id: self.device_id.as_deref(),
            time: self.time,
            sequence: self.sequence,
            insert_id: self.insert_id.as_deref(),
            body: Body::Exposure(Exposure {
                flag_key: self.flag_key.as_deref(),
                variant: self.variant.as_deref(),
                experiment_key: self.experiment_key.as_deref(),
                metadata: self.metadata,
                impression: false,
            }),
            ..Incoming::default()
        }
    }
}
