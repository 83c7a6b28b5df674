use exposure_core::json::{Malformed, Reader};
use exposure_core::{Body, DeviceId, ErrorCode, Incoming, Kind, PropertyChange, Rejection, UserId};

use super::is_amplitudes_own;
use crate::json::{is_integer, name_of};
use crate::vocabulary::exposure::{self, Names};
use crate::vocabulary::forms::{Form, form};
use crate::vocabulary::{Precedence, Writes, library, member, payload_of, refused, time};
use crate::{Arena, Refused};

/// An event, or why it could not be read.
pub(super) type Read<'b> = Result<Incoming<'b>, Refused<'b>>;

/// The shape of a request's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Those of an upload.
    Upload,
    /// Identifications: user properties without an event type.
    Identification,
    /// Identifications of groups: they name no user, and nothing of them is kept.
    OfGroup,
    /// Those of the oldest browser SDK, which has other names for three members.
    Legacy,
    /// Those that Amplitude gives back: times are text, and user properties are what the user
    /// had after the event, not what the event did to them.
    Exported,
}

/// Reads the event that the reader of `text` stands before, at `index` in its request.
pub(super) fn next<'b>(
    reader: &mut Reader<'b>,
    text: &'b str,
    shape: Shape,
    index: usize,
    arena: &'b Arena,
) -> Result<Read<'b>, Malformed> {
    let mut event =
        Incoming { sequence: i64::try_from(index).unwrap_or(i64::MAX), ..Incoming::default() };
    let is_object = reader.peek() == b'{';
    let start = reader.position();
    let filled = if is_object {
        Members::next(reader, text, arena)?.fill(&mut event, shape, arena)
    } else {
        reader.value()?;
        Err(no_object())
    };
    Ok(match filled {
        Ok(()) => Ok(event),
        Err(rejection) => {
            let json = text.get(start..reader.position()).unwrap_or_default();
            Err(refused(&event, rejection, json))
        }
    })
}

/// The members of an event, as they were written; those that are absent or unknown are not.
#[derive(Default)]
pub(super) struct Members<'b> {
    pub(super) event_type: Option<&'b str>,
    pub(super) user_id: Option<&'b str>,
    pub(super) device_id: Option<&'b str>,
    pub(super) time: Option<&'b str>,
    pub(super) event_id: Option<&'b str>,
    pub(super) insert_id: Option<&'b str>,
    pub(super) library: Option<&'b str>,
    pub(super) event_properties: Option<&'b str>,
    pub(super) user_properties: Option<&'b str>,
    group_properties: Option<&'b str>,
    skip_user_properties: Option<&'b str>,
    timestamp: Option<&'b str>,
    uuid: Option<&'b str>,
    /// What its properties say, where they were gone into.
    exposure: Option<exposure::Properties<'b>>,
}

impl<'b> Members<'b> {
    /// Gathers those of the object that the reader of `text` stands before.
    #[inline]
    fn next(reader: &mut Reader<'b>, text: &'b str, arena: &'b Arena) -> Result<Self, Malformed> {
        let mut members = Self::default();
        reader.object(|reader, name| {
            let name = name_of(name, text, arena)?;
            if name == "event_properties" {
                // Gone into while they are passed: most events are exposures.
                let is_object = reader.peek() == b'{';
                let start = reader.position();
                members.exposure = None;
                if is_object {
                    members.exposure = Some(exposure::Properties::next(reader, text, arena)?);
                } else {
                    reader.value()?;
                }
                members.event_properties = text.get(start..reader.position());
                return Ok(());
            }
            let json = Some(reader.value()?.of_text(text));
            match name {
                "event_type" => members.event_type = json,
                "user_id" => members.user_id = json,
                "device_id" => members.device_id = json,
                "time" => members.time = json,
                "event_id" => members.event_id = json,
                "insert_id" => members.insert_id = json,
                "library" => members.library = json,
                "user_properties" => members.user_properties = json,
                "group_properties" => members.group_properties = json,
                "$skip_user_properties_sync" => members.skip_user_properties = json,
                "timestamp" => members.timestamp = json,
                "uuid" => members.uuid = json,
                _ => {}
            }
            Ok(())
        })?;
        Ok(members)
    }

