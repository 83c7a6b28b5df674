//! What is read: the shapes are fixed, member by member.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::world::World;

async fn told(world: &World) {
    let results = world
        .track(&json!([
            { "user_id": "alice", "flag_key": "f", "variant": "on", "time": "2026-05-30T22:30:00Z" },
            { "user_id": "alice", "flag_key": "f", "variant": "off", "insert_id": "i",
              "time": "2026-05-31T10:00:00.5Z", "experiment_key": "e", "metadata": { "a": 1 } },
            { "user_id": "alice", "flag_key": "f", "variant": "off", "insert_id": "i",
              "time": "2026-05-31T10:00:01Z", "experiment_key": "e" },
            { "user_id": "bob", "device_id": "d", "flag_key": "f", "variant": "on",
              "time": "2026-05-31T11:00:00Z" },
            { "device_id": "d", "flag_key": "g/h", "variant": "x", "time": "2026-05-31T12:00:00Z" },
        ]))
        .await;
    assert_eq!(results.len(), 5);
}

#[tokio::test]
async fn properties() {
    let world = World::new().await;
    told(&world).await;
    let bob = json!({ "profile": "user:bob",
        "properties": { "[Experiment] f": "on", "[Experiment] g/h": "x" } });
    assert_eq!(world.get("/v1/properties?user_id=bob").await, bob);
    assert_eq!(world.get("/v1/properties?device_id=d").await, bob);
    assert_eq!(world.get("/v1/properties?user_id=&device_id=d").await, bob);
    let nobody = json!({ "profile": "user:nobody", "properties": {} });
    assert_eq!(world.get("/v1/properties?user_id=nobody").await, nobody);
    let answer = world.call("GET /v1/properties", b"").await;
    assert_eq!(answer.error(), (400, "MISSING".into(), Some("user_id".into())));
}

#[tokio::test]
async fn explain() {
    let world = World::new().await;
    told(&world).await;
    let explained = world.get("/v1/explain?user_id=alice&flag_key=f").await;
    let members: Vec<_> = explained.as_object().unwrap().keys().cloned().collect();
    let expected = ["decided_by", "duplicates", "flag_key", "links", "lost", "profile", "variant"];
    assert_eq!(members, expected);
    assert_eq!(
        (&explained["profile"], &explained["variant"]),
        (&json!("user:alice"), &json!("off"))
    );
    let decided = &explained["decided_by"];
    assert_eq!(decided["time"], "2026-05-31T10:00:00.5Z");
    assert_eq!((&decided["insert_id"], &decided["experiment_key"]), (&json!("i"), &json!("e")));
    assert_eq!(
        (&decided["event_kind"], &decided["user_id"]),
        (&json!("exposure"), &json!("alice"))
    );
    assert_eq!(decided["metadata"], json!({ "a": 1 }));
    let lost = &explained["lost"][0];
    assert_eq!((&lost["variant"], &lost["reason"]), (&json!("on"), &json!("older")));
    assert_eq!(explained["duplicates"]["count"], 1);
    let last = &explained["duplicates"]["last"][0];
    assert_eq!((&last["insert_id"], &last["conflict"]), (&json!("i"), &json!(false)));
    let linked = world.get("/v1/explain?device_id=d&flag_key=g/h").await;
    assert_eq!(linked["profile"], "user:bob");
    let link = json!({ "device_id": "d", "user_id": "bob", "time": "2026-05-31T11:00:00Z" });
    assert_eq!(linked["links"], json!([link]));
    let never = world.get("/v1/explain?user_id=alice&flag_key=never").await;
    assert_eq!((&never["variant"], &never["decided_by"]), (&json!(null), &json!(null)));
    let answer = world.call("GET /v1/explain?user_id=alice", b"").await;
    assert_eq!(answer.error(), (400, "MISSING".into(), Some("flag_key".into())));
}

