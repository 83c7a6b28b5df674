use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use exposure_service::{Beginning, ServiceError};
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use tonic::Status;
use tonic::body::Body;

use crate::Settings;
use crate::error::status;

/// Bytes of messages that are not whole yet, of all calls: a message is taken in piece by
/// piece, and many long ones at once would not fit.
#[derive(Clone, Debug)]
pub(crate) struct Receiving {
    held: Arc<AtomicUsize>,
    limit: usize,
    retry_after: Duration,
}

/// What one call holds of it.
#[derive(Clone, Debug)]
pub(crate) struct Held(Arc<Share>);

#[derive(Debug)]
struct Share {
    all: Arc<AtomicUsize>,
    own: AtomicUsize,
    /// The call among those that come, until its message is whole.
    begun: Mutex<Option<Beginning>>,
}

impl Receiving {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            held: Arc::default(),
            limit: settings.max_receiving_bytes,
            retry_after: settings.retry_after,
        }
    }

    /// Counts what comes of a body, until the call releases it or ends.
    pub(crate) fn count(&self, body: Body, begun: Option<Beginning>) -> (Body, Held) {
        let share = Share {
            all: Arc::clone(&self.held),
            own: AtomicUsize::new(0),
            begun: Mutex::new(begun),
        };
        let held = Held(Arc::new(share));
        let counted = Counted { body, receiving: self.clone(), held: held.clone() };
        (Body::new(counted), held)
    }

    fn refusal(&self) -> Status {
        let message = format!(
            "messages of {} bytes are being received, which is as much as may be; try again later",
            self.limit
        );
        status(&ServiceError::exhausted(message, self.retry_after))
    }
}

impl Held {
    fn add(&self, n_bytes: usize, limit: usize) -> bool {
        self.0.own.fetch_add(n_bytes, Ordering::AcqRel);
        self.0.all.fetch_add(n_bytes, Ordering::AcqRel).saturating_add(n_bytes) <= limit
    }

    /// A message is whole: from here on the service counts it.
    pub(crate) fn release(&self) {
        drop(self.0.begun.lock().take());
        let own = self.0.own.swap(0, Ordering::AcqRel);
        self.0.all.fetch_sub(own, Ordering::AcqRel);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.all.fetch_sub(*self.own.get_mut(), Ordering::AcqRel);
    }
}

/// A body that is counted while it comes.
struct Counted {
    body: Body,
    receiving: Receiving,
    held: Held,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            let n_bytes = frame.data_ref().map_or(0, Bytes::len);
            if !self.held.add(n_bytes, self.receiving.limit) {
                return Poll::Ready(Some(Err(self.receiving.refusal())));
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
