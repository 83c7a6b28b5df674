//! The sections that are there, and their open files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use exposure_store::Error;
use parking_lot::RwLock;

use super::manifest::{Manifest, SectionAt};
use super::section::read_block;
use crate::disk::{Disk, File, OpenMode, retry_interrupted};
use crate::frame::Malformed;
use crate::state::ColdRef;

/// A file of sections. Whoever holds it can read it, also after its name is gone.
#[derive(Debug)]
pub(crate) struct SectionFile {
    pub path: PathBuf,
    pub file: Arc<dyn File>,
}

/// A section and its file.
#[derive(Clone, Debug)]
pub(crate) struct SectionRef {
    pub at: SectionAt,
    pub file: Arc<SectionFile>,
}

/// The current sections. Changed only under the state's lock, so that a place read under it
/// stays good together with the section read beside it.
#[derive(Debug)]
pub(crate) struct Sections {
    pub dir: PathBuf,
    inner: RwLock<Open>,
}

#[derive(Debug)]
struct Open {
    manifest: Manifest,
    files: BTreeMap<u64, Arc<SectionFile>>,
}

impl Sections {
    /// Opens the files that the manifest names.
    pub(crate) fn open(disk: &dyn Disk, dir: &Path) -> Result<Self, Error> {
        let io = |file: &Path, cause: io::Error| Error::Io {
            file: name(file),
            cause: cause.to_string(),
        };
        retry_interrupted(|| disk.create_dir(dir)).map_err(|cause| io(dir, cause))?;
        let manifest_path = dir.join("MANIFEST");
        let manifest = Manifest::read(disk, dir)
            .map_err(|cause| io(&manifest_path, cause))?
            .map_err(|what| Error::Corrupt {
                file: name(&manifest_path),
                what: format!("at byte 0: {}; restore it from a backup", what.0),
            })?;
        let used: BTreeSet<u64> =
            manifest.all().map(|at| at.file).filter(|&file| file != 0).collect();
        let mut files = BTreeMap::new();
        for &number in &used {
            let path = dir.join(file_name(number));
            let file = retry_interrupted(|| disk.open(&path, OpenMode::Read))
                .map_err(|cause| io(&path, cause))?;
            files.insert(number, Arc::new(SectionFile { path, file }));
        }
        Ok(Self { dir: dir.to_path_buf(), inner: RwLock::new(Open { manifest, files }) })
    }

    /// Removes what the manifest does not name: only once all else was found, so that nothing goes of a
    /// directory that can not be opened.
    pub(crate) fn remove_left_over(&self, disk: &dyn Disk) -> Result<(), Error> {
        let io = |file: &Path, cause: io::Error| Error::Io {
            file: name(file),
            cause: cause.to_string(),
        };
        let dir = &self.dir;
        let used: BTreeSet<String> = self.manifest().all().map(|at| file_name(at.file)).collect();
        for entry in retry_interrupted(|| disk.list(dir)).map_err(|cause| io(dir, cause))? {
            if entry.name != "MANIFEST" && !used.contains(&entry.name) {
                let path = dir.join(&entry.name);
                retry_interrupted(|| disk.remove(&path)).map_err(|cause| io(&path, cause))?;
            }
        }
        Ok(())
    }

    /// What the manifest says.
    pub(crate) fn manifest(&self) -> Manifest {
        self.inner.read().manifest.clone()
    }

    /// The current section of a shard, if it has one.
    pub(crate) fn of_shard(&self, shard: usize) -> Option<SectionRef> {
        let open = self.inner.read();
        open.resolve(*open.manifest.shards.get(shard)?)
    }

    /// The current section of the ledger.
    pub(crate) fn of_ledger(&self) -> Option<SectionRef> {
        let open = self.inner.read();
        open.resolve(open.manifest.ledger)
    }

    /// The number and path of a new file.
    pub(crate) fn new_file(&self) -> (u64, PathBuf) {
        let mut open = self.inner.write();
        let number = open.manifest.next_file;
        open.manifest.next_file += 1;
        (number, self.dir.join(file_name(number)))
    }

    /// Makes a manifest the current one; returns the files that nothing needs any more.
    pub(crate) fn replace(
        &self,
        manifest: Manifest,
        number: u64,
        file: Arc<SectionFile>,
    ) -> Vec<Arc<SectionFile>> {
        let mut open = self.inner.write();
        let next_file = open.manifest.next_file.max(manifest.next_file);
        open.manifest = Manifest { next_file, ..manifest };
        open.files.insert(number, file);
        let used: BTreeSet<u64> = open.manifest.all().map(|at| at.file).collect();
        let dead: Vec<u64> =
            open.files.keys().copied().filter(|number| !used.contains(number)).collect();
        dead.iter().filter_map(|number| open.files.remove(number)).collect()
    }
}

impl Open {
    fn resolve(&self, at: SectionAt) -> Option<SectionRef> {
        Some(SectionRef { at, file: Arc::clone(self.files.get(&at.file)?) })
    }
}

impl SectionRef {
    /// Reads all of the section.
    pub(crate) fn read(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; self.at.length as usize];
        crate::disk::read_exact_at(&*self.file.file, &mut bytes, self.at.offset)
            .map_err(|cause| Error::Io { file: name(&self.file.path), cause: cause.to_string() })?;
        Ok(bytes)
    }

    /// Gives back the memory of the section's content.
    pub(crate) fn forget(&self) {
        self.file.file.forget(self.at.offset, self.at.length);
    }

    /// Reads one block.
    pub(crate) fn block(&self, at: ColdRef) -> Result<Vec<u8>, Error> {
        match read_block(&*self.file.file, self.at.offset, at) {
            Ok(Ok(block)) => Ok(block),
            Ok(Err(what)) => Err(self.corrupt(at.offset as usize, what)),
            Err(cause) => Err(Error::Io { file: name(&self.file.path), cause: cause.to_string() }),
        }
    }

    /// What is wrong at an offset of the section.
    pub(crate) fn corrupt(&self, offset: usize, what: Malformed) -> Error {
        let offset = self.at.offset + offset as u64;
        Error::Corrupt {
            file: name(&self.file.path),
            what: format!("at byte {offset}: {}", what.0),
        }
    }
}

fn file_name(number: u64) -> String {
    format!("{number:016x}.section")
}

/// A path as errors show it: within the data directory.
fn name(path: &Path) -> String {
    let last =
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    format!("checkpoint/{last}")
}
