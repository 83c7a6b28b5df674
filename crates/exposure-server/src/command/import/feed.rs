use std::collections::VecDeque;
use std::time::Duration;

use exposure_proto::v1;
use exposure_proto::v1::ingest_service_client::IngestServiceClient;
use exposure_proto::v1::ingest_stream_response::Message;
use futures::FutureExt as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use super::batch::Batch;
use super::tally::Tally;
use crate::client::{Keyed, code_name, describe};
use crate::failure::{Failure, Result};

/// Batches under way at most; the server's credit may be less.
const WINDOW: usize = 64;
/// How often a server that is away, or has no room, is tried in a row, and how long between.
const TRIES: u32 = 120;
const PAUSE: Duration = Duration::from_millis(500);

/// What a stream gives: a message, its end, or why it broke off.
type Answered = std::result::Result<Option<v1::IngestStreamResponse>, Status>;

/// Sends batches over one stream, many at a time, and hands them over as they become durable,
/// in their order. A server that is away for a while gets again what it did not acknowledge:
/// every event has an insert id, so that this does no harm.
#[derive(Debug)]
pub(super) struct Feed {
    client: IngestServiceClient<Keyed>,
    stream: Option<Stream>,
    under_way: VecDeque<UnderWay>,
    next_id: i64,
    n_failures: u32,
}

#[derive(Debug)]
struct Stream {
    requests: mpsc::Sender<v1::IngestStreamRequest>,
    answers: Streaming<v1::IngestStreamResponse>,
    credit: i64,
}

#[derive(Debug)]
struct UnderWay {
    id: i64,
    batch: Batch,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// To be sent, or sent again.
    Waiting,
    Sent,
    Durable(Vec<v1::EventOutcome>),
}

impl Feed {
    pub(super) fn new(client: IngestServiceClient<Keyed>) -> Self {
        Self { client, stream: None, under_way: VecDeque::new(), next_id: 1, n_failures: 0 }
    }

    /// Sends what comes, until nothing comes any more and everything is durable.
    pub(super) async fn run(
        &mut self,
        mut batches: mpsc::Receiver<Batch>,
        tally: &mut Tally<'_>,
    ) -> Result<()> {
        let mut is_over = false;
        loop {
            self.hand_over(tally)?;
            if is_over && self.under_way.is_empty() {
                return Ok(());
            }
            self.send_waiting().await?;
            let has_room = self.under_way.len() < WINDOW;
            let is_due = tally.is_due_in();
            tokio::select! {
                batch = batches.recv(), if has_room && !is_over => match batch {
                    Some(batch) => self.add(batch),
                    None => is_over = true,
                },
                answer = answer(&mut self.stream), if self.is_waited_for() => {
                    self.take_all(answer).await?;
                }
                () = tokio::time::sleep(is_due.unwrap_or_default()), if is_due.is_some() => {}
            }
        }
    }

    fn add(&mut self, batch: Batch) {
        let is_empty = batch.request.events.is_empty();
        let stage = if is_empty { Stage::Durable(Vec::new()) } else { Stage::Waiting };
        self.under_way.push_back(UnderWay { id: self.next_id, batch, stage });
        self.next_id += 1;
    }

    fn is_waited_for(&self) -> bool {
        self.stream.is_some()
            && self.under_way.iter().any(|it| !matches!(it.stage, Stage::Durable(_)))
    }

    /// Takes an answer, and then those that are there already.
    async fn take_all(&mut self, first: Answered) -> Result<()> {
        let mut next = Some(first);
        while let Some(answered) = next {
            match answered {
                Ok(Some(message)) => self.take(message).await?,
                Ok(None) => {
                    return self.failed(Status::unavailable("the stream ended")).await;
                }
                Err(status) => return self.failed(status).await,
            }
            next = answer(&mut self.stream).now_or_never();
        }
        Ok(())
    }

    async fn open(&mut self) -> std::result::Result<(), Status> {
        let (requests, receiver) = mpsc::channel(WINDOW);
        let answers = self.client.ingest_stream(ReceiverStream::new(receiver)).await?.into_inner();
        self.stream = Some(Stream { requests, answers, credit: 0 });
        Ok(())
    }

