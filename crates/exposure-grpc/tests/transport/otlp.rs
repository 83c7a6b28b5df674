//! What exporters of OpenTelemetry send over gRPC, and what they are answered.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use exposure_core::ErrorCode;
use exposure_grpc::Settings;
use exposure_proto::codec::RawBytes;
use exposure_service::{Page, ProfileRef, Scope, Sender};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message as _;
use serde_json::{Value, json};
use tonic::codec::CompressionEncoding;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use crate::world::{KEY, World, keyed, reason, with_key};

fn capture(name: &str) -> Value {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures");
    serde_json::from_slice(&fs::read(captures.join(name)).unwrap()).unwrap()
}

/// The message of a recorded call, byte for byte.
fn message(name: &str) -> Vec<u8> {
    let request = &capture(name)["requests"][0];
    let bytes = request["raw_b64"].as_str().or(request["body"]["raw_b64"].as_str()).unwrap();
    BASE64_STANDARD.decode(bytes).unwrap()
}

/// An evaluation of flag `f`.
fn evaluation(user_id: Option<&str>, variant: &str) -> LogRecord {
    let attribute = |(key, value): (&str, &str)| KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(Any::StringValue(value.into())) }),
        key_strindex: 0,
    };
    let attributes = [("feature_flag.key", "f"), ("feature_flag.result.variant", variant)];
    let user = user_id.map(|user_id| ("feature_flag.context.id", user_id));
    LogRecord {
        time_unix_nano: 1_780_272_000_000_000_000,
        event_name: "feature_flag.evaluation".into(),
        attributes: attributes.into_iter().chain(user).map(attribute).collect(),
        ..LogRecord::default()
    }
}

fn logs(log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }],
    }
}

/// A user's properties, as the server shows them.
async fn properties(world: &World, user_id: &str) -> Value {
    let caller = world.handle.authenticate(KEY).unwrap();
    let whom = ProfileRef { user_id: Some(user_id), device_id: None };
    let (found, _) = world.handle.properties(&caller, whom).await.unwrap();
    found
        .properties
        .iter()
        .map(|property| (property.name(), property.variant.to_string()))
        .collect()
}

const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Sends a message as the bytes it is.
async fn export(channel: &Channel, path: &'static str, message: Vec<u8>) -> Result<Bytes, Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone())
        .send_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Gzip);
    grpc.ready().await.unwrap();
    let (request, path) = (keyed(Bytes::from(message)), PathAndQuery::from_static(path));
    grpc.unary(request, path, RawBytes).await.map(Response::into_inner)
}

#[tokio::test]
async fn recorded_exports_are_stored_once() {
    let world = World::new().await;
    let channel = world.channel().await;
    for _ in 0..2 {
        let message = message("openfeature-js-otlp-logs-grpc.json");
        let answer = export(&channel, LOGS, message).await.unwrap();
        // One of its evaluations names nobody.
        let told = ExportLogsServiceResponse::decode(answer).unwrap().partial_success.unwrap();
        assert_eq!(told.rejected_log_records, 1);
        assert!(told.error_message.contains("`user_id` is missing"), "{}", told.error_message);
    }
    let expected = capture("expected/openfeature-js-otlp-logs-grpc.json");
    let user_id = expected["exposures"][0]["user_id"].as_str().unwrap();
    assert_eq!(
        properties(&world, user_id).await,
        json!({"[Experiment] checkout-button": "treatment", "[Experiment] pricing-page": "on", "[Experiment] obj-flag": "big"})
    );
    let caller = world.handle.authenticate(KEY).unwrap();
    let senders = world.handle.senders(&caller, &Page::default()).await.unwrap().items;
    let [Sender { sent: sender, .. }] = &senders[..] else { panic!("{senders:?}") };
    assert_eq!(&*sender.library, "@openfeature/open-telemetry-hooks/1.0.0");
    assert_eq!((sender.accepted, sender.duplicates), (3, 3));
    assert_eq!(sender.rejected, [(ErrorCode::Missing, 2)]);

    let message = message("openfeature-python-otlp-spanevents-proto.json");
    let answer = export(&channel, TRACES, message).await.unwrap();
    let told = ExportTraceServiceResponse::decode(answer).unwrap().partial_success.unwrap();
    assert_eq!(told.rejected_spans, 1);
    let expected = capture("expected/openfeature-python-otlp-spanevents-proto.json");
    let user_id = expected["exposures"][0]["user_id"].as_str().unwrap();
    assert_eq!(
        properties(&world, user_id).await,
        json!({"[Experiment] checkout-button": "treatment", "[Experiment] pricing-page": "on"})
    );
    let spans = ExportTraceServiceRequest::default();
    let answer = TraceServiceClient::new(channel).export(keyed(spans)).await.unwrap();
    assert_eq!(answer.into_inner().partial_success, None);
}

