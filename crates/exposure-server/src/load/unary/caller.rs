use std::time::Duration;

use tokio::time::Instant;

use crate::failure::{Failure, Result};
use crate::load::pace::{Due, Pace};
use crate::load::skim::{self, Outcomes};
use crate::load::source::Source;
use crate::load::template::{Batch as _, Template};

/// Makes one call after the other, each with one batch.
#[derive(Debug)]
pub(super) struct Caller {
    source: Source,
    pace: Pace,
    batch: Template,
    /// Events of the batch that are to be answered.
    n_filled: usize,
    library: &'static str,
    /// Which of the keys the call has.
    pub(super) key: usize,
    /// Whether the batch was refused, and is to be sent as it is.
    is_again: bool,
    /// When the batch was due.
    start: Instant,
    pub(super) call: Call,
}

/// A call under way.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) stream: u32,
    /// How far the batch is sent.
    pub(super) n_sent: usize,
    /// What may be sent before the server allows for more.
    pub(super) window: i64,
    /// What has come of an answer that came in pieces.
    answer: Vec<u8>,
    outcomes: Option<Outcomes>,
}

/// Before a message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;
/// An answer is not longer.
const MAX_ANSWER_BYTES: usize = 256 << 20;

impl Caller {
    pub(super) fn new(
        source: Source,
        pace: Pace,
        n_events: usize,
        library: &'static str,
        key: usize,
    ) -> Self {
        Self {
            source,
            pace,
            batch: Template::unary(n_events, library),
            n_filled: 0,
            library,
            key,
            is_again: false,
            start: pace.epoch(),
            call: Call::default(),
        }
    }

    /// Makes the next batch where it is due.
    #[inline]
    pub(super) fn next(&mut self, now: Instant) -> Due {
        if self.is_again {
            self.is_again = false;
            return Due::Now(self.start);
        }
        let due = self.pace.due(now);
        if let Due::Now(start) = due {
            self.start = start;
            self.n_filled = self.source.fill(&mut self.batch);
            if self.n_filled == 0 {
                return Due::Over;
            }
            if self.n_filled < self.batch.n_events() {
                self.batch = self.batch.first_events(self.n_filled, self.library);
            }
            self.key += 1;
        }
        due
    }

    /// Sends the same batch again.
    pub(super) fn again(&mut self) {
        self.is_again = true;
    }

    /// Begins a call.
    pub(super) fn begin(&mut self, stream: u32, window: i64) {
        self.call.answer.clear();
        let answer = std::mem::take(&mut self.call.answer);
        self.call = Call { stream, n_sent: 0, window, answer, outcomes: None };
    }

    /// What of the batch is not sent.
    #[inline]
    pub(super) fn unsent(&self) -> &[u8] {
        self.batch.framed().get(self.call.n_sent..).unwrap_or_default()
    }

    /// Takes in a part of the answer, or all of it.
    #[inline]
    pub(super) fn take(&mut self, part: &[u8]) -> Result<()> {
        let call = &mut self.call;
        if part.is_empty() {
            return Ok(());
        }
        if call.outcomes.is_some() {
            return Err(Failure::failed("the server answered a call with more than one message"));
        }
        if call.answer.is_empty() {
            call.outcomes = outcomes(part)?;
            if call.outcomes.is_some() {
                return Ok(());
            }
        }
        call.answer.extend_from_slice(part);
        call.outcomes = outcomes(&call.answer)?;
        Ok(())
    }

    /// The outcomes of the batch and the time it took, once the call has ended well.
    #[inline]
    pub(super) fn answered(&self, now: Instant) -> Result<(Outcomes, Duration)> {
        let outcomes = self.call.outcomes.filter(|it| it.total() == self.n_filled as u64);
        let outcomes = outcomes
            .ok_or_else(|| Failure::failed("an answer has not one outcome for each event"))?;
        Ok((outcomes, now.saturating_duration_since(self.start)))
    }
}

/// The outcomes in a message with its prefix, once it is whole.
#[inline]
fn outcomes(bytes: &[u8]) -> Result<Option<Outcomes>> {
    let Some((&[compressed, l0, l1, l2, l3], message)) = bytes.split_first_chunk::<PREFIX_BYTES>()
    else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    if compressed != 0 || MAX_ANSWER_BYTES < length || length < message.len() {
        return Err(Failure::failed("the server sent a message that is no answer"));
    }
    if message.len() < length {
        return Ok(None);
    }
    let outcomes = skim::response(message);
    outcomes.map(Some).ok_or_else(|| Failure::failed("an answer of the server can not be read"))
}
