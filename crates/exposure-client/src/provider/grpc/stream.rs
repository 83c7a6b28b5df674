use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use super::answer;
use super::connection::Client;
use super::decode::{self, Answer as Message};
use super::encode::Encoded;
use crate::provider::{Delivery, SendError};

/// A stream to the server, shared by the batches that are under way on it.
#[derive(Debug)]
pub(super) struct Stream {
    requests: mpsc::Sender<Bytes>,
    shared: Arc<Shared>,
}

/// Why a stream did not open.
#[derive(Debug)]
pub(super) enum OpenError {
    /// The other side knows no streams.
    Unsupported,
    Failed(Status),
}

#[derive(Debug)]
struct Shared {
    /// How many batches the server allows.
    credit: Semaphore,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    next_id: i64,
    open: BTreeMap<i64, oneshot::Sender<Answer>>,
    /// Why the stream ended.
    ended: Option<SendError>,
}

type Answer = Result<Vec<Delivery>, SendError>;

impl Stream {
    /// Opens a stream; its answers are read by a task of the runtime that calls.
    pub(super) async fn open(mut client: Client, in_flight: usize) -> Result<Self, OpenError> {
        let (requests, receiver) = mpsc::channel(in_flight);
        let opened = client.ingest_stream(ReceiverStream::new(receiver)).await;
        let answers = match opened {
            Ok(answers) => answers,
            Err(status) if status.code() == Code::Unimplemented => {
                return Err(OpenError::Unsupported);
            }
            Err(status) => return Err(OpenError::Failed(status)),
        };
        let shared = Shared { credit: Semaphore::new(0), waiting: Mutex::default() };
        let shared = Arc::new(shared);
        tokio::spawn(read(answers, Arc::clone(&shared)));
        Ok(Self { requests, shared })
    }

    pub(super) fn has_ended(&self) -> bool {
        self.shared.waiting.lock().ended.is_some()
    }

    /// Sends a batch when there is credit, and waits for its answer. Dropped before that, it ends
    /// the stream: on one whose answers do not come, credit would run out.
    pub(super) async fn send(&self, batch: Encoded) -> Answer {
        let guard = EndOnDrop(Some(&self.shared));
        let answer = self.exchange(batch).await;
        guard.disarm();
        answer
    }

    async fn exchange(&self, batch: Encoded) -> Answer {
        match self.shared.credit.acquire().await {
            Ok(permit) => permit.forget(),
            Err(_closed) => return Err(self.shared.cause()),
        }
        let (sender, receiver) = oneshot::channel();
        let batch_id = {
            let mut waiting = self.shared.waiting.lock();
            if let Some(cause) = &waiting.ended {
                return Err(cause.clone());
            }
            let batch_id = waiting.next_id;
            waiting.next_id += 1;
            waiting.open.insert(batch_id, sender);
            batch_id
        };
        if self.requests.send(batch.streamed(batch_id)).await.is_err() {
            // The reader knows why, in a moment.
            tokio::task::yield_now().await;
        }
        receiver.await.unwrap_or_else(|_ended| Err(self.shared.cause()))
    }
}

impl Shared {
    fn end(&self, cause: SendError) {
        let open = {
            let mut waiting = self.waiting.lock();
            waiting.ended.get_or_insert(cause);
            std::mem::take(&mut waiting.open)
        };
        self.credit.close();
        // Whoever waits takes the cause from here.
        drop(open);
    }

    fn cause(&self) -> SendError {
        let cause = self.waiting.lock().ended.clone();
        cause.unwrap_or_else(|| SendError::unavailable("the stream ended"))
    }

    fn answer(&self, batch_id: i64, answer: Answer) {
        let sender = self.waiting.lock().open.remove(&batch_id);
        if let Some(sender) = sender {
            // Whoever asked may have stopped waiting.
            drop(sender.send(answer));
        }
    }
}

struct EndOnDrop<'a>(Option<&'a Shared>);

impl EndOnDrop<'_> {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(shared) = self.0 {
            shared.end(SendError::unavailable("an acknowledgement did not come"));
        }
    }
}

async fn read(mut answers: Streaming<Bytes>, shared: Arc<Shared>) {
    let ended = loop {
        let message = match answers.message().await {
            Ok(Some(message)) => message,
            Ok(None) => break Status::unavailable("the server ended the stream"),
            Err(status) => break status,
        };
        match decode::streamed(&message) {
            Ok(Message::Acknowledgement(batch_id, deliveries)) => {
                shared.answer(batch_id, Ok(deliveries));
            }
            Ok(Message::Refusal(batch_id, refusal)) => shared.answer(batch_id, Err(refusal)),
            Ok(Message::Credit(n_batches)) => {
                let granted = usize::try_from(n_batches).unwrap_or(0);
                let room = Semaphore::MAX_PERMITS - shared.credit.available_permits();
                shared.credit.add_permits(granted.min(room));
            }
            Ok(Message::Unknown) => {}
            Err(error) => break Status::internal(error.to_string()),
        }
    };
    shared.end(answer::status(&ended));
}