#[tokio::test]
async fn flags_and_their_exposures() {
    let world = World::new().await;
    told(&world).await;
    let first = world.get("/v1/flags?page_size=1").await;
    let expected = json!([{
        "flag_key": "f", "profiles": 2, "jumpers": 1,
        "variants": {
            "off": { "profiles": 1, "exposures": 1,
                "first_time": "2026-05-31T10:00:00.5Z", "last_time": "2026-05-31T10:00:00.5Z" },
            "on": { "profiles": 2, "exposures": 2,
                "first_time": "2026-05-30T22:30:00Z", "last_time": "2026-05-31T11:00:00Z" },
        },
    }]);
    assert_eq!(first["flags"], expected);
    let token = first["next_page_token"].as_str().unwrap();
    let rest = world.get(&format!("/v1/flags?page_size=1&page_token={token}")).await;
    assert_eq!(
        (&rest["flags"][0]["flag_key"], &rest["next_page_token"]),
        (&json!("g/h"), &json!(""))
    );

    let utc = world.get("/v1/flags/f/exposures").await;
    let bucket = |start: &str, variants| json!({ "start": start, "variants": variants });
    let on = |new: u32, all: u32, exposures: u32| json!({ "new_profiles": new, "cumulative_profiles": all, "exposures": exposures });
    let expected = json!({ "buckets": [
        bucket("2026-05-30T00:00:00Z", json!({ "on": on(1, 1, 1) })),
        bucket("2026-05-31T00:00:00Z", json!({ "off": on(1, 1, 1), "on": on(1, 2, 1) })),
    ] });
    assert_eq!(utc, expected);
    // In Berlin it was the 31st already.
    let path = "/v1/flags/f/exposures?interval=day&time_zone=Europe%2FBerlin";
    let berlin = world.get(path).await;
    let variants = json!({ "off": on(1, 1, 1), "on": on(2, 2, 2) });
    assert_eq!(berlin, json!({ "buckets": [bucket("2026-05-31T00:00:00+02:00", variants)] }));
    let hour = world.get("/v1/flags/g%2Fh/exposures?interval=hour&from=2026-05-31T12:00:00Z").await;
    assert_eq!(hour["buckets"][0]["start"], "2026-05-31T12:00:00Z");
    for (path, field) in [
        ("/v1/flags/f/exposures?interval=week", "interval"),
        ("/v1/flags/f/exposures?time_zone=Mars", "time_zone"),
        ("/v1/flags/f/exposures?from=x", "from"),
        ("/v1/flags?page_size=x", "page_size"),
        ("/v1/flags?page_token=x", "page_token"),
    ] {
        let answer = world.call(&format!("GET {path}"), b"").await;
        assert_eq!(answer.error(), (400, "INVALID".into(), Some(field.into())), "{path}");
    }
}

#[tokio::test]
async fn usage() {
    let world = World::new().await;
    told(&world).await;
    let row = json!({ "day": "2026-06-01", "kind": "exposure", "key": "1", "library": "",
        "event_type": "[Experiment] Exposure", "events": 4, "billable": 0 });
    assert_eq!(world.get("/v1/usage").await, json!({ "rows": [row] }));
    let path = "/v1/usage?from=2026-06-01&to=2026-06-01";
    assert_eq!(world.get(path).await, json!({ "rows": [row] }));
    assert_eq!(world.get("/v1/usage?to=2026-05-31").await, json!({ "rows": [] }));
    let answer = world.call("GET /v1/usage?from=tomorrow", b"").await;
    assert_eq!(answer.error(), (400, "INVALID".into(), Some("from".into())));
}

#[tokio::test]
async fn probes_need_no_key() {
    let world = World::new().await;
    let get = async |path: &str| {
        let answer = world.request(&format!("GET {path}"), "", b"").await;
        (answer.status, answer.body)
    };
    assert_eq!(get("/healthz").await, (200, "ok\n".into()));
    assert_eq!(get("/readyz").await, (200, "ready\n".into()));
    assert_eq!(get("/metrics").await, (200, "a_metric 1\n".into()));
    world.ready.store(false, Ordering::SeqCst);
    assert_eq!(get("/readyz").await, (503, "draining\n".into()));
    assert_eq!(get("/healthz").await.0, 200);
    world.ready.store(true, Ordering::SeqCst);
    world.handle.close().await.unwrap();
    assert_eq!(get("/healthz").await.0, 200);
    let answer = world.call("GET /v1/usage", b"").await;
    assert_eq!(answer.error(), (503, "UNAVAILABLE".into(), None));
    assert!(answer.head.contains("retry-after: 1"), "{answer:?}");
}

#[tokio::test]
async fn what_is_not_there_is_said_in_json() {
    let world = World::new().await;
    let answer = world.call("GET /v1/nothing", b"").await;
    assert_eq!(answer.error(), (404, "NOT_FOUND".into(), None));
    for head in ["GET /v1/exposures", "POST /v1/flags", "DELETE /v1/usage"] {
        let answer = world.call(head, b"").await;
        assert_eq!(answer.error(), (405, "INVALID".into(), None), "{head}");
    }
}
