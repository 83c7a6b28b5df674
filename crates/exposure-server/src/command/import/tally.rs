use std::time::Duration;

use exposure_proto::v1;

use super::batch::Batch;
use super::state::{Mark, State};
use super::summary::Counts;
use crate::failure::Result;

/// What became of the events of one file, and how far it is durable.
#[derive(Debug)]
pub(super) struct Tally<'s> {
    pub(super) counts: Counts,
    mark: Mark,
    state: &'s mut State,
    /// The file as the state calls it.
    file: String,
}

impl<'s> Tally<'s> {
    pub(super) fn new(counts: Counts, mark: Mark, file: String, state: &'s mut State) -> Self {
        Self { counts, mark, state, file }
    }

    /// Counts a batch that is durable, as everything before it is.
    pub(super) fn durable(&mut self, batch: Batch, outcomes: &[v1::EventOutcome]) {
        let mut outcomes = outcomes.iter();
        for is_ignored in batch.ignored {
            if is_ignored {
                self.counts.ignored();
            } else if let Some(outcome) = outcomes.next() {
                self.counts.outcome(outcome);
            }
        }
        self.counts.unreadable.extend(batch.unreadable);
        // Counts without a mark would be counted again with the rest of their record.
        if let Some(mark) = batch.mark {
            self.mark = mark;
            self.state.note(&self.file, self.mark, &self.counts);
        }
    }

    /// Between batches: what was counted goes to the disk now and then.
    pub(super) fn pause(&mut self) -> Result<()> {
        self.state.save_now_and_then()
    }

    /// How long until there is something to be written; `None` where all is.
    pub(super) fn is_due_in(&self) -> Option<Duration> {
        self.state.is_due_in()
    }

    /// At the end.
    pub(super) fn finish(self) -> Result<Counts> {
        self.state.save()?;
        Ok(self.counts)
    }
}
