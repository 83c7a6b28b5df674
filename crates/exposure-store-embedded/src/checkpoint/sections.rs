//! The sections that are there, and their open files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use exposure_store::Error;
use parking_lot::RwLock;

use super::manifest::{Manifest, SectionAt, ShardSections};
use super::section::{ask_for_block, read_block};
use crate::disk::{Disk, File, OpenMode, retry_interrupted};
use crate::frame::Malformed;
use crate::state::ColdRef;

/// A file of sections. Whoever holds it can read it, also after its name is gone.
#[derive(Debug)]
pub(crate) struct SectionFile {
    pub path: PathBuf,
    pub file: Arc<dyn File>,
}

/// A section, its number in its shard, and its file.
#[derive(Clone, Debug)]
pub(crate) struct SectionRef {
    pub number: u8,
    pub at: SectionAt,
    pub file: Arc<SectionFile>,
}

/// How much the sections of some shards are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    /// Bytes of those that hold all profiles.
    pub whole: u64,
    /// Bytes of those that hold changes.
    pub changes: u64,
    /// Sections of the shard that has most.
    pub most_sections: usize,
}

/// The current sections. Those of a shard are changed only under the state's lock, so that a place read under it
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
        let mut files = BTreeMap::new();
        for number in manifest.files() {
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
        let used: BTreeSet<String> = self.manifest().files().into_iter().map(file_name).collect();
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

    /// The current sections of a shard, the oldest first.
    pub(crate) fn of_shard(&self, shard: usize) -> Vec<SectionRef> {
        let open = self.inner.read();
        let sections = open.manifest.shards.get(shard).into_iter().flat_map(|held| &held.sections);
        sections.filter_map(|&(number, at)| open.resolve(number, at)).collect()
    }

    /// A section of a shard by its number, if there is one.
    pub(crate) fn numbered(&self, shard: usize, number: u8) -> Option<SectionRef> {
        let open = self.inner.read();
        let held = open.manifest.shards.get(shard)?;
        let &(_, at) = held.sections.iter().find(|(held, _)| *held == number)?;
        open.resolve(number, at)
    }

    /// The current section of the ledger.
    pub(crate) fn of_ledger(&self) -> Option<SectionRef> {
        let open = self.inner.read();
        open.resolve(0, open.manifest.ledger)
    }

    /// Everything below this position of the log is in a shard's sections.
    pub(crate) fn position(&self, shard: usize) -> u64 {
        self.inner.read().manifest.shards.get(shard).map_or(0, |held| held.position)
    }

    /// How much the sections of some shards are.
    pub(super) fn extent(&self, shards: &Range<usize>) -> Held {
        let open = self.inner.read();
        let mut sum = Held::default();
        for held in open.manifest.shards.get(shards.clone()).into_iter().flatten() {
            let (whole, changes) = held.lengths();
            sum.whole += whole;
            sum.changes += changes;
            sum.most_sections = sum.most_sections.max(held.sections.len());
        }
        sum
    }

    /// The number and path of a new file.
    pub(crate) fn new_file(&self) -> (u64, PathBuf) {
        let mut open = self.inner.write();
        let number = open.manifest.next_file;
        open.manifest.next_file += 1;
        (number, self.dir.join(file_name(number)))
    }

    /// Makes a file known whose sections will be put.
    pub(crate) fn hold(&self, number: u64, file: Arc<SectionFile>) {
        self.inner.write().files.insert(number, file);
    }

    /// Makes sections the current ones of a shard.
    pub(crate) fn put_shard(&self, shard: usize, sections: ShardSections) {
        if let Some(held) = self.inner.write().manifest.shards.get_mut(shard) {
            *held = sections;
        }
    }

    /// Makes a section the current one of the ledger.
    pub(crate) fn put_ledger(&self, at: SectionAt) {
        self.inner.write().manifest.ledger = at;
    }

    /// Takes out the files that nothing needs any more.
    pub(crate) fn take_dead(&self) -> Vec<Arc<SectionFile>> {
        let mut open = self.inner.write();
        let used = open.manifest.files();
        let dead: Vec<u64> =
            open.files.keys().copied().filter(|number| !used.contains(number)).collect();
        dead.iter().filter_map(|number| open.files.remove(number)).collect()
    }
}

impl Open {
    fn resolve(&self, number: u8, at: SectionAt) -> Option<SectionRef> {
        Some(SectionRef { number, at, file: Arc::clone(self.files.get(&at.file)?) })
    }
}

impl SectionRef {
    /// Reads all of the section.
    pub(crate) fn read(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.read_into(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads all of the section in the place of what is there.
    pub(crate) fn read_into(&self, bytes: &mut Vec<u8>) -> Result<(), Error> {
        bytes.resize(self.at.length as usize, 0);
        crate::disk::read_exact_at(&*self.file.file, bytes, self.at.offset)
            .map_err(|cause| Error::Io { file: name(&self.file.path), cause: cause.to_string() })
    }

    /// Says that all of the section will be read soon.
    pub(crate) fn ask_for_all(&self) {
        self.file.file.will_read(self.at.offset, self.at.length);
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

    /// Says that a block will be read at once.
    pub(crate) fn ask_for(&self, at: ColdRef) {
        ask_for_block(&*self.file.file, self.at.offset, at);
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
