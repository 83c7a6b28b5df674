use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;

use super::{Entry, Lane};
use crate::provider::{Batch, Delivery, SendError};

/// An entry on its way through one provider.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) entry: Arc<Entry>,
    /// Which one it was of all that were pushed.
    pub(crate) position: u64,
    pub(crate) n_attempts: u32,
    /// How often the provider panicked over it alone.
    pub(crate) n_panics: u32,
    /// Whether it goes alone, because a batch with it made the provider panic.
    pub(crate) is_alone: bool,
}

/// What came of a batch.
#[derive(Debug)]
pub(crate) struct Attempted {
    /// Attempts are numbered as they start.
    pub(crate) number: u64,
    pub(crate) result: Attempt,
}

/// How a provider answered, or did not.
#[derive(Debug)]
pub(crate) enum Attempt {
    Answered(Vec<Delivery>),
    Failed(SendError),
    Panicked,
}

/// Sends a batch: whatever the provider does, this ends, if the provider lets go of the thread.
pub(crate) async fn attempt(
    lane: Arc<Lane>,
    batch: Batch,
    number: u64,
    timeout: Duration,
) -> Attempted {
    let sent = AssertUnwindSafe(async { lane.provider.send(&batch).await }).catch_unwind();
    let result = match tokio::time::timeout(timeout, sent).await {
        Ok(Ok(Ok(deliveries))) => Attempt::Answered(deliveries),
        Ok(Ok(Err(error))) => Attempt::Failed(error),
        Ok(Err(_panic)) => Attempt::Panicked,
        Err(_elapsed) => {
            Attempt::Failed(SendError::unavailable(format!("no answer within {timeout:?}")))
        }
    };
    Attempted { number, result }
}
