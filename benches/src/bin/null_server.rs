//! A server that decodes what it is sent and acknowledges it, and does nothing else: what the
//! transport and the decoder could do if storing took no time.
//!
//! `null_server 127.0.0.1:7080`, and then
//! `exposure load --server http://127.0.0.1:7080 --api-key none --unchecked …`

use std::pin::Pin;

use bytes::Bytes;
use exposure_core::{Effect, Effects, Notes, Outcome};
use exposure_proto::answer::{AnswerEncoder, credit};
use exposure_proto::decode::{BodyRef, DecodeLimits, IngestRequestRef, IngestStreamRequestRef};
use exposure_proto::ingest_server::{IngestBytes, IngestServer};
use futures::{Stream, StreamExt as _};
use tonic::codegen::async_trait;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// Acknowledges everything.
#[derive(Clone, Copy, Debug)]
struct Null;

/// Batches of a stream that may be unanswered.
const CREDIT: i32 = 32;

fn answer(request: &IngestRequestRef<'_>, mut answer: AnswerEncoder) -> Bytes {
    let set = Outcome::Accepted { effects: Effects::One(Effect::Set), notes: Notes::default() };
    for event in &request.events {
        let flag_key = match &event.body {
            BodyRef::Exposure(exposure) => exposure.flag_key.unwrap_or_default(),
            _ => "",
        };
        answer.push(&set, [flag_key].into_iter());
    }
    answer.finish()
}

fn streamed(message: &[u8]) -> Result<Bytes, Status> {
    let message = IngestStreamRequestRef::decode(message, DecodeLimits::default())
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
    let n_events = message.batch.events.len();
    let acknowledgement = AnswerEncoder::acknowledgement(message.batch_id, n_events);
    Ok(answer(&message.batch, acknowledgement))
}

#[async_trait]
impl IngestBytes for Null {
    type Answers = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

    async fn ingest(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
        let message = request.into_inner();
        let request = IngestRequestRef::decode(&message, DecodeLimits::default())
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let response = AnswerEncoder::response(request.events.len());
        Ok(Response::new(answer(&request, response)))
    }

    async fn ingest_stream(
        &self,
        requests: Request<Streaming<Bytes>>,
    ) -> Result<Response<Self::Answers>, Status> {
        let answers = requests.into_inner().flat_map(|message| {
            let answer = message.and_then(|message| streamed(&message));
            futures::stream::iter([answer, Ok(credit(1))])
        });
        let answers = futures::stream::iter([Ok(credit(CREDIT))]).chain(answers);
        Ok(Response::new(Box::pin(answers)))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7080".to_owned());
    let ingest = IngestServer::new(Null).max_request_bytes(16 << 20);
    // The windows of the real server.
    Server::builder()
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .add_service(ingest)
        .serve(address.parse()?)
        .await?;
    Ok(())
}
