//! Amplitude's paths: what is stored, and what its SDKs are answered.

use std::io::Write as _;
use std::time::Duration;

use exposure_http::Settings;
use exposure_service::Scope;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::world::{Answer, KEY, World, read_answer};

fn exposure(user_id: &str, variant: &Value) -> Value {
    json!({ "event_type": "$exposure", "user_id": user_id,
        "event_properties": { "flag_key": "checkout", "variant": variant } })
}

fn upload(events: &[Value]) -> String {
    json!({ "api_key": KEY, "events": events }).to_string()
}

async fn post(world: &World, path: &str, body: &str) -> Answer {
    world.request(&format!("POST {path}"), "content-type: text/plain\r\n", body.as_bytes()).await
}

async fn property(world: &World, who: &str) -> Value {
    world.get(&format!("/v1/properties?{who}")).await["properties"].clone()
}

/// A value as a query or a form has it.
fn encoded(value: &Value) -> String {
    form_urlencoded::byte_serialize(value.to_string().as_bytes()).collect()
}

/// The body's `code` is the status, whichever of them an SDK decides by.
fn parts(answer: &Answer) -> (u16, Value) {
    let body = answer.json();
    assert_eq!(body["code"], json!(answer.status), "{answer:?}");
    assert!(answer.head.contains("content-type: application/json"), "{answer:?}");
    (answer.status, body)
}

#[tokio::test]
async fn an_upload_is_stored_whatever_its_content_type() {
    let world = World::new().await;
    for (path, variant) in
        [("/2/httpapi", json!("a")), ("/batch", json!("b")), ("/batch/", Value::Null)]
    {
        let answer = post(&world, path, &upload(&[exposure("user-1", &variant)])).await;
        let (status, body) = parts(&answer);
        assert_eq!(status, 200, "{answer:?}");
        let members: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
        assert_eq!(
            members,
            ["code", "events_ingested", "payload_size_bytes", "server_upload_time"]
        );
        assert_eq!(body["events_ingested"], 1);
        let expected = match variant {
            Value::Null => json!({}),
            variant => json!({ "[Experiment] checkout": variant }),
        };
        assert_eq!(property(&world, "user_id=user-1").await, expected, "{path}");
    }
}

#[tokio::test]
async fn a_bad_event_of_amplitudes_own_refuses_them_all_and_lists_each() {
    let world = World::new().await;
    let events = [
        exposure("user-1", &json!("a")),
        exposure("user", &json!("a")),
        json!({ "event_type": "", "user_id": "user-1" }),
        json!({ "event_type": "x", "device_id": "anonymous" }),
        json!({ "event_type": "x" }),
        json!({ "event_type": "x", "user_id": "user-1", "time": "now" }),
        json!(7),
    ];
    let (status, body) = parts(&post(&world, "/2/httpapi", &upload(&events)).await);
    assert_eq!(status, 400);
    assert_eq!(body["error"], "Invalid field values on some events");
    assert_eq!(
        body["events_with_invalid_fields"],
        json!({ "user_id": [1], "event_type": [2], "device_id": [3], "time": [5], "event": [6] })
    );
    assert_eq!(body["events_with_missing_fields"], json!({ "user_id": [4] }));
    assert_eq!(body["events_with_invalid_id_lengths"], json!({ "user_id": [1] }));
    assert_eq!(property(&world, "user_id=user-1").await, json!({}), "nothing of it is stored");

    // What only our rules refuse is no error there, and can be looked at.
    let events = [exposure("user-1", &json!("a")), exposure("user-2", &json!(7))];
    let (status, body) = parts(&post(&world, "/2/httpapi", &upload(&events)).await);
    assert_eq!((status, &body["events_ingested"]), (200, &json!(2)));
    assert_eq!(property(&world, "user_id=user-1").await, json!({ "[Experiment] checkout": "a" }));
    let caller = world.handle.authenticate(KEY).unwrap();
    let page = exposure_service::Page::first(100);
    let filter = exposure_service::RejectFilter::default();
    let rejected = world.handle.rejected_events(&caller, &filter, &page).await.unwrap().items;
    assert_eq!(rejected.len(), 7, "the six of the first upload too: {rejected:?}");
}

