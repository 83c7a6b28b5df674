//! The stored events of a data directory: what is live, and how that changes.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::disk::{Disk, retry_interrupted};

use super::error::{EventsError, Result};
use super::file::EventFile;
use super::gone::Gone;
use super::manifest::Manifest;
use super::meta::FileMeta;
use super::options::EventsOptions;
use super::schema::Table;
use super::writer::TableWriter;
use super::{Pacer, RowBatch};

/// The stored events of a data directory, and the links among them.
///
/// Every call may run beside every other; those that write the same thing wait for each other.
///
/// Other programs read `events/*.parquet` while this runs. When files are replaced, the old
/// names go before the new one comes, a few renames apart: who lists the directory in between
/// misses these rows, or finds a name gone that it just listed, but never counts a row twice.
#[derive(Debug)]
pub struct Events {
    pub(super) disk: Arc<dyn Disk>,
    data_dir: PathBuf,
    pub(super) options: EventsOptions,
    live: RwLock<Arc<Live>>,
    state: Mutex<State>,
    /// Held while files are rewritten or dropped.
    pub(super) background: Mutex<()>,
    pub(super) gone: Mutex<Vec<Gone>>,
}

/// The files that hold every row once, as of one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Live {
    pub(super) files: Vec<Arc<EventFile>>,
    pub(super) converted: u64,
}

#[derive(Debug)]
struct State {
    manifest: Manifest,
    /// A change failed half-way: what is on disk is only known after opening again.
    is_broken: bool,
}

/// Sizes, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventsStats {
    /// Live files.
    pub n_files: u64,
    /// Events in them.
    pub n_events: u64,
    /// Links in them.
    pub n_links: u64,
    /// Bytes of live files.
    pub bytes: u64,
    /// Bytes of memory that the indexes take, about.
    pub index_bytes: u64,
    /// Files that are on their way out.
    pub n_gone: u64,
}

impl Live {
    pub(super) fn of(&self, table: Table) -> impl Iterator<Item = &Arc<EventFile>> {
        self.files.iter().filter(move |file| file.meta.table == table)
    }
}

impl Events {
    /// Opens the stored events under a data directory; creates their directories.
    ///
    /// Puts right what a crash left half-way: the manifest says what is live, and everything else goes.
    pub fn open(disk: Arc<dyn Disk>, data_dir: &Path, options: EventsOptions) -> Result<Self> {
        let mut gone = Vec::new();
        let dir_of = |table: Table| data_dir.join(table.dir());
        for table in [Table::Events, Table::Links] {
            let dir = dir_of(table);
            retry_interrupted(|| disk.create_dir(&dir)).map_err(EventsError::io("create", &dir))?;
        }
        let mut manifest = Manifest::load(&*disk, &dir_of(Table::Events))?;
        for table in [Table::Events, Table::Links] {
            settle_names(&*disk, &dir_of(table), table, &mut manifest, &mut gone)?;
        }
        let mut files = Vec::new();
        for meta in &manifest.files {
            let path = dir_of(meta.table).join(meta.name());
            files.push(Arc::new(EventFile::open(&*disk, &path, meta.clone())?));
        }
        let live = Live { files, converted: manifest.converted };
        Ok(Self {
            disk,
            data_dir: data_dir.to_path_buf(),
            options,
            live: RwLock::new(Arc::new(live)),
            state: Mutex::new(State { manifest, is_broken: false }),
            background: Mutex::new(()),
            gone: Mutex::new(gone),
        })
    }

    /// The log position below which every event is in files, or was dropped from them.
    pub fn converted(&self) -> u64 {
        self.live.read().converted
    }

