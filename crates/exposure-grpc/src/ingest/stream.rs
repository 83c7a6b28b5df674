use std::sync::Arc;

use bytes::Bytes;
use exposure_core::ErrorCode;
use exposure_proto::answer::{credit, refusal};
use exposure_service::{Caller, Scope, ServiceError};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tonic::{Code, Status, Streaming};

use super::credit::Credit;
use super::hands::Hands;
use super::intake::{Intake, StreamOutcome};
use crate::Settings;
use crate::auth::authenticate;
use crate::deadline::wait_for;
use crate::drain::Drain;
use crate::error::{draining, explained, late, stalled, status};
use crate::meter::RefusalMeter;
use crate::outgoing::{Answers, Outgoing, Unsent, outgoing};
use crate::receiving::Held;

/// One `IngestStream`: reads batches as long as the client has credit, stores several at once,
/// and answers them in the order in which they came.
#[derive(Debug)]
pub(super) struct IngestStream {
    intake: Arc<Intake>,
    hands: Hands,
    refused: RefusalMeter,
    key: String,
    credit: Credit,
    drain: Drain,
    deadline: Option<Instant>,
}

/// Why a stream reads no further.
#[derive(Debug)]
enum End {
    /// The client has sent all: what is under way is answered.
    HalfClosed,
    /// Something is wrong from here on: what came before is answered, then the status.
    After(Status),
    /// A batch in the middle failed, or the client is gone: nothing more is answered, though
    /// what is under way is stored.
    Now(Option<Status>),
}

impl IngestStream {
    pub(super) fn new(
        intake: Arc<Intake>,
        hands: Hands,
        refused: RefusalMeter,
        key: String,
        settings: &Settings,
        drain: Drain,
        deadline: Option<Instant>,
    ) -> Self {
        let credit = Credit::new(settings.stream_credit);
        Self { intake, hands, refused, key, credit, drain, deadline }
    }

    /// Runs beside the connection, so that reading from it and storing share no thread.
    pub(super) fn spawn(
        self,
        requests: Streaming<Bytes>,
        held: Option<Held>,
        settings: &Settings,
        permit: OwnedSemaphorePermit,
    ) -> Answers<Bytes> {
        // Room for an answer to each batch, and for the credit that goes with them.
        let n_answers = self.credit.window() as usize + 3;
        let (outgoing, answers) = outgoing(n_answers, settings.stream_stall);
        tokio::spawn(async move {
            self.run(requests, held, outgoing).await;
            drop(permit);
        });
        answers
    }

    async fn run(
        mut self,
        requests: Streaming<Bytes>,
        held: Option<Held>,
        outgoing: Outgoing<Bytes>,
    ) {
        let first = credit(self.credit.window() as i32);
        let end = match outgoing.send(first).await {
            Ok(()) => self.take_in(requests, held, &outgoing).await,
            Err(unsent) => ended(unsent),
        };
        outgoing.end(match end {
            End::HalfClosed => None,
            End::After(status) => Some(status),
            End::Now(status) => status,
        });
    }

    async fn take_in(
        &mut self,
        mut requests: Streaming<Bytes>,
        held: Option<Held>,
        outgoing: &Outgoing<Bytes>,
    ) -> End {
        let mut drain = self.drain.clone();
        let deadline = wait_for(self.deadline);
        tokio::pin!(deadline);
        // Batches are begun in the order in which they came, and answered in that order.
        let mut under_way = FuturesOrdered::new();
        let mut end = loop {
            tokio::select! {
                biased;
                () = outgoing.gone() => break End::Now(None),
                () = &mut deadline => break End::Now(Some(late())),
                Some(outcome) = under_way.next() => {
                    if let Err(end) = self.answer(outcome, outgoing).await {
                        break end;
                    }
                }
                () = drain.wait() => break End::After(draining()),
                message = requests.message() => match message {
                    Ok(Some(message)) => match self.admit() {
                        Ok(caller) => {
                            if let Some(held) = &held {
                                held.release();
                            }
                            let came = Instant::now();
                            match self.intake.handle().arrive(message.len()) {
                                Ok(arrival) => {
                                    let (intake, hands) = (Arc::clone(&self.intake), self.hands.clone());
                                    under_way.push_back(async move {
                                        let work = intake.streamed(&caller, &message);
                                        let outcome = hands.work(message.len(), work).await;
                                        drop(arrival);
                                        outcome
                                    });
                                }
                                // It is told at once: what came before may take a while.
                                Err(error) => {
                                    let refused = Intake::refuse(&message, error);
                                    if let Err(end) = self.answer(refused, outgoing).await {
                                        break end;
                                    }
                                    self.refused.count(came);
                                }
                            }
                        }
                        Err(error) => break End::After(status(&error)),
                    },
                    Ok(None) => break End::HalfClosed,
                    Err(status) if status.code() == Code::Cancelled => break End::Now(Some(status)),
                    Err(status) => break End::After(explained(status)),
                },
            }
        };
        // What the store was given is stored to its end, whether somebody waits for it or not.
        while let Some(outcome) = under_way.next().await {
            if !matches!(end, End::Now(_))
                && let Err(earlier) = self.answer(outcome, outgoing).await
            {
                end = earlier;
            }
        }
        end
    }

    /// Whether one more batch may come: the key may have been revoked since the last one.
    fn admit(&mut self) -> Result<Caller, ServiceError> {
        let caller = authenticate(self.intake.handle(), &self.key, Scope::Ingest)?;
        if self.credit.spend() {
            return Ok(caller);
        }
        Err(ServiceError::new(
            ErrorCode::ResourceExhausted,
            format!(
                "more batches were sent than credit was granted for, which is {} without an answer; wait for acknowledgements",
                self.credit.window()
            ),
        ))
    }

    async fn answer(
        &mut self,
        outcome: StreamOutcome,
        outgoing: &Outgoing<Bytes>,
    ) -> Result<(), End> {
        let answer = match outcome {
            StreamOutcome::Acknowledged(acknowledgement) => acknowledgement,
            StreamOutcome::Refused { batch_id, error } if !ends_stream(error.code) => {
                let delay = error.retry_after.map(|delay| delay.as_millis() as i64);
                refusal(batch_id, error.code, error.message, delay)
            }
            StreamOutcome::Refused { error, .. } | StreamOutcome::Undecodable(error) => {
                return Err(End::Now(Some(status(&error))));
            }
        };
        outgoing.send(answer).await.map_err(ended)?;
        if let Some(more) = self.credit.answer() {
            outgoing.send(credit(more as i32)).await.map_err(ended)?;
        }
        Ok(())
    }
}

/// Whether what befell one batch will befall every other one.
const fn ends_stream(code: ErrorCode) -> bool {
    match code {
        ErrorCode::Internal
        | ErrorCode::PermissionDenied
        | ErrorCode::Unauthenticated
        | ErrorCode::Unavailable => true,
        ErrorCode::BatchTooLarge
        | ErrorCode::CursorExpired
        | ErrorCode::Erased
        | ErrorCode::FlagLimit
        | ErrorCode::Invalid
        | ErrorCode::Missing
        | ErrorCode::NotFound
        | ErrorCode::ResourceExhausted
        | ErrorCode::TooDeep
        | ErrorCode::TooLong
        | ErrorCode::TooShort => false,
    }
}

fn ended(unsent: Unsent) -> End {
    End::Now(match unsent {
        Unsent::Gone => None,
        Unsent::Stalled => Some(stalled()),
    })
}
