//! Every form an event arrives in on Amplitude's path, and what its parts may look like.

use exposure_core::EventTime;
use serde_json::json;

use crate::reading::{read, read_with, reads};

#[test]
fn exposures_go_by_three_sets_of_names() {
    let cases = [
        // Type, properties, what it is read as: kind flag=variant@experiment.
        (
            "$exposure",
            json!({"flag_key": "f", "variant": "on", "experiment_key": "e"}),
            "exposure f=on@e",
        ),
        ("$impression", json!({"flag_key": "f", "variant": "on"}), "impression f=on"),
        (
            "[Experiment] Exposure",
            json!({"[Experiment] Flag Key": "f", "[Experiment] Variant": "on", "[Experiment] Experiment Key": "e"}),
            "exposure f=on@e",
        ),
        ("[Experiment] Impression", json!({"[Experiment] Flag Key": "f"}), "impression f unset"),
        (
            "[Experiment] Exposure",
            json!({"key": "f", "variant": "on", "source": "x"}),
            "exposure f=on",
        ),
        ("[Experiment] Impression", json!({"key": "f", "variant": "on"}), "impression f=on"),
        (
            "[Experiment] Exposure",
            json!({"flag_key": "f", "variant": "on", "key": "g"}),
            "exposure f=on",
        ),
        (
            "$exposure",
            json!({"[Experiment] Flag Key": "f", "[Experiment] Variant": "on"}),
            "exposure f=on",
        ),
        // Names of two sets: neither lends the other its variant.
        (
            "[Experiment] Exposure",
            json!({"[Experiment] Flag Key": "f", "variant": "other"}),
            "exposure f unset",
        ),
        (
            "$exposure",
            json!({"flag_key": "f", "[Experiment] Flag Key": "g", "[Experiment] Variant": "x"}),
            "exposure f unset",
        ),
        ("$exposure", json!({"key": "f", "variant": "on"}), "flag_key MISSING"),
        (
            "$exposure",
            json!({"flag_key": null, "[Experiment] Flag Key": "g", "[Experiment] Variant": "x"}),
            "exposure g=x",
        ),
        // An event that calls itself an exposure.
        (
            "Banner Seen",
            json!({"flag_key": "f", "variant": "on", "metadata": {"exposureEvent": "Banner Seen"}}),
            "impression f=on",
        ),
        (
            "Banner Seen",
            json!({"flag_key": "f", "variant": "on", "metadata": {"exposureEvent": "Other"}}),
            "track Banner Seen",
        ),
        (
            "Banner Seen",
            json!({"variant": "on", "metadata": {"exposureEvent": "Banner Seen"}}),
            "flag_key MISSING",
        ),
        ("Banner Seen", json!({"metadata": ["exposureEvent"]}), "track Banner Seen"),
        (
            "$exposure",
            json!({"flag_key": "f", "metadata": {"exposureEvent": "$exposure"}}),
            "exposure f unset",
        ),
        // Values that can not be what they are for.
        ("$exposure", json!({"flag_key": 7, "variant": "on"}), "flag_key INVALID"),
        ("$exposure", json!({"flag_key": "f", "variant": true}), "variant INVALID"),
        ("$exposure", json!({"flag_key": "f", "experiment_key": ["e"]}), "experiment_key INVALID"),
        (
            "$exposure",
            json!({"flag_key": "f", "metadata": {"a": "x".repeat(70_000)}}),
            "metadata TOO_LONG",
        ),
        ("$exposure", json!(["flag_key"]), "event_properties INVALID"),
        ("Purchase", json!({"a": "x".repeat(70_000)}), "event_properties TOO_LONG"),
        ("Purchase", json!("text"), "event_properties INVALID"),
        ("$identify", json!({}), "identify"),
        ("$groupidentify", json!({}), "group"),
        ("[Experiment] Assigned", json!({"f.variant": "on"}), "track [Experiment] Assigned"),
    ];
    for (event_type, properties, expected) in cases {
        assert_eq!(
            reads(
                &json!({"event_type": event_type, "user_id": "user-1", "event_properties": properties})
            ),
            expected,
            "{event_type} {properties}"
        );
    }
}

