use bytes::Bytes;
use exposure_core::{Admitted, Outcome};
use exposure_proto::answer::AnswerEncoder;
use exposure_proto::convert::{incoming, rules};
use exposure_proto::decode::{BodyRef, DecodeError, DecodeLimits, IngestRequestRef};
use exposure_service::{Caller, Handle, IngestRequest, Refused, ServiceError};

use super::account::reported;
use super::pool::BufferPool;
use crate::Settings;
use crate::error::undecodable;

/// From the bytes of a request to the bytes of its answer.
#[derive(Debug)]
pub(crate) struct Intake {
    handle: Handle,
    limits: DecodeLimits,
    pool: BufferPool,
}

/// What became of one message of a stream.
#[derive(Debug)]
pub(super) enum StreamOutcome {
    /// The encoded acknowledgement of a durable batch.
    Acknowledged(Bytes),
    /// The batch was refused as a whole.
    Refused { batch_id: i64, error: ServiceError },
    /// The message is none: nothing after it can be trusted.
    Undecodable(ServiceError),
}

impl Intake {
    pub(super) fn new(handle: Handle, settings: &Settings) -> Self {
        let limits = DecodeLimits {
            max_events: handle.settings().max_batch_events,
            max_writes: settings.max_batch_writes,
        };
        Self { handle, limits, pool: BufferPool::default() }
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Answers an encoded `IngestRequest` with an encoded `IngestResponse`, which is to be ended.
    pub(crate) async fn unary(
        &self,
        caller: &Caller,
        message: &Bytes,
    ) -> Result<AnswerEncoder, ServiceError> {
        let request =
            self.pool.take().decode(message, self.limits).map_err(|error| undecodable(&error))?;
        let answer = AnswerEncoder::response(request.events.len());
        let answer = self.store(caller, &request, message.len(), answer).await;
        self.pool.give_back(request.recycle());
        answer
    }

    /// Answers an encoded `IngestStreamRequest` with an encoded acknowledgement.
    pub(super) async fn streamed(&self, caller: &Caller, message: &Bytes) -> StreamOutcome {
        let request = match self.pool.take().decode_stream(message, self.limits) {
            Ok(request) => request,
            Err(error) => return Self::undecoded(message, &error),
        };
        let batch_id = request.batch_id;
        if !request.has_batch {
            let error = ServiceError::missing("batch", "`batch` is missing; send one, if empty");
            return StreamOutcome::Refused { batch_id, error };
        }
        let answer = AnswerEncoder::acknowledgement(batch_id, request.batch.events.len());
        let answer = self.store(caller, &request.batch, message.len(), answer).await;
        self.pool.give_back(request.batch.recycle());
        match answer {
            Ok(acknowledgement) => StreamOutcome::Acknowledged(acknowledgement.finish()),
            Err(error) => StreamOutcome::Refused { batch_id, error },
        }
    }

    /// Refuses a message of a stream under its id, with nothing else of it looked at.
    pub(super) fn refuse(message: &Bytes, error: ServiceError) -> StreamOutcome {
        match prost::Message::decode(&**message) {
            Ok(BatchId { batch_id }) => StreamOutcome::Refused { batch_id, error },
            Err(_) => StreamOutcome::Undecodable(ServiceError::invalid(
                "batch_id",
                "the request is no message",
            )),
        }
    }

    /// A batch that is too large is refused under its id; anything else ends the stream.
    fn undecoded(message: &Bytes, error: &DecodeError) -> StreamOutcome {
        let too_large = error.code() == exposure_core::ErrorCode::BatchTooLarge;
        match prost::Message::decode(&**message) {
            Ok(BatchId { batch_id }) if too_large => {
                StreamOutcome::Refused { batch_id, error: undecodable(error) }
            }
            Ok(_) | Err(_) => StreamOutcome::Undecodable(undecodable(error)),
        }
    }

    async fn store(
        &self,
        caller: &Caller,
        request: &IngestRequestRef<'_>,
        n_bytes: usize,
        mut answer: AnswerEncoder,
    ) -> Result<AnswerEncoder, ServiceError> {
        let ingest = rules_of(request, n_bytes)?;
        if let Some(account) = &request.client_account {
            self.handle.report_account(caller, ingest.library, &reported(account))?;
        }
        let events = request.events.iter().map(|event| {
            incoming(request, event).map_err(|rejection| Refused {
                user_id: event.user_id.unwrap_or_default(),
                device_id: event.device_id.unwrap_or_default(),
                event: match event.body {
                    BodyRef::Unread(unread) => unread.event.unwrap_or_default(),
                    _ => &[],
                },
                ..Refused::from(rejection)
            })
        });
        let receipt = self.handle.ingest(caller, &ingest, events).await?;
        for (outcome, event) in receipt.iter() {
            push(&mut answer, outcome, event);
        }
        Ok(answer)
    }
}

/// What holds for all events of a request; an option out of bounds is named.
fn rules_of<'a>(
    request: &IngestRequestRef<'a>,
    n_bytes: usize,
) -> Result<IngestRequest<'a>, ServiceError> {
    let library = request.library.unwrap_or_default();
    let native = IngestRequest { library, bytes: n_bytes, ..IngestRequest::default() };
    let Some(options) = &request.import_options else { return Ok(native) };
    // Whether the time of receipt lies in the future is for the service to say, which
    // holds the clock.
    let latest = options.received_us.unwrap_or(i64::MAX);
    let rules = rules(Some(options), exposure_core::Timestamp::from_micros(latest))?;
    Ok(IngestRequest {
        dialect: rules.dialect,
        min_id_chars: options.min_id_length.map(|_| rules.min_id_chars),
        received: options.received_us.map(|_| rules.received),
        is_import: true,
        ..native
    })
}

#[inline]
fn push(answer: &mut AnswerEncoder, outcome: &Outcome, event: Option<&Admitted<'_>>) {
    // An event's writes, its own first: an iterator that can be cloned, because the encoder
    // measures before it writes.
    let own = event.and_then(Admitted::own_write);
    let extra = event.map_or(&[][..], |event| &event.extra);
    let writes = own.into_iter().chain(extra.iter().copied());
    answer.push(outcome, writes.map(|write| write.flag.as_str()));
}

/// Of an `IngestStreamRequest` the id alone.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
struct BatchId {
    #[prost(int64, tag = "1")]
    batch_id: i64,
}
