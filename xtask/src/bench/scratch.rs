//! A directory for what servers write; it goes with everything in it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::workspace;

/// A directory that is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A new directory in `parent`; unless that is named, in the target directory, which is on a real disk where the
    /// system's directory for temporary files may be in memory.
    pub(super) fn new(parent: Option<&Path>) -> anyhow::Result<Self> {
        let parent = match parent {
            Some(parent) => std::path::absolute(parent)?,
            None => workspace::target_directory()?.join("bench"),
        };
        let path = parent.join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("failed to make {}", path.display()))?;
        Ok(Self { path })
    }

    /// A path in it.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Removes something in it.
    pub(super) fn clear(&self, name: &str) -> anyhow::Result<()> {
        let path = self.join(name);
        fs::remove_dir_all(&path).with_context(|| format!("failed to remove {}", path.display()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("warning: {} stays behind: {error}", self.path.display());
        }
    }
}

/// Bytes of all files below a path.
pub(super) fn disk_bytes(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let of_entry = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        // A file may go between the listing and the look at it.
        Err(_) => 0,
    };
    entries.flatten().map(of_entry).sum()
}