#[test]
fn properties_set_and_unset_flags_on_any_event() {
    let cases = [
        (json!({"$set": {"[Experiment] f": "on"}}), "f=on"),
        (json!({"$unset": {"[Experiment] f": "-"}}), "f unset"),
        (json!({"[Experiment] f": "on"}), "f=on"),
        (json!({"$set": {"[Experiment] f": "on"}, "$unset": {"[Experiment] f": "-"}}), "f=on"),
        (json!({"$set": {"[Experiment] f": "off"}, "$unset": {"[Experiment] f": "-"}}), "f=off"),
        (json!({"$set": {"[Experiment] f": "set"}, "[Experiment] f": "plain"}), "f=set"),
        (json!({"$set": {"[Experiment] f": ""}, "[Experiment] f": "plain"}), "f=plain"),
        (json!({"$set": {"[Experiment] b": "x", "[Experiment] a": "y"}}), "a=y, b=x"),
        (json!({"$set": {"[Experiment] f": 7}, "$unset": {"[Experiment] g": true}}), ""),
        (json!({"$set": {"[Experiment] f": ""}, "$unset": {"[Experiment] f": ""}}), ""),
        (json!({"$set": {}, "$unset": null}), ""),
        (json!({"$set": {"plan": "pro"}}), "ignored"),
        (json!({"plan": "pro", "[Experiment] f": "on"}), "f=on, ignored"),
        (json!({"[Experiment] ": "on"}), "ignored"),
        (json!({"$setOnce": {"[Experiment] f": "on"}}), "ignored"),
        (json!({"$add": {"[Experiment] f": 1}, "$append": {}}), "ignored"),
        (json!({"$clearAll": "-"}), "ignored"),
        (json!({"$set": "[Experiment] f"}), "ignored"),
        (json!(["[Experiment] f"]), "ignored"),
        (json!(null), ""),
    ];
    for (properties, expected) in cases {
        for event_type in ["$identify", "Purchase"] {
            let event = json!({"event_type": event_type, "user_id": "user-1", "user_properties": properties});
            assert_eq!(read(&event).changes(), expected, "{event}");
        }
    }
    let skipped = json!({"event_type": "Purchase", "user_id": "user-1",
        "user_properties": {"$set": {"[Experiment] f": "on"}}, "$skip_user_properties_sync": true});
    assert_eq!(read(&skipped).changes(), "ignored");
}

#[test]
fn an_assignment_writes_each_flag_once() {
    let cases = [
        (json!({"f.variant": "on", "f.details": "v1"}), json!(null), "f=on"),
        (json!({"[Experiment] f.variant": "on"}), json!(null), "f=on"),
        (json!({"a.b.variant": "on"}), json!({}), "a.b=on"),
        (json!({"f.variant": "on"}), json!({"$set": {"[Experiment] f": "on"}}), "f=on"),
        (json!({"f.variant": "off"}), json!({"$unset": {"[Experiment] f": "-"}}), "f unset"),
        (
            json!({"[Experiment] f.variant": "off"}),
            json!({"$unset": {"[Experiment] f": "-"}}),
            "f unset",
        ),
        (json!({"f.variant": "off"}), json!({}), "f=off"),
        (json!({"f.variant": "on"}), json!({"$unset": {"[Experiment] f": "-"}}), "f=on"),
        (json!({}), json!({"$unset": {"[Experiment] f": "-"}}), "f unset"),
        (
            json!({"f.variant": "", "g.variant": 1, "h.variant": null, ".variant": "on"}),
            json!({}),
            "",
        ),
        (
            json!({"f.variant": "a"}),
            json!({"$set": {"[Experiment] g": "b", "plan": "pro"}}),
            "f=a, g=b, ignored",
        ),
        (
            json!({"f.variant": "a", "[Experiment] f.variant": "b"}),
            json!({"$set": {"[Experiment] f": "c"}}),
            "f=c",
        ),
        (json!(null), json!({"$set": {"[Experiment] f": "on"}}), "f=on"),
    ];
    for (properties, user_properties, expected) in cases {
        let event = json!({"event_type": "[Experiment] Assignment", "user_id": "user-1",
            "event_properties": properties, "user_properties": user_properties});
        let read = read(&event);
        assert_eq!(read.changes(), expected, "{event}");
        assert_eq!(reads(&event), "assignment", "{event}");
    }
}

