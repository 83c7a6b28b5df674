use std::time::Duration;

/// What a store's calls end with.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a store could not do what it was asked for.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A bound was reached: memory, disk, the window of insert ids, unconverted log.
    #[error("no room: {what}")]
    Exhausted {
        /// Which bound, and what would help.
        what: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// A write or sync failed; nothing is written until the store is opened again.
    #[error("the store stopped writing after a failure: {cause}")]
    Poisoned {
        /// The failure.
        cause: String,
    },
    /// What is stored is not what was written: the file, the place, and what is wrong there.
    #[error("{file}: {what}")]
    Corrupt {
        /// The file, relative to the data directory.
        file: String,
        /// The place and what is wrong there.
        what: String,
    },
    /// The cursor lies before what is kept.
    #[error("the cursor lies before what the feed keeps; start again with a snapshot")]
    CursorExpired,
    /// The cursor is not one of this store's.
    #[error("the cursor is not one of this store's; use one that it gave out, unchanged")]
    CursorInvalid,
    /// Reading failed.
    #[error("{file}: {cause}")]
    Io {
        /// The file.
        file: String,
        /// What the system said.
        cause: String,
    },
    /// The store is being closed.
    #[error("the store is closing")]
    Closed,
}

impl Error {
    /// Whether the same call may succeed later without anybody's help.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Exhausted { .. } | Self::Closed)
    }
}
