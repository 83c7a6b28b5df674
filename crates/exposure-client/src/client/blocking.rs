use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use super::{ExposureClient, FlushReport, ShutdownReport};

/// The calls of a client that wait, blocking the thread. Not for use inside a runtime.
#[derive(Clone, Copy, Debug)]
pub struct Blocking<'a>(&'a ExposureClient);

impl<'a> Blocking<'a> {
    pub(super) fn new(client: &'a ExposureClient) -> Self {
        Self(client)
    }

    /// As [`ExposureClient::synced`].
    pub fn synced(self) {
        block_on(self.0.synced());
    }

    /// As [`ExposureClient::flush`].
    pub fn flush(self) -> FlushReport {
        block_on(self.0.flush())
    }

    /// As [`ExposureClient::shutdown`].
    pub fn shutdown(self, deadline: Duration) -> ShutdownReport {
        block_on(self.0.shutdown(deadline))
    }
}

/// Unparks the thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future that others drive: the client's threads do the work.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::park();
    }
}
