use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, Stream as _};
use hyper::rt::Executor;
use parking_lot::Mutex;

/// The calls of one connection, run within the connection's own task.
///
/// What ends together, as those do that one sync made durable, is then answered in one turn of
/// the connection and written at once. As tasks of their own they would each wake the connection
/// for a write of its own, which costs more than all else that is done for a small call.
#[derive(Debug, Default)]
pub(crate) struct Inline {
    begun: Begun,
    running: FuturesUnordered<BoxFuture<'static, ()>>,
}

/// Where the connection puts the calls that begin.
#[derive(Clone, Default)]
pub(crate) struct Begun(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Begun {
    fn execute(&self, call: F) {
        // As in a task of its own: what panics is its own stream's end, and no other's.
        let call = AssertUnwindSafe(call).catch_unwind().map(|ended| {
            if ended.is_err() {
                tracing::error!("a call panicked");
            }
        });
        self.0.lock().push(call.boxed());
    }
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Begun").field(&self.0.lock().len()).finish()
    }
}

impl Inline {
    /// For the connection.
    pub(crate) fn begun(&self) -> Begun {
        self.begun.clone()
    }

    /// Takes up what has begun, and goes on with every call that was woken; whether any has ended.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> bool {
        let begun = std::mem::take(&mut *self.begun.0.lock());
        self.running.extend(begun);
        let mut any = false;
        while let Poll::Ready(Some(())) = Pin::new(&mut self.running).poll_next(context) {
            any = true;
        }
        any
    }
}

impl Drop for Inline {
    fn drop(&mut self) {
        // They hold the queue that holds them.
        let begun = std::mem::take(&mut *self.begun.0.lock());
        drop(begun);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    use super::*;

    #[test]
    fn a_call_that_panics_ends_alone() {
        let mut inline = Inline::default();
        let begun = inline.begun();
        let ended = Arc::new(AtomicUsize::new(0));
        begun.execute(async { panic!("a mistake") });
        for _ in 0..3 {
            let ended = Arc::clone(&ended);
            begun.execute(async move {
                ended.fetch_add(1, Ordering::Relaxed);
            });
        }
        begun.execute(std::future::pending());
        let mut context = Context::from_waker(Waker::noop());
        assert!(inline.poll(&mut context));
        assert_eq!(ended.load(Ordering::Relaxed), 3);
        assert_eq!(inline.running.len(), 1);
        assert!(!inline.poll(&mut context));
    }

    #[test]
    fn what_has_not_begun_goes_with_the_connection() {
        let inline = Inline::default();
        let (begun, held) = (inline.begun(), Arc::new(()));
        let (for_call, queue) = (Arc::clone(&held), begun.clone());
        // As hyper's streams do, it holds the queue that it is in.
        begun.execute(async move { drop((for_call, queue)) });
        drop((inline, begun));
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
