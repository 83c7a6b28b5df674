//! Compares generated files with the checked-in ones, by content.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

use crate::generate::Files;

/// One checked-in file that is not what the generator writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drift {
    /// The file is generated and not checked in.
    Missing(String),
    /// The file is checked in with other content.
    Changed(String),
    /// The file is checked in and not generated.
    Stray(String),
}

impl std::fmt::Display for Drift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "{name}: not checked in"),
            Self::Changed(name) => write!(f, "{name}: differs from what is generated"),
            Self::Stray(name) => write!(f, "{name}: checked in, but not generated"),
        }
    }
}

/// Lists the differences between `files` and what `directory` holds.
///
/// # Errors
/// Fails if the directory or a file in it cannot be read.
pub fn compare(files: &Files, directory: &Path) -> Result<Vec<Drift>> {
    let present = names(directory)?;
    let mut drifts = Vec::new();
    for (name, content) in files {
        if !present.contains(name) {
            drifts.push(Drift::Missing(name.clone()));
        } else if &std::fs::read(directory.join(name))? != content {
            drifts.push(Drift::Changed(name.clone()));
        }
    }
    drifts.extend(present.into_iter().filter(|name| !files.contains_key(name)).map(Drift::Stray));
    Ok(drifts)
}

/// Makes `directory` hold exactly `files`, touching only what differs; returns what it changed.
///
/// # Errors
/// Fails if a file cannot be written or removed.
pub fn write(files: &Files, directory: &Path) -> Result<Vec<Drift>> {
    std::fs::create_dir_all(directory)
        .with_context(|| format!("making directory {}", directory.display()))?;
    let drifts = compare(files, directory)?;
    for drift in &drifts {
        match drift {
            Drift::Missing(name) | Drift::Changed(name) => {
                let content = files.get(name).map(Vec::as_slice).unwrap_or_default();
                std::fs::write(directory.join(name), content)
                    .with_context(|| format!("writing {name}"))?;
            }
            Drift::Stray(name) => std::fs::remove_file(directory.join(name))
                .with_context(|| format!("removing {name}"))?,
        }
    }
    Ok(drifts)
}

fn names(directory: &Path) -> Result<BTreeSet<String>> {
    let entries = std::fs::read_dir(directory)
        .with_context(|| format!("reading directory {}", directory.display()))?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}
