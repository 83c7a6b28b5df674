//! Calls of Segment and RudderStack.

use serde_json::{Value, json};

use crate::world::Sent;

fn exposure() -> Value {
    json!({"flag_key": "f", "variant": "on"})
}

fn track(call: &Value) -> Sent {
    Sent::json("/v1/track", call)
}

/// What a `track` of a user with this event and these properties is.
fn tracked(event: &str, properties: &Value) -> String {
    track(&json!({"userId": "u", "event": event, "properties": properties})).event()
}

#[test]
fn a_call_is_what_its_path_says() {
    let call = json!({"userId": "u", "anonymousId": "d", "event": "E", "name": "N",
        "previousId": "p", "type": "track"});
    for (paths, expected) in [
        (["/v1/track", "/v1/t", "/t"], "user:u device:d track E"),
        (["/v1/identify", "/v1/i", "/i"], "user:u device:d identify"),
        (["/v1/page", "/v1/p", "/p"], "user:u device:d page N"),
        (["/v1/screen", "/v1/s", "/s"], "user:u device:d screen N"),
        (["/v1/group", "/v1/g", "/g"], "user:u device:d group"),
        (["/v1/alias", "/v1/a", "/a"], "user:u device:p alias"),
    ] {
        for path in paths {
            assert_eq!(Sent::json(path, &call).event(), expected, "{path}");
        }
        assert_eq!(Sent::json(&format!("{}/", paths[0]), &call).event(), expected);
    }
}

#[test]
fn a_call_in_a_batch_is_what_its_type_says() {
    let batch = json!({"writeKey": "key", "batch": [
        {"type": "track", "userId": "u", "event": "$exposure", "properties": exposure()},
        {"type": "identify", "userId": "u"},
        {"type": "page", "userId": "u"},
        {"type": "screen", "userId": "u"},
        {"type": "group", "userId": "u", "groupId": "g"},
        {"type": "alias", "userId": "u", "previousId": "p"},
        {"userId": "u", "event": "no type"},
        {"type": "heartbeat", "userId": "u"},
        {"userId": "u"},
        7,
    ]});
    for path in ["/v1/batch", "/v1/import", "/v1/b", "/b", "/beacon/v1/batch", "/v1/track"] {
        assert_eq!(
            Sent::json(path, &batch).events(),
            [
                "user:u exposure f=on",
                "user:u identify",
                "user:u page page",
                "user:u screen screen",
                "user:u group",
                "user:u device:p alias",
                "user:u track no type",
                "user:u track heartbeat",
                "event_type MISSING",
                "event INVALID",
            ],
            "{path}"
        );
    }
}

#[test]
fn the_place_in_the_body_orders_events_of_one_time() {
    let batch =
        json!({"batch": [{"type": "page", "userId": "u"}, {"type": "page", "userId": "u"}]});
    Sent::json("/v1/batch", &batch).with(|_, upload| {
        let sequences: Vec<_> =
            upload.unwrap().events.iter().map(|event| event.as_ref().unwrap().sequence).collect();
        assert_eq!(sequences, [0, 1]);
    });
}

#[test]
fn what_a_batch_says_holds_for_its_calls() {
    let batch = json!({
        "context": {"device": {"id": "of-batch"}, "library": {"name": "lib", "version": "1"}},
        "batch": [
            {"type": "page", "userId": "u"},
            {"type": "page", "userId": "u", "context": {"device": {"id": "own"}, "library": {"name": "own"}}},
            {"type": "page", "userId": "u", "anonymousId": "a", "context": {"library": null}},
        ],
    });
    let sent = Sent::json("/v1/batch", &batch);
    assert_eq!(
        sent.events(),
        [
            "user:u device:of-batch page page",
            "user:u device:own page page",
            "user:u device:of-batch page page"
        ]
    );
    sent.with(|_, upload| {
        let libraries: Vec<_> =
            upload.unwrap().events.iter().map(|event| event.as_ref().unwrap().library).collect();
        assert_eq!(libraries, ["lib/1", "own", "lib/1"]);
    });
}

