use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::Streaming;

use crate::client::{Connection, describe};
use crate::failure::{Failure, Result};
use crate::load::codec::Outgoing;
use crate::load::pace::{Due, Pace};
use crate::load::skim::{self, Answer};
use crate::load::source::Source;
use crate::load::streams::begin;
use crate::load::tally::Tally;
use crate::load::template::{Batch as _, FIRST_BATCH_ID, Template};

/// A stream whose batches come at their times. One that comes without credit is not sent.
#[derive(Debug)]
pub(in crate::load) struct OpenStream {
    sender: mpsc::Sender<Outgoing>,
    answers: Streaming<Bytes>,
    source: Source,
    pace: Pace,
    tally: Tally,
    credit: u64,
    /// Batches that are sent and not answered, with their ids and times.
    under_way: VecDeque<(u64, Instant, Outgoing)>,
    spare: Vec<Outgoing>,
    n_events: usize,
    n_sent: u64,
    library: &'static str,
}

impl OpenStream {
    pub(in crate::load) async fn open(
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
            credit: 0,
            under_way: VecDeque::new(),
            spare: Vec::new(),
            n_events,
            n_sent: 0,
            library,
        })
    }

    /// Sends until the end, and waits for every answer.
    pub(in crate::load) async fn work(mut self) -> Result<Tally> {
        loop {
            let due = self.send_all_due();
            if due == Due::Over && self.under_way.is_empty() {
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
            self.take(&message)?;
        }
    }

    /// Sends what is due, and tells when the next one is.
    fn send_all_due(&mut self) -> Due {
        loop {
            match self.pace.due(Instant::now()) {
                Due::Now(start) => self.send(start),
                other => return other,
            }
        }
    }

    fn send(&mut self, start: Instant) {
        if self.credit == 0 {
            self.tally.not_sent += 1;
            return;
        }
        let spare = self.spare.pop();
        let mut batch =
            spare.unwrap_or_else(|| Arc::new(Template::streamed(self.n_events, self.library)));
        let filled = Arc::make_mut(&mut batch);
        self.source.fill(filled);
        let id = FIRST_BATCH_ID + self.n_sent;
        filled.set_batch_id(id);
        if self.sender.try_send(Arc::clone(&batch)).is_err() {
            self.tally.not_sent += 1;
            self.spare.push(batch);
            return;
        }
        self.under_way.push_back((id, start, batch));
        self.tally.peak = self.tally.peak.max(self.under_way.len() as u64);
        self.credit -= 1;
        self.n_sent += 1;
    }

    fn take(&mut self, message: &[u8]) -> Result<()> {
        let unexpected = || Failure::failed("the server sent a message that is no answer");
        match skim::streamed(message).ok_or_else(unexpected)? {
            Answer::Credit(more) => self.credit += more,
            Answer::Acknowledged(outcomes) => {
                let (_, start, batch) = self.under_way.pop_front().ok_or_else(unexpected)?;
                if outcomes.total() != batch.n_events() as u64 {
                    return Err(Failure::failed("an answer has not one outcome for each event"));
                }
                self.tally.answered(outcomes, start.elapsed());
                self.spare.push(batch);
            }
            // It comes when the batch came, and not behind those before it.
            Answer::Refused { batch_id, retry_ms: Some(_) } => {
                let index = self.under_way.iter().position(|(id, ..)| *id == batch_id);
                let (_, start, batch) =
                    index.and_then(|index| self.under_way.remove(index)).ok_or_else(unexpected)?;
                self.tally.refused(start.elapsed())?;
                self.spare.push(batch);
            }
            Answer::Refused { retry_ms: None, .. } => {
                return Err(Failure::failed("the server refused a batch for good"));
            }
        }
        Ok(())
    }
}
