//! Bodies that are broken, deep, or written in the oddest way that is still JSON.

use std::fs;
use std::sync::OnceLock;

use exposure_core::{Rules, Timestamp, admit};
use exposure_formats::capture::requests;
use exposure_formats::{Arena, Headers as _, Protocol, Request, Stored, inflate};
use proptest::prelude::*;

use crate::captures::captures;
use crate::world::{RECEIVED, Sent, These};

/// A request of a capture, its body inflated.
struct Captured {
    target: String,
    headers: These,
    received: Timestamp,
    body: Vec<u8>,
}

fn captured() -> &'static [Captured] {
    static CAPTURED: OnceLock<Vec<Captured>> = OnceLock::new();
    CAPTURED.get_or_init(|| {
        let mut captured = Vec::new();
        for entry in fs::read_dir(captures()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let ours = ["growthbook", "posthog", "rudder", "segment"];
            if !ours.iter().any(|sender| name.starts_with(sender)) {
                continue;
            }
            let file = fs::read(path).unwrap();
            for recorded in requests(&file).unwrap().unwrap() {
                let coding = recorded.headers.get("content-encoding").unwrap_or_default();
                let key = recorded.headers.get("authorization").unwrap_or_default().to_owned();
                captured.push(Captured {
                    target: recorded.target.to_string(),
                    headers: These(vec![("authorization", key)]),
                    received: recorded.received,
                    body: inflate(&recorded.body, coding, 1 << 24).unwrap(),
                });
            }
        }
        assert!(captured.len() > 30);
        captured
    })
}

/// Reads, admits and answers; `None` for a body that is none.
fn drink(target: &str, headers: &These, received: Timestamp, body: &[u8]) -> Option<usize> {
    let (path, query) = Request::split_target(target);
    let request = Request { method: "POST", path, query, headers, body, received };
    let arena = Arena::new();
    let protocol = Protocol::of(&request)?;
    let upload = protocol.read(&request, &arena).ok()?;
    let rules = Rules::new(protocol.dialect(), received);
    for event in &upload.events {
        match event {
            Ok(incoming) => drop(admit(incoming, &rules)),
            Err(refused) => assert!(!refused.rejection.field.is_empty()),
        }
    }
    assert!(upload.names.is_empty() || upload.names.len() == upload.events.len());
    let stored = Stored { request: &request, outcomes: &[], names: &upload.names };
    assert_eq!(protocol.accepted(&stored).status, 200);
    Some(upload.events.len())
}

const TARGETS: [&str; 9] = [
    "/v1/track",
    "/v1/batch",
    "/v1/alias",
    "/v1/merge",
    "/track?client_key=k",
    "/batch/",
    "/e/?compression=lz64",
    "/engage",
    "/i/v1/analytics/events",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn damage_never_panics(
        which: prop::sample::Index, at: prop::sample::Index, bits: u8, cut: prop::sample::Index,
    ) {
        let captured = which.get(captured());
        let mut body = captured.body.clone();
        if body.is_empty() {
            return Ok(());
        }
        let at = at.index(body.len());
        body[at] ^= bits;
        let _ = drink(&captured.target, &captured.headers, captured.received, &body);
        let cut = cut.index(body.len());
        let _ = drink(&captured.target, &captured.headers, captured.received, &body[..cut]);
    }

    #[test]
    fn any_bytes_never_panic(which: prop::sample::Index, bytes: Vec<u8>, query in "[ -~]{0,40}") {
        let target = which.get(&TARGETS);
        let _ = drink(target, &These::default(), RECEIVED, &bytes);
        let _ = drink(&format!("/e/?{query}"), &These::default(), RECEIVED, b"");
        let _ = drink(&format!("/pixel/v1/track?{query}"), &These::default(), RECEIVED, b"");
    }

    /// Any JSON in the place of any member: one event comes out, read or refused.
    #[test]
    fn any_value_of_any_member_is_answered(
        which: prop::sample::Index, member in member(), value in value(), inner: bool,
    ) {
        let target = which.get(&TARGETS);
        let properties = r#""flag_key": "f", "variant": "on", "$feature_flag": "f",
            "$feature_flag_response": "on", "experimentId": "e""#;
        for event in ["$exposure", "$feature_flag_called", "$identify", "Experiment Viewed"] {
            let (outer, inner) =
                if inner { (String::new(), format!(", \"{member}\": {value}")) }
                else { (format!(", \"{member}\": {value}"), String::new()) };
            let one = format!(
                r#"{{"event": "{event}", "event_name": "{event}", "type": "track", "userId": "u",
                    "distinct_id": "u", "user_id": "u", "properties": {{{properties}{inner}}}{outer}}}"#
            );
            let batch = format!(r#"{{"batch": [{one}]}}"#);
            let body = if target.contains("client_key") { &one } else { &batch };
            prop_assert_eq!(
                drink(target, &These::default(), RECEIVED, body.as_bytes()), Some(1), "{}", body
            );
        }
    }
}