#[test]
fn keys_are_found_wherever_they_are() {
    let bare = json!({"userId": "u", "event": "e"});
    let with_key = json!({"userId": "u", "event": "e", "writeKey": "body"});
    let basic = |sent: Sent| sent.header("authorization", "Basic aGVhZGVyOg==");
    for (sent, expected) in [
        (basic(track(&bare)), vec!["header"]),
        (track(&bare).header("authorization", "Basic aGVhZGVy"), vec!["header"]),
        (track(&with_key), vec!["body"]),
        (track(&with_key).header("authorization", "Bearer oauth"), vec!["oauth", "body"]),
        (Sent::json("/v1/batch", &json!({"batch": [with_key]})), vec!["body"]),
        (Sent::json("/v1/batch", &json!({"batch": [], "writeKey": "body"})), vec!["body"]),
        (Sent::json("/beacon/v1/batch?writeKey=query", &json!({"batch": []})), vec!["query"]),
        (track(&json!({"userId": "u", "writeKey": ""})), vec![]),
        (track(&json!({"userId": "u", "writeKey": 7})), vec![]),
    ] {
        assert_eq!(sent.keys(), expected);
    }
}

#[test]
fn ids_may_be_numbers_empty_or_bad() {
    for (call, expected) in [
        (json!({"userId": 42}), "user:42 track e"),
        (json!({"userId": "", "anonymousId": "d"}), "device:d track e"),
        (json!({"userId": null, "anonymousId": "d"}), "device:d track e"),
        (json!({"userId": "null", "anonymousId": "d"}), "device:d track e"),
        (json!({"userId": {}, "anonymousId": "d"}), "device:d track e"),
        (json!({"userId": "u", "anonymousId": [1]}), "user:u track e"),
        (
            json!({"userId": "u", "context": {"device": {"id": ""}}, "anonymousId": "d"}),
            "user:u device:d track e",
        ),
        (json!({"userId": "u", "context": {"device": {"id": 7}}}), "user:u device:7 track e"),
        (json!({"userId": "u", "context": "odd"}), "user:u track e"),
        (json!({"userId": {}}), "user_id INVALID"),
        (json!({"userId": 1.5}), "user_id INVALID"),
        (json!({"anonymousId": true}), "device_id INVALID"),
        (json!({"userId": "undefined"}), "user_id INVALID"),
        (json!({}), "user_id MISSING"),
        (json!({"userId": ""}), "user_id MISSING"),
    ] {
        let mut call = call;
        call["event"] = "e".into();
        assert_eq!(track(&call).event(), expected, "{call}");
    }
}

