//! Appending, and waiting for room to append.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::LogError;
use super::handle::Shared;

/// The right to append; nobody else appends until it is dropped. The log's writer goes on meanwhile.
///
/// Dropping it wakes the writer. Positions become durable in their order.
#[derive(Debug)]
pub struct Appender<'a> {
    shared: &'a Shared,
}

impl<'a> Appender<'a> {
    pub(super) fn lock(shared: &'a Shared) -> Result<Self, LogError> {
        let mut queue = shared.queue.lock();
        loop {
            queue.check_open()?;
            if !queue.is_appending && queue.pending_bytes < shared.options.max_pending_bytes {
                queue.is_appending = true;
                return Ok(Self { shared });
            }
            queue.n_blocked += 1;
            shared.room.wait(&mut queue);
            queue.n_blocked -= 1;
        }
    }

    /// The position that the first byte of a payload of `len` bytes gets, if it is pushed next: its place is kept.
    ///
    /// # Errors
    /// [`LogError::TooLarge`] for more than a segment holds.
    pub fn position_for(&self, len: usize) -> Result<u64, LogError> {
        self.shared.queue.lock().pin(len)
    }

    /// Appends a payload and returns the position of its first byte.
    ///
    /// It is durable once [`super::Log::durable`] has reached that position plus its length.
    ///
    /// # Errors
    /// [`LogError::TooLarge`] for more than a segment holds.
    pub fn push(&mut self, payload: &[u8]) -> Result<u64, LogError> {
        self.shared.queue.lock().push(payload.len(), |_, bytes| bytes.extend_from_slice(payload))
    }

    /// Appends a payload of `len` bytes that `fill` writes in place, given the position of its first byte.
    ///
    /// # Errors
    /// [`LogError::TooLarge`] for more than a segment holds; `fill` is not called then.
    pub fn push_with(
        &mut self,
        len: usize,
        fill: impl FnOnce(u64, &mut [u8]),
    ) -> Result<u64, LogError> {
        self.shared.queue.lock().push(len, |position, bytes| {
            let at = bytes.len();
            bytes.resize(at + len, 0);
            fill(position, bytes.get_mut(at..).unwrap_or_default());
        })
    }

    /// The position after everything appended so far.
    pub fn end(&self) -> u64 {
        self.shared.queue.lock().next()
    }
}

impl Drop for Appender<'_> {
    fn drop(&mut self) {
        let mut queue = self.shared.queue.lock();
        queue.unpin();
        queue.is_appending = false;
        if 0 < queue.n_blocked {
            self.shared.room.notify_all();
        }
        if queue.writer_waits && (queue.stopping || !queue.is_empty()) {
            queue.writer_waits = false;
            drop(queue);
            self.shared.work.notify_one();
        }
    }
}

/// Waits until appending would not block; made by [`super::Log::ready`].
///
/// Others may take the room before it is used: then appending blocks for as long as one write takes.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is polled"]
pub struct Ready {
    shared: Arc<Shared>,
    id: Option<u64>,
}

impl Ready {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), id: None }
    }
}

impl Future for Ready {
    type Output = Result<(), LogError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(result) = this.shared.queue.lock().room(&this.shared.options) {
            return Poll::Ready(result);
        }
        // Outside of the lock: cloning may run anything.
        let waker = context.waker().clone();
        let mut queue = this.shared.queue.lock();
        if let Some(result) = queue.room(&this.shared.options) {
            return Poll::Ready(result);
        }
        let id = *this.id.get_or_insert_with(|| {
            queue.next_ready_id += 1;
            queue.next_ready_id
        });
        let replaced = queue.ready.insert(id, waker);
        drop(queue);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let removed = self.shared.queue.lock().ready.remove(&id);
            drop(removed);
        }
    }
}
