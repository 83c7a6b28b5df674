use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::{Request, Streaming};

use super::codec::{LoadCodec, Outgoing};
use super::pace::{Due, Pace};
use super::skim::{self, Answer};
use super::source::Source;
use super::tally::Tally;
use super::template::{Batch as _, FIRST_BATCH_ID, Template};
use crate::client::{Connection, describe};
use crate::failure::{Failure, Result};

/// Where streams go.
const PATH: PathAndQuery = PathAndQuery::from_static("/exposure.v1.IngestService/IngestStream");

/// Begins a stream, of which up to `window` batches may wait to be sent: where they go in, and where the
/// answers come out.
pub(super) async fn begin(
    connection: &Connection,
    window: usize,
) -> Result<(mpsc::Sender<Outgoing>, Streaming<Bytes>)> {
    let (sender, receiver) = mpsc::channel(window);
    let mut grpc = Grpc::new(connection.keyed()).max_decoding_message_size(256 << 20);
    grpc.ready()
        .await
        .map_err(|error| Failure::failed(format!("the connection broke: {error}")))?;
    let request = Request::new(ReceiverStream::new(receiver));
    let answers = grpc.streaming(request, PATH, LoadCodec).await?.into_inner();
    Ok((sender, answers))
}

/// A batch that is sent and not answered.
#[derive(Debug)]
struct UnderWay {
    id: u64,
    batch: Outgoing,
    start: Instant,
}

/// One stream: as many batches under way as the server's credit and the options let it.
#[derive(Debug)]
pub(super) struct LoadStream {
    sender: mpsc::Sender<Outgoing>,
    answers: Streaming<Bytes>,
    source: Source,
    pace: Pace,
    tally: Tally,
    window: usize,
    credit: u64,
    under_way: VecDeque<UnderWay>,
    /// Batches that were refused for want of room, to be sent again.
    again: VecDeque<UnderWay>,
    /// Batches that were answered, to be filled again.
    spare: Vec<Outgoing>,
    n_events: usize,
    n_sent: u64,
    library: &'static str,
}

impl LoadStream {
    pub(super) async fn open(
        connection: &Connection,
        source: Source,
        pace: Pace,
        window: usize,
        n_events: usize,
        library: &'static str,
    ) -> Result<Self> {
        let (sender, answers) = begin(connection, window).await?;
        Ok(Self {
            sender,
            answers,
            source,
            pace,
            tally: Tally::new(pace.epoch())?,
            window,
            credit: 0,
            under_way: VecDeque::new(),
            again: VecDeque::new(),
            spare: Vec::new(),
            n_events,
            n_sent: 0,
            library,
        })
    }

    /// Sends until the end, and waits for every answer.
    pub(super) async fn work(mut self) -> Result<Tally> {
        loop {
            let due = self.send_all_due().await?;
            if due == Due::Over && self.under_way.is_empty() && self.again.is_empty() {
                return Ok(self.tally);
            }
            let message = match due {
                Due::At(time) => tokio::select! {
                    message = self.answers.message() => message,
                    () = tokio::time::sleep_until(time) => continue,
                },
                Due::Now(_) | Due::Over => self.answers.message().await,
            };
            let message = message.map_err(|status| describe(&status))?;
            let message = message.ok_or_else(|| Failure::failed("the server ended a stream"))?;
            self.take(&message).await?;
        }
    }

    /// Sends while credit and window last; tells why it stopped.
    async fn send_all_due(&mut self) -> Result<Due> {
        let now = Instant::now();
        while self.credit > 0 && self.under_way.len() < self.window {
            if let Some(refused) = self.again.pop_front() {
                self.send(refused).await?;
                continue;
            }
            match self.pace.due(Instant::now()) {
                Due::Now(start) => match self.next_batch() {
                    Some(batch) => self.send(UnderWay { id: 0, batch, start }).await?,
                    None => return Ok(Due::Over),
                },
                other => return Ok(other),
            }
        }
        Ok(Due::Now(now))
    }

    fn next_batch(&mut self) -> Option<Outgoing> {
        let spare = self.spare.pop();
        let mut batch =
            spare.unwrap_or_else(|| Arc::new(Template::streamed(self.n_events, self.library)));
        let filled = Arc::make_mut(&mut batch);
        let n_filled = self.source.fill(filled);
        if n_filled == 0 {
            return None;
        }
        if n_filled < self.n_events {
            *filled = filled.first_events(n_filled, self.library);
        }
        Some(batch)
    }

    async fn send(&mut self, mut next: UnderWay) -> Result<()> {
        // One that is sent again has a place behind those that were sent since.
        next.id = FIRST_BATCH_ID + self.n_sent;
        Arc::make_mut(&mut next.batch).set_batch_id(next.id);
        let sent = self.sender.send(Arc::clone(&next.batch)).await;
        sent.map_err(|_| Failure::failed("the server ended a stream"))?;
        self.under_way.push_back(next);
        self.credit -= 1;
        self.n_sent += 1;
        Ok(())
    }

    /// Acknowledgements come in the order of the batches, refusals at any time.
    async fn take(&mut self, message: &[u8]) -> Result<()> {
        let unexpected = || Failure::failed("the server sent a message that is no answer");
        match skim::streamed(message).ok_or_else(unexpected)? {
            Answer::Credit(more) => self.credit += more,
            Answer::Acknowledged(outcomes) => {
                let UnderWay { batch, start, .. } =
                    self.under_way.pop_front().ok_or_else(unexpected)?;
                if outcomes.total() != batch.n_events() as u64 {
                    return Err(Failure::failed("an answer has not one outcome for each event"));
                }
                self.tally.answered(outcomes, start.elapsed());
                if batch.n_events() == self.n_events {
                    self.spare.push(batch);
                }
            }
            Answer::Refused { batch_id, retry_ms: Some(delay) } => {
                let index = self.under_way.iter().position(|it| it.id == batch_id);
                let refused = index.and_then(|index| self.under_way.remove(index));
                self.again.push_back(refused.ok_or_else(unexpected)?);
                self.tally.retries += 1;
                tokio::time::sleep(Duration::from_millis(delay)).await;
            }
            Answer::Refused { retry_ms: None, .. } => {
                return Err(Failure::failed("the server refused a batch for good"));
            }
        }
        Ok(())
    }
}
