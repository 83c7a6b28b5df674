use std::path::PathBuf;
use std::sync::Arc;

use super::Disk;
use crate::member::QueueBound;

/// Where an outbox is, and how much it may hold.
#[derive(Clone, Debug)]
pub(crate) struct OutboxOptions {
    pub(crate) directory: PathBuf,
    pub(crate) max_bytes: u64,
    pub(crate) is_write_through: bool,
    /// Whether what was delivered is remembered over a clean end.
    pub(crate) remembers: bool,
    /// How much of what an earlier run left is taken to memory at once.
    pub(crate) held: QueueBound,
    pub(crate) disk: Arc<dyn Disk>,
}
