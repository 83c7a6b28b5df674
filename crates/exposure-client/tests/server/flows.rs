//! What a server makes of what a client tracks, over gRPC.

use std::time::Duration;

use exposure_client::provider::GrpcProvider;
use exposure_client::{
    DropReason, ExposureClient, InMemorySource, Metadata, Tracked, User, Variant,
};
use exposure_testkit::TestServer;
use serde_json::{Value, json};

const LONG: Duration = Duration::from_mins(1);

fn provider(server: &TestServer) -> exposure_client::provider::GrpcProviderBuilder {
    GrpcProvider::builder(server.grpc()).api_key(TestServer::KEY)
}

fn client(server: &TestServer, source: &InMemorySource) -> ExposureClient {
    ExposureClient::builder(source.clone())
        .linger(Duration::ZERO)
        .provider(provider(server).build().unwrap())
        .build()
        .unwrap()
}

fn properties(server: &TestServer, query: &str) -> Value {
    server.get(&format!("/v1/properties?{query}")).unwrap()["properties"].clone()
}

/// How many exposures to each variant of its one flag the server has.
fn exposures(server: &TestServer) -> Value {
    let flags = server.get("/v1/flags").unwrap();
    let variants = flags["flags"][0]["variants"].as_object().unwrap().clone();
    variants.into_iter().map(|(name, variant)| (name, variant["exposures"].clone())).collect()
}

fn off() -> Variant {
    Variant::builder().key("off").default_variant().build()
}

#[test]
fn a_million_evaluations_are_one_exposure() {
    let (server, source) = (TestServer::start().unwrap(), InMemorySource::new());
    source.set("checkout", Variant::new("on"));
    let client = client(&server, &source);
    let user = User::new("user-1").with_device("device-1");
    for _ in 0..1_000_000 {
        assert!(client.variant(&user, "checkout").is_some());
    }
    let report = client.blocking().shutdown(LONG);
    assert!(report.is_complete() && report.account.closes(), "{report:?}");
    let account = report.account;
    assert_eq!((account.tracked, account.delivered, account.deduplicated), (1_000_000, 1, 999_999));
    assert_eq!(exposures(&server), json!({"on": 1}));
}

#[test]
fn flip_back_ends_where_the_user_is() {
    for is_streaming in [true, false] {
        let (server, source) = (TestServer::start().unwrap(), InMemorySource::new());
        let provider = provider(&server);
        let provider = if is_streaming { provider } else { provider.unary() };
        let client = ExposureClient::builder(source.clone())
            .provider(provider.build().unwrap())
            .build()
            .unwrap();
        for variant in ["a", "a", "b", "a"] {
            source.set("checkout", Variant::new(variant));
            client.variant(&User::new("user-1"), "checkout");
        }
        assert!(client.blocking().flush().is_complete());
        assert_eq!(properties(&server, "user_id=user-1"), json!({"[Experiment] checkout": "a"}));
        assert_eq!(exposures(&server), json!({"a": 2, "b": 1}));
    }
}

#[test]
fn leaving_unsets() {
    let (server, source) = (TestServer::start().unwrap(), InMemorySource::new());
    let client = client(&server, &source);
    let user = User::anonymous("device-1");
    for flag in ["one", "two"] {
        source.set(flag, Variant::new("on"));
        client.variant(&user, flag);
    }
    source.set("one", off());
    client.variant(&user, "one");
    assert!(client.blocking().flush().is_complete());
    assert_eq!(properties(&server, "device_id=device-1"), json!({"[Experiment] two": "on"}));
    source.set("one", Variant::new("again"));
    client.variant(&user, "one");
    assert!(client.blocking().flush().is_complete());
    let both = json!({"[Experiment] one": "again", "[Experiment] two": "on"});
    assert_eq!(properties(&server, "device_id=device-1"), both);
}

