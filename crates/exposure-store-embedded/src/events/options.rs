//! Settings of the stored events.

/// Settings of the stored events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventsOptions {
    /// Files of one tier that are merged into one of the next, at least; 8. A row is written once more for each tier,
    /// and a read looks into each file.
    pub merge_width: usize,
    /// Files do not grow beyond this by merging, in bytes; 1 GiB.
    pub max_file_bytes: u64,
}

impl Default for EventsOptions {
    fn default() -> Self {
        Self { merge_width: 8, max_file_bytes: 1 << 30 }
    }
}
