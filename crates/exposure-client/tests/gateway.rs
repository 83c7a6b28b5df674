//! One client, one history, three ways into servers of ours: what comes out of their API is equal.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use exposure_client::provider::{
    AmplitudeProvider, Batch, BatchLimits, Delivery, ExposureProvider, GrpcProvider,
    SegmentProvider, SendError, async_trait,
};
use exposure_client::{Clock, ExposureClient, InMemorySource, Metadata, Timestamp, User, Variant};
use exposure_testkit::{ManualClock, TestServer};
use serde_json::{Value, json};

const START_US: i64 = 1_780_272_000_000_000;

/// One clock for the client and the servers.
#[derive(Clone, Debug)]
struct Shared(ManualClock);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// Loses the answers to the first batches, which were taken: they come again.
struct Lossy<P> {
    inner: P,
    n_to_lose: AtomicUsize,
}

#[async_trait]
impl<P: ExposureProvider> ExposureProvider for Lossy<P> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn limits(&self) -> BatchLimits {
        self.inner.limits()
    }

    async fn send(&self, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
        let answer = self.inner.send(batch).await?;
        let left =
            self.n_to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        left.map_or(Ok(answer), |_| Err(SendError::unavailable("the answer is lost")))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// A client with three providers, each before a server of its own.
struct World {
    clock: ManualClock,
    source: InMemorySource,
    client: ExposureClient,
    servers: [TestServer; 3],
    is_stepwise: bool,
}

impl World {
    /// Stepwise, a second passes between exposures, and each goes by itself; else all have one
    /// time, and go at once.
    fn new(is_stepwise: bool) -> Self {
        let clock = ManualClock::at(Timestamp::from_micros(START_US));
        let servers = [(); 3].map(|()| TestServer::with_clock(clock.clone()).unwrap());
        let [over_grpc, over_amplitude, over_segment] = &servers;
        let source = InMemorySource::new();
        let key = TestServer::KEY;
        let grpc = GrpcProvider::builder(over_grpc.grpc()).api_key(key).library("test/1");
        let amplitude = AmplitudeProvider::builder(key)
            .url(over_amplitude.http("/2/httpapi"))
            .library("test/1")
            .build();
        let segment = SegmentProvider::builder(key)
            .url(over_segment.http("/v1/batch"))
            .clock(Shared(clock.clone()))
            .library("test/1")
            .build();
        let client = ExposureClient::builder(source.clone())
            .provider(lossy(grpc.build().unwrap()))
            .provider(lossy(amplitude.unwrap()))
            .provider(lossy(segment.unwrap()))
            .clock(Shared(clock.clone()))
            .linger(Duration::from_hours(1))
            .backoff(Duration::from_millis(1), Duration::from_millis(1))
            .build()
            .unwrap();
        Self { clock, source, client, servers, is_stepwise }
    }

    fn see(&self, user: &User, flag_key: &str, variant: Variant) {
        self.source.set(flag_key, variant);
        self.client.variant(user, flag_key);
        if self.is_stepwise {
            self.flush();
            self.clock.advance(1_000_000);
        }
    }

    fn flush(&self) {
        while !self.client.blocking().flush().is_complete() {
            std::thread::yield_now();
        }
    }

    /// What each server answers, without what the way in decides.
    fn answers(&self, path: &str) -> [Value; 3] {
        self.servers.each_ref().map(|server| {
            let mut answer = server.get(path).unwrap();
            if self.is_stepwise {
                // Segment has none on the wire: there it is the place in the batch.
                without(&mut answer, "sequence");
            }
            answer
        })
    }

    /// The answer that all servers give.
    fn answer(&self, path: &str) -> Value {
        let [over_grpc, over_amplitude, over_segment] = self.answers(path);
        assert_eq!(over_amplitude, over_grpc, "Amplitude: {path}");
        assert_eq!(over_segment, over_grpc, "Segment: {path}");
        over_grpc
    }
}

fn lossy<P>(inner: P) -> Lossy<P> {
    Lossy { inner, n_to_lose: AtomicUsize::new(1) }
}

fn without(value: &mut Value, member: &str) {
    match value {
        Value::Object(members) => {
            members.remove(member);
            members.values_mut().for_each(|value| without(value, member));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| without(value, member)),
        _ => {}
    }
}

fn check(is_stepwise: bool) {
    let world = World::new(is_stepwise);
    let (anonymous, user) =
        (User::anonymous("device-1"), User::new("user-1").with_device("device-1"));
    let off = || Variant::builder().key("off").default_variant().build();
    let metadata = Metadata::from_json(r#"{"flagVersion":3,"text":"ü\"😀"}"#).unwrap();
    let run = |key: &str| {
        Variant::builder().key(key).experiment_key("run-1").metadata(metadata.clone()).build()
    };
    // Anonymous, then logged in; what was anonymous alone becomes the user's.
    world.see(&anonymous, "before", Variant::new("seen"));
    world.see(&anonymous, "checkout", Variant::new("control"));
    world.see(&user, "checkout", Variant::new("treatment"));
    // There and back, and a repeat that is none of these.
    world.see(&user, "flip", Variant::new("a"));
    world.see(&user, "flip", Variant::new("b"));
    world.see(&user, "flip", Variant::new("b"));
    world.see(&user, "flip", Variant::new("a"));
    // Set, then unset.
    world.see(&user, "left", Variant::new("on"));
    world.see(&user, "left", off());
    // With all that there is.
    world.see(&user, "rich", run("one"));
    let web = Metadata::from_json(r#"{"deliveryMethod":"web"}"#).unwrap();
    world.see(&user, "web", Variant::builder().key("red").metadata(web).build());
    world.see(&User::new("user-2"), "flip", Variant::new("b"));
    world.flush();

    let account = world.client.account();
    assert_eq!((account.tracked, account.delivered, account.deduplicated), (12, 11, 1));
    let properties = world.answer("/v1/properties?user_id=user-1");
    let expected = json!({
        "[Experiment] before": "seen",
        "[Experiment] checkout": "treatment",
        "[Experiment] flip": "a",
        "[Experiment] rich": "one",
        "[Experiment] web": "red",
    });
    assert_eq!(properties["properties"], expected);
    assert_eq!(world.answer("/v1/properties?device_id=device-1")["properties"], expected);
    world.answer("/v1/properties?user_id=user-2");
    for flag in ["before", "checkout", "flip", "left", "rich", "web"] {
        let explained = world.answer(&format!("/v1/explain?user_id=user-1&flag_key={flag}"));
        assert_eq!(explained["decided_by"]["library"], "test/1", "{explained}");
    }
    let explained = world.answer("/v1/explain?user_id=user-1&flag_key=left");
    assert_eq!(
        (&explained["variant"], &explained["lost"][0]["variant"]),
        (&Value::Null, &json!("on"))
    );
    let rich = world.answer("/v1/explain?user_id=user-1&flag_key=rich");
    assert_eq!(rich["decided_by"]["experiment_key"], "run-1");
    assert_eq!(rich["decided_by"]["metadata"], json!({"flagVersion": 3, "text": "ü\"😀"}));
    // By the login it is the user's; and the first batch came twice.
    let before = world.answer("/v1/explain?user_id=user-1&flag_key=before");
    assert_eq!(before["links"][0]["user_id"], "user-1", "{before}");
    assert_eq!(before["duplicates"]["count"], if is_stepwise { 1 } else { 10 }, "{before}");
    world.answer("/v1/flags");
    assert!(world.client.blocking().shutdown(Duration::from_secs(10)).is_complete());
}

#[test]
fn one_history_comes_out_the_same_step_by_step() {
    check(true);
}

#[test]
fn one_history_comes_out_the_same_in_one_batch() {
    check(false);
}
