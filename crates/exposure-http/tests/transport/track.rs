//! `POST /v1/exposures`.

use exposure_service::Scope;
use serde_json::json;

use crate::world::{KEY, World};

#[tokio::test]
async fn the_answer_has_one_result_for_each_exposure() {
    let world = World::new().await;
    let results = world
        .track(&json!([
            { "user_id": "u", "flag_key": "f", "variant": "on", "time": 1_780_000_000_000_i64,
              "insert_id": "i", "sequence": 3, "experiment_key": "e", "metadata": { "a": [1] } },
            { "user_id": "u", "flag_key": "f", "variant": "on", "time": 1_780_000_000_000_i64,
              "insert_id": "i", "experiment_key": "e" },
            { "user_id": "u", "flag_key": "f", "variant": "off", "insert_id": "i" },
            { "user_id": "u", "flag_key": "f", "variant": null, "device_id": null,
              "time": null, "sequence": null, "insert_id": null, "metadata": null },
            { "user_id": "u", "flag_key": "f", "variant": "" },
            { "user_id": "u", "flag_key": "f", "variant": "on",
              "metadata": { "trackExposure": false } },
            7,
        ]))
        .await;
    let set = json!({ "outcome": "accepted", "effects": [{ "flag_key": "f", "effect": "set" }],
        "notes": [] });
    assert_eq!(results[0], set);
    assert_eq!(results[1], json!({ "outcome": "duplicate", "conflict": false }));
    assert_eq!(results[2], json!({ "outcome": "duplicate", "conflict": true }));
    assert_eq!(results[3]["effects"], json!([{ "flag_key": "f", "effect": "unset" }]));
    assert_eq!(results[3]["notes"], json!(["time_missing"]));
    let rejected = results[4].as_object().unwrap();
    assert_eq!(rejected.keys().collect::<Vec<_>>(), ["code", "field", "message", "outcome"]);
    assert_eq!((&rejected["code"], &rejected["field"]), (&json!("INVALID"), &json!("variant")));
    assert_eq!(results[5], json!({ "outcome": "accepted", "effects": [], "notes": [] }));
    assert_eq!(results[6]["field"], "exposures");
}

#[tokio::test]
async fn each_member_of_the_wrong_type_is_named() {
    let world = World::new().await;
    let good = json!({ "user_id": "u", "device_id": "d", "flag_key": "f", "variant": "on" });
    let mut exposures = Vec::new();
    let mut fields = Vec::new();
    for field in ["user_id", "device_id", "flag_key", "variant", "experiment_key", "insert_id"] {
        for value in [json!(3), json!(true), json!(["x"]), json!({})] {
            let mut exposure = good.clone();
            exposure[field] = value;
            exposures.push(exposure);
            fields.push(field);
        }
    }
    for (field, value) in [
        ("time", json!("yesterday")),
        ("time", json!(true)),
        ("sequence", json!("1")),
        ("sequence", json!(1.5)),
        ("sequence", json!(u64::MAX)),
    ] {
        let mut exposure = good.clone();
        exposure[field] = value;
        exposures.push(exposure);
        fields.push(field);
    }
    exposures.push(good);
    let results = world.track(&json!(exposures)).await;
    let seen: Vec<_> = results.iter().filter_map(|result| result["field"].as_str()).collect();
    assert_eq!(seen, fields);
    assert!(results.iter().take(fields.len()).all(|result| result["code"] == "INVALID"));
    assert_eq!(results.last().unwrap()["outcome"], "accepted");
    // They stand in the log of rejected events, with whom they name.
    let caller = world.handle.authenticate(KEY).unwrap();
    let page = exposure_service::Page::first(1000);
    let rejected = world
        .handle
        .rejected_events(&caller, &exposure_service::RejectFilter::default(), &page)
        .await
        .unwrap()
        .items;
    assert_eq!(rejected.len(), fields.len());
    assert_eq!(rejected[0].user_id.as_deref(), Some("u"));
    assert!(rejected[0].event.starts_with(b"{"));
}

#[tokio::test]
async fn metadata_is_bounded_and_text_is_lenient() {
    let world = World::new().await;
    let deep = format!("{}{}", "[".repeat(41), "]".repeat(41));
    let body = format!(
        r#"{{"exposures":[
            {{"user_id":"a","flag_key":"f","variant":"on","metadata":{deep}}},
            {{"user_id":"a","flag_key":"f","variant":"on","metadata":"{long}"}},
            {{"user_id":"a","flag_key":"f","variant":"on","variant":"off"}},
            {{"user_id":"b\ud800","flag_key":"caf\u00e9 \ud83d\ude80","variant":"on"}}
        ],"library":"page/1","unknown":[1,{{}}]}}"#,
        long = "x".repeat(64 * 1024),
    );
    let answer = world.call("POST /v1/exposures", body.as_bytes()).await;
    let results = answer.json()["results"].clone();
    assert_eq!(
        (&results[0]["code"], &results[0]["field"]),
        (&json!("TOO_DEEP"), &json!("metadata"))
    );
    assert_eq!(
        (&results[1]["code"], &results[1]["field"]),
        (&json!("TOO_LONG"), &json!("metadata"))
    );
    assert_eq!(
        (&results[2]["code"], &results[2]["field"]),
        (&json!("INVALID"), &json!("exposures"))
    );
    assert_eq!(results[3]["effects"], json!([{ "flag_key": "café 🚀", "effect": "set" }]));
    let found = world.get("/v1/properties?user_id=b%EF%BF%BD").await;
    let expected =
        json!({ "profile": "user:b\u{fffd}", "properties": { "[Experiment] café 🚀": "on" } });
    assert_eq!(found, expected);
    let usage = world.get("/v1/usage").await;
    assert_eq!(usage["rows"][0]["library"], "page/1");
}

