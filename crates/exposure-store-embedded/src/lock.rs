//! One process owns a data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use exposure_store::Error;

/// Holds a directory until it is dropped; the system lets go when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DirLock {
    _file: File,
}

impl DirLock {
    /// Takes the directory, which is made if it is not there.
    pub(crate) fn take(dir: &Path) -> Result<Self, Error> {
        let refused = |cause: String| Error::Io { file: dir.display().to_string(), cause };
        std::fs::create_dir_all(dir)
            .map_err(|cause| refused(format!("the data directory can not be made: {cause}")))?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join("LOCK"))
            .map_err(|cause| {
                refused(format!("the data directory can not be written to: {cause}"))
            })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(refused(
                "the data directory is in use by another exposure process; stop it, or name another directory"
                    .into(),
            )),
            Err(TryLockError::Error(cause)) => {
                Err(refused(format!("the data directory can not be locked: {cause}")))
            }
        }
    }
}
