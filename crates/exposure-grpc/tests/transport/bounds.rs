//! Bounds: past each the answer says so, and when to come again.

use std::time::Duration;

use bytes::Bytes;
use exposure_grpc::Settings;
use exposure_proto::v1;
use exposure_proto::v1::ingest_stream_response::Message;
use tonic::Code;
use tonic_types::StatusExt;

use crate::auth::call;
use crate::stream::begun;
use crate::world::{World, exposure, keyed, reason};

fn request(user: &str) -> v1::IngestRequest {
    v1::IngestRequest { events: vec![exposure(user, "f", Some("on"))], ..Default::default() }
}

#[tokio::test]
async fn connections_and_calls_are_bounded() {
    let settings = Settings {
        max_connections: 2,
        max_calls: 1,
        retry_after: Duration::from_millis(123),
        ..Settings::default()
    };
    let world = World::with(settings, exposure_service::Settings::default()).await;
    let (first, second, third) =
        (world.channel().await, world.channel().await, world.channel().await);
    let expect_exhausted = async |channel| {
        let status = call(channel, "UsageService/GetUsage", keyed(Bytes::new())).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(reason(&status), "RESOURCE_EXHAUSTED");
        let delay = status.get_details_retry_info().unwrap().retry_delay;
        assert_eq!(delay, Some(Duration::from_millis(123)));
    };
    expect_exhausted(&third).await;
    world.store.hold("slow");
    let mut client = v1::ingest_service_client::IngestServiceClient::new(first);
    let waiting = tokio::spawn(async move { client.ingest(keyed(request("slow"))).await });
    begun(&world, 1).await;
    expect_exhausted(&second).await;
    world.store.release("slow");
    waiting.await.unwrap().unwrap();
    call(&second, "UsageService/GetUsage", keyed(Bytes::new())).await.unwrap();
    // A place is free again once a connection is gone.
    drop(second);
    loop {
        let again = world.channel().await;
        match call(&again, "UsageService/GetUsage", keyed(Bytes::new())).await {
            Ok(_) => break,
            Err(status) => assert_eq!(status.code(), Code::ResourceExhausted),
        }
    }
}

#[tokio::test]
async fn a_call_ends_in_time() {
    let settings = Settings { call_timeout: Duration::from_millis(100), ..Settings::default() };
    let world = World::with(settings, exposure_service::Settings::default()).await;
    world.store.hold("slow");
    let channel = world.channel().await;
    let body = Bytes::from(prost::Message::encode_to_vec(&request("slow")));
    for timeout in [None, Some("1H")] {
        let mut request = keyed(body.clone());
        if let Some(timeout) = timeout {
            request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
        }
        let status = call(&channel, "IngestService/Ingest", request).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{timeout:?}: {status:?}");
    }
}

#[tokio::test]
async fn bytes_in_flight_are_bounded() {
    let service = exposure_service::Settings { max_in_flight_bytes: 48, ..Default::default() };
    let world = World::with(Settings::default(), service).await;
    world.store.hold("slow");
    let mut client = world.ingest().await;
    let mut other = client.clone();
    let waiting = tokio::spawn(async move { other.ingest(keyed(request("slow"))).await });
    begun(&world, 1).await;
    let mut long = request("u");
    long.library = Some("a-library-with-a-name/1.2.3".into());
    let status = client.ingest(keyed(long)).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::ResourceExhausted, "RESOURCE_EXHAUSTED".into())
    );
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    world.store.release("slow");
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_would_wait_is_refused_at_once() {
    let world = World::new().await;
    let mut stream = crate::stream::Client::open(&world).await;
    stream.credit().await;
    world.store.hold("slow");
    // More than is let in whatever it takes.
    let long = "u".repeat(1000);
    let users: Vec<&str> =
        std::iter::once("slow").chain(std::iter::repeat_n(long.as_str(), 4500)).collect();
    stream.send(1, &users).await;
    begun(&world, 1).await;
    for batch_id in 2..5 {
        stream.send(batch_id, &["u"]).await;
        let refusal = stream.refused().await;
        assert_eq!(refusal.batch_id, batch_id, "it waits for those before it");
        assert_eq!(refusal.code(), v1::ErrorCode::ResourceExhausted);
        assert_eq!(refusal.retry_delay_ms, Some(500));
        let mut client = world.ingest().await;
        let status = client.ingest(keyed(request("u"))).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        let delay = status.get_details_retry_info().unwrap().retry_delay;
        assert_eq!(delay, Some(Duration::from_millis(500)));
    }
    assert_eq!(world.store.begun.load(std::sync::atomic::Ordering::SeqCst), 1);
    world.store.release("slow");
    assert_eq!(stream.acknowledged().await, (1, users.len()));
    // Credit of what was refused came back, and there is room.
    for batch_id in 5..50 {
        stream.send(batch_id, &["u"]).await;
        loop {
            match stream.answer().await.unwrap().unwrap() {
                Message::Credit(_) => {}
                Message::Acknowledgement(it) => break assert_eq!(it.batch_id, batch_id),
                Message::Refusal(refusal) => panic!("{refusal:?}"),
            }
        }
        world.ingest().await.ingest(keyed(request("u"))).await.unwrap();
    }
}

#[tokio::test]
async fn bytes_on_their_way_are_bounded_and_given_back() {
    let settings = Settings { max_receiving_bytes: 4096, ..Settings::default() };
    let world = World::with(settings, exposure_service::Settings::default()).await;
    let mut client = world.ingest().await;
    let long = request(&"u".repeat(5000));
    let status = client.ingest(keyed(long)).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::ResourceExhausted, "RESOURCE_EXHAUSTED".into())
    );
    let mut stream = crate::stream::Client::open(&world).await;
    stream.credit().await;
    // Together more than the bound, one after the other within it.
    for batch_id in 0..12 {
        client.ingest(keyed(request(&"u".repeat(1000)))).await.unwrap();
        stream.send(batch_id, &["u".repeat(1000).as_str()]).await;
        assert_eq!(stream.acknowledged().await, (batch_id, 1));
    }
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn gzip_is_taken_and_given() {
    use tonic::codec::CompressionEncoding;
    let world = World::new().await;
    let client = world.ingest().await.send_compressed(CompressionEncoding::Gzip);
    let mut client = client.accept_compressed(CompressionEncoding::Gzip);
    let events = vec![exposure("u", "f", Some("on")); 100];
    let answer =
        client.ingest(keyed(v1::IngestRequest { events, ..Default::default() })).await.unwrap();
    assert_eq!(answer.metadata().get("grpc-encoding").unwrap(), "gzip");
    assert_eq!(answer.into_inner().outcomes.len(), 100);
}