#[tokio::test]
async fn a_body_that_is_none_is_refused_as_a_whole() {
    let service = exposure_service::Settings { max_batch_events: 3, ..Default::default() };
    let settings =
        exposure_http::Settings { max_body_bytes: 2000, ..exposure_http::Settings::default() };
    let world = World::with(settings, service).await;
    let invalid = |field: Option<&str>| (400, "INVALID".into(), field.map(Into::into));
    let deep = "[".repeat(1900);
    for (body, expected) in [
        (&b""[..], invalid(None)),
        (b"{", invalid(None)),
        (b"[]", invalid(None)),
        (b"7", invalid(None)),
        (b"\xff", invalid(None)),
        (b"{\"exposures\":[]} x", invalid(None)),
        (deep.as_bytes(), invalid(None)),
        (b"{\"exposures\":{}}", invalid(Some("exposures"))),
        (b"{\"exposures\":\"x\"}", invalid(Some("exposures"))),
        (b"{}", (400, "MISSING".into(), Some("exposures".into()))),
        (b"{\"exposures\":null}", (400, "MISSING".into(), Some("exposures".into()))),
        (b"{\"exposures\":[1,2,3,4]}", (413, "BATCH_TOO_LARGE".into(), None)),
        (&[b' '; 2001], (413, "BATCH_TOO_LARGE".into(), None)),
    ] {
        let answer = world.call("POST /v1/exposures", body).await;
        assert_eq!(answer.error(), expected, "{}", String::from_utf8_lossy(body));
    }
    assert_eq!(world.track(&json!([])).await, Vec::<serde_json::Value>::new());
    assert_eq!(world.track(&json!([1, 2, 3])).await.len(), 3);
}

#[tokio::test]
async fn each_path_needs_its_scope() {
    let world = World::new().await;
    let bearer = |key: &str| format!("authorization: Bearer {key}\r\n");
    let keys = [
        (Scope::Ingest, world.key(Scope::Ingest).await),
        (Scope::Read, world.key(Scope::Read).await),
        (Scope::Admin, world.key(Scope::Admin).await),
    ];
    for (head, needed) in [
        ("POST /v1/exposures", Scope::Ingest),
        ("GET /v1/properties?user_id=u", Scope::Read),
        ("GET /v1/explain?user_id=u&flag_key=f", Scope::Read),
        ("GET /v1/flags", Scope::Read),
        ("GET /v1/flags/f/exposures", Scope::Read),
        ("GET /v1/usage", Scope::Read),
    ] {
        for headers in
            ["", "authorization: Bearer wrong\r\n", "authorization: Basic x\r\n", "x-api-key:\r\n"]
        {
            let answer = world.request(head, headers, b"{}").await;
            assert_eq!(answer.error(), (401, "UNAUTHENTICATED".into(), None), "{head} {headers}");
            assert!(answer.head.contains("www-authenticate: bearer"));
        }
        for (held, key) in &keys {
            let answer = world.request(head, &bearer(key), br#"{"exposures":[]}"#).await;
            assert_eq!(answer.status == 403, *held != needed, "{head} {held:?}: {answer:?}");
        }
    }
    let answer = world.request("GET /v1/flags", &format!("x-api-key: {KEY}\r\n"), b"").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn pages_of_any_site_may_send_and_nothing_else() {
    let world = World::new().await;
    let origin = "origin: https://shop.example\r\n";
    let preflight = format!(
        "{origin}access-control-request-method: POST\r\naccess-control-request-headers: authorization,content-type\r\n"
    );
    let answer = world.request("OPTIONS /v1/exposures", &preflight, b"").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.contains("access-control-allow-origin: *"));
    assert!(answer.head.contains("access-control-allow-methods: post"));
    assert!(answer.head.contains("authorization,content-type"));
    let headers = format!("{origin}authorization: Bearer {KEY}\r\n");
    let answer = world.request("POST /v1/exposures", &headers, br#"{"exposures":[]}"#).await;
    assert!(answer.head.contains("access-control-allow-origin: *"));
    // An error too, or the page could not read what was wrong.
    let answer = world.request("POST /v1/exposures", origin, b"{}").await;
    assert_eq!(answer.status, 401);
    assert!(answer.head.contains("access-control-allow-origin: *"));
    for path in ["/v1/flags", "/v1/usage", "/v1/properties?user_id=u", "/metrics", "/healthz"] {
        let answer = world.request(&format!("GET {path}"), &headers, b"").await;
        assert!(!answer.head.contains("access-control"), "{path}: {answer:?}");
        let answer = world.request(&format!("OPTIONS {path}"), &preflight, b"").await;
        assert!(!answer.head.contains("access-control"), "{path}: {answer:?}");
    }
}
