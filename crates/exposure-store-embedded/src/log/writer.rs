//! The thread that writes groups and makes them durable.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::MutexGuard;

use super::format::{GROUP_HEADER, GroupHeader, Kind, SegmentHeader};
use super::handle::Shared;
use super::metrics::Counters;
use super::queue::PendingGroup;
use super::segment::Segment;
use super::{Durability, LogError};
use crate::disk;

/// Writes end on borders of this many bytes.
///
/// Else the system had to read the rest of the last page of a reused file from the disk first, in the way of every
/// group. The zeros up to the border stand where the next group goes.
const PAGE_BYTES: u64 = 4096;
/// Bytes behind the durable end that stay at hand for those who follow the log.
const KEPT_BYTES: u64 = 32 << 20;
/// Bytes that are forgotten at once.
const FORGET_BYTES: u64 = 8 << 20;

/// Before so few bytes are written, others who are ready to run get their turn, as long as more comes
/// of it: each sync costs as much as many small commits. It costs nothing where a processor is free.
///
/// It ends where half of what is under way waits, of which there is what was written last and what
/// came meanwhile. Else all would come to wait for one sync, with nothing to do beside it.
const LITTLE: usize = 32 << 10;

/// The only one who writes to segments. One sync is in flight while the next groups fill.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    segment: Option<Arc<Segment>>,
    /// The position after the last group written.
    written: u64,
    /// Everything below is on stable storage; groups name it.
    synced: u64,
    /// Payloads were written since the last mark.
    unmarked: bool,
    /// What this thread wrote below is forgotten.
    forgotten: u64,
    /// Bytes of the groups that were taken last.
    last: usize,
}

impl Writer {
    pub(super) fn new(shared: &Arc<Shared>, tail: u64) -> Self {
        let segment = shared.segments.last();
        Self {
            shared: Arc::clone(shared),
            segment,
            written: tail,
            synced: tail,
            unmarked: false,
            forgotten: tail,
            last: 0,
        }
    }

    /// The thread's body.
    pub(super) fn run(mut self) {
        // However this ends, nobody waits for ever.
        let _exit = Exit(Arc::clone(&self.shared));
        while let Some(groups) = self.next_groups() {
            if let Err(failure) = self.write(groups) {
                self.shared.poison(failure);
                return;
            }
        }
        if let Err(failure) = self.finish() {
            self.shared.poison(failure);
        }
    }

    /// Makes everything durable, with a mark that says so.
    pub(super) fn finish(&mut self) -> Result<(), LogError> {
        self.mark()?;
        self.sync_now()
    }

    /// Notes what is durable, where something was written since the last time.
    pub(super) fn mark(&mut self) -> Result<(), LogError> {
        if !self.unmarked {
            return Ok(());
        }
        let mark = {
            let mut queue = self.shared.queue.lock();
            queue.push_mark();
            queue.take()
        };
        self.write(mark)
    }

    /// Nobody waits for this writer any more.
    pub(super) fn end(self) {
        drop(Exit(self.shared));
    }

    /// Waits for groups; `None` when the log stops.
    fn next_groups(&mut self) -> Option<Vec<PendingGroup>> {
        let mut queue = self.shared.queue.lock();
        loop {
            if !queue.is_empty() {
                let enough = usize::midpoint(self.last, queue.pending_bytes).min(LITTLE);
                let mut before = 0;
                while before < queue.pending_bytes && queue.pending_bytes < enough {
                    before = queue.pending_bytes;
                    MutexGuard::unlocked(&mut queue, std::thread::yield_now);
                }
                self.last = queue.pending_bytes;
                return Some(queue.take());
            }
            if queue.stopping && !queue.is_appending {
                return None;
            }
            queue.writer_waits = true;
            if self.unmarked {
                let wait = self.shared.work.wait_for(&mut queue, self.shared.options.mark_after);
                let is_idle = queue.is_empty() && !queue.is_appending;
                if wait.timed_out() && is_idle && !queue.stopping {
                    queue.push_mark();
                }
            } else {
                self.shared.work.wait(&mut queue);
            }
            queue.writer_waits = false;
        }
    }

    /// Writes groups, makes them durable, and says so.
    pub(super) fn write(&mut self, mut groups: Vec<PendingGroup>) -> Result<(), LogError> {
        for group in &mut groups {
            if group.placement.begins_segment {
                self.settle()?;
                self.begin_segment(group)?;
            }
            if group.kind == Kind::Mark && self.synced < self.written {
                self.sync()?;
            }
            self.write_group(group)?;
        }
        self.settle()?;
        self.shared.give_back(groups);
        self.forget();
        Ok(())
    }

