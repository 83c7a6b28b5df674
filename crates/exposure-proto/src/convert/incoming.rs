use exposure_core::{
    Body, ErrorCode, EventTime, Exposure, Incoming, Kind, Metadata, Rejection, Timestamp,
};

use super::code::core_code;
use crate::decode::{BodyRef, EventRef, ExposureRef, IngestRequestRef, UnreadRef};
use crate::v1;

/// An event of a request as the rules take it, everything borrowed from the request.
///
/// # Errors
/// Rejects an event without a body, of a kind that is not known, or with JSON that is none, and
/// what an importer could not read as the importer says.
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
        body: body(&event.body, request.import_options.is_some())?,
        changes: request.writes(event),
        ignored_properties: event.has_ignored_properties,
        library: request.library.unwrap_or_default(),
    })
}

#[inline]
fn body<'b>(body: &BodyRef<'b>, is_import: bool) -> Result<Body<'b>, Rejection> {
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
        BodyRef::Unread(unread) => Err(refusal(&unread, is_import)),
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

/// Bytes of an importer's words that are kept: what it sends stands in a log of bounded size.
const FIELD_BYTES: usize = 128;
const MESSAGE_BYTES: usize = 1024;

/// What an importer says of an event that it could not read.
#[cold]
fn refusal(unread: &UnreadRef<'_>, is_import: bool) -> Rejection {
    if !is_import {
        return Rejection::new(
            ErrorCode::Invalid,
            "body",
            "is `unread`, which only an import may send; send the event itself",
        );
    }
    let code = v1::ErrorCode::try_from(unread.code).ok().and_then(core_code);
    let cut = |text: &str, n_bytes| text[..text.floor_char_boundary(n_bytes)].to_owned();
    Rejection {
        code: code.filter(|code| is_of_content(*code)).unwrap_or(ErrorCode::Invalid),
        field: cut(unread.field, FIELD_BYTES).into(),
        message: cut(unread.message, MESSAGE_BYTES).into(),
    }
}

const fn is_of_content(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Missing
            | ErrorCode::Invalid
            | ErrorCode::TooShort
            | ErrorCode::TooLong
            | ErrorCode::TooDeep
    )
}

#[cold]
fn unknown_kind(number: i32) -> Rejection {
    Rejection::new(
        ErrorCode::Invalid,
        "kind",
        format!("is {number}, which this server does not know"),
    )
}
