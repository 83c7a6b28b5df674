use std::path::PathBuf;
use std::time::Duration;

use exposure_core::Limits;

use crate::log::Durability;

/// Settings of an embedded store. The defaults suit a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data directory; made if it is not there.
    pub dir: PathBuf,
    /// What durable means. Default fsync.
    pub durability: Durability,
    /// Memory for profiles, in bytes, past which the ones not used lately stay on disk. Default 4 GiB.
    pub memory_limit: usize,
    /// Bytes of log after which a checkpoint begins. Default 512 MiB.
    pub checkpoint_after: u64,
    /// Bytes of log that the change feed keeps at least. Default 1 GiB.
    pub feed_keeps: u64,
    /// Bytes of log not yet turned into stored events past which intake is refused. Default 16 GiB.
    pub max_unconverted: u64,
    /// How long the log's newest events may wait until they stand in files. Default 10 s.
    pub convert_every: Duration,
    /// How long stored events are kept, by receive time. Default 400 days.
    pub retention: Duration,
    /// Bytes a second that background work may write. Default 128 MiB.
    pub background_rate: u64,
    /// The bounds of a project; of them the store looks at those of devices, duplicates and rejects.
    pub limits: Limits,
    /// The window of insert ids.
    pub window: crate::window::Options,
    /// Bytes of a log segment. Default 64 MiB.
    pub segment_bytes: u64,
    /// There are no threads, and [`super::EmbeddedStore::work`] does their work: what happens, and in
    /// which order, is then decided by the calls alone. For simulations. Default false.
    pub driven: bool,
}

impl Options {
    /// The defaults for a data directory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            durability: Durability::Fsync,
            memory_limit: 4 << 30,
            checkpoint_after: 512 << 20,
            feed_keeps: 1 << 30,
            max_unconverted: 16 << 30,
            convert_every: Duration::from_secs(10),
            retention: Duration::from_hours(400 * 24),
            background_rate: 128 << 20,
            limits: Limits::default(),
            window: crate::window::Options::default(),
            segment_bytes: 64 << 20,
            driven: false,
        }
    }
}