#[tokio::test]
async fn all_is_well_is_told_by_telling_nothing() {
    let world = World::new().await;
    let mut client = LogsServiceClient::new(world.channel().await);
    let other = LogRecord { event_name: "exception".into(), ..LogRecord::default() };
    for request in [
        ExportLogsServiceRequest::default(),
        logs(vec![other.clone()]),
        logs(vec![evaluation(Some("u"), "on"), other]),
    ] {
        let answer = client.export(keyed(request)).await.unwrap().into_inner();
        assert_eq!(answer.partial_success, None);
    }
    assert_eq!(properties(&world, "u").await, json!({"[Experiment] f": "on"}));
}

#[tokio::test]
async fn who_may_not_send_is_told_so() {
    let world = World::new().await;
    let mut client = LogsServiceClient::new(world.channel().await);
    let request = || logs(vec![evaluation(Some("u"), "on")]);

    let status = client.export(Request::new(request())).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::Unauthenticated, "UNAUTHENTICATED"));
    let status = client.export(with_key(request(), "no-key-of-anyone")).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::Unauthenticated, "UNAUTHENTICATED"));
    let read = world.key(&[Scope::Read]).await;
    let status = client.export(with_key(request(), &read)).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::PermissionDenied, "PERMISSION_DENIED"));

    let mut other_header = Request::new(request());
    let ingest = world.key(&[Scope::Ingest]).await;
    other_header.metadata_mut().insert("x-api-key", ingest.parse().unwrap());
    assert!(client.export(other_header).await.is_ok());
}

#[tokio::test]
async fn bounds_say_whether_to_come_again() {
    let settings = Settings { max_message_bytes: 4096, ..Settings::default() };
    let service = exposure_service::Settings {
        max_batch_events: 2,
        max_in_flight_bytes: 4096,
        ..exposure_service::Settings::default()
    };
    let world = World::with(settings, service).await;
    let mut client = LogsServiceClient::new(world.channel().await);
    // What is too large now is too large for ever.
    let long = "x".repeat(5000);
    let status = client.export(keyed(logs(vec![evaluation(Some(&long), "on")]))).await;
    let status = status.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "BATCH_TOO_LARGE"));
    let three = (0..3).map(|n| evaluation(Some(&format!("u{n}")), "on")).collect();
    let status = client.export(keyed(logs(three))).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "BATCH_TOO_LARGE"));
    assert!(status.get_details_retry_info().is_none());

    // What there is no room for now has room later.
    world.store.hold("slow");
    let mut first = client.clone();
    let padding = evaluation(Some("slow"), &"v".repeat(1000));
    let waiting = {
        let request = logs(vec![padding.clone(), padding.clone()]);
        tokio::spawn(async move { first.export(keyed(request)).await })
    };
    crate::stream::begun(&world, 1).await;
    let request = logs(vec![padding.clone(), padding]);
    let refused = client.export(keyed(request.clone())).await.unwrap_err();
    assert_eq!(
        (refused.code(), &*reason(&refused)),
        (Code::ResourceExhausted, "RESOURCE_EXHAUSTED")
    );
    assert!(refused.get_details_retry_info().unwrap().retry_delay.is_some());
    world.store.release("slow");
    assert!(waiting.await.unwrap().is_ok());
    assert!(client.export(keyed(request)).await.is_ok());
}

#[tokio::test]
async fn bytes_that_are_no_message_are_refused() {
    let world = World::new().await;
    let channel = world.channel().await;
    for path in [LOGS, TRACES] {
        let status = export(&channel, path, b"\x0a\x05\x12".to_vec()).await.unwrap_err();
        assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "INVALID"));
        assert!(status.message().contains("past the end of the message at byte 2"), "{status:?}");
    }
    for path in [
        "/opentelemetry.proto.collector.logs.v1.LogsService/Other",
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    ] {
        let status = export(&channel, path, Vec::new()).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{path}");
    }
}

/// Exporters drop what is answered `INTERNAL`: a fault of ours must not lose their events.
#[tokio::test]
async fn a_fault_is_one_to_come_again_after() {
    let world = World::new().await;
    let mut client = LogsServiceClient::new(world.channel().await);
    let fault = exposure_store::Error::Corrupt { file: "log".into(), what: "test".into() };
    world.store.fail_with(Some(fault));
    let status = client.export(keyed(logs(vec![evaluation(Some("u"), "on")]))).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::Unavailable, "UNAVAILABLE"));
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    world.store.fail_with(None);
    client.export(keyed(logs(vec![evaluation(Some("u"), "on")]))).await.unwrap();
    assert_eq!(properties(&world, "u").await, json!({"[Experiment] f": "on"}));
}
