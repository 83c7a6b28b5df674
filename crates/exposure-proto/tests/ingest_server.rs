//! The server over bytes, called by the generated client without a socket.

use std::pin::Pin;

use bytes::Bytes;
use exposure_core::{Admission, Dialect, Effect, Effects, Outcome, Rules, Timestamp, admit};
use exposure_proto::answer::{self, AnswerEncoder};
use exposure_proto::convert::incoming;
use exposure_proto::decode::{DecodeLimits, IngestRequestRef, IngestStreamRequestRef};
use exposure_proto::ingest_server::{IngestBytes, IngestServer};
use exposure_proto::v1;
use exposure_proto::v1::event_outcome::Result as WireResult;
use exposure_proto::v1::ingest_service_client::IngestServiceClient;
use exposure_proto::v1::ingest_stream_response::Message as StreamMessage;
use prost::Message;
use tokio_stream::{Stream, StreamExt};
use tonic::codegen::async_trait;
use tonic::{Code, Request, Response, Status, Streaming};

/// Admits by the rules and keeps nothing.
struct Forgetful;

fn judge(request: &IngestRequestRef<'_>, mut answer: AnswerEncoder) -> Bytes {
    let rules = Rules::new(Dialect::Native, Timestamp::from_micros(1_760_000_000_000_000));
    for event in &request.events {
        let event = incoming(request, event);
        match event.and_then(|event| admit(&event, &rules)) {
            Ok(Admission::Event(event)) => {
                let mut effects = Effects::default();
                event.writes().for_each(|_| effects.push(Effect::Set));
                let outcome = Outcome::Accepted { effects, notes: event.notes };
                let flags: Vec<&str> = event.writes().map(|write| write.flag.as_str()).collect();
                answer.push(&outcome, flags.iter().copied());
            }
            Ok(Admission::Ignored) => {
                let notes = exposure_core::Notes::default();
                answer.push(&Outcome::Accepted { effects: Effects::None, notes }, [].into_iter());
            }
            Err(rejection) => answer.push(&Outcome::Rejected(rejection), [].into_iter()),
        }
    }
    answer.finish()
}

#[async_trait]
impl IngestBytes for Forgetful {
    type Answers = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

    async fn ingest(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
        let bytes = request.into_inner();
        let request = IngestRequestRef::decode(&bytes, DecodeLimits::default())
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        Ok(Response::new(judge(&request, AnswerEncoder::response(request.events.len()))))
    }

    async fn ingest_stream(
        &self,
        requests: Request<Streaming<Bytes>>,
    ) -> Result<Response<Self::Answers>, Status> {
        let acknowledgements = requests.into_inner().map(|bytes| {
            let bytes = bytes?;
            let message = IngestStreamRequestRef::decode(&bytes, DecodeLimits::default())
                .map_err(|error| Status::invalid_argument(error.to_string()))?;
            let n_events = message.batch.events.len();
            let answer = AnswerEncoder::acknowledgement(message.batch_id, n_events);
            Ok(judge(&message.batch, answer))
        });
        let credit = tokio_stream::once(Ok(answer::credit(4)));
        Ok(Response::new(Box::pin(credit.chain(acknowledgements))))
    }
}

fn exposure(user_id: &str, flag_key: &str) -> v1::Event {
    v1::Event {
        user_id: Some(user_id.into()),
        body: Some(v1::event::Body::Exposure(v1::Exposure {
            flag_key: Some(flag_key.into()),
            variant: Some("on".into()),
            ..Default::default()
        })),
        ..Default::default()
    }
}

fn request(events: Vec<v1::Event>) -> v1::IngestRequest {
    v1::IngestRequest { events, ..Default::default() }
}

#[tokio::test]
async fn a_batch_is_answered_in_order() {
    let mut client = IngestServiceClient::new(IngestServer::new(Forgetful));
    let events = vec![exposure("u", "checkout"), exposure("null", "checkout")];
    let response = client.ingest(request(events)).await.unwrap().into_inner();
    let [first, second] = response.outcomes.as_slice() else { panic!("{response:?}") };
    let Some(WireResult::Accepted(accepted)) = &first.result else { panic!("{first:?}") };
    assert_eq!(accepted.effects[0].flag_key, "checkout");
    assert_eq!(accepted.notes().collect::<Vec<_>>(), [v1::Note::TimeMissing]);
    let Some(WireResult::Rejected(rejected)) = &second.result else { panic!("{second:?}") };
    assert_eq!((rejected.code(), &*rejected.field), (v1::ErrorCode::Invalid, "user_id"));
}

#[tokio::test]
async fn a_stream_is_granted_credit_and_acknowledged_in_order() {
    let mut client = IngestServiceClient::new(IngestServer::new(Forgetful));
    let batches = (1..=3).map(|batch_id| v1::IngestStreamRequest {
        batch_id,
        batch: Some(request(vec![exposure("u", "checkout"); batch_id as usize])),
    });
    let answers = client.ingest_stream(tokio_stream::iter(batches)).await.unwrap().into_inner();
    let answers: Vec<_> = answers.map(|answer| answer.unwrap().message.unwrap()).collect().await;
    let seen: Vec<_> = answers
        .iter()
        .map(|answer| match answer {
            StreamMessage::Credit(credit) => (0, credit.batch_count as usize),
            StreamMessage::Acknowledgement(ack) => (ack.batch_id, ack.outcomes.len()),
            StreamMessage::Refusal(refusal) => panic!("{refusal:?}"),
        })
        .collect();
    assert_eq!(seen, [(0, 4), (1, 1), (2, 2), (3, 3)]);
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused() {
    let server = IngestServer::new(Forgetful).max_request_bytes(64);
    let mut client = IngestServiceClient::new(server);
    let error = client.ingest(request(vec![exposure(&"u".repeat(80), "f")])).await.unwrap_err();
    assert_eq!(error.code(), Code::OutOfRange);
    assert!(client.ingest(request(vec![exposure("u", "f")])).await.is_ok());
}

#[tokio::test]
async fn another_method_is_unimplemented() {
    use tonic::codegen::Service;
    let request = tonic::codegen::http::Request::builder()
        .uri("/exposure.v1.IngestService/Nothing")
        .body(tonic::body::Body::default())
        .unwrap();
    let response = IngestServer::new(Forgetful).call(request).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "12");
}

#[test]
fn the_descriptor_set_names_every_service() {
    let set = exposure_proto::FILE_DESCRIPTOR_SET;
    let set = prost_types::FileDescriptorSet::decode(set).unwrap();
    let mut services: Vec<_> = set
        .file
        .iter()
        .flat_map(|file| &file.service)
        .map(prost_types::ServiceDescriptorProto::name)
        .collect();
    services.sort_unstable();
    assert_eq!(
        services,
        [
            "AdminService",
            "ExposureQueryService",
            "IngestService",
            "PropertyService",
            "UsageService"
        ]
    );
    assert!(set.file.iter().all(|file| file.source_code_info.is_none()));
}
