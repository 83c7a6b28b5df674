//! What can go wrong with a log.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::is_out_of_space;

/// Why a caller refused a payload during replay.
pub type ReplayError = Box<dyn Error + Send + Sync>;

/// A failure of the log; cheap to clone, since one failure answers every waiter.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// The file system refused an operation.
    #[error("cannot {operation} `{}`: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the file system said.
        source: Arc<io::Error>,
    },
    /// An earlier write or sync failed, so nothing can be appended until the log is opened again.
    #[error(
        "the log takes no more appends until it is reopened, because an earlier write failed: {cause}"
    )]
    Poisoned {
        /// The first failure.
        cause: Arc<LogError>,
    },
    /// A file does not hold what was durable there.
    #[error("`{}`: {fault} at offset {offset}{}", path.display(), durable_note(*durable))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in the file, in bytes.
        offset: u64,
        /// What was found.
        fault: Fault,
        /// The position up to which the log is known to have been durable, if that is how the damage was told.
        durable: Option<u64>,
    },
    /// A segment that must be there is not.
    #[error("`{}` is missing: the log has to hold position {position}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The position it should hold.
        position: u64,
    },
    /// A file was written by a version this one does not know.
    #[error("`{}` has log format {found}, this version reads format {known}", path.display())]
    UnsupportedVersion {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format known here.
        known: u32,
    },
    /// A file belongs to another store.
    #[error("`{}` belongs to another store", path.display())]
    WrongStore {
        /// The file.
        path: PathBuf,
    },
    /// A setting is out of bounds.
    #[error("log setting: {rule}")]
    Options {
        /// What would be right.
        rule: &'static str,
    },
    /// A payload does not fit in a segment.
    #[error("a payload of {len} bytes does not fit in a segment, {max} do")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
        /// The most that fits.
        max: usize,
    },
    /// A position was released and its segment reused or removed.
    #[error("position {position} was released, the log starts at {start}")]
    Released {
        /// The position asked for.
        position: u64,
        /// The first position the log still holds.
        start: u64,
    },
    /// Bytes that are not all durable, or that span two segments, cannot be read.
    #[error(
        "the {len} bytes at position {position} are not in one durable segment, the log is durable up to {durable}"
    )]
    OutOfRange {
        /// The position asked for.
        position: u64,
        /// How many bytes were asked for.
        len: usize,
        /// The position up to which the log is durable.
        durable: u64,
    },
    /// The caller refused a payload during replay.
    #[error("cannot replay the group at position {position}: {source}")]
    Replay {
        /// The position of the payload.
        position: u64,
        /// Why.
        source: Arc<ReplayError>,
    },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

impl LogError {
    /// Whether the cause is a full disk or quota: freeing space and reopening helps.
    pub fn is_out_of_space(&self) -> bool {
        match self {
            Self::Io { source, .. } => is_out_of_space(source),
            Self::Poisoned { cause } => cause.is_out_of_space(),
            _ => false,
        }
    }

    /// Whether the files hold something else than what was written.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Missing { .. })
    }

    pub(super) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { operation, path: path.to_owned(), source: Arc::new(source) }
    }

    pub(super) fn into_poison(self) -> Self {
        match self {
            Self::Poisoned { .. } => self,
            cause => Self::Poisoned { cause: Arc::new(cause) },
        }
    }
}

/// What a damaged place looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A group's checksum does not match.
    Checksum,
    /// There is no group where one should start.
    NoGroup,
    /// The file ends inside a group, or before one.
    EndOfFile,
    /// A segment's header does not validate.
    SegmentHeader,
    /// The next segment continues from elsewhere.
    Continuation,
    /// The seal of a clean stop does not validate.
    Seal,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Checksum => "checksum of the group does not match",
            Self::NoGroup => "no group is found",
            Self::EndOfFile => "the file ends too early",
            Self::SegmentHeader => "the segment's header is damaged",
            Self::Continuation => "the next segment does not continue the log",
            Self::Seal => "the seal of the last clean stop is damaged",
        })
    }
}

fn durable_note(durable: Option<u64>) -> String {
    durable
        .map(|durable| format!(", the log was durable up to position {durable}"))
        .unwrap_or_default()
}
