use bytes::Bytes;
use exposure_core::{
    Body, Dialect, EventTime, Incoming, Kind, PropertyChange, Timestamp, correct_skew,
};
use exposure_formats::Refused;
use exposure_proto::convert::wire_code;
use exposure_proto::v1;

/// An event as its format read it.
pub(super) type Read<'b> = Result<Incoming<'b>, Refused<'b>>;

/// An event as it is sent, with the insert id that `insert_id` may make where it has none. One that
/// could not be read is sent as well: the server counts it, and it can be looked at there. One
/// that says nothing is not.
pub(super) fn sent(
    read: &Read<'_>,
    received: Timestamp,
    insert_id: impl FnOnce() -> Option<String>,
) -> Option<v1::Event> {
    match read {
        Ok(Incoming { body: Body::Ignored, .. }) => None,
        Ok(incoming) => {
            let mut event = event(incoming, received);
            if event.insert_id.as_ref().is_none_or(String::is_empty) {
                event.insert_id = insert_id();
            }
            Some(event)
        }
        Err(refused) => Some(unread(refused)),
    }
}

/// The sender library: the event's own, or that of the request around it.
pub(super) fn library<'b>(read: &Read<'b>, around: &'b str) -> &'b str {
    let own = read.as_ref().map_or_else(|refused| refused.library, |event| event.library);
    if own.is_empty() { around } else { own }
}

/// Whose rules, as the protocol says it.
pub(super) const fn wire_dialect(dialect: Dialect) -> v1::Dialect {
    match dialect {
        Dialect::Native => v1::Dialect::Native,
        Dialect::Amplitude => v1::Dialect::Amplitude,
        Dialect::Foreign => v1::Dialect::Foreign,
    }
}

/// What could not be read, as the protocol says it.
fn unread(refused: &Refused<'_>) -> v1::Event {
    // The server keeps the beginning; a body of many broken events must fit a request.
    const KEPT_BYTES: usize = 1024;
    let event = refused.event.as_bytes();
    v1::Event {
        user_id: text(Some(refused.user_id).filter(|id| !id.is_empty())),
        device_id: text(Some(refused.device_id).filter(|id| !id.is_empty())),
        body: Some(v1::event::Body::Unread(v1::Unread {
            code: wire_code(refused.rejection.code).into(),
            field: refused.rejection.field.to_string(),
            message: refused.rejection.message.to_string(),
            event: json(event.get(..KEPT_BYTES).unwrap_or(event)),
        })),
        ..v1::Event::default()
    }
}

/// An event as a format read it, as the protocol says it. Our own protocol does not correct for
/// skew, so that the time is corrected here.
fn event(incoming: &Incoming<'_>, received: Timestamp) -> v1::Event {
    v1::Event {
        user_id: text(incoming.user_id),
        device_id: text(incoming.device_id),
        insert_id: text(incoming.insert_id),
        time_us: match incoming.time {
            EventTime::Missing => None,
            // One before all events is suspect, and must stay so.
            EventTime::At(time) if time < Timestamp::EARLIEST_EVENT => Some(time.as_micros()),
            EventTime::At(time) => {
                let corrected = incoming.sent.map(|sent| correct_skew(time, sent, received));
                Some(corrected.unwrap_or(time).as_micros())
            }
            // Before every time that an event can have: suspect there, as it is here.
            EventTime::OutOfRange => Some(i64::MIN),
        },
        sequence: incoming.sequence,
        has_ignored_properties: incoming.ignored_properties,
        body: body(incoming),
    }
}

fn body(incoming: &Incoming<'_>) -> Option<v1::event::Body> {
    let writes = incoming.changes.iter().map(write).collect();
    Some(match incoming.body {
        Body::Exposure(exposure) => v1::event::Body::Exposure(v1::Exposure {
            flag_key: text(exposure.flag_key),
            variant: text(exposure.variant),
            experiment_key: text(exposure.experiment_key),
            metadata: json(exposure.metadata.json),
            kind: if exposure.impression {
                v1::ExposureKind::Impression.into()
            } else {
                v1::ExposureKind::Exposure.into()
            },
            writes,
        }),
        Body::Assignment { payload } => {
            v1::event::Body::Assignment(v1::Assignment { writes, properties: json(payload) })
        }
        Body::Identify { kind, payload } => v1::event::Body::Identify(v1::Identify {
            kind: identify_kind(kind).into(),
            writes,
            properties: json(payload),
        }),
        Body::Outcome { kind, event_type, payload } => v1::event::Body::Outcome(v1::Outcome {
            event_type: event_type.unwrap_or_default().to_owned(),
            properties: json(payload),
            kind: outcome_kind(kind).into(),
            writes,
        }),
        Body::Ignored => return None,
    })
}

fn write(change: &PropertyChange<'_>) -> v1::PropertyWrite {
    v1::PropertyWrite { flag_key: change.flag_key.to_owned(), variant: text(change.variant) }
}

