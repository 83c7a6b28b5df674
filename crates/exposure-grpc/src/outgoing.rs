use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;
use tonic::Status;

/// The answers of a stream on their way to its client: bounded, and ended with a status even
/// where the client left no room to say so.
#[derive(Debug)]
pub(crate) struct Outgoing<T> {
    answers: mpsc::Sender<T>,
    end: oneshot::Sender<Option<Status>>,
    stall: Duration,
}

/// The client's end of it.
#[derive(Debug)]
pub(crate) struct Answers<T> {
    ready: mpsc::Receiver<T>,
    end: oneshot::Receiver<Option<Status>>,
    is_over: bool,
}

/// Why an answer could not be handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsent {
    /// The client cancelled, or the connection is gone.
    Gone,
    /// The client has left its answers unread for too long.
    Stalled,
}

/// At most `n_answers` wait to be read, none of them longer than `stall` with no room behind.
pub(crate) fn outgoing<T>(n_answers: usize, stall: Duration) -> (Outgoing<T>, Answers<T>) {
    let (sender, ready) = mpsc::channel(n_answers.max(1));
    let (end, ended) = oneshot::channel();
    (Outgoing { answers: sender, end, stall }, Answers { ready, end: ended, is_over: false })
}

impl<T> Outgoing<T> {
    /// Hands over an answer, waiting for room.
    pub(crate) async fn send(&self, answer: T) -> Result<(), Unsent> {
        match self.answers.try_send(answer) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(Unsent::Gone),
            Err(TrySendError::Full(answer)) => {
                match tokio::time::timeout(self.stall, self.answers.send(answer)).await {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(_)) => Err(Unsent::Gone),
                    Err(_) => Err(Unsent::Stalled),
                }
            }
        }
    }

    /// Waits until the client cancels.
    pub(crate) async fn gone(&self) {
        self.answers.closed().await;
    }

    /// Ends the stream after what was sent, with a status or well.
    pub(crate) fn end(self, status: Option<Status>) {
        // A client that is gone needs no end.
        let _gone = self.end.send(status);
    }
}

impl<T: Unpin> Stream for Answers<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        match self.ready.poll_recv(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(answer)) => Poll::Ready(Some(Ok(answer))),
            Poll::Ready(None) => {
                self.is_over = true;
                Poll::Ready(match self.end.try_recv() {
                    Ok(status) => status.map(Err),
                    // Whoever answered stopped in the middle, which an end without a status
                    // would hide.
                    Err(_) => Some(Err(Status::internal("the stream broke off"))),
                })
            }
        }
    }
}
