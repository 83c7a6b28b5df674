//! What the keeper does to files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::LogError;
use super::format::Name;
use super::segment::Segment;
use crate::disk::{self, Disk, File, OpenMode};

/// Makes the file of the segment at `start`, from a spare one if there is one.
///
/// When this returns, writing to the file changes none of its metadata and its name outlives the power.
pub(super) fn prepare(
    disk: &dyn Disk,
    dir: &Path,
    start: u64,
    spare: Option<&Path>,
    segment_bytes: u64,
) -> Result<Arc<dyn File>, LogError> {
    let path = dir.join(Name::segment(start));
    let io = |operation| LogError::io(operation, &path);
    if let Some(spare) = spare {
        disk::retry_interrupted(|| disk.rename(spare, &path))
            .map_err(LogError::io("rename", spare))?;
    }
    // An attempt that failed half way may have left the file.
    let file =
        disk::retry_interrupted(|| disk.open(&path, OpenMode::Create)).map_err(io("create"))?;
    let len = file.len().map_err(io("measure"))?;
    if segment_bytes < len {
        disk::retry_interrupted(|| file.truncate(segment_bytes)).map_err(io("truncate"))?;
    }
    disk::retry_interrupted(|| file.allocate(segment_bytes)).map_err(io("allocate"))?;
    disk::retry_interrupted(|| file.sync_all()).map_err(io("sync"))?;
    disk::retry_interrupted(|| disk.sync_dir(dir)).map_err(LogError::io("sync", dir))?;
    Ok(file)
}

/// Takes a released segment's name away and returns the new one: of a spare file, or of one that leaves.
pub(super) fn retire(
    disk: &dyn Disk,
    dir: &Path,
    segment: &Segment,
    as_spare: bool,
) -> Result<PathBuf, LogError> {
    let name = if as_spare {
        Name::spare(segment.start)
    } else {
        Name::leaving(&Name::segment(segment.start))
    };
    let to = dir.join(name);
    disk::retry_interrupted(|| disk.rename(&segment.path, &to))
        .map_err(LogError::io("rename", &segment.path))?;
    // In order on stable storage too, or a gap could be found later.
    disk::retry_interrupted(|| disk.sync_dir(dir)).map_err(LogError::io("sync", dir))?;
    segment.forget();
    Ok(to)
}

/// Shortens a file by one step, and removes it when nothing is left; true if it is gone.
///
/// Removing much at once holds up every sync of the file system meanwhile.
pub(super) fn shrink(disk: &dyn Disk, path: &Path, step: u64) -> Result<bool, LogError> {
    let io = |operation| LogError::io(operation, path);
    let file = disk::retry_interrupted(|| disk.open(path, OpenMode::Write)).map_err(io("open"))?;
    let len = file.len().map_err(io("measure"))?;
    if step < len {
        disk::retry_interrupted(|| file.truncate(len - step)).map_err(io("truncate"))?;
        return Ok(false);
    }
    disk::retry_interrupted(|| file.truncate(0)).map_err(io("truncate"))?;
    disk::retry_interrupted(|| disk.remove(path)).map_err(io("remove"))?;
    Ok(true)
}