#[test]
fn a_login_takes_the_past_of_its_device_along() {
    let (server, source) = (TestServer::start().unwrap(), InMemorySource::new());
    let client = client(&server, &source);
    source.set("checkout", Variant::new("on"));
    client.variant(&User::anonymous("device-1"), "checkout");
    client.variant(&User::new("user-1").with_device("device-1"), "checkout");
    assert!(client.blocking().flush().is_complete());
    let flags = server.get("/v1/flags").unwrap();
    let on = &flags["flags"][0]["variants"]["on"];
    assert_eq!((&on["profiles"], &on["exposures"]), (&json!(1), &json!(2)));
}

#[test]
fn runs_and_metadata_arrive() {
    let (server, source) = (TestServer::start().unwrap(), InMemorySource::new());
    let client = client(&server, &source);
    let of = |json: &str| Metadata::from_json(json).unwrap();
    let run = of(r#"{"experimentKey": "run-2", "flagVersion": 7}"#);
    source.set("checkout", Variant::builder().key("on").metadata(run).build());
    client.variant(&User::new("user-1"), "checkout");
    let group = of(r#"{"flagType": "mutual-exclusion-group"}"#);
    source.set("group", Variant::builder().key("slot-1").metadata(group).build());
    client.variant(&User::new("user-1"), "group");
    assert!(client.blocking().flush().is_complete());
    let explained = server.get("/v1/explain?user_id=user-1&flag_key=checkout").unwrap();
    assert_eq!(explained["decided_by"]["experiment_key"], "run-2", "{explained}");
    assert_eq!(client.account().delivered, 2);
    let only = json!({"[Experiment] checkout": "on"});
    assert_eq!(properties(&server, "user_id=user-1"), only, "a group sets nothing");
}

#[test]
fn many_users_over_one_client() {
    let (server, source) = (TestServer::start().unwrap(), InMemorySource::new());
    let client = client(&server, &source);
    source.set("checkout", Variant::new("on"));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let client = client.clone();
            scope.spawn(move || {
                for number in 0..5000 {
                    let user = User::new(format!("user-{thread}-{number}"));
                    client.variant(&user, "checkout");
                    client.variant(&user, "checkout");
                }
            });
        }
    });
    let report = client.blocking().shutdown(LONG);
    assert!(report.is_complete() && report.account.closes(), "{report:?}");
    assert_eq!((report.account.delivered, report.account.deduplicated), (20_000, 20_000));
    assert_eq!(exposures(&server), json!({"on": 20_000}));
}

#[test]
fn a_revoked_key_loses_nothing() {
    let (server, source) = (TestServer::start().unwrap(), InMemorySource::new());
    let directory = tempfile::tempdir().unwrap();
    let build = |key: &str| {
        let provider = GrpcProvider::builder(server.grpc()).api_key(key).build().unwrap();
        ExposureClient::builder(source.clone())
            .provider(provider)
            .outbox(directory.path())
            .build()
            .unwrap()
    };
    source.set("checkout", Variant::new("on"));
    let revoked = build("revoked");
    revoked.variant(&User::new("user-1"), "checkout");
    assert_eq!(revoked.blocking().flush().left, 1);
    let report = revoked.blocking().shutdown(Duration::from_millis(10));
    assert_eq!((report.kept, report.account.dropped.total()), (1, 0), "{report:?}");
    let renewed = build(TestServer::KEY);
    assert!(renewed.blocking().flush().is_complete());
    assert_eq!(properties(&server, "user_id=user-1"), json!({"[Experiment] checkout": "on"}));
}

#[test]
fn a_server_that_comes_back_gets_everything() {
    let source = InMemorySource::new();
    source.set("checkout", Variant::new("on"));
    // A port that nobody listens on, and later somebody does.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = ExposureClient::builder(source)
        .backoff(Duration::from_millis(1), Duration::from_millis(5))
        .linger(Duration::ZERO)
        .queue_events(100)
        .provider(GrpcProvider::builder(url).build().unwrap())
        .build()
        .unwrap();
    let mut n_queued = 0;
    for number in 0..1000 {
        match client.exposure(&User::new(format!("user-{number}")), "checkout") {
            Tracked::Queued => n_queued += 1,
            Tracked::Dropped(DropReason::QueueFull) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(n_queued, 100);
    assert_eq!(client.blocking().flush().left, 100);
    let account = client.account();
    assert!(account.closes() && 0 < account.providers[0].failures, "{account:?}");
}
