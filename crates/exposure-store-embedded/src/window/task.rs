//! Background work that runs without the window's lock.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::Error;
use super::buckets::{Joined, Joining};
use super::filter::Filter;
use super::generation::{Generation, Span};
use super::manifest::Manifest;
use super::merge::merge_into;
use super::run::{Run, file_name};
use super::run_writer::RunWriter;
use super::table::Table;
use crate::disk::{Disk, OpenMode, retry_interrupted};

/// Files are cut by this many bytes at a time: freeing much at once holds up the log's syncs.
const CUT: u64 = 32 << 20;

/// A piece of background work, from [`Window::next_task`](super::Window::next_task).
#[derive(Debug)]
pub struct Task {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    /// What the manifest on disk says; held while it is replaced, by one task at a time.
    pub(super) manifest: Arc<Mutex<Manifest>>,
    pub(super) kind: Kind,
    /// Tables nobody needs any more: given back to the system outside the lock.
    pub(super) discarded: Vec<Table>,
    /// A table to prepare for the next generation.
    pub(super) spare: Option<NewSpare>,
}

/// How an empty table is made.
#[derive(Debug)]
pub(super) struct NewSpare {
    /// The room of a new one, in ids.
    pub(super) room: usize,
    /// One that was used, which needs only to be emptied.
    pub(super) reused: Option<Table>,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Write a generation, if there is one, and raise the covered position.
    Flush {
        number: u64,
        generation: Option<(u64, Arc<Generation>)>,
        joining: Joining,
        covers_to: u64,
    },
    /// Write runs of one bucket as one.
    Merge { number: u64, bucket: u64, inputs: Vec<Arc<Run>> },
    /// Cut and remove files, after a manifest without them.
    Remove { files: Vec<Retired> },
}

/// A file that is no longer needed.
#[derive(Debug, Clone)]
pub(super) struct Retired {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// The result of a [`Task`], for [`Window::finish`](super::Window::finish).
#[derive(Debug)]
#[must_use = "the window waits for it"]
pub struct Done {
    pub(super) result: Result<Change, Error>,
    /// A file that was begun and that no manifest on disk may need if the task failed.
    pub(super) begun: Option<PathBuf>,
    pub(super) lane: Lane,
    pub(super) spare: Option<Table>,
}

/// Tasks of different lanes may run at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Flush,
    /// Merges and removals, which may take long.
    Tidy,
}

#[derive(Debug)]
pub(super) enum Change {
    Flushed { bucket: u64, run: Arc<Run>, joined: Joined, covered: u64 },
    Covered(u64),
    Merged { bucket: u64, inputs: Vec<Arc<Run>>, output: Arc<Run> },
    Removed { files: Vec<Retired> },
}

impl Task {
    /// Does the work. `pace` is told the bytes after each piece of about a mebibyte written, or 32 cut off, and may
    /// sleep.
    pub fn run(self, pace: &mut dyn FnMut(u64)) -> Done {
        drop(self.discarded);
        let mut job =
            Job { disk: &*self.disk, dir: &self.dir, manifest: &self.manifest, begun: None, pace };
        let (lane, result) = match self.kind {
            Kind::Flush { number, generation: Some((bucket, generation)), joining, covers_to } => {
                (Lane::Flush, job.flush(number, bucket, &generation, joining, covers_to))
            }
            Kind::Flush { generation: None, covers_to, .. } => (Lane::Flush, job.cover(covers_to)),
            Kind::Merge { number, bucket, inputs } => {
                (Lane::Tidy, job.merge(number, bucket, inputs))
            }
            Kind::Remove { files } => (Lane::Tidy, job.remove(files)),
        };
        let begun = job.begun;
        Done { result, begun, lane, spare: self.spare.map(NewSpare::make) }
    }
}

impl NewSpare {
    /// An empty table whose pages are taken.
    fn make(self) -> Table {
        let mut table = self.reused.unwrap_or_else(|| Table::with_room(self.room));
        table.clear();
        table
    }
}

