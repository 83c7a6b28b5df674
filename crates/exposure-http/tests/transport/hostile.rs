//! Requests that real SDKs sent, broken: cut off, with bits flipped, compressed wrongly, deep.

use std::fs;
use std::path::Path;

use exposure_formats::capture::{self, Recorded};
use exposure_formats::{Headers as _, Request};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::world::{Answer, KEY, World};

/// The requests of all captures that a browser or a server would send over HTTP.
fn recorded() -> Vec<Recorded<'static>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures");
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|it| it.unwrap().path()).collect();
    paths.sort();
    let files = paths.into_iter().filter(|path| path.extension().is_some_and(|it| it == "json"));
    let requests = files.flat_map(|path| {
        let file: &'static [u8] = fs::read(path).unwrap().leak();
        capture::requests(file).unwrap().unwrap()
    });
    requests.filter(|it| matches!(&*it.method, "GET" | "POST") && !it.body.is_empty()).collect()
}

/// The same bytes with the key of these tests; one that is compressed is left alone.
fn with_key(body: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(body) else { return body.to_vec() };
    ["0123456789abcdef0123456789abcdef", "test-write-key"]
        .into_iter()
        .fold(text.to_owned(), |text, key| text.replace(key, KEY))
        .into_bytes()
}

async fn send(world: &World, recorded: &Recorded<'_>, body: &[u8]) -> Answer {
    let named = |name: &str| {
        let value = recorded.headers.get(name);
        value.map(|value| format!("{name}: {value}\r\n")).unwrap_or_default()
    };
    let headers = format!(
        "authorization: Bearer {KEY}\r\n{}{}",
        named("content-type"),
        named("content-encoding")
    );
    world.request(&format!("{} {}", recorded.method, recorded.target), &headers, body).await
}

/// What the server keeps: a hash of all of it.
async fn state(world: &World) -> String {
    let caller = world.handle.authenticate(KEY).unwrap();
    let (hash, _) = world.handle.state_hash(&caller).await.unwrap();
    format!("{hash:?}")
}

#[test]
fn every_recorded_request_is_taken() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let world = World::new().await;
        let mut n_taken = 0;
        for recorded in recorded() {
            let answer = send(&world, &recorded, &with_key(&recorded.body)).await;
            // One of them was cut off by whoever recorded it, and others ask for variants.
            let is_taken = answer.status == 200;
            assert!(is_taken || answer.status == 400 || answer.status == 404, "{answer:?}");
            n_taken += usize::from(is_taken);
        }
        assert!(n_taken > 50, "{n_taken}");
    });
}

#[derive(Clone, Debug)]
enum Damage {
    Cut(prop::sample::Index),
    Flip(prop::sample::Index, u8),
    Twice(prop::sample::Index, prop::sample::Index),
    Swap(prop::sample::Index, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    use prop::sample::Index;
    prop_oneof![
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Twice(from, to)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Swap(at, byte)),
    ]
}

impl Damage {
    fn strike(&self, body: &mut Vec<u8>) {
        if body.is_empty() {
            return;
        }
        match self {
            Self::Cut(at) => body.truncate(at.index(body.len())),
            Self::Flip(at, bit) => {
                let at = at.index(body.len());
                body[at] ^= 1 << bit;
            }
            Self::Twice(from, to) => {
                let (from, to) = (from.index(body.len()), to.index(body.len()));
                let piece = body[from.min(to)..from.max(to)].to_vec();
                body.splice(from.max(to)..from.max(to), piece);
            }
            Self::Swap(at, byte) => {
                let at = at.index(body.len());
                body[at] = *byte;
            }
        }
    }
}

