use exposure_core::{Body, Exposure, Kind, Rejection};

use super::exposure::Names;
use super::forms::{Form, form};
use super::{Precedence, Writes, experiment, exposure, payload_of};
use crate::Arena;
use crate::json::{Value, pick};

/// What an event is read as, by its type and its properties.
pub(crate) struct Tracked<'b> {
    pub(crate) body: Body<'b>,
    /// What becomes of a flag that the event sets and unsets at once.
    pub(crate) precedence: Precedence,
    /// Whom the properties themselves name, as JSON.
    pub(crate) subject: Option<&'b str>,
}

impl<'b> Tracked<'b> {
    /// What a sender has a word of its own for.
    pub(crate) const fn of(body: Body<'b>) -> Self {
        Self { body, precedence: Precedence::SetOverUnset, subject: None }
    }
}

/// Reads an event of a sender that leaves the type and the properties to its caller: exposures
/// as Amplitude's clients and other experiment tools write them, and what else happened.
pub(crate) fn tracked<'b>(
    event_type: Option<&'b str>,
    properties: Option<&'b str>,
    writes: &mut Writes<'b>,
    arena: &'b Arena,
) -> Result<Tracked<'b>, Rejection> {
    let mut precedence = Precedence::SetOverUnset;
    let mut subject = None;
    let name = event_type.unwrap_or_default();
    let payload = || payload_of("properties", properties);
    let body = match form(name, properties, arena)? {
        Form::Exposure { impression } => {
            let mut exposure = exposure::read(properties, impression, Names::of(name), arena)?;
            run_from_metadata(&mut exposure, arena);
            Body::Exposure(exposure)
        }
        Form::Assignment => {
            writes.assigned(properties)?;
            precedence = Precedence::UnsetOverOff;
            Body::Assignment { payload: payload()? }
        }
        Form::Identify { kind } => Body::Identify { kind, payload: payload()? },
        Form::Outcome => match experiment::tool(name, properties, arena)? {
            Some(tool) => {
                let seen = experiment::read(tool, properties, arena)?;
                subject = seen.subject;
                Body::Exposure(seen.exposure)
            }
            None => Body::Outcome { kind: Kind::Track, event_type, payload: payload()? },
        },
    };
    Ok(Tracked { body, precedence, subject })
}

/// The client of Amplitude's experiments says the run in the metadata, if not beside it.
fn run_from_metadata<'b>(exposure: &mut Exposure<'b>, arena: &'b Arena) {
    if exposure.experiment_key.is_some_and(|key| !key.is_empty()) {
        return;
    }
    let metadata = std::str::from_utf8(exposure.metadata.json).unwrap_or_default();
    if let Ok([Some(json)]) = pick(metadata, arena, ["experimentKey"])
        && let Some(Value::Text(key)) = Value::read(json, arena)
    {
        exposure.experiment_key = Some(key);
    }
}
