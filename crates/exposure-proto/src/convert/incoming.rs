use exposure_core::{
    Body, ErrorCode, EventTime, Exposure, Incoming, Kind, Metadata, Rejection, Timestamp,
};

use crate::decode::{BodyRef, EventRef, ExposureRef, IngestRequestRef};
use crate::v1;

/// An event of a request as the rules take it, everything borrowed from the request.
///
/// # Errors
/// Rejects an event without a body, of a kind that is not known, or with JSON that is none.
#[inline]
pub fn incoming<'b>(
    request: &'b IngestRequestRef<'_>,
    event: &'b EventRef<'_>,
) -> Result<Incoming<'b>, Rejection> {
    Ok(Incoming {
        user_id: event.user_id,
        device_id: event.device_id,
        time: event
            .time_us
            .map_or(EventTime::Missing, |micros| EventTime::At(Timestamp::from_micros(micros))),
        sent: None,
        sequence: event.sequence,
        insert_id: event.insert_id,
        body: body(&event.body)?,
        changes: request.writes(event),
        ignored_properties: event.has_ignored_properties,
        library: request.library.unwrap_or_default(),
    })
}

#[inline]
fn body<'b>(body: &BodyRef<'b>) -> Result<Body<'b>, Rejection> {
    match *body {
        BodyRef::Exposure(exposure) => exposure_body(&exposure),
        BodyRef::Assignment(assignment) => {
            Ok(Body::Assignment { payload: payload(assignment.properties)? })
        }
        BodyRef::Outcome(outcome) => Ok(Body::Outcome {
            kind: match v1::OutcomeKind::try_from(outcome.kind) {
                Ok(v1::OutcomeKind::Unspecified | v1::OutcomeKind::Track) => Kind::Track,
                Ok(v1::OutcomeKind::Page) => Kind::Page,
                Ok(v1::OutcomeKind::Screen) => Kind::Screen,
                Err(unknown) => return Err(unknown_kind(unknown.0)),
            },
            event_type: Some(outcome.event_type),
            payload: payload(outcome.properties)?,
        }),
        BodyRef::Identify(identify) => Ok(Body::Identify {
            kind: match v1::IdentifyKind::try_from(identify.kind) {
                Ok(v1::IdentifyKind::Unspecified | v1::IdentifyKind::Identify) => Kind::Identify,
                Ok(v1::IdentifyKind::Group) => Kind::Group,
                Ok(v1::IdentifyKind::Alias) => Kind::Alias,
                Err(unknown) => return Err(unknown_kind(unknown.0)),
            },
            payload: payload(identify.properties)?,
        }),
        BodyRef::Missing => Err(Rejection::new(
            ErrorCode::Missing,
            "body",
            "is missing; send one of `exposure`, `assignment`, `outcome`, `identify`",
        )),
    }
}

#[inline]
fn exposure_body<'b>(exposure: &ExposureRef<'b>) -> Result<Body<'b>, Rejection> {
    Ok(Body::Exposure(Exposure {
        flag_key: exposure.flag_key,
        variant: exposure.variant,
        experiment_key: exposure.experiment_key,
        metadata: match exposure.metadata {
            None => Metadata::default(),
            Some(json) => Metadata::parse(json)?,
        },
        impression: match v1::ExposureKind::try_from(exposure.kind) {
            Ok(v1::ExposureKind::Unspecified | v1::ExposureKind::Exposure) => false,
            Ok(v1::ExposureKind::Impression) => true,
            Err(unknown) => return Err(unknown_kind(unknown.0)),
        },
    }))
}

/// An event's own properties: held to the bounds of metadata.
fn payload(json: Option<&[u8]>) -> Result<&[u8], Rejection> {
    let Some(json) = json else { return Ok(&[]) };
    let checked = Metadata::parse(json)
        .map_err(|error| Rejection { field: "properties".into(), ..Rejection::from(error) })?;
    Ok(checked.json)
}

#[cold]
fn unknown_kind(number: i32) -> Rejection {
    Rejection::new(
        ErrorCode::Invalid,
        "kind",
        format!("is {number}, which this server does not know"),
    )
}
