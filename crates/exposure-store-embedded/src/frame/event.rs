//! A stored event: what a record of the log holds, whichever layout it has.

use exposure_core::{Admitted, Effect};

use super::bytes::Malformed;

/// No record before this one.
pub(crate) const NO_POSITION: u64 = u64::MAX;

/// What became of an event. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    Merged = 0,
    Duplicate = 1,
    Conflict = 2,
    Erased = 3,
}

impl Status {
    pub(super) const fn from_number(number: u8) -> Result<Self, Malformed> {
        Ok(match number {
            0 => Self::Merged,
            1 => Self::Duplicate,
            2 => Self::Conflict,
            3 => Self::Erased,
            _ => return Err(Malformed("an event has an unknown outcome")),
        })
    }
}

/// A stored event, borrowed from the log. Its parts are [`Admitted`] again.
#[derive(Clone, Debug)]
pub(crate) struct EventRecord<'a> {
    pub event: Admitted<'a>,
    /// The insert id's bytes, where it was stored as a UUID.
    pub insert_uuid: Option<[u8; 16]>,
    pub status: Status,
    /// Whether its device got a new user, or a user a longer span.
    pub links_changed: bool,
    /// The record before it on the profile it names.
    pub previous: u64,
    /// The record before it on its device, where it names a user too.
    pub previous_device: u64,
    /// What its own write did, then its extra ones.
    pub own_effect: Option<Effect>,
    pub extra_effects: Vec<Effect>,
    /// Bytes of the record.
    pub length: usize,
}

pub(super) const fn effect_number(effect: Effect) -> u8 {
    match effect {
        Effect::Set => 0,
        Effect::Unset => 1,
        Effect::Same => 2,
        Effect::Stale => 3,
        Effect::Unknown => 4,
    }
}

/// No effect where there is no write, or where none was decided.
pub(super) const NO_EFFECT: u8 = u8::MAX;

pub(super) fn effect_of(number: u8) -> Option<Effect> {
    [Effect::Set, Effect::Unset, Effect::Same, Effect::Stale, Effect::Unknown]
        .get(usize::from(number))
        .copied()
}
