use std::io;
use std::path::PathBuf;

/// Why an outbox on disk did not open.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The file system said no.
    #[error("can not {what} `{}`: {error}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What came of it.
        error: io::Error,
    },
    /// Another client has it.
    #[error("`{}` is in use by another client; give each its own directory", .0.display())]
    InUse(PathBuf),
    /// Something that was on stable storage does not read any more. Nothing was changed.
    #[error("`{}` is damaged at byte {offset}; restore the file, or move it away to give up what it holds", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where it stops making sense.
        offset: u64,
    },
    /// It was written by a later version.
    #[error("`{}` has format {found}; this version reads format {known}", path.display())]
    UnknownFormat {
        /// The segment.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format that is known.
        known: u32,
    },
}

impl OutboxError {
    pub(super) fn io(what: &'static str, path: impl Into<PathBuf>, error: io::Error) -> Self {
        Self::Io { what, path: path.into(), error }
    }
}