    fn begin_segment(&mut self, group: &mut PendingGroup) -> Result<(), LogError> {
        if self.synced < self.written {
            // The new header says where the segment before ends: that has to be true after any loss.
            self.sync()?;
        }
        let segments = &self.shared.segments;
        let start = group.write_position();
        let file = self.shared.keeper.take(start, &self.shared)?;
        let epoch = self.segment.as_ref().map_or(0, |segment| segment.epoch) + 1;
        let header = SegmentHeader {
            size_log2: segments.segment_bytes.ilog2(),
            store_id: self.shared.options.store_id,
            start,
            epoch,
            previous_end: self.written,
        };
        let encoded = header.encode();
        if let Some(place) = group.bytes.first_chunk_mut() {
            *place = encoded;
        }
        let segment = Arc::new(Segment::new(segments.path(start), file, start, epoch));
        if let Some(previous) = self.segment.replace(Arc::clone(&segment)) {
            previous.finish(self.written);
        }
        segments.add(segment);
        Ok(())
    }

    fn write_group(&mut self, group: &mut PendingGroup) -> Result<(), LogError> {
        let segment = self.segment.as_ref().ok_or(LogError::Closed)?;
        let len = group.payload_len();
        let header = GroupHeader {
            len: len as u32,
            position: group.placement.header,
            durable: self.synced,
            epoch: segment.epoch,
            kind: group.kind,
            crc: 0,
        };
        let header_at = group.header_at();
        let place = group.bytes.get_mut(header_at..).unwrap_or_default();
        if let Some((place, payload)) = place.split_first_chunk_mut::<{ GROUP_HEADER as usize }>() {
            *place = header.encode(self.shared.options.store_id, payload);
        }
        let (n_bytes, end) = (group.bytes.len(), group.end());
        let n_padded = n_bytes + padding(end, self.shared.segments.segment_bytes);
        group.bytes.resize(n_padded, 0);
        disk::write_all_at(&*segment.file, &group.bytes, group.write_position() - segment.start)
            .map_err(LogError::io("write", &segment.path))?;
        group.bytes.truncate(n_bytes);
        segment.note_boundary(group.placement.header);
        self.written = end;
        self.unmarked = group.kind == Kind::Payload;

        let counters = &self.shared.counters;
        Counters::add(&counters.groups, 1);
        Counters::add(&counters.payload_bytes, len as u64);
        Counters::add(&counters.written_bytes, n_padded as u64);
        Ok(())
    }

    /// Makes what is written durable, as far as the settings ask for it, and publishes it.
    fn settle(&mut self) -> Result<(), LogError> {
        if self.synced < self.written && self.shared.options.durability == Durability::Fsync {
            self.sync()?;
        }
        self.shared.waiters.publish(self.written);
        Ok(())
    }

    /// Makes what is written durable whatever the settings say.
    pub(super) fn sync_now(&mut self) -> Result<(), LogError> {
        if self.synced < self.written { self.sync() } else { Ok(()) }
    }

    fn sync(&mut self) -> Result<(), LogError> {
        let segment = self.segment.as_ref().ok_or(LogError::Closed)?;
        let start = Instant::now();
        disk::retry_interrupted(|| segment.file.sync_data())
            .map_err(LogError::io("sync", &segment.path))?;
        self.shared.counters.synced(start.elapsed());
        self.synced = self.written;
        Ok(())
    }

    /// Gives back the memory of what is durable and far behind the end. Nobody waits for the writer now.
    fn forget(&mut self) {
        let segments = &self.shared.segments;
        let to = self.synced.saturating_sub(KEPT_BYTES) & !(FORGET_BYTES - 1);
        while self.forgotten < to {
            let start = self.forgotten & !(segments.segment_bytes - 1);
            let end = to.min(start + segments.segment_bytes);
            // One that was released meanwhile has been forgotten as a whole.
            if let Ok(Some(segment)) = segments.holding(self.forgotten) {
                segment.file.forget(self.forgotten - start, end - self.forgotten);
            }
            self.forgotten = end;
        }
    }
}

/// Zeros to write after a group that ends at `end`, so that the write ends with a page, and never after its segment.
fn padding(end: u64, segment_bytes: u64) -> usize {
    let page = PAGE_BYTES.min(segment_bytes);
    (end.next_multiple_of(page) - end) as usize
}

/// Ends all waiting when the writer's thread ends, also by a panic of a waker.
struct Exit(Arc<Shared>);

impl Drop for Exit {
    fn drop(&mut self) {
        self.0.stop_appends();
        self.0.waiters.fail(LogError::Closed);
    }
}