    /// Reads what is there in the order of importance: after a fault, the members read before it
    /// still say who sent the event.
    pub(super) fn fill(
        mut self,
        event: &mut Incoming<'b>,
        shape: Shape,
        arena: &'b Arena,
    ) -> Result<(), Rejection> {
        match shape {
            Shape::Upload | Shape::Exported => {}
            Shape::Identification => self.event_type = Some("\"$identify\""),
            Shape::OfGroup => {
                event.body = Body::Ignored;
                return Ok(());
            }
            Shape::Legacy => {
                self.time = self.time.or(self.timestamp);
                self.insert_id = self.insert_id.or(self.uuid);
            }
        }
        event.library = library(self.library, arena);
        // Both ids are read before either may fail, so that a refusal names whom it can.
        let user_id = member::id("user_id", self.user_id, arena);
        let device_id = member::id("device_id", self.device_id, arena);
        event.user_id = user_id.as_ref().copied().unwrap_or_default();
        event.device_id = device_id.as_ref().copied().unwrap_or_default();
        user_id?;
        device_id?;
        let event_type = event_type(self.event_type, arena)?;
        event.time = match shape {
            Shape::Exported => time(self.time, arena),
            _ => member::time(self.time, arena)?,
        };
        if let Some(sequence) = self.event_id.filter(|json| is_integer(json)) {
            event.sequence = sequence.parse().unwrap_or(event.sequence);
        }
        event.insert_id = member::id("insert_id", self.insert_id, arena)?;

        let properties = member::object("event_properties", self.event_properties, arena)?;
        let form = form(event_type, properties, arena)?;
        let mut writes = Writes::new(arena);
        match (shape, self.user_properties) {
            (_, None) => {}
            (Shape::Exported, Some(json)) => writes.operations(json)?,
            (_, Some(json)) => writes.user_properties(json)?,
        }
        let has_group_properties =
            self.group_properties.is_some_and(|json| json != "null" && !is_empty_object(json));
        event.ignored_properties = has_group_properties && shape != Shape::Exported;
        event.body = match form {
            Form::Exposure { impression } => {
                let names = Names::of(event_type);
                Body::Exposure(match self.exposure {
                    Some(found) => found.exposure(impression, names, arena)?,
                    None => exposure::read(properties, impression, names, arena)?,
                })
            }
            Form::Assignment => {
                writes.assigned(properties)?;
                if let (Shape::Exported, Some(json)) = (shape, self.user_properties) {
                    writes.off_beside(json)?;
                }
                Body::Assignment { payload: payload_of("event_properties", properties)? }
            }
            Form::Identify { kind } => {
                Body::Identify { kind, payload: payload_of("event_properties", properties)? }
            }
            Form::Outcome => Body::Outcome {
                kind: Kind::Track,
                event_type: Some(event_type),
                payload: payload_of("event_properties", properties)?,
            },
        };
        let skip = self.skip_user_properties.is_some_and(|json| json == "true");
        let precedence = if matches!(form, Form::Assignment) {
            Precedence::UnsetOverOff
        } else {
            Precedence::SetOverUnset
        };
        event.ignored_properties |= writes.has_ignored() || (skip && !writes.is_empty());
        event.changes = if skip { &[] as &[PropertyChange<'_>] } else { writes.finish(precedence) };
        Ok(())
    }
}

#[cold]
pub(super) fn no_object() -> Rejection {
    Rejection::new(ErrorCode::Invalid, "event", "is no object; send one an event")
}

/// Required, and told from an empty one: Amplitude lists the two under different names.
fn event_type<'b>(json: Option<&'b str>, arena: &'b Arena) -> Result<&'b str, Rejection> {
    match member::text("event_type", json, arena)? {
        Some("") => {
            Err(Rejection::new(ErrorCode::Invalid, "event_type", "is empty; name what happened"))
        }
        Some(event_type) => Ok(event_type),
        None => {
            Err(Rejection::new(ErrorCode::Missing, "event_type", "is missing; name what happened"))
        }
    }
}

fn is_empty_object(json: &str) -> bool {
    json.strip_prefix('{').is_some_and(|rest| rest.trim_start() == "}")
}

/// A bad id comes before a fault that Amplitude does not know: the whole upload is then
/// refused, and the sender must learn of it now.
pub(super) fn ids_first(refused: &mut Refused<'_>, min_id_chars: usize) {
    if is_amplitudes_own(&refused.rejection) {
        return;
    }
    if let Some(rejection) = id_fault(refused.user_id, refused.device_id, min_id_chars) {
        refused.rejection = rejection;
    }
}

fn id_fault(user_id: &str, device_id: &str, min_id_chars: usize) -> Option<Rejection> {
    if user_id.is_empty() && device_id.is_empty() {
        return Some(Rejection::new(
            ErrorCode::Missing,
            "user_id",
            "is missing and so is `device_id`; send at least one of them",
        ));
    }
    let user = Some(user_id).filter(|id| !id.is_empty());
    let device = Some(device_id).filter(|id| !id.is_empty());
    user.and_then(|id| UserId::new(id, min_id_chars).err())
        .or_else(|| device.and_then(|id| DeviceId::new(id, min_id_chars).err()))
}
