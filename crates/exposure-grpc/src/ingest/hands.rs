use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::Semaphore;

/// Batches that are worked on at one moment: a large one for each thread, and a few small ones.
///
/// The runtime's queue has no more of them in it: whoever comes meanwhile is looked at, and where
/// need be refused, between two of them and not behind all that were let in.
#[derive(Clone, Debug)]
pub(super) struct Hands {
    large: Arc<Semaphore>,
    small: Arc<Semaphore>,
}

/// What has fewer bytes is small: it takes a tenth of a millisecond at most.
pub(crate) const LARGE_BYTES: usize = 8 << 10;
/// Small ones for each thread.
const SMALL: usize = 16;

impl Hands {
    /// For each thread of the runtime that this is called from.
    pub(super) fn new() -> Self {
        let n_threads = tokio::runtime::Handle::try_current()
            .map_or(1, |runtime| runtime.metrics().num_workers().max(1));
        let semaphore = |n_hands| Arc::new(Semaphore::new(n_hands));
        Self { large: semaphore(n_threads), small: semaphore(n_threads * SMALL) }
    }

    /// Does work on so many bytes: with one of the hands up to where it waits for something for
    /// the first time, then without.
    pub(super) async fn work<T>(&self, n_bytes: usize, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let hands = if n_bytes < LARGE_BYTES { &self.small } else { &self.large };
        // They are never closed.
        let hand = hands.acquire().await.ok();
        let first = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
        drop(hand);
        match first {
            Poll::Ready(done) => done,
            Poll::Pending => work.await,
        }
    }
}
