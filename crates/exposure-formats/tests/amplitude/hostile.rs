//! Bodies that are broken, deep, or written in the oddest way that is still JSON.

use std::fs;
use std::path::Path;

use exposure_core::{Body, Dialect, Rules, admit};
use exposure_formats::{Arena, BodyError, capture};
use proptest::prelude::*;

use crate::reading::{RECEIVED, post};

/// Reads and admits everything: `Err` for a body that is none, else how many events it has.
fn drink(bytes: &[u8]) -> Result<usize, BodyError> {
    let arena = Arena::new();
    let upload = post("/2/httpapi", bytes, &arena)?;
    let rules = Rules::new(Dialect::Amplitude, RECEIVED);
    for event in &upload.events {
        match event {
            Ok(incoming) => drop(admit(incoming, &rules)),
            Err(refused) => assert!(!refused.rejection.field.is_empty()),
        }
    }
    Ok(upload.events.len())
}

fn bodies() -> Vec<Vec<u8>> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures");
    ["analytics-node", "experiment-node-server", "python-experiment"]
        .into_iter()
        .flat_map(|name| {
            let file = fs::read(captures.join(format!("amplitude-{name}.json"))).unwrap();
            let recorded = capture::requests(&file).unwrap().unwrap().into_iter();
            let uploads = recorded
                .filter(|it| it.method == "POST" && matches!(&*it.target, "/2/httpapi" | "/batch"));
            uploads.map(|it| it.body.into_owned()).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn a_body_is_read_whole_or_not_at_all() {
    let bodies = bodies();
    let body = bodies.iter().min_by_key(|body| body.len()).unwrap();
    assert!(drink(body).is_ok());
    for length in 0..body.len() {
        assert!(drink(&body[..length]).is_err(), "cut at {length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn damage_never_panics(which: prop::sample::Index, at: prop::sample::Index, bits: u8, cut: prop::sample::Index) {
        let bodies = bodies_once();
        let mut body = which.get(bodies).clone();
        let at = at.index(body.len());
        body[at] ^= bits;
        drop(drink(&body));
        drop(drink(&body[..cut.index(body.len())]));
        drop(capture::requests(&body));
    }

    #[test]
    fn any_bytes_never_panic(bytes: Vec<u8>) {
        drop(drink(&bytes));
        drop(capture::requests(&bytes));
    }

    /// Any JSON in the place of any member: one event comes out, read or refused.
    #[test]
    fn any_value_of_any_member_is_answered(member in member(), value in value()) {
        let body = format!(
            r#"{{"events": [{{"event_type": "$exposure", "user_id": "user-1",
                "event_properties": {{"flag_key": "f", "variant": "on"}}, {member}: {value}}}]}}"#
        );
        prop_assert_eq!(drink(body.as_bytes()), Ok(1), "{}", body);
    }

    /// A string comes out as JSON says, with U+FFFD for what is no character.
    #[test]
    fn escapes_read_as_a_utf16_decoder_reads_them(units in prop::collection::vec(unit(), 1..12)) {
        let escaped: Vec<_> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        let escaped = escaped.concat();
        let body = format!(
            r#"{{"events": [{{"event_type": "x", "user_id": "id-{escaped}"}}]}}"#
        );
        let arena = Arena::new();
        let upload = post("/2/httpapi", body.as_bytes(), &arena).unwrap();
        let expected = format!("id-{}", String::from_utf16_lossy(&units));
        prop_assert_eq!(upload.events[0].as_ref().unwrap().user_id, Some(expected.as_str()));
    }
}

fn bodies_once() -> &'static [Vec<u8>] {
    static BODIES: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    BODIES.get_or_init(bodies)
}

fn unit() -> impl Strategy<Value = u16> {
    prop_oneof![0x20_u16..0x100, 0xD7FE_u16..0xE002, Just(0xD83D), Just(0xDE00)]
}