    pub(super) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read())
    }

    /// Writes rows into files, and notes that everything of the log in `covered` is now there.
    ///
    /// `covered` begins where the last conversion ended; the rows are those of the log's events
    /// at these positions, less those that need not be kept. On an error nothing changed, or
    /// the store must be opened again before it can change.
    pub fn convert(&self, rows: &RowBatch, covered: Range<u64>, pacer: &dyn Pacer) -> Result<()> {
        let converted = self.converted();
        if covered.start != converted || covered.end < covered.start {
            return Err(EventsError::NotNext { from: covered.start, converted });
        }
        let mut added = Vec::new();
        if !rows.is_empty() {
            added.extend(self.write_file(Table::Events, pacer, rows, &rows.by_profile())?);
            added.extend(self.write_file(Table::Links, pacer, rows, &rows.by_device())?);
        }
        self.replace(&[], added, Some(covered.end))
    }

    fn write_file(
        &self,
        table: Table,
        pacer: &dyn Pacer,
        rows: &RowBatch,
        order: &[u32],
    ) -> Result<Option<EventFile>> {
        if order.is_empty() {
            return Ok(None);
        }
        let (meta, mut writer) = self.begin_file(table, 0, pacer)?;
        writer.push_batch(rows, order)?;
        self.end_file(&meta, writer).map(Some)
    }

    pub(super) fn begin_file<'p>(
        &self,
        table: Table,
        level: u32,
        pacer: &'p dyn Pacer,
    ) -> Result<(FileMeta, TableWriter<'p>)> {
        let mut meta = FileMeta::new(table);
        meta.level = level;
        {
            let mut state = self.state.lock();
            meta.id = state.manifest.next_id;
            state.manifest.next_id += 1;
        }
        let path = self.dir(table).join(meta.pending_name());
        let writer = TableWriter::create(&*self.disk, &path, table, pacer)?;
        Ok((meta, writer))
    }

    /// Finishes a file under its pending name, durable in content and name, and opens it.
    pub(super) fn end_file(&self, meta: &FileMeta, writer: TableWriter<'_>) -> Result<EventFile> {
        let meta = FileMeta { id: meta.id, level: meta.level, ..writer.finish()? };
        let dir = self.dir(meta.table);
        retry_interrupted(|| self.disk.sync_dir(&dir)).map_err(EventsError::io("sync", &dir))?;
        let mut file = EventFile::open(&*self.disk, &dir.join(meta.pending_name()), meta)?;
        file.set_path(dir.join(file.meta.name()));
        Ok(file)
    }

    /// Makes files live in the place of others, at once and durably.
    pub(super) fn replace(
        &self,
        removed: &[Arc<EventFile>],
        added: Vec<EventFile>,
        converted: Option<u64>,
    ) -> Result<()> {
        let mut state = self.state.lock();
        if state.is_broken {
            let source =
                std::io::Error::other("an earlier change failed half-way; open the store again");
            return Err(EventsError::io("change", &self.data_dir)(source));
        }
        let is_removed = |id: u64| removed.iter().any(|file| file.meta.id == id);
        let mut next = state.manifest.clone();
        next.files.retain(|file| !is_removed(file.id));
        next.files.extend(added.iter().map(|file| file.meta.clone()));
        next.converted = converted.unwrap_or(next.converted);
        let dir = self.dir(Table::Events);
        // A full disk fails here, and what stands stays good.
        next.stage(&*self.disk, &dir)?;
        // From here on a failure leaves open which manifest a crash would find.
        state.is_broken = true;
        Manifest::install(&*self.disk, &dir)?;
        for file in removed {
            self.rename(file.meta.table, &file.meta.name(), &file.meta.gone_name())?;
        }
        for file in &added {
            self.rename(file.meta.table, &file.meta.pending_name(), &file.meta.name())?;
        }
        state.manifest = next;
        state.is_broken = false;
        let mut live = Live::clone(&self.live.read());
        live.files.retain(|file| !is_removed(file.meta.id));
        live.files.extend(added.into_iter().map(Arc::new));
        live.converted = state.manifest.converted;
        *self.live.write() = Arc::new(live);
        drop(state);
        self.gone.lock().extend(removed.iter().map(|file| {
            let path = self.dir(file.meta.table).join(file.meta.gone_name());
            Gone::new(path, file.meta.len, Some(Arc::clone(file)))
        }));
        Ok(())
    }

    fn rename(&self, table: Table, from: &str, to: &str) -> Result<()> {
        let dir = self.dir(table);
        let from = dir.join(from);
        retry_interrupted(|| self.disk.rename(&from, &dir.join(to)))
            .map_err(EventsError::io("rename", &from))
    }

    fn dir(&self, table: Table) -> PathBuf {
        self.data_dir.join(table.dir())
    }

    /// Reads every live file and checks all of it.
    pub fn verify(&self) -> Result<()> {
        self.live().files.iter().try_for_each(|file| file.verify())
    }

    /// Sizes, for metrics.
    pub fn stats(&self) -> EventsStats {
        let live = self.live();
        let n_rows = |table: Table| live.of(table).map(|file| file.meta.n_rows).sum();
        EventsStats {
            n_files: live.files.len() as u64,
            n_events: n_rows(Table::Events),
            n_links: n_rows(Table::Links),
            bytes: live.files.iter().map(|file| file.meta.len).sum(),
            index_bytes: live.files.iter().map(|file| file.index.resident_bytes() as u64).sum(),
            n_gone: self.gone.lock().len() as u64,
        }
    }
}

/// Gives live files their names, and marks all others as gone.
fn settle_names(
    disk: &dyn Disk,
    dir: &Path,
    table: Table,
    manifest: &mut Manifest,
    gone: &mut Vec<Gone>,
) -> Result<()> {
    let entries = retry_interrupted(|| disk.list(dir)).map_err(EventsError::io("list", dir))?;
    let rename = |from: &str, to: &str| {
        let from = dir.join(from);
        retry_interrupted(|| disk.rename(&from, &dir.join(to)))
            .map_err(EventsError::io("rename", &from))
    };
    let mut pending = Vec::new();
    for entry in entries {
        let Some((stem, suffix)) = entry.name.split_once('.') else { continue };
        let Ok(id) = stem.parse::<u64>() else { continue };
        manifest.next_id = manifest.next_id.max(id + 1);
        let is_live = manifest.files.iter().any(|file| file.table == table && file.id == id);
        match (is_live, suffix) {
            (true, "parquet") => {}
            (true, "pending") => pending.push(entry.name),
            (_, "parquet" | "pending" | "gone") => {
                let name = format!("{stem}.gone");
                if name != entry.name {
                    rename(&entry.name, &name)?;
                }
                gone.push(Gone::new(dir.join(name), entry.len, None));
            }
            // Somebody else's.
            _ => {}
        }
    }
    for name in pending {
        rename(&name, &name.replace(".pending", ".parquet"))?;
    }
    Ok(())
}
