//! What an event on the wire means to the rules.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use exposure_core::{
    Body, ErrorCode, EventTime, Incoming, Kind, PropertyChange, Rejection, Timestamp,
};
use exposure_proto::convert::incoming;
use exposure_proto::decode::{DecodeLimits, IngestRequestRef};
use exposure_proto::v1::{self, event::Body as WireBody};
use prost::Message;

/// Sends one event and hands what arrives to `check`.
fn check<T>(event: v1::Event, check: impl FnOnce(Result<Incoming<'_>, Rejection>) -> T) -> T {
    let library = Some("my-app/1.2".to_owned());
    let bytes = v1::IngestRequest { events: vec![event], library, ..Default::default() };
    let bytes = bytes.encode_to_vec();
    let request = IngestRequestRef::decode(&bytes, DecodeLimits::default()).unwrap();
    check(incoming(&request, &request.events[0]))
}

fn body(body: WireBody) -> v1::Event {
    v1::Event { body: Some(body), ..Default::default() }
}

fn writes() -> Vec<v1::PropertyWrite> {
    let write = |flag_key: &str, variant: Option<&str>| v1::PropertyWrite {
        flag_key: flag_key.into(),
        variant: variant.map(Into::into),
    };
    vec![write("a", Some("on")), write("b", None)]
}

const CHANGES: [PropertyChange<'_>; 2] = [
    PropertyChange { flag_key: "a", variant: Some("on") },
    PropertyChange { flag_key: "b", variant: None },
];

#[test]
fn an_exposure_arrives_whole() {
    let exposure = v1::Exposure {
        flag_key: Some("checkout".into()),
        variant: Some("on".into()),
        experiment_key: Some("exp-2".into()),
        metadata: Some(br#"{"flagType":"mutual-exclusion-group"}"#.as_slice().into()),
        kind: v1::ExposureKind::Impression.into(),
        writes: writes(),
    };
    let event = v1::Event {
        user_id: Some("u".into()),
        device_id: Some(String::new()),
        insert_id: Some("i".into()),
        time_us: Some(-3),
        sequence: -9,
        has_ignored_properties: true,
        body: Some(WireBody::Exposure(exposure)),
    };
    check(event, |event| {
        let event = event.unwrap();
        assert_eq!((event.user_id, event.device_id), (Some("u"), Some("")));
        assert_eq!((event.insert_id, event.sequence), (Some("i"), -9));
        assert_eq!(event.time, EventTime::At(Timestamp::from_micros(-3)));
        assert_eq!((event.library, event.ignored_properties), ("my-app/1.2", true));
        assert_eq!((event.sent, event.changes), (None, &CHANGES[..]));
        let Body::Exposure(exposure) = event.body else { panic!("{event:?}") };
        assert_eq!((exposure.flag_key, exposure.variant), (Some("checkout"), Some("on")));
        assert_eq!((exposure.experiment_key, exposure.impression), (Some("exp-2"), true));
        assert!(exposure.metadata.is_mutual_exclusion_group);
    });
}

#[test]
fn kinds_are_those_of_the_rules() {
    let kind_of = |wire| {
        check(body(wire), |event| -> Result<Kind, String> {
            let event = event.map_err(|rejection| rejection.field.into_owned())?;
            Ok(match event.body {
                Body::Exposure(exposure) if exposure.impression => Kind::Impression,
                Body::Exposure(_) => Kind::Exposure,
                Body::Assignment { .. } => Kind::Assignment,
                Body::Identify { kind, .. } | Body::Outcome { kind, .. } => kind,
                Body::Ignored => panic!("the protocol has no such event"),
            })
        })
    };
    let exposure = |kind| WireBody::Exposure(v1::Exposure { kind, ..Default::default() });
    let outcome = |kind| WireBody::Outcome(v1::Outcome { kind, ..Default::default() });
    let identify = |kind| WireBody::Identify(v1::Identify { kind, ..Default::default() });
    for (wire, kind) in [
        (exposure(0), Ok(Kind::Exposure)),
        (exposure(1), Ok(Kind::Exposure)),
        (exposure(2), Ok(Kind::Impression)),
        (WireBody::Assignment(v1::Assignment::default()), Ok(Kind::Assignment)),
        (outcome(0), Ok(Kind::Track)),
        (outcome(1), Ok(Kind::Track)),
        (outcome(2), Ok(Kind::Page)),
        (outcome(3), Ok(Kind::Screen)),
        (identify(0), Ok(Kind::Identify)),
        (identify(1), Ok(Kind::Identify)),
        (identify(2), Ok(Kind::Group)),
        (identify(3), Ok(Kind::Alias)),
        (exposure(9), Err("kind".into())),
        (outcome(-1), Err("kind".into())),
        (identify(i32::MAX), Err("kind".into())),
    ] {
        assert_eq!(kind_of(wire.clone()), kind, "{wire:?}");
    }
}

#[test]
fn every_body_brings_its_writes_and_properties() {
    let properties = Some(bytes::Bytes::from_static(br#"{"x":1}"#));
    for wire in [
        WireBody::Assignment(v1::Assignment { writes: writes(), properties: properties.clone() }),
        WireBody::Outcome(v1::Outcome {
            event_type: "buy".into(),
            writes: writes(),
            properties: properties.clone(),
            ..Default::default()
        }),
        WireBody::Identify(v1::Identify {
            writes: writes(),
            properties: properties.clone(),
            ..Default::default()
        }),
    ] {
        check(body(wire), |event| {
            let event = event.unwrap();
            assert_eq!(event.changes, CHANGES);
            let (Body::Assignment { payload }
            | Body::Identify { payload, .. }
            | Body::Outcome { payload, .. }) = event.body
            else {
                panic!("{event:?}")
            };
            assert_eq!(payload, br#"{"x":1}"#);
        });
    }
}

#[test]
fn what_can_not_be_read_names_its_field() {
    let metadata = |json: &[u8]| {
        let metadata = Some(bytes::Bytes::copy_from_slice(json));
        body(WireBody::Exposure(v1::Exposure { metadata, ..Default::default() }))
    };
    let properties = |json: &[u8]| {
        let properties = Some(bytes::Bytes::copy_from_slice(json));
        body(WireBody::Outcome(v1::Outcome { properties, ..Default::default() }))
    };
    let deep = b"[".repeat(41);
    let long = b" ".repeat(64 * 1024 + 1);
    for (event, code, field) in [
        (v1::Event::default(), ErrorCode::Missing, "body"),
        (metadata(b"{"), ErrorCode::Invalid, "metadata"),
        (metadata(&deep), ErrorCode::TooDeep, "metadata"),
        (metadata(&long), ErrorCode::TooLong, "metadata"),
        (properties(b"\xff"), ErrorCode::Invalid, "properties"),
        (properties(&deep), ErrorCode::TooDeep, "properties"),
    ] {
        let found = check(event, |event| event.map(|_| ()).unwrap_err());
        assert_eq!((found.code, &*found.field), (code, field));
    }
    // No bytes are no metadata.
    assert!(check(metadata(b""), |event| event.is_ok()));
}

#[test]
fn no_time_is_missing_and_no_library_is_empty() {
    let bytes = v1::IngestRequest {
        events: vec![body(WireBody::Assignment(v1::Assignment::default()))],
        ..Default::default()
    }
    .encode_to_vec();
    let request = IngestRequestRef::decode(&bytes, DecodeLimits::default()).unwrap();
    let event = incoming(&request, &request.events[0]).unwrap();
    assert_eq!((event.time, event.library), (EventTime::Missing, ""));
}