#[tokio::test]
async fn min_id_length_is_the_uploads_to_say() {
    let world = World::new().await;
    let short = json!({ "api_key": KEY, "options": { "min_id_length": 1 },
        "events": [exposure("u", &json!("a"))] });
    assert_eq!(post(&world, "/2/httpapi", &short.to_string()).await.status, 200);
    assert_eq!(property(&world, "user_id=u").await, json!({ "[Experiment] checkout": "a" }));
}

#[tokio::test]
async fn keys_are_checked_as_the_sdks_read_it() {
    let world = World::new().await;
    let with = |key: &str| json!({ "api_key": key, "events": [] }).to_string();
    let unknown = post(&world, "/2/httpapi", &with("nobodys")).await;
    assert_eq!(parts(&unknown), (400, json!({ "code": 400, "error": "Invalid API key: nobodys" })));
    let none = post(&world, "/2/httpapi", r#"{"events": []}"#).await;
    assert_eq!(parts(&none).1["missing_field"], "api_key");
    let reader = world.key(Scope::Read).await;
    let forbidden = post(&world, "/2/httpapi", &with(&reader)).await;
    assert_eq!(parts(&forbidden), (403, json!({ "code": 403, "error": "Forbidden" })));
    let sender = world.key(Scope::Ingest).await;
    assert_eq!(post(&world, "/2/httpapi", &with(&sender)).await.status, 200);
}

#[tokio::test]
async fn bodies_have_limits_before_and_after_decompression() {
    let world = World::new().await;
    let padded = |n_bytes: usize| {
        json!({ "api_key": KEY, "pad": " ".repeat(n_bytes), "events": [exposure("user-1", &json!("a"))] })
            .to_string()
    };
    let zipped = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    for (path, n_bytes, expected) in [
        ("/2/httpapi", 900_000, 200),
        ("/2/httpapi", 1_100_000, 413),
        ("/batch", 19_000_000, 200),
        ("/batch", 21_000_000, 413),
    ] {
        let text = padded(n_bytes);
        let answer = post(&world, path, &text).await;
        assert_eq!(parts(&answer).0, expected, "{path}, {n_bytes} bytes");
        // Some say that it is compressed, and some do not.
        for header in ["content-encoding: gzip\r\n", "content-type: text/plain\r\n"] {
            let answer = world.request(&format!("POST {path}"), header, &zipped(&text)).await;
            assert_eq!(parts(&answer).0, expected, "{path}, {n_bytes} bytes, {header}");
        }
    }
    // A bomb: a thousand times its size.
    let bomb = zipped(&" ".repeat(200_000_000));
    assert!(bomb.len() < 1_000_000, "{}", bomb.len());
    let answer = world.request("POST /2/httpapi", "content-encoding: gzip\r\n", &bomb).await;
    assert_eq!(parts(&answer).0, 413);

    let events: Vec<_> =
        (0..2001).map(|_| json!({ "event_type": "x", "user_id": "user-1" })).collect();
    assert_eq!(parts(&post(&world, "/batch", &upload(&events)).await).0, 413);
    assert_eq!(parts(&post(&world, "/batch", &upload(&events[1..])).await).0, 200);
}

#[tokio::test]
async fn without_room_every_event_is_listed_and_a_time_to_wait_given() {
    let service = exposure_service::Settings { max_in_flight_bytes: 4096, ..Default::default() };
    let world = World::with(Settings::default(), service).await;
    // A request that can never fit is too large, not too many.
    let large = json!({ "api_key": KEY, "pad": "x".repeat(5000), "events": [] }).to_string();
    assert_eq!(parts(&post(&world, "/2/httpapi", &large).await).0, 413);

    let world = World::with(
        Settings { max_requests: 1, retry_after: Duration::from_secs(7), ..Settings::default() },
        exposure_service::Settings::default(),
    )
    .await;
    let mut waiting = world.connect().await;
    waiting
        .write_all(b"POST /2/httpapi HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n")
        .await
        .unwrap();
    let answer = loop {
        let answer = post(&world, "/2/httpapi", &upload(&[])).await;
        if answer.status != 200 {
            break answer;
        }
    };
    let (status, body) = parts(&answer);
    assert_eq!((status, &body["throttled_events"]), (429, &json!([])));
    assert_eq!(body["eps_threshold"], 30);
    assert!(answer.head.contains("retry-after: 7"), "{answer:?}");
    waiting.write_all(b"{}").await.unwrap();
    assert_eq!(parts(&read_answer(&mut waiting).await).0, 400);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_told_so() {
    let settings = Settings { request_timeout: Duration::from_millis(100), ..Settings::default() };
    let world = World::with(settings, exposure_service::Settings::default()).await;
    let mut slow = world.connect().await;
    slow.write_all(b"POST /2/httpapi HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{")
        .await
        .unwrap();
    let answer = read_answer(&mut slow).await;
    assert_eq!(parts(&answer).0, 503);
    assert!(answer.head.contains("retry-after"), "{answer:?}");
}

#[tokio::test]
async fn pages_of_any_site_may_send() {
    let world = World::new().await;
    let preflight = world
        .request(
            "OPTIONS /2/httpapi",
            "origin: https://shop.example\r\naccess-control-request-method: POST\r\naccess-control-request-headers: content-type,cross-origin-resource-policy\r\n",
            b"",
        )
        .await;
    assert_eq!(preflight.status, 200);
    for header in [
        "access-control-allow-origin: https://shop.example",
        "access-control-allow-credentials: true",
        "access-control-allow-headers: content-type,cross-origin-resource-policy",
        "access-control-max-age: 86400",
    ] {
        assert!(preflight.head.contains(header), "{header}: {preflight:?}");
    }
    let answer = world
        .request("POST /batch", "origin: https://shop.example\r\n", upload(&[]).as_bytes())
        .await;
    assert!(answer.head.contains("access-control-allow-origin: https://shop.example"));
    assert!(answer.head.contains("access-control-expose-headers: retry-after"));
    // Reading is not for pages.
    let answer = world.request("GET /v1/flags", "origin: https://shop.example\r\n", b"").await;
    assert!(!answer.head.contains("access-control-allow-origin"), "{answer:?}");
}

#[tokio::test]
async fn identifications_come_as_query_form_or_json() {
    let world = World::new().await;
    let identification = |flag: &str| {
        json!({ "user_id": "user-1", "device_id": "device-1",
            "user_properties": { "$set": { format!("[Experiment] {flag}"): "on" } } })
    };
    let query = format!("api_key={KEY}&identification={}", encoded(&identification("query")));
    let answer = world.request(&format!("GET /identify?{query}"), "", b"").await;
    assert_eq!(parts(&answer).0, 200, "{answer:?}");
    let list = json!([identification("form"), identification("form-2")]);
    let form = format!("api_key={KEY}&identification={}", encoded(&list));
    assert_eq!(parts(&post(&world, "/identify", &form).await).0, 200);
    let body = json!({ "api_key": KEY, "identification": identification("json") });
    assert_eq!(parts(&post(&world, "/identify", &body.to_string()).await).0, 200);
    assert_eq!(
        property(&world, "user_id=user-1").await,
        json!({ "[Experiment] query": "on", "[Experiment] form": "on",
            "[Experiment] form-2": "on", "[Experiment] json": "on" })
    );
    let answer = post(&world, "/identify", &format!("api_key={KEY}")).await;
    assert_eq!(parts(&answer).1["missing_field"], "identification");
    let group =
        format!("api_key={KEY}&identification={}", encoded(&json!({ "group_type": "org" })));
    assert_eq!(parts(&post(&world, "/groupidentify", &group).await).0, 200);
}

#[tokio::test]
async fn the_oldest_browser_sdk_posts_a_form() {
    let world = World::new().await;
    let events = json!([{ "event_type": "$exposure", "device_id": "device-1",
        "timestamp": 1_780_000_000_000_i64, "uuid": "first",
        "library": { "name": "amplitude-js", "version": "8.21.10" },
        "event_properties": { "flag_key": "checkout", "variant": "on" } }]);
    let encoded = encoded(&events);
    let form = format!("client={KEY}&e={encoded}&v=2&upload_time=1780000000001&checksum=x");
    for _ in 0..2 {
        let answer = world
            .request(
                "POST /",
                "content-type: application/x-www-form-urlencoded\r\n",
                form.as_bytes(),
            )
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let explain = world.get("/v1/explain?device_id=device-1&flag_key=checkout").await;
    assert_eq!(explain["variant"], "on");
    assert_eq!(explain["duplicates"]["count"], 1, "{explain}");
    assert!(explain.to_string().contains("amplitude-js/8.21.10"), "{explain}");
}
