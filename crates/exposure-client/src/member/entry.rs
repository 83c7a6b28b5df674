use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::outbox::Record;
use crate::tracker::Place;
use crate::{DropReason, Exposure};

/// An exposure under way, shared by the providers that are to have it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) exposure: Arc<Exposure>,
    pub(crate) place: Place,
    pub(crate) n_bytes: usize,
    /// Since when it waits.
    pub(crate) since: Instant,
    /// Where it is on disk, if there is an outbox there.
    pub(crate) record: Option<Record>,
    /// Required providers that have not ended it.
    n_open: AtomicU32,
    failure: Mutex<Option<Failure>>,
}

/// Why an exposure ended undelivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: DropReason,
    pub(crate) detail: Arc<str>,
}

impl Entry {
    pub(crate) fn new(
        exposure: Exposure,
        place: Place,
        since: Instant,
        record: Option<Record>,
        n_required: u32,
    ) -> Self {
        Self {
            n_bytes: exposure.size(),
            exposure: Arc::new(exposure),
            place,
            since,
            record,
            n_open: AtomicU32::new(n_required),
            failure: Mutex::new(None),
        }
    }

    /// A required provider has ended it; of failures the first counts. Tells whether it was the
    /// last one.
    pub(crate) fn ended(&self, failure: Option<Failure>) -> bool {
        if let Some(failure) = failure {
            self.failure.lock().get_or_insert(failure);
        }
        self.n_open.fetch_sub(1, Ordering::AcqRel) == 1
    }

    pub(crate) fn failure(&self) -> Option<Failure> {
        self.failure.lock().clone()
    }
}

impl Failure {
    pub(crate) fn new(reason: DropReason, detail: impl Into<Arc<str>>) -> Self {
        Self { reason, detail: detail.into() }
    }
}