#[test]
fn exposures_go_by_many_names() {
    let own = json!({"flag_key": "f", "variant": "on", "metadata": {"exposureEvent": "Mine"}});
    let eppo = json!({"featureFlag": "f", "variation": "on", "experiment": "f-a", "subject": "u",
        "allocation": "a", "timestamp": "2026-01-01T00:00:00Z"});
    for (event, properties, expected) in [
        ("$exposure", exposure(), "user:u exposure f=on"),
        ("$exposure", json!({"flag_key": "f"}), "user:u exposure f unset"),
        ("$exposure", json!({"flag_key": "f", "variant": null}), "user:u exposure f unset"),
        ("$exposure", json!({"flag_key": "f", "variant": ""}), "user:u exposure f unset"),
        ("$impression", exposure(), "user:u impression f=on"),
        ("Mine", own.clone(), "user:u impression f=on"),
        ("Other", own, "user:u track Other"),
        (
            "$exposure",
            json!({"flag_key": "f", "variant": "on", "experiment_key": "x", "metadata": {"experimentKey": "y"}}),
            "user:u exposure f=on@x",
        ),
        (
            "$exposure",
            json!({"flag_key": "f", "variant": "on", "metadata": {"experimentKey": "y"}}),
            "user:u exposure f=on@y",
        ),
        (
            "$exposure",
            json!({"flag_key": "f", "variant": "on", "metadata": {"flagType": "mutual-exclusion-group"}}),
            "user:u exposure f=on (no write)",
        ),
        (
            "$exposure",
            json!({"flag_key": "f", "variant": "on", "metadata": {"trackExposure": false}}),
            "ignored",
        ),
        (
            "[Experiment] Exposure",
            json!({"[Experiment] Flag Key": "f", "[Experiment] Variant": "on"}),
            "user:u exposure f=on",
        ),
        (
            "Experiment Viewed",
            json!({"experimentId": "e", "variationId": "1"}),
            "user:u exposure e=1@e",
        ),
        (
            "experiment_viewed",
            json!({"experiment_id": "e", "variation_id": 1}),
            "user:u exposure e=1@e",
        ),
        (
            "Experiment Viewed",
            json!({"experiment_name": "n", "variation_name": "v"}),
            "user:u exposure n=v@n",
        ),
        ("Eppo Randomized Assignment", eppo.clone(), "user:u exposure f=on@f-a"),
        ("Whatever They Call It", eppo, "user:u exposure f=on@f-a"),
        ("$exposure", json!({"variant": "on"}), "flag_key MISSING"),
        ("$exposure", json!({"flag_key": "f", "variant": {}}), "variant INVALID"),
        ("$exposure", json!([1]), "properties INVALID"),
        ("Experiment Viewed", json!({}), "flag_key MISSING"),
    ] {
        assert_eq!(tracked(event, &properties), expected, "{event} {properties}");
    }
}

#[test]
fn an_eppo_event_may_name_its_user_alone() {
    let eppo = json!({"featureFlag": "f", "variation": "on", "experiment": "f-a", "subject": "s",
        "allocation": "a"});
    for (ids, expected) in [
        (json!({"anonymousId": "d"}), "user:s device:d exposure f=on@f-a"),
        (json!({"anonymousId": "s"}), "device:s exposure f=on@f-a"),
        (json!({"userId": "u"}), "user:u exposure f=on@f-a"),
        (json!({}), "user:s exposure f=on@f-a"),
    ] {
        let mut call = ids;
        call["event"] = "x".into();
        call["properties"] = eppo.clone();
        assert_eq!(track(&call).event(), expected, "{call}");
    }
}

#[test]
fn an_assignment_writes_its_flags() {
    let properties = json!({"f.variant": "on", "g.variant": "off"});
    let call = json!({"userId": "u", "event": "[Experiment] Assignment", "properties": properties,
        "traits": {"$set": {"[Experiment] f": "on"}, "$unset": {"[Experiment] g": "-"}}});
    assert_eq!(track(&call).event(), "user:u assignment +f=on +g unset");
}

#[test]
fn traits_write_properties_of_experiments() {
    let traits = json!({"plan": "pro", "[Experiment] f": "on", "[Experiment] g": ""});
    for (path, call, expected) in [
        ("/v1/identify", json!({"traits": traits}), "user:u identify +f=on"),
        ("/v1/identify", json!({"context": {"traits": traits}}), "user:u identify +f=on"),
        (
            "/v1/identify",
            json!({"context": {"traits": traits}, "traits": {"[Experiment] f": "off"}}),
            "user:u identify +f=off",
        ),
        (
            "/v1/identify",
            json!({"traits": {"$unset": {"[Experiment] f": "-"}}}),
            "user:u identify +f unset",
        ),
        ("/v1/track", json!({"traits": traits}), "user:u track e +f=on"),
        // What a context repeats was said before, and may be out of date.
        ("/v1/track", json!({"context": {"traits": traits}}), "user:u track e"),
        ("/v1/group", json!({"traits": traits}), "user:u group"),
    ] {
        let mut call = call;
        call["userId"] = "u".into();
        call["event"] = "e".into();
        assert_eq!(Sent::json(path, &call).event(), expected, "{path} {call}");
    }
}

