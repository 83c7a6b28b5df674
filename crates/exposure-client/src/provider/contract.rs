use std::sync::Arc;
use std::time::Duration;

use super::{Batch, async_trait};
use crate::Account;

/// Takes exposures to where they are wanted. The [module](crate::provider) tells how to write one.
///
/// It is called on a thread of its own, in a current-thread tokio runtime.
#[async_trait]
pub trait ExposureProvider: Send + Sync + 'static {
    /// What it is called in the account and in logs.
    fn name(&self) -> &str;

    /// How much it wants at once. Asked once, when the client is built.
    fn limits(&self) -> BatchLimits {
        BatchLimits::default()
    }

    /// Sends a batch and answers for each of its exposures, in order.
    ///
    /// It must not keep an exposure for later: what it answers for is believed. Up to
    /// [`BatchLimits::in_flight`] calls run at once.
    async fn send(&self, batch: &Batch) -> Result<Vec<Delivery>, SendError>;

    /// Tells what became of all that the client tracked, where nothing is to be sent that would say
    /// it: some seconds after the last batch was answered, then at most once a minute while the
    /// figures change, and before [`close`](Self::close). `client_id` is that of
    /// [`Batch::client_id`]. Default: nobody wants to know.
    async fn report(&self, account: &Account, client_id: u64) {
        let _ = (account, client_id);
    }

    /// Called once, after the last batch, within the deadline of the shutdown.
    async fn close(&self) {}
}

/// What became of one exposure of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It was taken, or was known already.
    Delivered,
    /// It was not taken this time.
    Retry {
        /// How long to leave it; `None` leaves that to the client's backoff.
        after: Option<Duration>,
    },
    /// It will never be taken.
    Rejected {
        /// Why, for people.
        reason: String,
    },
}

/// Why a batch was not taken at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Not now: all of it is sent again.
    #[error("{reason}")]
    Unavailable {
        /// How long to leave the provider alone; `None` leaves that to the client's backoff.
        after: Option<Duration>,
        /// Why, for people.
        reason: String,
    },
    /// Not so much at once: it is sent again in halves, and later batches are smaller.
    #[error("{reason}")]
    TooLarge {
        /// Why, for people.
        reason: String,
    },
}

/// How much a provider wants at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// The most exposures of a batch. Default 1000, at least 1.
    pub max_events: usize,
    /// The most bytes of a batch, by [`Exposure::size`](crate::Exposure::size), unless a single
    /// exposure has more. Default 1 MiB.
    pub max_bytes: usize,
    /// How many batches may be under way at once. Default 1, at least 1.
    pub in_flight: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { max_events: 1000, max_bytes: 1 << 20, in_flight: 1 }
    }
}

impl SendError {
    /// Not now, for a reason that people understand; the client's backoff decides when again.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { after: None, reason: reason.into() }
    }

    /// Whether less or later may succeed. Always so.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::TooLarge { .. } => true,
        }
    }
}

#[async_trait]
impl<P: ExposureProvider + ?Sized> ExposureProvider for Box<P> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn limits(&self) -> BatchLimits {
        (**self).limits()
    }

    async fn send(&self, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
        (**self).send(batch).await
    }

    async fn report(&self, account: &Account, client_id: u64) {
        (**self).report(account, client_id).await;
    }

    async fn close(&self) {
        (**self).close().await;
    }
}

#[async_trait]
impl<P: ExposureProvider + ?Sized> ExposureProvider for Arc<P> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn limits(&self) -> BatchLimits {
        (**self).limits()
    }

    async fn send(&self, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
        (**self).send(batch).await
    }

    async fn report(&self, account: &Account, client_id: u64) {
        (**self).report(account, client_id).await;
    }

    async fn close(&self) {
        (**self).close().await;
    }
}
