//! What can go wrong with the window's files.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of the window; bad input never causes one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused an operation.
    #[error("could not {action} `{}`: {source}", path.display())]
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
    /// A setting is out of its bounds.
    #[error("setting `{name}` is {value}, but must be {must}")]
    Setting {
        /// The setting's name.
        name: &'static str,
        /// The refused value.
        value: u64,
        /// The bound, in words.
        must: &'static str,
    },
}

impl Error {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_path_buf(), source }
    }

    pub(super) fn damaged(path: &Path, offset: u64, what: &'static str) -> Self {
        Self::Damaged { path: path.to_path_buf(), offset, what }
    }

    /// Whether trying again can succeed without an operator: a full disk may, damaged bytes may not.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Io { .. })
    }
}
