//! Stopping: health first, then what was received is finished.

use bytes::Bytes;
use exposure_proto::v1;
use exposure_proto::v1::ingest_stream_response::Message;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::Code;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::stream::{Client, begun};
use crate::world::{World, exposure, keyed, reason};

#[tokio::test]
async fn what_was_received_is_finished() {
    let mut world = World::new().await;
    let mut stream = Client::open(&world).await;
    stream.credit().await;
    let mut watch = v1::property_service_client::PropertyServiceClient::new(world.channel().await)
        .watch_user_properties(keyed(v1::WatchUserPropertiesRequest {
            snapshot: true,
            ..Default::default()
        }))
        .await
        .unwrap()
        .into_inner();
    watch.message().await.unwrap().unwrap();
    let mut health = HealthClient::new(world.channel().await);
    let mut health = health
        .watch(HealthCheckRequest { service: "exposure.v1.IngestService".into() })
        .await
        .unwrap()
        .into_inner();
    let serving = health.message().await.unwrap().unwrap();
    assert_eq!(serving.status(), ServingStatus::Serving);

    world.store.hold("slow");
    let mut client = world.ingest().await;
    let unary = tokio::spawn(async move {
        let events = vec![exposure("slow", "f", Some("on"))];
        client.ingest(keyed(v1::IngestRequest { events, ..Default::default() })).await
    });
    stream.send(1, &["slow"]).await;
    begun(&world, 2).await;

    world.stop();
    let stopping = health.message().await.unwrap().unwrap();
    assert_eq!(stopping.status(), ServingStatus::NotServing);
    let status = watch.message().await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::Unavailable, "UNAVAILABLE".into()));
    world.store.release("slow");
    assert_eq!(unary.await.unwrap().unwrap().into_inner().outcomes.len(), 1);
    let Some(Message::Acknowledgement(ack)) = stream.answer().await.unwrap() else { panic!() };
    assert_eq!(ack.batch_id, 1);
    let status = stream.answer().await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::Unavailable, "UNAVAILABLE".into()));
    world.stopped().await;
}

#[tokio::test]
async fn a_call_that_never_ends_is_cut_off() {
    let settings = exposure_grpc::Settings {
        drain_timeout: std::time::Duration::from_millis(50),
        ..Default::default()
    };
    let mut world = World::with(settings, exposure_service::Settings::default()).await;
    world.store.hold("slow");
    let mut client = world.ingest().await;
    let unary = tokio::spawn(async move {
        let events = vec![exposure("slow", "f", Some("on"))];
        client.ingest(keyed(v1::IngestRequest { events, ..Default::default() })).await
    });
    begun(&world, 1).await;
    world.stop();
    world.stopped().await;
    unary.abort();
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let settings = exposure_grpc::Settings {
        keepalive_interval: std::time::Duration::from_millis(20),
        keepalive_timeout: std::time::Duration::from_millis(20),
        ..Default::default()
    };
    let world = World::with(settings, exposure_service::Settings::default()).await;
    // Its client answers when it is asked.
    let channel = world.channel().await;
    let mut silent = world.pipe();
    silent.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut said = Vec::new();
    silent.read_to_end(&mut said).await.unwrap();
    let ping = b"\0\0\x08\x06\0\0\0\0\0";
    assert!(said.windows(ping.len()).any(|frame| frame == ping), "{said:?}");
    let check = HealthCheckRequest::default();
    HealthClient::new(channel).check(check).await.unwrap();
}

#[tokio::test]
async fn health_and_reflection_need_no_key() {
    let world = World::new().await;
    let channel = world.channel().await;
    let mut health = HealthClient::new(channel.clone());
    let mut check = async |service: &str| {
        let request = HealthCheckRequest { service: service.into() };
        health.check(request).await.map(|answer| answer.into_inner().status())
    };
    for service in ["", "exposure.v1.IngestService", "exposure.v1.AdminService"] {
        assert_eq!(check(service).await.unwrap(), ServingStatus::Serving);
    }
    assert_eq!(check("nothing").await.unwrap_err().code(), Code::NotFound);
    world.health.not_serving().await;
    assert_eq!(check("").await.unwrap(), ServingStatus::NotServing);

    // `list_services`, by hand: the client of reflection is not generated here.
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let path =
        PathAndQuery::from_static("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
    let request = tokio_stream::once(Bytes::from_static(b"\x3a\x01*"));
    let request = tonic::Request::new(request);
    let codec = exposure_proto::codec::RawBytes;
    let answer = grpc.streaming(request, path, codec).await.unwrap().into_inner().message().await;
    let answer = answer.unwrap().unwrap();
    let text = String::from_utf8_lossy(&answer);
    for service in ["IngestService", "PropertyService", "ExposureQueryService", "UsageService"] {
        assert!(text.contains(&format!("exposure.v1.{service}")), "{text}");
    }
}
