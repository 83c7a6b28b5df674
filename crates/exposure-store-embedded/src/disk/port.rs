//! What the store asks of a file system.

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A file system: names, and files opened by name.
///
/// Every call may fail with `Interrupted`; callers go through [`super::retry_interrupted`].
pub trait Disk: Debug + Send + Sync + 'static {
    /// Opens a file for positioned reads and writes.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>>;

    /// Renames a file within the file system, replacing `to` if it exists.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file's name.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Creates a directory and its parents; one that exists is no error.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Lists the files of a directory, by name, without its subdirectories.
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>>;

    /// Makes the names of a directory durable: creations, renames and removals before this call.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// An open file; positioned reads and writes may run from several threads.
pub trait File: Debug + Send + Sync {
    /// Reads at most `buf.len()` bytes at `offset`; 0 at the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes at most `buf.len()` bytes at `offset` and says how many.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize>;

    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file holds no byte.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Sets the length: cuts, or extends with zeros.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// Reserves room for the first `len` bytes and makes the file at least that long.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Makes the content durable, with as much metadata as reading it back needs.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes the content and all metadata durable.
    fn sync_all(&self) -> io::Result<()>;

    /// Where the next bytes from `offset` on are that may be anything but zero; `None` if there are none. Only for speed:
    /// any answer between `offset` and them is right.
    fn next_data(&self, offset: u64) -> Option<u64> {
        Some(offset)
    }

    /// Advises that `len` bytes from `offset`, which are durable, will not be read soon; they may reach beyond the end.
    ///
    /// Memory that is given back at once is warm for the next page; what is left to the system grows into memory that
    /// was never touched, and that is many times as dear. Only advice: it changes nothing and does not fail.
    fn forget(&self, _offset: u64, _len: u64) {}

    /// Advises that `len` bytes from `offset` will be read at once: the system may fetch them while others are asked
    /// for. Only advice: it changes nothing and does not fail.
    fn will_read(&self, _offset: u64, _len: u64) {}
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, for reading.
    Read,
    /// An existing file, for reading and writing.
    Write,
    /// An existing or a new file, for reading and writing; content is kept.
    Create,
    /// A new file, for reading and writing; one that exists is an error.
    CreateNew,
}

/// A file in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The last part of its path; a name that is not UTF-8 is not listed.
    pub name: String,
    /// Length in bytes.
    pub len: u64,
}
