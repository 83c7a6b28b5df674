//! Lines of exports: what they say, and that none of them stops the file.

use exposure_core::{Admission, DeviceId, ExperimentKey, Rules, Timestamp, UserId, Variant, admit};
use exposure_formats::{Arena, Export, ExportedEvent};
use proptest::prelude::*;

const RECEIVED: i64 = 1_767_323_050_123_456;

/// What an export says, in short: `ids kind type flag=variant@run time received id {writes}`.
fn told(export: Export, line: &str) -> String {
    let arena = Arena::new();
    let ExportedEvent { event, received } = export.read(line.as_bytes(), &arena);
    let incoming = match event {
        Ok(incoming) => incoming,
        Err(refused) => {
            let rejection = refused.rejection;
            return format!("{} {}", rejection.code.as_str(), rejection.field);
        }
    };
    let now = received.unwrap_or(Timestamp::from_micros(RECEIVED));
    let mut rules = Rules::new(export.dialect(), now);
    rules.min_id_chars = export.min_id_chars();
    let event = match admit(&incoming, &rules) {
        Ok(Admission::Event(event)) => event,
        Ok(Admission::Ignored) => return "ignored".to_owned(),
        Err(rejection) => return format!("{} {}", rejection.code.as_str(), rejection.field),
    };
    let exposed = event.exposed().map(|(flag, variant, run)| {
        let variant = variant.map_or("-", Variant::as_str);
        format!(" {}={variant}@{}", flag.as_str(), run.map_or("", ExperimentKey::as_str))
    });
    let writes: Vec<_> = event
        .writes()
        .map(|write| {
            let variant = write.change.variant().unwrap_or("-");
            format!("{}={variant}", write.flag.as_str())
        })
        .collect();
    format!(
        "{}/{} {}{} t={} r={} i={} s={} l={} [{}]{}",
        event.ids.user().map_or("", UserId::as_str),
        event.ids.device().map_or("", DeviceId::as_str),
        event.kind().as_str(),
        exposed.unwrap_or_default(),
        event.time.as_micros() - RECEIVED,
        received.map_or("?".to_owned(), |it| (it.as_micros() - RECEIVED).to_string()),
        incoming.insert_id.unwrap_or(""),
        event.sequence,
        event.library,
        writes.join(" "),
        if incoming.ignored_properties { " ignored" } else { "" },
    )
}