fn text(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn json(json: &[u8]) -> Option<Bytes> {
    (!json.is_empty()).then(|| Bytes::copy_from_slice(json))
}

const fn identify_kind(kind: Kind) -> v1::IdentifyKind {
    match kind {
        Kind::Group => v1::IdentifyKind::Group,
        Kind::Alias => v1::IdentifyKind::Alias,
        _ => v1::IdentifyKind::Identify,
    }
}

const fn outcome_kind(kind: Kind) -> v1::OutcomeKind {
    match kind {
        Kind::Page => v1::OutcomeKind::Page,
        Kind::Screen => v1::OutcomeKind::Screen,
        _ => v1::OutcomeKind::Track,
    }
}

#[cfg(test)]
mod tests {
    use exposure_core::{Dialect, ErrorCode, Rules, Timestamp, admit};
    use exposure_formats::{Arena, BodyError, Protocol, Request, Upload};
    use exposure_proto::convert::incoming;
    use exposure_proto::decode::{DecodeLimits, IngestRequestRef};
    use prost::Message as _;

    use super::*;

    const RECEIVED: Timestamp = Timestamp::from_micros(1_700_000_100_000_000);

    fn read<'b>(body: &'b [u8], arena: &'b Arena) -> Result<Upload<'b>, BodyError> {
        let request = Request {
            method: "POST",
            path: "/2/httpapi",
            query: "",
            headers: &(),
            body,
            received: RECEIVED,
        };
        Protocol::of(&request).unwrap().read(&request, arena)
    }

    /// What the server makes of a sent event is what it would have made of the file's.
    #[test]
    fn nothing_is_lost_on_the_way() {
        let json = br#"{"api_key": "k", "events": [
            {"event_type": "$exposure", "user_id": "user-1", "device_id": "device-1", "time": 1700000000123,
             "insert_id": "i-1", "event_id": 7, "event_properties": {"flag_key": "checkout",
             "variant": "on", "experiment_key": "run-2", "metadata": {"a": [1]}}},
            {"event_type": "[Experiment] Impression", "user_id": "user-1",
             "event_properties": {"[Experiment] Flag Key": "f", "[Experiment] Variant": "v"}},
            {"event_type": "[Experiment] Assignment", "user_id": "user-1",
             "event_properties": {"f.variant": "on"},
             "user_properties": {"$set": {"[Experiment] f": "on"}, "$unset": {"[Experiment] g": "-"}}},
            {"event_type": "$identify", "user_id": "user-1", "device_id": "device-1",
             "user_properties": {"$set": {"[Experiment] f": "on", "plan": "pro"}}},
            {"event_type": "purchase", "user_id": "user-1", "time": 5, "event_properties": {"p": 1}},
            {"event_type": "late", "user_id": "user-1", "time": 99999999999999999999}
        ]}"#;
        let arena = Arena::new();
        let upload = read(json, &arena).unwrap();
        let rules = Rules::new(Dialect::Amplitude, RECEIVED);
        let read: Vec<_> = upload.events.iter().map(|event| *event.as_ref().unwrap()).collect();
        assert_eq!(read.len(), 6);
        let events = read.iter().map(|read| event(read, RECEIVED)).collect();
        let request = v1::IngestRequest { events, ..Default::default() };
        let bytes = request.encode_to_vec();
        let request = IngestRequestRef::decode(&bytes, DecodeLimits::default()).unwrap();
        for (read, sent) in read.iter().zip(&request.events) {
            let mut sent = incoming(&request, sent).unwrap();
            sent.library = read.library;
            let (read, sent) = (admit(read, &rules).unwrap(), admit(&sent, &rules).unwrap());
            assert_eq!(format!("{read:?}"), format!("{sent:?}"));
        }
    }

    #[test]
    fn what_could_not_be_read_is_refused_there_as_here() {
        let json =
            br#"{"api_key": "k", "events": [7, {"event_type": "$exposure", "user_id": "user-1",
            "device_id": "device-1", "event_properties": {"flag_key": "f", "variant": 3}}]}"#;
        let arena = Arena::new();
        let upload = read(json, &arena).unwrap();
        let refused: Vec<_> =
            upload.events.iter().map(|event| event.as_ref().unwrap_err()).collect();
        let events: Vec<_> = refused.iter().map(|refused| unread(refused)).collect();
        assert_eq!(
            (events[1].user_id.as_deref(), events[1].device_id.as_deref()),
            (Some("user-1"), Some("device-1"))
        );
        for options in [None, Some(v1::ImportOptions::default())] {
            let request = v1::IngestRequest {
                events: events.clone(),
                import_options: options,
                ..Default::default()
            };
            let bytes = request.encode_to_vec();
            let request = IngestRequestRef::decode(&bytes, DecodeLimits::default()).unwrap();
            for (refused, sent) in refused.iter().zip(&request.events) {
                let rejection = incoming(&request, sent).unwrap_err();
                if options.is_some() {
                    assert_eq!(rejection, refused.rejection);
                } else {
                    assert_eq!((rejection.code, &*rejection.field), (ErrorCode::Invalid, "body"));
                }
            }
        }
    }
}
