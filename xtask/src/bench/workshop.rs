//! What every bench of the whole system needs.

use std::path::PathBuf;

use super::binaries::Binaries;
use super::scratch::Scratch;
use crate::flags::Bench;

/// Programs, a directory for what they write, and where results go.
#[derive(Debug)]
pub(super) struct Workshop {
    pub(super) binaries: Binaries,
    pub(super) scratch: Scratch,
    /// In place of the directory of results.
    pub(super) out: Option<PathBuf>,
}

impl Workshop {
    /// Builds the programs, unless the options say where they lie.
    pub(super) fn new(options: &Bench) -> anyhow::Result<Self> {
        let binaries = match &options.binaries {
            Some(directory) => Binaries::in_directory(directory)?,
            None => Binaries::build()?,
        };
        let scratch = Scratch::new(options.dir.as_deref())?;
        Ok(Self { binaries, scratch, out: options.out.clone() })
    }
}
