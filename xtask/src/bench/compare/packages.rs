//! PostgreSQL and Redis, from Debian where they are missing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::test::tools;

/// Where Debian has each version of PostgreSQL.
const POSTGRES: &str = "/usr/lib/postgresql";

/// Installs what is missing where it can; an error that says what to install where it can not.
pub(super) fn ensure() -> anyhow::Result<()> {
    let is_there = || postgres("postgres").is_some() && tools::find("redis-server").is_some();
    if !tools::ensure(is_there, &["postgresql", "redis-server"]) {
        bail!(
            "needs PostgreSQL and Redis; on Debian, as root: apt-get install postgresql redis-server"
        );
    }
    Ok(())
}

/// A program of the newest PostgreSQL that is installed.
pub(super) fn postgres(program: &str) -> Option<PathBuf> {
    let newest = fs::read_dir(POSTGRES).ok().and_then(|versions| {
        let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
        let versions = versions.flatten().map(|entry| entry.path());
        versions.filter_map(|path| Some((number(&path)?, path))).max()
    });
    let debian = newest.map(|(_, directory)| directory.join("bin").join(program));
    debian.filter(|path| path.is_file()).or_else(|| tools::find(program))
}
