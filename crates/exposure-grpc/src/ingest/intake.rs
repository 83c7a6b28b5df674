use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use exposure_core::{Admitted, ErrorCode, Outcome};
use exposure_proto::answer::AnswerEncoder;
use exposure_proto::convert::{incoming, rules};
use exposure_proto::decode::{BodyRef, DecodeError, DecodeLimits, IngestRequestRef};
use exposure_service::{Caller, Handle, IngestRequest, Prepared, Receipt, Refused, ServiceError};

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
        let too_large = error.code() == ErrorCode::BatchTooLarge;
        match prost::Message::decode(&**message) {
            Ok(BatchId { batch_id }) if too_large => {
                StreamOutcome::Refused { batch_id, error: undecodable(error) }
            }
            Ok(_) | Err(_) => StreamOutcome::Undecodable(undecodable(error)),
        }
    }

    /// Answers encoded `IngestRequest`s of one caller, each with an encoded `IngestResponse` behind
    /// the prefix of a message, as [`Self::unary`] does with each alone.
    ///
    /// A mistake of the server in one of them is none of the others'.
    pub(crate) async fn unary_together(
        &self,
        caller: &Caller,
        messages: &[Bytes],
    ) -> Vec<Result<Bytes, ServiceError>> {
        let decoded = messages.iter().map(|message| {
            alone(|| {
                let buffers = self.pool.take();
                buffers.decode(message, self.limits).map_err(|error| undecodable(&error))
            })
        });
        let requests: Vec<_> = decoded.collect();
        let mut prepared = Vec::with_capacity(requests.len());
        let mut refused = Vec::with_capacity(requests.len());
        for (request, message) in requests.iter().zip(messages) {
            let request = request.as_ref().map_err(Clone::clone);
            let request =
                request.and_then(|request| alone(|| self.prepare(caller, request, message.len())));
            refused.push(request.map(|request| prepared.push(request)).err());
        }
        let mut receipts = self.handle.commit_together(prepared).await.into_iter();
        let mut answers = Vec::with_capacity(requests.len());
        for error in refused {
            answers.push(match error {
                Some(error) => Err(error),
                None => receipts.next().unwrap_or_else(|| Err(broken())).map(|receipt| {
                    let answer = AnswerEncoder::response(receipt.len());
                    written(answer, &receipt).finish_framed()
                }),
            });
        }
        drop(receipts);
        for request in requests.into_iter().flatten() {
            self.pool.give_back(request.recycle());
        }
        answers
    }

    async fn store(
        &self,
        caller: &Caller,
        request: &IngestRequestRef<'_>,
        n_bytes: usize,
        answer: AnswerEncoder,
    ) -> Result<AnswerEncoder, ServiceError> {
        let prepared = self.prepare(caller, request, n_bytes)?;
        let receipt = self.handle.commit(prepared).await?;
        Ok(written(answer, &receipt))
    }

    fn prepare<'a>(
        &self,
        caller: &Caller,
        request: &'a IngestRequestRef<'a>,
        n_bytes: usize,
    ) -> Result<Prepared<'a>, ServiceError> {
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
        self.handle.prepare(caller, &ingest, events)
    }
}

/// Does a part of the work on one request among several.
fn alone<T>(work: impl FnOnce() -> Result<T, ServiceError>) -> Result<T, ServiceError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(broken()))
}

fn broken() -> ServiceError {
    ServiceError::new(ErrorCode::Internal, "the call ended by a mistake of the server")
}

fn written(mut answer: AnswerEncoder, receipt: &Receipt<'_>) -> AnswerEncoder {
    for (outcome, event) in receipt.iter() {
        push(&mut answer, outcome, event);
    }
    answer
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
