//! Who waits for a position to become durable.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use parking_lot::Mutex;

use super::LogError;
use super::driver::Driver;

/// The durable position and those who wait for it to move.
#[derive(Debug)]
pub(super) struct Waiters {
    durable: AtomicU64,
    inner: Mutex<Inner>,
    /// Who does the work where there is no thread for it.
    driver: OnceLock<Weak<Driver>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Ordered by position, so that publishing takes a prefix.
    wakers: BTreeMap<(u64, u64), Waker>,
    next_id: u64,
    failure: Option<LogError>,
}

impl Waiters {
    pub(super) fn new(durable: u64) -> Self {
        Self { durable: AtomicU64::new(durable), inner: Mutex::default(), driver: OnceLock::new() }
    }

    pub(super) fn be_driven(&self, driver: &Arc<Driver>) {
        self.driver.get_or_init(|| Arc::downgrade(driver));
    }

    /// Waits for a wake, or does the work that leads to one.
    fn rest(&self) {
        match self.driver.get().map(Weak::upgrade) {
            None => thread::park(),
            // Where nothing is left to write, it has failed or never comes: the next look tells.
            Some(driver) => drop(driver.map(|driver| driver.write())),
        }
    }

    pub(super) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Everything below `durable` is durable from now on.
    pub(super) fn publish(&self, durable: u64) {
        // Stored before the lock is taken: who registers later sees it under the lock.
        self.durable.store(durable, Ordering::Release);
        let reached = {
            let mut inner = self.inner.lock();
            if inner.wakers.first_key_value().is_none_or(|((position, _), _)| durable < *position) {
                return;
            }
            let later = inner.wakers.split_off(&(durable, u64::MAX));
            std::mem::replace(&mut inner.wakers, later)
        };
        // Outside of the lock: a waker may run anything.
        for waker in reached.into_values() {
            waker.wake();
        }
    }

    /// No position becomes durable from now on.
    pub(super) fn fail(&self, failure: LogError) {
        let wakers = {
            let mut inner = self.inner.lock();
            inner.failure.get_or_insert(failure);
            std::mem::take(&mut inner.wakers)
        };
        for waker in wakers.into_values() {
            waker.wake();
        }
    }
}

/// Waits until a position is durable; made by [`super::Log::wait_durable`].
///
/// Needs no particular runtime. Dropping it at any time is safe.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is polled"]
pub struct WaitDurable {
    waiters: Arc<Waiters>,
    position: u64,
    id: Option<u64>,
}

impl WaitDurable {
    pub(super) fn new(waiters: &Arc<Waiters>, position: u64) -> Self {
        Self { waiters: Arc::clone(waiters), position, id: None }
    }

    /// Blocks the thread until the position is durable.
    ///
    /// # Errors
    /// As the future.
    pub fn block(mut self) -> Result<(), LogError> {
        struct Unpark(Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        if self.position <= self.waiters.durable() {
            return Ok(());
        }
        let waker = Arc::new(Unpark(thread::current())).into();
        let mut context = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut self).poll(&mut context) {
                Poll::Ready(result) => return result,
                Poll::Pending => self.waiters.rest(),
            }
        }
    }
}

impl Future for WaitDurable {
    type Output = Result<(), LogError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.position <= this.waiters.durable() {
            return Poll::Ready(Ok(()));
        }
        // Cloned and dropped outside of the lock: both may run anything.
        let waker = context.waker().clone();
        let mut inner = this.waiters.inner.lock();
        if this.position <= this.waiters.durable() {
            return Poll::Ready(Ok(()));
        }
        if let Some(failure) = &inner.failure {
            return Poll::Ready(Err(failure.clone()));
        }
        let id = *this.id.get_or_insert_with(|| {
            inner.next_id += 1;
            inner.next_id
        });
        let replaced = inner.wakers.insert((this.position, id), waker);
        drop(inner);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for WaitDurable {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let removed = self.waiters.inner.lock().wakers.remove(&(self.position, id));
            drop(removed);
        }
    }
}
