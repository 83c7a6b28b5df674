use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, Stream as _};

/// The calls of one connection, run within the connection's own task.
///
/// What ends together, as those do that one sync made durable, is then answered in one turn of
/// the connection and written at once. As tasks of their own they would each wake the connection
/// for a write of its own, which costs more than all else that is done for a small call.
#[derive(Debug, Default)]
pub(crate) struct Inline {
    running: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl Inline {
    /// Begins a call.
    pub(crate) fn begin(&mut self, call: impl Future<Output = ()> + Send + 'static) {
        // As in a task of its own: what panics is its own stream's end, and no other's.
        let call = AssertUnwindSafe(call).catch_unwind().map(|ended| {
            if ended.is_err() {
                tracing::error!("a call panicked");
            }
        });
        self.running.push(call.boxed());
    }

    /// Goes on with every call that was woken; whether any has ended.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> bool {
        let mut any = false;
        while let Poll::Ready(Some(())) = Pin::new(&mut self.running).poll_next(context) {
            any = true;
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    use super::*;

    #[test]
    fn a_call_that_panics_ends_alone() {
        let mut inline = Inline::default();
        let ended = Arc::new(AtomicUsize::new(0));
        inline.begin(async { panic!("a mistake") });
        for _ in 0..3 {
            let ended = Arc::clone(&ended);
            inline.begin(async move {
                ended.fetch_add(1, Ordering::Relaxed);
            });
        }
        inline.begin(std::future::pending());
        let mut context = Context::from_waker(Waker::noop());
        assert!(inline.poll(&mut context));
        assert_eq!(ended.load(Ordering::Relaxed), 3);
        assert_eq!(inline.running.len(), 1);
        assert!(!inline.poll(&mut context));
    }
}
