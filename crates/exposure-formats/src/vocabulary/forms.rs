use exposure_core::{ErrorCode, Kind, Rejection, names};

use crate::Arena;
use crate::json::{Value, each_member};

/// What an event is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A user saw a variant.
    Exposure {
        /// Of a web experiment.
        impression: bool,
    },
    /// A user was assigned.
    Assignment,
    /// Who somebody is, or whom somebody belongs to.
    Identify {
        /// Identify or group.
        kind: Kind,
    },
    /// Anything else.
    Outcome,
}

/// The form of an event by its type, or by what its own metadata calls an exposure.
pub(crate) fn form<'b>(
    event_type: &str,
    properties: Option<&'b str>,
    arena: &'b Arena,
) -> Result<Form, Rejection> {
    Ok(match event_type {
        "$exposure" | names::EXPOSURE => Form::Exposure { impression: false },
        "$impression" | names::IMPRESSION => Form::Exposure { impression: true },
        names::ASSIGNMENT => Form::Assignment,
        "$identify" => Form::Identify { kind: Kind::Identify },
        "$groupidentify" => Form::Identify { kind: Kind::Group },
        _ if names_itself_an_exposure(event_type, properties, arena)? => {
            Form::Exposure { impression: true }
        }
        _ => Form::Outcome,
    })
}

/// Whether `metadata.exposureEvent` among the properties is the event's own type.
fn names_itself_an_exposure<'b>(
    event_type: &str,
    properties: Option<&'b str>,
    arena: &'b Arena,
) -> Result<bool, Rejection> {
    let (mut metadata, mut exposure_event) = (None, None);
    each(properties, arena, |name, json| {
        if name == "metadata" {
            metadata = Some(json);
        }
    })?;
    each(metadata.filter(|json| json.starts_with('{')), arena, |name, json| {
        if name == "exposureEvent" {
            exposure_event = Some(json);
        }
    })?;
    let value = exposure_event.and_then(|json| Value::read(json, arena));
    Ok(value == Some(Value::Text(event_type)))
}

/// The members of properties, which are an object or absent.
pub(crate) fn each<'b>(
    properties: Option<&'b str>,
    arena: &'b Arena,
    each: impl FnMut(&'b str, &'b str),
) -> Result<(), Rejection> {
    let Some(json) = properties else { return Ok(()) };
    each_member(json, arena, each).map_err(|error| {
        Rejection::new(ErrorCode::Invalid, "event_properties", format!("can not be read: {error}"))
    })
}