    /// Sends what may be sent, over a new stream where there is none.
    async fn send_waiting(&mut self) -> Result<()> {
        if !self.under_way.iter().any(|it| matches!(it.stage, Stage::Waiting)) {
            return Ok(());
        }
        while self.stream.is_none() {
            if let Err(status) = self.open().await {
                self.failed(status).await?;
            }
        }
        let Some(stream) = &mut self.stream else { return Ok(()) };
        for it in &mut self.under_way {
            if stream.credit == 0 {
                break;
            }
            if !matches!(it.stage, Stage::Waiting) {
                continue;
            }
            let batch = Some(it.batch.request.clone());
            let request = v1::IngestStreamRequest { batch_id: it.id, batch };
            // A stream that takes no more says why in its answers.
            if stream.requests.send(request).await.is_err() {
                break;
            }
            stream.credit -= 1;
            it.stage = Stage::Sent;
        }
        Ok(())
    }

    async fn take(&mut self, answer: v1::IngestStreamResponse) -> Result<()> {
        match answer.message {
            Some(Message::Credit(credit)) => {
                if let Some(stream) = &mut self.stream {
                    stream.credit += i64::from(credit.batch_count);
                }
            }
            Some(Message::Acknowledgement(it)) => {
                self.n_failures = 0;
                let found = self.find(it.batch_id)?;
                if it.outcomes.len() != found.batch.request.events.len() {
                    return Err(Failure::failed("an answer has not one outcome for each event"));
                }
                found.stage = Stage::Durable(it.outcomes);
            }
            Some(Message::Refusal(refusal)) => {
                let Some(delay) = refusal.retry_delay_ms else {
                    let code = code_name(refusal.code);
                    return Err(Failure::failed(format!("{code}: {}", refusal.message)));
                };
                self.find(refusal.batch_id)?.stage = Stage::Waiting;
                let delay = Duration::from_millis(u64::try_from(delay).unwrap_or(0));
                self.wait(Status::resource_exhausted(refusal.message), delay).await?;
            }
            None => return Err(Failure::failed("the server sent a message that is no answer")),
        }
        Ok(())
    }

    fn find(&mut self, id: i64) -> Result<&mut UnderWay> {
        let found = self.under_way.iter_mut().find(|it| it.id == id);
        found.ok_or_else(|| Failure::failed("the server answered a batch that was not sent"))
    }

    /// The stream is over. What it did not acknowledge is sent over another one, if there is hope.
    async fn failed(&mut self, status: Status) -> Result<()> {
        self.stream = None;
        for it in &mut self.under_way {
            if matches!(it.stage, Stage::Sent) {
                it.stage = Stage::Waiting;
            }
        }
        match status.code() {
            Code::Unavailable
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Cancelled
            | Code::DeadlineExceeded => self.wait(status, PAUSE).await,
            // A connection that breaks off is told in this way.
            Code::Unknown | Code::Internal if has_source(&status) => self.wait(status, PAUSE).await,
            _ => Err(describe(&status)),
        }
    }

    async fn wait(&mut self, status: Status, delay: Duration) -> Result<()> {
        self.n_failures += 1;
        if self.n_failures > TRIES {
            return Err(describe(&status));
        }
        tokio::time::sleep(delay).await;
        Ok(())
    }

    /// Hands over what is durable with everything before it.
    fn hand_over(&mut self, tally: &mut Tally<'_>) -> Result<()> {
        let is_durable = |it: &mut UnderWay| matches!(it.stage, Stage::Durable(_));
        while let Some(UnderWay { batch, stage, .. }) = self.under_way.pop_front_if(is_durable) {
            if let Stage::Durable(outcomes) = stage {
                tally.durable(batch, &outcomes);
            }
        }
        tally.pause()
    }
}

/// The next answer of a stream; without a stream there is none.
async fn answer(stream: &mut Option<Stream>) -> Answered {
    match stream {
        Some(stream) => stream.answers.message().await,
        None => std::future::pending().await,
    }
}

fn has_source(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}
