//! The protocol as it was accepted last.

use std::path::Path;

use anyhow::{Context, Result};
use prost::Message;
use prost_types::FileDescriptorSet;

use crate::compile::strip;

/// Reads the baseline.
///
/// # Errors
/// Fails if it is not there or is no descriptor set.
pub fn read(path: &Path) -> Result<FileDescriptorSet> {
    let bytes = std::fs::read(path).with_context(|| {
        format!("reading the baseline {}; `accept` writes the first one", path.display())
    })?;
    FileDescriptorSet::decode(&*bytes)
        .with_context(|| format!("reading the baseline {}", path.display()))
}

/// Makes `descriptors` the baseline.
///
/// # Errors
/// Fails if it cannot be written.
pub fn accept(descriptors: FileDescriptorSet, path: &Path) -> Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("making directory {}", directory.display()))?;
    }
    std::fs::write(path, strip(descriptors).encode_to_vec())
        .with_context(|| format!("writing the baseline {}", path.display()))
}