fn member() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "context",
        "event",
        "type",
        "userId",
        "anonymousId",
        "messageId",
        "timestamp",
        "sentAt",
        "originalTimestamp",
        "properties",
        "traits",
        "previousId",
        "mergeProperties",
        "channel",
        "distinct_id",
        "uuid",
        "offset",
        "$set",
        "$unset",
        "$set_once",
        "options",
        "sent_at",
        "event_name",
        "properties_json",
        "attributes",
        "device_id",
        "user_id",
        "sdk_language",
        "$device_id",
        "$is_identified",
        "$insert_id",
        "$lib",
        "alias",
        "$feature_flag",
        "$feature_flag_response",
        "$feature_flag_error",
        "$feature_flag_variant_key",
        "$feature_flag_id",
        "metadata",
        "variant",
        "variationId",
        "hashValue",
        "subject",
    ])
    .prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|it| it.to_string()),
        any::<i64>().prop_map(|it| it.to_string()),
        any::<f64>().prop_filter_map("a number", |it| it.is_finite().then(|| format!("{it:e}"))),
        Just("1e999".to_owned()),
        Just("-0".to_owned()),
        Just(r#""\ud800""#.to_owned()),
        Just(r#""\u0000""#.to_owned()),
        any::<String>().prop_map(|it| serde_json::to_string(&it).unwrap()),
        prop::sample::select(vec!["[Experiment] f", "2026-01-01", "0001-01-01T00:00:00Z", "{"])
            .prop_map(|it| serde_json::to_string(it).unwrap()),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|it| format!("[{}]", it.join(","))),
            prop::collection::vec((any::<String>(), inner), 0..4).prop_map(|members| {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, json)| format!("{}:{json}", serde_json::to_string(name).unwrap()))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// Nesting that would overflow a parser that recurses, in every place that is looked into.
#[test]
fn deep_nesting_is_refused_by_itself() {
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_object = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    for deep in [&deep, &deep_object] {
        for member in
            ["properties", "context", "traits", "userId", "$set", "timestamp", "attributes", "x"]
        {
            let good = r#"{"event": "e", "type": "track", "userId": "u", "distinct_id": "u"}"#;
            let bad = format!(
                r#"{{"event": "e", "type": "track", "userId": "u", "distinct_id": "u", "{member}": {deep}}}"#
            );
            for target in ["/v1/batch", "/batch/"] {
                let sent = Sent::post(target, format!(r#"{{"batch": [{bad}, {good}]}}"#));
                let events = sent.events();
                assert_eq!(events.len(), 2, "{target} {member}");
                assert_eq!(events[1], "user:u track e", "{target} {member}");
            }
        }
        let properties = format!(r#"{{"a": {deep}}}"#);
        let body = format!(r#"{{"event": "e", "userId": "u", "properties": {properties}}}"#);
        let channel = body.replacen('{', r#"{"channel": "web", "#, 1);
        assert_eq!(Sent::post("/v1/track", channel).event(), "properties TOO_DEEP");
    }
    Sent::post("/v1/track", "[".repeat(100_000)).with(|_, upload| assert!(upload.is_err()));
}

/// More events than may be are counted no further than that.
#[test]
fn too_many_events_cost_no_more_than_what_may_be() {
    for target in ["/v1/batch", "/batch/", "/track?client_key=k", "/i/v1/analytics/events"] {
        let events = format!("[{}{{}}]", "{},".repeat(50_000));
        let body = if target.contains("client_key") {
            events
        } else {
            format!(r#"{{"batch": {events}}}"#)
        };
        Sent::post(target, body).with(|protocol, upload| {
            assert_eq!(Some(upload.unwrap().events.len() - 1), protocol.max_events(), "{target}");
        });
    }
}

/// Also with a mark of byte order, which is no JSON.
#[test]
fn what_is_not_utf_8_is_refused() {
    for body in [b"\xFF\xFE{\"a\"".as_slice(), b"{\"event\": \"\xFF\"}", b"\xEF\xBB\xBF{}"] {
        for target in TARGETS {
            assert_eq!(drink(target, &These::default(), RECEIVED, body), None, "{target}");
        }
    }
}
