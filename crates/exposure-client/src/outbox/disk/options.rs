use std::path::PathBuf;
use std::sync::Arc;

use super::Disk;

/// Where an outbox is, and how much it may hold.
#[derive(Clone, Debug)]
pub(crate) struct OutboxOptions {
    pub(crate) directory: PathBuf,
    pub(crate) max_bytes: u64,
    pub(crate) is_write_through: bool,
    /// Whether what was delivered is remembered over a clean end.
    pub(crate) remembers: bool,
    pub(crate) disk: Arc<dyn Disk>,
}
