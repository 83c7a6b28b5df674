//! Servers that misbehave: whatever they do, each exposure is there once at last.

use std::time::Duration;

use exposure_client::provider::GrpcProvider;
use exposure_client::{DropReason, ExposureClient, InMemorySource, User, Variant};
use exposure_proto::v1;
use tonic::Status;

use crate::faulty::{Deed, FaultyServer};

const N_USERS: usize = 60;

fn client(server: &FaultyServer, source: &InMemorySource) -> ExposureClient {
    let provider = GrpcProvider::builder(&*server.url).max_events(7).in_flight(3);
    ExposureClient::builder(source.clone())
        .linger(Duration::ZERO)
        .backoff(Duration::from_millis(1), Duration::from_millis(4))
        .attempt_timeout(Duration::from_millis(150))
        .provider(provider.build().unwrap())
        .build()
        .unwrap()
}

fn source() -> InMemorySource {
    let source = InMemorySource::new();
    source.set("f", Variant::new("on"));
    source.set("full", Variant::new("on"));
    source
}

fn track_all(client: &ExposureClient, flag: &str) {
    for number in 0..N_USERS {
        client.variant(&User::new(format!("user-{number}")), flag);
    }
}

fn drain(client: &ExposureClient) {
    for _ in 0..2000 {
        if client.blocking().flush().is_complete() {
            assert!(client.account().closes());
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("something is left: {:?}", client.account());
}

#[test]
fn whatever_a_server_does_each_exposure_is_there_once() {
    type Script = fn(usize, &v1::IngestRequest) -> Deed;
    let scripts: [(&str, Script); 6] = [
        ("half of the answers are lost", |number, _| match number % 2 {
            0 => Deed::TakeAndForget,
            _ => Deed::Take,
        }),
        ("streams break", |number, _| match number % 3 {
            0 => Deed::TakeAndFail(Status::unavailable("broken")),
            _ => Deed::Take,
        }),
        ("answers are garbage", |number, _| match number % 3 {
            0 => Deed::TakeAndMumble,
            1 => Deed::TakeAndFail(Status::internal("what?")),
            _ => Deed::Take,
        }),
        ("it throttles", |number, _| match number % 3 {
            0 => Deed::Refuse(v1::ErrorCode::ResourceExhausted, Some(3)),
            _ => Deed::Take,
        }),
        ("batches are too large", |_, batch| match batch.events.len() {
            0..=2 => Deed::Take,
            _ => Deed::Refuse(v1::ErrorCode::BatchTooLarge, None),
        }),
        ("it is down for a while", |number, _| match number {
            0..10 => Deed::TakeAndFail(Status::unauthenticated("no such key")),
            _ => Deed::Take,
        }),
    ];
    std::thread::scope(|scope| {
        for (name, script) in scripts {
            for has_streams in [true, false] {
                scope.spawn(move || {
                    let server = FaultyServer::start(has_streams, script);
                    let client = client(&server, &source());
                    track_all(&client, "f");
                    drain(&client);
                    let account = client.account();
                    let figures = (server.n_taken(), account.delivered, account.dropped.total());
                    assert_eq!(figures, (N_USERS, N_USERS as u64, 0), "{name}, {has_streams}");
                });
            }
        }
    });
}

#[test]
fn what_a_server_refuses_is_dropped_and_its_neighbors_are_not() {
    for has_streams in [true, false] {
        let server = FaultyServer::start(has_streams, |_, _| Deed::RefuseFlag("full"));
        let client = client(&server, &source());
        track_all(&client, "full");
        track_all(&client, "f");
        drain(&client);
        let account = client.account();
        assert_eq!(account.delivered, N_USERS as u64);
        assert_eq!(account.dropped.get(DropReason::Rejected), N_USERS as u64);
    }
}

#[test]
fn what_no_batch_can_carry_is_dropped_alone() {
    let server = FaultyServer::start(true, |_, batch| {
        let is_bad = batch.events.iter().any(|event| event.user_id.as_deref() == Some("user-5"));
        if is_bad { Deed::Refuse(v1::ErrorCode::Invalid, None) } else { Deed::Take }
    });
    let client = client(&server, &source());
    track_all(&client, "f");
    drain(&client);
    let account = client.account();
    assert_eq!(account.delivered, N_USERS as u64 - 1);
    assert_eq!(account.dropped.get(DropReason::Rejected), 1);
}