/// Never a panic, which would close the connection without an answer; never a 5xx; and where
/// the protocol stores all or nothing, nothing for any other answer than 200.
#[test]
fn damage_is_an_answer_and_never_half_a_request() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let requests = recorded();
    let world = runtime.block_on(World::new());
    let cases = (
        prop::sample::select((0..requests.len()).collect::<Vec<_>>()),
        prop::collection::vec(damage(), 1..4),
    );
    let config = Config { cases: 600, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, rng).run(&cases, |(index, damages)| {
        let recorded = &requests[index];
        let mut body = with_key(&recorded.body);
        for damage in &damages {
            damage.strike(&mut body);
        }
        runtime.block_on(async {
            let is_whole =
                matches!(Request::split_target(&recorded.target).0, "/2/httpapi" | "/batch");
            let before = if is_whole { state(&world).await } else { String::new() };
            let answer = send(&world, recorded, &body).await;
            prop_assert!(answer.status < 500, "{answer:?}");
            if is_whole && answer.status != 200 {
                prop_assert_eq!(before, state(&world).await, "{:?}", answer);
            }
            Ok(())
        })
    });
    outcome.unwrap();
}

#[tokio::test]
async fn depth_and_length_cost_a_bounded_answer() {
    let world = World::new().await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let objects = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let paths = [
        "/2/httpapi",
        "/batch",
        "/identify",
        "/v1/track",
        "/v1/batch",
        "/v1/b",
        "/track",
        "/track?client_key=k",
        "/e/",
        "/i/v0/e/",
        "/i/v1/analytics/events",
        "/v1/logs",
        "/v1/traces",
        "/engage",
    ];
    for path in paths {
        for value in [&deep, &objects] {
            for body in [
                value.clone(),
                format!(
                    r#"{{"api_key":"{KEY}","writeKey":"{KEY}","events":[{value}],"batch":[{value}]}}"#
                ),
                format!(
                    r#"{{"batch":[{{"type":"track","event":"$exposure","userId":"u","properties":{value}}}],"writeKey":"{KEY}","api_key":"{KEY}"}}"#
                ),
                format!(
                    r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"eventName":"feature_flag.evaluation","attributes":{value}}}]}}]}}]}}"#
                ),
            ] {
                let headers =
                    format!("authorization: Bearer {KEY}\r\ncontent-type: application/json\r\n");
                let answer =
                    world.request(&format!("POST {path}"), &headers, body.as_bytes()).await;
                assert!(answer.status < 500, "{path}: {answer:?}");
            }
        }
    }
    // A hundred megabytes, told beforehand: refused before they are read.
    let endless = vec![b' '; 100 << 20];
    for path in paths {
        let answer = world.request(&format!("POST {path}"), "", &endless).await;
        assert_eq!(answer.status, 413, "{path}: {answer:?}");
    }
}

/// Values of the wrong type, and ids that are numbers, in one body beside a good event.
#[tokio::test]
async fn a_bad_call_costs_its_neighbours_nothing() {
    let world = World::new().await;
    let good = json!({ "type": "track", "event": "$exposure", "userId": "user-1",
        "properties": { "flag_key": "f", "variant": "on" } });
    let bad = [
        json!(7),
        json!({ "type": "track", "event": "$exposure", "properties": { "flag_key": "f" } }),
        json!({ "type": "track", "event": "$exposure", "userId": "u", "properties": { "flag_key": 3 } }),
        json!({ "type": "track", "event": {}, "userId": "u" }),
        json!({ "type": "track", "event": "$exposure", "userId": [], "properties": { "flag_key": "f" } }),
    ];
    let number = json!({ "type": "track", "event": "$exposure", "userId": 4711,
        "properties": { "flag_key": "f", "variant": "on" } });
    let batch: Vec<Value> = bad.iter().cloned().chain([good, number]).collect();
    let body = json!({ "batch": batch, "writeKey": KEY }).to_string();
    let answer = world.request("POST /v1/batch", "", body.as_bytes()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for user_id in ["user-1", "4711"] {
        let found = world.get(&format!("/v1/properties?user_id={user_id}")).await;
        assert_eq!(found["properties"], json!({ "[Experiment] f": "on" }), "{user_id}");
    }
    let caller = world.handle.authenticate(KEY).unwrap();
    let filter = exposure_service::RejectFilter::default();
    let page = exposure_service::Page::first(100);
    let rejected = world.handle.rejected_events(&caller, &filter, &page).await.unwrap().items;
    assert_eq!(rejected.len(), bad.len(), "{rejected:?}");
}