fn member() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "event_type",
        "user_id",
        "device_id",
        "time",
        "event_id",
        "insert_id",
        "library",
        "event_properties",
        "user_properties",
        "group_properties",
        "$skip_user_properties_sync",
        "?",
    ])
    .prop_map(|name| format!("\"{name}\""))
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("-0".to_owned()),
        Just("1e999".to_owned()),
        any::<i64>().prop_map(|it| it.to_string()),
        any::<f64>().prop_filter("JSON", |it| it.is_finite()).prop_map(|it| it.to_string()),
        any::<String>().prop_map(|it| serde_json::to_string(&it).unwrap()),
        prop::sample::select(vec!["$set", "$unset", "[Experiment] f", "metadata", "\\ud800"])
            .prop_map(|it| format!("\"{it}\"")),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop::sample::select(vec![
            "$set",
            "$unset",
            "[Experiment] f",
            "metadata",
            "flag_key",
            "variant",
            "flagType",
            "trackExposure",
            "exposureEvent",
            "\\udfff",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|it| format!("[{}]", it.join(","))),
            prop::collection::vec((name, inner), 0..4).prop_map(|it| {
                let members: Vec<_> =
                    it.iter().map(|(name, json)| format!("\"{name}\":{json}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

#[test]
fn nesting_costs_no_stack() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let middle = if open == "[" { "" } else { "1" };
        let deep = format!("{}{middle}{}", open.repeat(10_000), close.repeat(10_000));
        for (event, n_refused) in [
            (
                format!(
                    r#"{{"event_type": "$exposure", "user_id": "user-1", "event_properties": {{"flag_key": "f", "metadata": {deep}}}}}"#
                ),
                1,
            ),
            (
                format!(
                    r#"{{"event_type": "$exposure", "user_id": "user-1", "event_properties": {{"flag_key": "f", "extra": {deep}}}}}"#
                ),
                0,
            ),
            (
                format!(
                    r#"{{"event_type": "x", "user_id": "user-1", "event_properties": {{"metadata": {deep}}}}}"#
                ),
                1,
            ),
            (
                format!(
                    r#"{{"event_type": "x", "user_id": "user-1", "user_properties": {{"$set": {deep}, "[Experiment] f": {deep}}}}}"#
                ),
                0,
            ),
            (format!(r#"{{"event_type": "x", "user_id": {deep}}}"#), 1),
            (format!(r#"{{"event_type": "x", "user_id": "user-1", "unknown": {deep}}}"#), 0),
            (deep.clone(), 1),
        ] {
            let upload = format!(r#"{{"options": {deep}, "events": [{event}], "x": {deep}}}"#);
            let arena = Arena::new();
            let upload = post("/2/httpapi", upload.as_bytes(), &arena).unwrap();
            let found = upload.events.iter().filter(|event| event.is_err()).count();
            assert_eq!(found, n_refused, "{}", event.get(..120).unwrap_or(&event));
        }
        assert!(drink(deep.as_bytes()).is_err());
    }
}

#[test]
fn what_is_given_twice_counts_as_given_last() {
    let upload = r#"{
        "api_key": "first", "events": [{"event_type": "gone"}], "options": {"min_id_length": 3},
        "api_key": "last", "options": {"min_id_length": 1, "min_id_length": 2},
        "events": [
            {"event_type": "x", "user_id": "user-1", "user_id": null, "device_id": 7, "device_id": "device-1",
             "time": "bad", "time": 1780000000000, "event_type": "$exposure",
             "event_properties": "bad",
             "event_properties": {"flag_key": 1, "flag_key": "f", "variant": "a", "vari\u0061nt": "b",
                                  "metadata": {"trackExposure": false}, "metadata": {"trackExposure": false, "trackExposure": true}},
             "user_properties": {"$set": {"[Experiment] gone": "x"},
                "$set": {"[Experiment] g": "a", "[Experiment] \u0067": "b", "[Experiment] h": "a", "[Experiment] h": ""}}}
        ]}"#;
    let arena = Arena::new();
    let upload = post("/2/httpapi", upload.as_bytes(), &arena).unwrap();
    assert_eq!((upload.keys.as_slice(), upload.min_id_chars), (["last"].as_slice(), Some(2)));
    let [Ok(event)] = upload.events.as_slice() else { panic!("{:?}", upload.events) };
    assert_eq!((event.user_id, event.device_id), (None, Some("device-1")));
    let Body::Exposure(exposure) = event.body else { panic!("{:?}", event.body) };
    assert_eq!((exposure.flag_key, exposure.variant), (Some("f"), Some("b")));
    assert!(!exposure.metadata.is_not_tracked);
    let changes: Vec<_> = event.changes.iter().map(|it| (it.flag_key, it.variant)).collect();
    assert_eq!(changes, [("g", Some("b"))]);
}

#[test]
fn a_body_that_is_none_says_why() {
    let missing = |it: &Result<usize, BodyError>| matches!(it, Err(BodyError::Missing { .. }));
    let not_json = |it: &Result<usize, BodyError>| matches!(it, Err(BodyError::NotJson(_)));
    assert_eq!(drink(b""), Err(BodyError::Empty));
    for body in ["[]", "7", "nul", "{", "{\"events\": [1,]}", "{\"events\": []} x", "\u{feff}{}"] {
        assert!(not_json(&drink(body.as_bytes())), "{body}");
    }
    assert!(not_json(&drink(b"{\"events\": [], \"a\": \"\xff\"}")));
    for body in ["{}", "{\"events\": null}", "{\"events\": {}}", "{\"events\": [], \"events\": 7}"]
    {
        assert!(missing(&drink(body.as_bytes())), "{body}");
    }
    assert_eq!(drink(b"{\"events\": []}"), Ok(0));
}

#[test]
fn many_flags_in_one_event_are_read_in_passing() {
    let members: Vec<_> = (0..200_000).map(|it| format!("\"[Experiment] f{it}\":\"on\"")).collect();
    let body = format!(
        r#"{{"events": [{{"event_type": "x", "user_id": "user-1", "user_properties": {{{}}}}}]}}"#,
        members.join(",")
    );
    let arena = Arena::new();
    let upload = post("/2/httpapi", body.as_bytes(), &arena).unwrap();
    assert_eq!(upload.events[0].as_ref().unwrap().changes.len(), 200_000);
}
