//! What can go wrong with stored events.

use std::io;
use std::path::{Path, PathBuf};

/// What calls on stored events end with.
pub type Result<T> = std::result::Result<T, EventsError>;

/// A failure of the stored events; bad input never causes one.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The file system refused an operation.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file's bytes are not the ones that were written.
    #[error("`{}` is damaged at byte {offset}: {what}; restore the file from a backup", path.display())]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// Where the piece that failed its check begins, in bytes.
        offset: u64,
        /// Which check failed.
        what: &'static str,
    },
    /// A file that the manifest names is not there.
    #[error("`{}` is missing: the manifest names it; restore the file from a backup", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file was written by another format version.
    #[error("`{}` has format version {found}, this build reads version {expected}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version it names.
        found: u32,
        /// The version this build reads.
        expected: u32,
    },
    /// A conversion does not begin where the last one ended.
    #[error(
        "rows from position {from} cannot be converted: everything below {converted} is, so the next must begin there"
    )]
    NotNext {
        /// Where the conversion begins.
        from: u64,
        /// Where it would have to begin.
        converted: u64,
    },
    /// The cursor is not one that a scan gave out.
    #[error("the cursor is not one of this store's; use one that it gave out, unchanged")]
    Cursor,
    /// The library that writes the footer refused it.
    #[error("cannot describe `{}`: {what}", path.display())]
    Footer {
        /// The file.
        path: PathBuf,
        /// What the library said.
        what: String,
    },
}

impl EventsError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_path_buf(), source }
    }

    pub(super) fn damaged(path: &Path, offset: u64, what: &'static str) -> Self {
        Self::Damaged { path: path.to_path_buf(), offset, what }
    }
}
