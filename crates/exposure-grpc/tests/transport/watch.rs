//! `WatchUserProperties`.

use std::time::Duration;

use exposure_proto::v1;
use exposure_proto::v1::property_service_client::PropertyServiceClient;
use exposure_proto::v1::watch_user_properties_response::Entry;
use exposure_service::Scope;
use tonic::{Code, Status, Streaming};

use crate::world::{World, exposure, field, keyed, reason, with_key};

type Feed = Streaming<v1::WatchUserPropertiesResponse>;

async fn watch(world: &World, request: v1::WatchUserPropertiesRequest) -> Result<Feed, Status> {
    let mut client = PropertyServiceClient::new(world.channel().await);
    Ok(client.watch_user_properties(keyed(request)).await?.into_inner())
}

async fn next(feed: &mut Feed) -> (bytes::Bytes, Entry) {
    let item = tokio::time::timeout(Duration::from_secs(10), feed.message()).await;
    let item = item.expect("an entry").unwrap().unwrap();
    (item.cursor, item.entry.unwrap())
}

fn change(entry: Entry) -> (String, String, Option<String>) {
    match entry {
        Entry::PropertyChange(change) => {
            assert_eq!(change.cause(), v1::ChangeCause::Write);
            (change.profile, change.flag_key, change.variant)
        }
        other => panic!("{other:?}"),
    }
}

fn changed(profile: &str, variant: Option<&str>) -> (String, String, Option<String>) {
    (profile.to_owned(), "f".to_owned(), variant.map(Into::into))
}

#[tokio::test]
async fn a_watch_begins_with_the_state_and_resumes_at_a_cursor() {
    let world = World::new().await;
    world.send(vec![exposure("a", "f", Some("on")), exposure("b", "f", Some("off"))]).await;
    let snapshot = v1::WatchUserPropertiesRequest { snapshot: true, ..Default::default() };
    let mut feed = watch(&world, snapshot).await.unwrap();
    let mut profiles = Vec::new();
    loop {
        match next(&mut feed).await {
            (cursor, Entry::SnapshotEntry(entry)) => {
                assert!(cursor.is_empty());
                profiles.push((entry.profile, entry.property.unwrap().variant));
            }
            (cursor, Entry::SnapshotDone(done)) => {
                assert!(!cursor.is_empty());
                assert_eq!(done.entry_count, 2);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    profiles.sort();
    assert_eq!(profiles, [("user:a".into(), "on".into()), ("user:b".into(), "off".into())]);

    world.send(vec![exposure("a", "f", Some("on")), exposure("a", "f", None)]).await;
    world.send(vec![exposure("b", "f", Some("on"))]).await;
    let (cursor, first) = next(&mut feed).await;
    assert_eq!(change(first), changed("user:a", None));
    assert_eq!(change(next(&mut feed).await.1), changed("user:b", Some("on")));

    let resume = v1::WatchUserPropertiesRequest { cursor: Some(cursor), ..Default::default() };
    let mut resumed = watch(&world, resume).await.unwrap();
    assert_eq!(change(next(&mut resumed).await.1), changed("user:b", Some("on")));

    let admin = world.handle.authenticate(crate::world::KEY).unwrap();
    world.handle.erase_user(&admin, "b").await.unwrap();
    for feed in [&mut feed, &mut resumed] {
        let (_, Entry::ProfileErased(erased)) = next(feed).await else { panic!() };
        assert_eq!(erased.profile, "user:b");
    }
}

#[tokio::test]
async fn a_watch_sees_its_own_project_alone_and_ends_with_its_key() {
    let world = World::new().await;
    world.project("other").await;
    let (_, other) = world.key_of("other", &Scope::ALL).await;
    let (id, key) = world.key_of("", &[Scope::Read]).await;
    let mut client = PropertyServiceClient::new(world.channel().await);
    let request = with_key(v1::WatchUserPropertiesRequest::default(), &key);
    let mut feed = client.watch_user_properties(request).await.unwrap().into_inner();
    let event =
        v1::IngestRequest { events: vec![exposure("x", "f", Some("on"))], ..Default::default() };
    world.ingest().await.ingest(with_key(event, &other)).await.unwrap();
    world.send(vec![exposure("a", "f", Some("on"))]).await;
    assert_eq!(change(next(&mut feed).await.1), changed("user:a", Some("on")));
    let admin = world.handle.authenticate(crate::world::KEY).unwrap();
    let id = exposure_store::KeyId(id.parse().unwrap());
    world.handle.revoke_api_key(&admin, id).await.unwrap();
    world.send(vec![exposure("a", "f", None)]).await;
    let status = feed.message().await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::Unauthenticated, "UNAUTHENTICATED".into()));
}

#[tokio::test]
async fn a_cursor_that_is_none_and_a_watch_too_many_are_refused() {
    let service = exposure_service::Settings { max_watches: 1, ..Default::default() };
    let world = World::with(exposure_grpc::Settings::default(), service).await;
    let cursor = Some(bytes::Bytes::from_static(b"nonsense"));
    let request = v1::WatchUserPropertiesRequest { cursor, ..Default::default() };
    let status = watch(&world, request).await.unwrap_err();
    assert_eq!((status.code(), field(&status).as_deref()), (Code::InvalidArgument, Some("cursor")));
    let first = watch(&world, v1::WatchUserPropertiesRequest::default()).await.unwrap();
    let status = watch(&world, v1::WatchUserPropertiesRequest::default()).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::ResourceExhausted, "RESOURCE_EXHAUSTED".into())
    );
    // A cancelled watch gives its place back.
    drop(first);
    while watch(&world, v1::WatchUserPropertiesRequest::default()).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_watch_that_is_not_read_is_not_filled() {
    let settings =
        exposure_grpc::Settings { stream_stall: Duration::from_millis(100), ..Default::default() };
    let world = World::with(settings, exposure_service::Settings::default()).await;
    let variants = ["x".repeat(1000), "y".repeat(1000)];
    let mut feed = watch(&world, v1::WatchUserPropertiesRequest::default()).await.unwrap();
    for round in 0..3 {
        let events = (0..2000).map(|n| exposure("a", "f", Some(&variants[(n + round) % 2])));
        let events = events
            .enumerate()
            .map(|(n, event)| v1::Event { sequence: n as i64, ..event })
            .collect();
        world.send(events).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut seen = 0;
    let status = loop {
        match feed.message().await {
            Ok(entry) => seen += usize::from(entry.is_some()),
            Err(status) => break status,
        }
    };
    assert!(seen < 6000, "all {seen} entries were kept for a client that did not read");
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::ResourceExhausted, "RESOURCE_EXHAUSTED".into())
    );
}