struct Job<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    manifest: &'a Mutex<Manifest>,
    begun: Option<PathBuf>,
    pace: &'a mut dyn FnMut(u64),
}

impl Job<'_> {
    fn flush(
        &mut self,
        number: u64,
        bucket: u64,
        generation: &Generation,
        joining: Joining,
        covered: u64,
    ) -> Result<Change, Error> {
        let run = self.write(number, generation.table.len(), generation.span, |writer| {
            generation.table.iter().try_for_each(|id| writer.push(id))
        })?;
        let add_to =
            |filter: &Filter| generation.table.iter().for_each(|id| filter.add(id.hi, id.lo));
        let joined = match joining {
            Joining::Front(filter) => {
                add_to(&filter);
                Joined::Front(filter)
            }
            Joining::NewFront(room) => {
                let filter = Filter::for_keys(room);
                add_to(&filter);
                Joined::NewFront(Arc::new(filter), room)
            }
        };
        self.commit(|manifest| {
            manifest.runs.push(number);
            manifest.covered = covered;
        })?;
        Ok(Change::Flushed { bucket, run, joined, covered })
    }

    fn cover(&mut self, covered: u64) -> Result<Change, Error> {
        self.commit(|manifest| manifest.covered = covered)?;
        Ok(Change::Covered(covered))
    }

    fn merge(&mut self, number: u64, bucket: u64, inputs: Vec<Arc<Run>>) -> Result<Change, Error> {
        let n_ids = inputs.iter().map(|run| run.n_ids()).sum();
        let span = inputs.iter().fold(Span::empty(), |span, run| span.union(run.span));
        let output = self.write(number, n_ids, span, |writer| merge_into(&inputs, writer))?;
        self.commit(|manifest| {
            manifest.runs.retain(|run| inputs.iter().all(|input| input.number() != *run));
            manifest.runs.push(number);
        })?;
        Ok(Change::Merged { bucket, inputs, output })
    }

    /// Writes a run; it counts once a manifest lists it.
    fn write(
        &mut self,
        number: u64,
        n_ids: usize,
        span: Span,
        push_all: impl FnOnce(&mut RunWriter<'_>) -> Result<(), Error>,
    ) -> Result<Arc<Run>, Error> {
        let path = self.dir.join(file_name(number));
        self.begun = Some(path.clone());
        let mut writer = RunWriter::create(self.disk, &path, number, n_ids, span, &mut *self.pace)?;
        push_all(&mut writer)?;
        Ok(Arc::new(writer.finish()?))
    }

    /// Replaces the manifest by a changed one.
    fn commit(&self, change: impl FnOnce(&mut Manifest)) -> Result<(), Error> {
        let mut live = self.manifest.lock();
        let mut next = live.clone();
        change(&mut next);
        next.store(self.disk, self.dir)?;
        *live = next;
        Ok(())
    }

    fn remove(&mut self, files: Vec<Retired>) -> Result<Change, Error> {
        self.commit(|manifest| {
            let is_gone = |run: &u64| files.iter().any(|file| file.path.ends_with(file_name(*run)));
            manifest.runs.retain(|run| !is_gone(run));
        })?;
        for file in &files {
            self.cut_and_remove(&file.path)?;
        }
        Ok(Change::Removed { files })
    }

    fn cut_and_remove(&mut self, path: &Path) -> Result<(), Error> {
        let opened = match retry_interrupted(|| self.disk.open(path, OpenMode::Write)) {
            // An earlier attempt got as far as removing it, or never created it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(Error::io("open", path))?,
        };
        let mut len =
            retry_interrupted(|| opened.len()).map_err(Error::io("read the length of", path))?;
        while CUT < len {
            len -= CUT;
            retry_interrupted(|| opened.truncate(len)).map_err(Error::io("shrink", path))?;
            (self.pace)(CUT);
        }
        retry_interrupted(|| self.disk.remove(path)).map_err(Error::io("remove", path))
    }
}