#[test]
fn ids_and_times_are_what_was_sent() {
    let ids = [
        (r#""user-1""#, Ok("user-1")),
        ("12345", Ok("12345")),
        ("123456789012345678901234567890", Ok("123456789012345678901234567890")),
        ("-1", Err("user_id INVALID")),
        ("1234", Err("user_id TOO_SHORT")),
        ("12345.5", Err("user_id INVALID")),
        ("1e9", Err("user_id INVALID")),
        ("1e999", Err("user_id INVALID")),
        ("true", Err("user_id INVALID")),
        ("[\"user-1\"]", Err("user_id INVALID")),
        ("null", Err("user_id MISSING")),
        (r#""\u0075ser-\ud83d\ude00""#, Ok("user-😀")),
    ];
    for (json, expected) in ids {
        let event = format!(r#"{{"event_type": "x", "user_id": {json}}}"#);
        let read = read_with(&event);
        match expected {
            Ok(id) => assert_eq!(read.user_id.as_deref(), Some(id), "{event}"),
            Err(fault) => assert_eq!(read.fault().as_deref(), Some(fault), "{event}"),
        }
    }
    let times = [
        ("1780000000000", Ok("At(Timestamp(1780000000000000))")),
        ("null", Ok("Missing")),
        ("-5", Ok("At(Timestamp(-5000))")),
        ("9223372036854775807", Ok("OutOfRange")),
        ("99999999999999999999999", Ok("OutOfRange")),
        ("1.0", Err("time INVALID")),
        ("1e400", Err("time INVALID")),
        ("\"1780000000000\"", Err("time INVALID")),
        ("{}", Err("time INVALID")),
    ];
    for (json, expected) in times {
        let read =
            read_with(&format!(r#"{{"event_type": "x", "user_id": "user-1", "time": {json}}}"#));
        match expected {
            Ok(time) => assert_eq!(format!("{:?}", read.time), time, "{json}"),
            Err(fault) => assert_eq!(read.fault().as_deref(), Some(fault), "{json}"),
        }
    }
    assert_eq!(read_with("{\"event_type\": \"x\"}").time, EventTime::Missing);
}

#[test]
fn a_sequence_is_the_event_id_or_the_index() {
    for (json, expected) in
        [("7", 7), ("-7", -7), ("null", 1), ("1.5", 1), ("\"7\"", 1), ("99999999999999999999", 1)]
    {
        let upload = format!(
            r#"{{"events": [{{}}, {{"event_type": "x", "user_id": "user-1", "event_id": {json}}}]}}"#
        );
        assert_eq!(crate::reading::read_last(&upload).sequence, expected, "{json}");
    }
}

#[test]
fn a_fault_of_amplitude_s_own_comes_first() {
    let event = |user: &str| json!({"event_type": "$exposure", "user_id": user, "event_properties": {"flag_key": "f", "variant": 3}});
    assert_eq!(reads(&event("user-1")), "variant INVALID");
    assert_eq!(reads(&event("ab")), "user_id TOO_SHORT");
    assert_eq!(reads(&event("null")), "user_id INVALID");
    assert_eq!(reads(&event("")), "user_id MISSING");
    for (event, fault) in [
        (json!(7), "event INVALID"),
        (json!(null), "event INVALID"),
        (json!({"user_id": "user-1"}), "event_type MISSING"),
        (json!({"user_id": "user-1", "event_type": ""}), "event_type INVALID"),
        (json!({"user_id": "user-1", "event_type": 3}), "event_type INVALID"),
        (json!({"event_type": "x"}), "user_id MISSING"),
        (json!({"event_type": "x", "user_id": "user-1", "insert_id": false}), "insert_id INVALID"),
    ] {
        assert_eq!(reads(&event), fault, "{event}");
    }
}
