//! Settings of a log.

use std::time::Duration;

use super::LogError;
use super::format::{GROUP_HEADER, SEGMENT_HEADER};

/// What has to happen before a position counts as durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The bytes are on stable storage.
    #[default]
    Fsync,
    /// The bytes are with the operating system: they outlive the process, not the power.
    None,
}

/// Settings of a log; the defaults suit a server.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// Identifies the store that owns the log; files of another store are refused. Default 0.
    pub store_id: u128,
    /// What durable means. Default [`Durability::Fsync`].
    pub durability: Durability,
    /// Bytes per segment, a power of two from 512 to 2 GiB. Default 64 MiB. A log that exists keeps its own.
    pub segment_bytes: u64,
    /// From where to replay: every group that ends above this position. Default 0.
    pub start_position: u64,
    /// The caller knows that everything below was durable, for example from its checkpoint. Default 0.
    pub durable_floor: u64,
    /// Bytes that may wait for the disk before appending blocks. Default 64 MiB, at least 1.
    pub max_pending_bytes: usize,
    /// A group is closed at this payload size, unless one payload alone is larger. Default 8 MiB, at least 1.
    pub max_group_bytes: usize,
    /// Released segments that are kept for reuse. Default 4.
    pub max_spares: usize,
    /// Segments that are made ready ahead of the writer. Default 2, at least 1.
    pub ahead: usize,
    /// After so long without an append the log notes what was durable. Default 50 ms.
    ///
    /// Damage to the last groups before the note is an error from then on, not a torn tail.
    pub mark_after: Duration,
    /// Files that go are shrunk by so many bytes at a time. Default 32 MiB, at least 1.
    pub shrink_bytes: u64,
    /// Pause between two steps of shrinking. Default 250 ms.
    pub shrink_pause: Duration,
    /// The log has no threads: [`super::Log::write_now`] and [`super::Log::keep_now`] do their work, and so does
    /// whoever blocks until a position is durable. For simulations. Default false.
    pub driven: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            store_id: 0,
            durability: Durability::Fsync,
            segment_bytes: 64 << 20,
            start_position: 0,
            durable_floor: 0,
            max_pending_bytes: 64 << 20,
            max_group_bytes: 8 << 20,
            max_spares: 4,
            ahead: 2,
            mark_after: Duration::from_millis(50),
            shrink_bytes: 32 << 20,
            shrink_pause: Duration::from_millis(250),
            driven: false,
        }
    }
}

impl LogOptions {
    /// The largest payload that one append may have.
    pub fn max_payload(segment_bytes: u64) -> usize {
        (segment_bytes - SEGMENT_HEADER - GROUP_HEADER) as usize
    }

    pub(super) fn check(&self) -> Result<(), LogError> {
        let segment_ok =
            self.segment_bytes.is_power_of_two() && (512..=2 << 30).contains(&self.segment_bytes);
        let rules = [
            (segment_ok, "segment_bytes must be a power of two from 512 to 2 GiB"),
            (0 < self.max_pending_bytes, "max_pending_bytes must be at least 1"),
            (0 < self.max_group_bytes, "max_group_bytes must be at least 1"),
            (0 < self.ahead, "ahead must be at least 1"),
            (0 < self.shrink_bytes, "shrink_bytes must be at least 1"),
        ];
        match rules.iter().find(|(ok, _)| !ok) {
            Some((_, rule)) => Err(LogError::Options { rule }),
            None => Ok(()),
        }
    }
}
