//! The programs that are measured and that measure, built in release.

use std::path::{Path, PathBuf};

use crate::{step, workspace};

/// The directory of the built programs.
#[derive(Debug)]
pub(super) struct Binaries {
    directory: PathBuf,
}

impl Binaries {
    /// Builds all of them.
    pub(super) fn build() -> anyhow::Result<Self> {
        // Apart from the benches', whose dependencies ask for more features.
        for package in [
            &["--package", "exposure-server", "--bin", "exposure"][..],
            &["--package", "exposure-benches", "--bins"],
        ] {
            step::run(workspace::cargo(&["build", "--release"]).args(package))?;
        }
        Ok(Self { directory: workspace::target_directory()?.join("release") })
    }

    /// Programs that are built already.
    pub(super) fn in_directory(directory: &Path) -> anyhow::Result<Self> {
        Ok(Self { directory: std::path::absolute(directory)? })
    }

    /// Where a program is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}