#[test]
fn amplitudes_lines_are_read() {
    let own = r#""server_received_time": "2026-01-02 03:04:10.123456", "server_upload_time": "2026-01-02 03:05:00.000000",
        "event_time": "2026-01-02 03:04:05.000000", "client_event_time": "2026-01-02 02:00:00.000000",
        "uuid": "0a-1b", "$schema": 13, "library": "amplitude-ts/2.47.1", "amplitude_id": 7, "data": {}"#;
    for (members, expected) in [
        // What the server made of `$exposure`.
        (
            r#""event_type": "[Experiment] Exposure", "user_id": "u-1", "device_id": "d-1", "event_id": 4, "$insert_id": "i-1",
            "event_properties": {"[Experiment] Flag Key": "f", "[Experiment] Variant": "on", "[Experiment] Experiment Key": "run-1"},
            "user_properties": {"[Experiment] f": "on", "[Experiment] g": "old", "plan": "pro"}"#,
            "u-1/d-1 exposure f=on@run-1 t=-5123456 r=0 i=i-1 s=4 l=amplitude-ts/2.47.1 [f=on]",
        ),
        // No variant: the user is no part of it any more. No insert id: the row has a uuid.
        (
            r#""event_type": "[Experiment] Exposure", "user_id": null, "device_id": "d-1", "$insert_id": null,
            "event_properties": {"[Experiment] Flag Key": "f"}, "user_properties": {}"#,
            "/d-1 exposure f=-@ t=-5123456 r=0 i=0a-1b s=0 l=amplitude-ts/2.47.1 [f=-]",
        ),
        // What the user had is no write, nor is it worth a note.
        (
            r#""event_type": "purchase", "user_id": "u", "event_properties": {"price": 1},
            "user_properties": {"[Experiment] f": "on", "plan": "pro"}, "group_properties": {"org": {"x": 1}}"#,
            "u/ track t=-5123456 r=0 i=0a-1b s=0 l=amplitude-ts/2.47.1 []",
        ),
        // Operations are, wherever an export has kept them.
        (
            r#""event_type": "$identify", "user_id": "u", "user_properties": {"[Experiment] f": "on",
            "$set": {"[Experiment] g": "b"}, "$unset": {"[Experiment] h": "-"}}"#,
            "u/ identify t=-5123456 r=0 i=0a-1b s=0 l=amplitude-ts/2.47.1 [g=b h=-]",
        ),
        // An assignment of `off` was an unset, if the property is gone after it.
        (
            r#""event_type": "[Experiment] Assignment", "user_id": "u",
            "event_properties": {"a.variant": "on", "b.variant": "off", "c.variant": "off"},
            "user_properties": {"[Experiment] a": "on", "[Experiment] c": "off"}"#,
            "u/ assignment t=-5123456 r=0 i=0a-1b s=0 l=amplitude-ts/2.47.1 [a=on b=- c=off]",
        ),
        (
            r#""event_type": "[Experiment] Assignment", "user_id": "u",
            "event_properties": {"b.variant": "off"}, "user_properties": null"#,
            "u/ assignment t=-5123456 r=0 i=0a-1b s=0 l=amplitude-ts/2.47.1 [b=off]",
        ),
        (r#""event_type": "x", "user_id": "unknown""#, "INVALID user_id"),
        (r#""event_type": "x""#, "MISSING user_id"),
        (r#""user_id": "u-1""#, "MISSING event_type"),
    ] {
        assert_eq!(told(Export::Amplitude, &format!("{{{own}, {members}}}")), expected);
    }
    let bare = r#"{"event_type": "x", "user_id": "u", "client_event_time": "2026-01-02 03:04:05", "server_upload_time": "2026-01-02 03:04:11.123456"}"#;
    assert_eq!(told(Export::Amplitude, bare), "u/ track t=-5123456 r=1000000 i= s=0 l= []");
}

#[test]
fn segments_lines_are_read() {
    let own = r#""receivedAt": "2026-01-02T03:04:10.123456Z", "sentAt": "2026-01-02T05:00:10.000Z", "messageId": "m-1",
        "context": {"library": {"name": "analytics.js", "version": "2.1"}}, "channel": "client", "version": 2"#;
    for (members, expected) in [
        // Corrected there, and never twice.
        (
            r#""type": "track", "event": "$exposure", "userId": "u-1", "anonymousId": "d-1",
            "properties": {"flag_key": "f", "variant": "on", "experiment_key": "run-1"},
            "timestamp": "2026-01-02T03:04:05.000Z", "originalTimestamp": "2026-01-02T05:00:05.000Z""#,
            "u-1/d-1 exposure f=on@run-1 t=-5123456 r=0 i=m-1 s=0 l=analytics.js/2.1 [f=on]",
        ),
        (
            r#""type": "track", "event": "$exposure", "userId": null, "anonymousId": "d-1",
            "properties": {"flag_key": "f"}, "timestamp": "2026-01-02T03:04:05.000Z""#,
            "/d-1 exposure f=-@ t=-5123456 r=0 i=m-1 s=0 l=analytics.js/2.1 [f=-]",
        ),
        // Corrected here: sent at the moment of the receipt, two seconds after it happened.
        (
            r#""type": "track", "event": "paid", "userId": "u", "originalTimestamp": "2026-01-02T05:00:08.000Z""#,
            "u/ track t=-2000000 r=0 i=m-1 s=0 l=analytics.js/2.1 []",
        ),
        (
            r#""type": "identify", "userId": "u", "anonymousId": "d", "timestamp": "2026-01-02T03:04:05Z", "traits": {"plan": "pro"}"#,
            "u/d identify t=-5123456 r=0 i=m-1 s=0 l=analytics.js/2.1 [] ignored",
        ),
        (r#""type": "track", "event": "x""#, "MISSING user_id"),
    ] {
        assert_eq!(told(Export::Segment, &format!("{{{own}, {members}}}")), expected);
    }
    // What was not too long when it was sent is not too long now.
    let long = format!(
        r#"{{"type": "track", "event": "x", "userId": "u", "timestamp": "2026-01-02T03:04:05Z", "pad": "{}"}}"#,
        "x".repeat(40_000)
    );
    assert_eq!(told(Export::Segment, &long), "u/ track t=-5123456 r=? i= s=0 l= []");
    // Without the receipt there is nothing to correct by.
    let bare = r#"{"type": "track", "event": "x", "userId": "u", "sentAt": "2026-01-02T03:00:00Z", "originalTimestamp": "2026-01-02T03:04:05Z"}"#;
    assert_eq!(told(Export::Segment, bare), "u/ track t=-5123456 r=? i= s=0 l= []");
}

#[test]
fn a_bad_line_says_why() {
    for line in ["{", "[]", "7", "null", "{\"a\": }", "\u{feff}{}"] {
        for export in [Export::Amplitude, Export::Segment] {
            assert_eq!(told(export, line), "INVALID event", "{line}");
        }
    }
    let arena = Arena::new();
    let refused = Export::Amplitude.read(b"{\"user_id\": \"\xff\"}", &arena).event.unwrap_err();
    assert_eq!(refused.event, "{\"user_id\": \"\u{fffd}\"}");
    let refused = Export::Segment.too_long(b"{\"userId\": \"uuu", 15, &arena).event.unwrap_err();
    assert_eq!(
        refused.rejection.to_string(),
        "TOO_LONG: `event` has more than 15 bytes; an event may have at most as many"
    );
    assert_eq!(refused.event, "{\"userId\": \"uuu");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever bytes: one event or one reason, and never a panic.
    #[test]
    fn no_line_harms(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0_usize..400,
        flip in any::<u8>(),
    ) {
        let line = br#"{"event_type": "[Experiment] Assignment", "user_id": "u", "type": "track", "event": "$exposure",
            "userId": "u", "properties": {"flag_key": "f"}, "event_properties": {"a.variant": "off"}, "user_properties":
            {"$set": {"[Experiment] f": "on"}}, "event_time": "2026-01-02 03:04:05", "receivedAt": "2026-01-02T03:04:05Z"}"#;
        let mut flipped = line.to_vec();
        if let Some(byte) = flipped.get_mut(at) {
            *byte ^= flip;
        }
        for export in [Export::Amplitude, Export::Segment] {
            for line in [&bytes[..], &flipped, &line[..at.min(line.len())]] {
                let arena = Arena::new();
                if let Err(refused) = export.read(line, &arena).event {
                    prop_assert!(!refused.rejection.message.is_empty());
                }
            }
        }
    }
}