#[test]
fn an_alias_links_the_previous_id() {
    for (call, expected) in [
        (json!({"userId": "u", "previousId": "p"}), "user:u device:p alias"),
        (json!({"userId": "u", "previousId": "p", "anonymousId": "a"}), "user:u device:p alias"),
        (json!({"userId": "u", "previousId": "u", "anonymousId": "a"}), "user:u device:a alias"),
        (json!({"userId": "u", "anonymousId": "a"}), "user:u device:a alias"),
        (json!({"userId": 1, "previousId": 2}), "user:1 device:2 alias"),
    ] {
        assert_eq!(Sent::json("/v1/alias", &call).event(), expected, "{call}");
    }
    let merge = json!({"type": "merge", "mergeProperties": [
        {"type": "user_id", "value": "u"}, {"type": "anonymous_id", "value": "a"}, 7]});
    assert_eq!(Sent::json("/v1/merge", &merge).event(), "user:u device:a alias");
}

#[test]
fn times_are_corrected_for_skew() {
    // The request is received at 2026-05-28T20:26:40Z; this clock is an hour behind.
    let (at, sent) = ("2026-05-28T19:26:30Z", "2026-05-28T19:26:40Z");
    let age = |call: &Value| {
        let mut call = call.clone();
        call["userId"] = "u".into();
        call["event"] = "e".into();
        track(&call).age_ms()
    };
    for (call, expected) in [
        (json!({"timestamp": at, "sentAt": sent}), 10_000),
        (json!({"timestamp": at}), 3_610_000),
        (json!({"sentAt": sent}), 0),
        (json!({}), 0),
        (json!({"timestamp": "nonsense", "sentAt": sent}), 0),
        (json!({"timestamp": at, "sentAt": "nonsense"}), 3_610_000),
        // RudderStack: its own clock is corrected, what the caller says is not.
        (json!({"originalTimestamp": at, "sentAt": sent}), 10_000),
        (json!({"originalTimestamp": sent, "timestamp": at, "sentAt": sent}), 3_610_000),
        (json!({"originalTimestamp": at, "timestamp": "nonsense", "sentAt": sent}), 10_000),
    ] {
        assert_eq!(age(&call), expected, "{call}");
    }
    let call = json!({"type": "page", "userId": "u", "timestamp": at});
    let batch = json!({"batch": [call], "sentAt": sent, "timestamp": sent});
    assert_eq!(Sent::json("/v1/batch", &batch).age_ms(), 10_000);
    let header =
        track(&json!({"userId": "u", "event": "e", "timestamp": at})).header("sentat", sent);
    assert_eq!(header.age_ms(), 10_000);
}

#[test]
fn a_call_of_segment_is_bounded_and_one_of_rudderstack_is_not() {
    let pad = "x".repeat(33_000);
    let mut call = json!({"userId": "u", "event": "e", "properties": {"pad": pad}});
    assert_eq!(track(&call).event(), "event TOO_LONG");
    call["channel"] = "web".into();
    assert_eq!(track(&call).event(), "user:u track e");
}

#[test]
fn a_pixel_is_a_call_as_a_query() {
    let target = "/pixel/v1/track?writeKey=key&userId=u&anonymousId=d&event=%24exposure\
        &properties.flag_key=f&properties.variant=on&context.library.name=pixel";
    let sent = Sent::get(target);
    assert_eq!(sent.event(), "user:u device:d exposure f=on");
    assert_eq!(sent.keys(), ["key"]);
    let object = "/pixel/v1/page?writeKey=key&userId=u&name=Home&properties=%7B%22a%22%3A1%7D";
    assert_eq!(Sent::get(object).event(), "user:u page Home");
    assert_eq!(Sent::get("/pixel/v1/track").event(), "user_id MISSING");
    assert_eq!(Sent::get("/pixel/v1/track?a=1&a.b=2&userId=u&event=e").event(), "user:u track e");
}

#[test]
fn names_given_twice_count_as_given_last() {
    let body = r#"{"userId": "a", "userId": "u", "event": "x", "event": "$exposure",
        "properties": {}, "properties": {"flag_key": "a", "flag_key": "f", "variant": "on"}}"#;
    assert_eq!(Sent::post("/v1/track", body).event(), "user:u exposure f=on");
}
