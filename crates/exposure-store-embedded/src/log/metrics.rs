//! What the log counts of itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets of the sync time histogram.
pub const SYNC_BUCKETS: usize = 24;

/// A reading of the log's counters, all since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogMetrics {
    /// Groups written, marks included.
    pub groups: u64,
    /// Bytes of payload written.
    pub payload_bytes: u64,
    /// Bytes written, headers and the zeros up to the end of a page included.
    pub written_bytes: u64,
    /// Syncs of segment content.
    pub syncs: u64,
    /// Time spent in those syncs.
    pub sync_time: Duration,
    /// The longest of them.
    pub sync_time_max: Duration,
    /// Bucket `i` counts the syncs that took from 2^i up to 2^(i+1) microseconds; the first and last take the rest.
    pub sync_histogram: [u64; SYNC_BUCKETS],
    /// Segments made from nothing.
    pub segments_created: u64,
    /// Segments made from a released one.
    pub segments_recycled: u64,
    /// Segment files removed.
    pub segments_removed: u64,
    /// How often the writer had to wait for a segment to be made.
    pub segment_waits: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) groups: AtomicU64,
    pub(super) payload_bytes: AtomicU64,
    pub(super) written_bytes: AtomicU64,
    syncs: AtomicU64,
    sync_nanos: AtomicU64,
    sync_nanos_max: AtomicU64,
    sync_histogram: [AtomicU64; SYNC_BUCKETS],
    pub(super) segments_created: AtomicU64,
    pub(super) segments_recycled: AtomicU64,
    pub(super) segments_removed: AtomicU64,
    pub(super) segment_waits: AtomicU64,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }

    pub(super) fn synced(&self, time: Duration) {
        let nanos = time.as_nanos() as u64;
        Self::add(&self.syncs, 1);
        Self::add(&self.sync_nanos, nanos);
        self.sync_nanos_max.fetch_max(nanos, Ordering::Relaxed);
        let bucket = (nanos / 1000).max(1).ilog2() as usize;
        if let Some(counter) = self.sync_histogram.get(bucket.min(SYNC_BUCKETS - 1)) {
            Self::add(counter, 1);
        }
    }

    pub(super) fn read(&self) -> LogMetrics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LogMetrics {
            groups: get(&self.groups),
            payload_bytes: get(&self.payload_bytes),
            written_bytes: get(&self.written_bytes),
            syncs: get(&self.syncs),
            sync_time: Duration::from_nanos(get(&self.sync_nanos)),
            sync_time_max: Duration::from_nanos(get(&self.sync_nanos_max)),
            sync_histogram: std::array::from_fn(|i| self.sync_histogram.get(i).map_or(0, get)),
            segments_created: get(&self.segments_created),
            segments_recycled: get(&self.segments_recycled),
            segments_removed: get(&self.segments_removed),
            segment_waits: get(&self.segment_waits),
        }
    }
}
