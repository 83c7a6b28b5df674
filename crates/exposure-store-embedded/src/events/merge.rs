//! Rewrites files: merges in tiers, and lets rows go that are erased or too old.

use std::ops::Range;
use std::sync::Arc;

use exposure_core::{Owner, RawId, Timestamp};
use exposure_store::ProjectId;

use super::cursor::{FileCursor, Merged};
use super::error::{EventsError, Result};
use super::file::{EventFile, Page};
use super::lookup::visit_file;
use super::meta::FileMeta;
use super::row::ProfileRef;
use super::schema::Table;
use super::weave::{Picks, Weave};
use super::writer::{PAGE_ROWS, TableWriter};
use super::{Events, IdRef, Pacer, RowRef};

/// Files that are merged at once at most, whatever the width: the more, the seldomer a row is
/// written again. Each takes some pages' memory meanwhile, and until then every read looks into it.
const MOST_MERGED: usize = 32;

/// Which rows stay when files are rewritten.
#[derive(Clone, Copy)]
pub struct Retention<'a> {
    /// Events below this position go, and their links stay; 0 keeps all.
    pub from: u64,
    /// Whether an event was erased: asked with the project, whom the event names, and its time. `None`: no event was.
    pub is_erased: Option<&'a IsErased<'a>>,
}

/// Whether an event of a project was erased, by whom it names and its time.
pub type IsErased<'a> = dyn Fn(ProjectId, RawId<'_>, Timestamp) -> bool + Sync + 'a;

impl std::fmt::Debug for Retention<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Retention").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Retention<'_> {
    /// Keeps every row.
    pub const ALL: Self = Self { from: 0, is_erased: None };

    fn keeps(&self, table: Table, page: &Page, row: usize) -> bool {
        // A link decides about writes that come after its event is gone.
        (table == Table::Links || page.position(row) >= self.from)
            && (self.is_erased.is_none() || !self.erased(&page.row(row)))
    }

    fn erased(&self, row: &RowRef<'_>) -> bool {
        let Some(is_erased) = self.is_erased else { return false };
        let profile = row.profile();
        match profile.id {
            IdRef::Text(text) => {
                let id = if profile.is_user { RawId::User(text) } else { RawId::Device(text) };
                is_erased(row.project, id, row.time)
            }
            IdRef::Uuid(_) => {
                let text = profile.id.to_text();
                let id = if profile.is_user { RawId::User(&text) } else { RawId::Device(&text) };
                is_erased(row.project, id, row.time)
            }
        }
    }
}

impl Events {
    /// Merges files of one tier, if there are enough; whether there were.
    ///
    /// Rows that `retention` lets go are left out. Memory stays within some pages a file and one row group.
    pub fn merge(&self, retention: &Retention<'_>, pacer: &dyn Pacer) -> Result<bool> {
        self.merge_tier(self.options.merge_width.max(2), retention, pacer)
    }

    /// The same, but only where a tier has as many files as are merged at once: for when there is
    /// more to convert, which should not wait.
    pub fn merge_crowded(&self, retention: &Retention<'_>, pacer: &dyn Pacer) -> Result<bool> {
        self.merge_tier(self.options.merge_width.max(MOST_MERGED), retention, pacer)
    }

    fn merge_tier(
        &self,
        at_least: usize,
        retention: &Retention<'_>,
        pacer: &dyn Pacer,
    ) -> Result<bool> {
        let _only = self.background.lock();
        let live = self.live();
        for table in [Table::Events, Table::Links] {
            let Some(files) = self.next_merge(live.of(table), at_least) else { continue };
            let level = files.iter().map(|file| file.meta.level).max().unwrap_or(0) + 1;
            self.rewrite(table, &files, level, retention, pacer)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// The oldest files of the lowest tier that has enough of them, as many as fit into one.
    fn next_merge<'f>(
        &self,
        files: impl Iterator<Item = &'f Arc<EventFile>>,
        at_least: usize,
    ) -> Option<Vec<Arc<EventFile>>> {
        let most = self.options.max_file_bytes;
        let mut small: Vec<Arc<EventFile>> =
            files.filter(|file| file.meta.len <= most / 2).map(Arc::clone).collect();
        small.sort_by_key(|file| (file.meta.level, file.meta.id));
        small.chunk_by(|a, b| a.meta.level == b.meta.level).find_map(|tier| {
            if tier.len() < at_least {
                return None;
            }
            let mut total = 0;
            let fitting = tier.iter().take(MOST_MERGED).take_while(|file| {
                total += file.meta.len;
                total <= most
            });
            Some(fitting.map(Arc::clone).collect())
        })
    }

    fn rewrite(
        &self,
        table: Table,
        files: &[Arc<EventFile>],
        level: u32,
        retention: &Retention<'_>,
        pacer: &dyn Pacer,
    ) -> Result<()> {
        let mut weave = Weave::new(table, files)?;
        let mut picks = Picks::default();
        let mut output: Option<(FileMeta, TableWriter<'_>)> = None;
        loop {
            let room = output.as_ref().map_or(PAGE_ROWS as usize, |(_, writer)| writer.room());
            let more = weave.pick(room, |page, row| retention.keeps(table, page, row), &mut picks);
            if !picks.rows.is_empty() {
                let (_, writer) = match &mut output {
                    Some(output) => output,
                    None => output.insert(self.begin_file(table, level, pacer)?),
                };
                writer.push_picks(&picks, &mut weave)?;
            }
            if !more {
                break;
            }
            weave.settle()?;
        }
        drop(weave);
        let added = match output {
            Some((meta, writer)) => vec![self.end_file(&meta, writer)?],
            None => Vec::new(),
        };
        self.replace(files, added, None)
    }

    /// Rewrites at once the files that hold erased rows of these profiles; how many files.
    pub fn purge(
        &self,
        profiles: &[(ProjectId, Owner)],
        retention: &Retention<'_>,
        pacer: &dyn Pacer,
    ) -> Result<u64> {
        let _only = self.background.lock();
        let live = self.live();
        let mut n_rewritten = 0;
        // Links are found by device: those of the profiles, and those their events name.
        let mut devices: Vec<(ProjectId, Box<str>)> = Vec::new();
        for (project, owner) in profiles {
            match owner {
                Owner::Device(device) => devices.push((*project, device.clone())),
                Owner::User(user) => self.visit(*project, RawId::User(user), |row| {
                    devices.extend(row.device.map(|device| (*project, device.to_text())));
                })?,
            }
        }
        devices.sort_unstable();
        devices.dedup();
        for file in &live.files {
            let mut has_erased = false;
            let mut visit = |row: &RowRef<'_>| has_erased |= retention.erased(row);
            match file.meta.table {
                Table::Events => {
                    for (project, owner) in profiles {
                        let raw = owner.as_raw();
                        let id = IdRef::parse(raw.as_str());
                        let profile = ProfileRef { is_user: raw.is_user(), id };
                        visit_file(file, *project, profile, &mut visit)?;
                    }
                }
                Table::Links => {
                    for (project, device) in &devices {
                        let profile = ProfileRef { is_user: false, id: IdRef::parse(device) };
                        visit_file(file, *project, profile, &mut visit)?;
                    }
                }
            }
            if has_erased {
                let table = file.meta.table;
                self.rewrite(table, &[Arc::clone(file)], file.meta.level, retention, pacer)?;
                n_rewritten += 1;
            }
        }
        Ok(n_rewritten)
    }

    /// Drops files of events whose every row lies below a position; how many.
    ///
    /// Rows of other files go when those are merged. What the rows stand for is folded first, with [`Self::expiring`].
    pub fn drop_before(&self, position: u64) -> Result<u64> {
        let _only = self.background.lock();
        let old: Vec<Arc<EventFile>> = self
            .live()
            .of(Table::Events)
            .filter(|file| file.meta.positions.1 < position)
            .map(Arc::clone)
            .collect();
        if !old.is_empty() {
            self.replace(&old, Vec::new(), None)?;
        }
        Ok(old.len() as u64)
    }

    /// Hands `visit` every event within a range of positions, before retention lets it go, sorted
    /// by project and profile.
    ///
    /// Called with ranges that follow each other and end where the log is turned into files, it
    /// hands out each event once. What `visit` fails with ends the walk.
    pub fn expiring<E: From<EventsError>>(
        &self,
        positions: Range<u64>,
        mut visit: impl FnMut(&RowRef<'_>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut cursors = Vec::new();
        for file in self.live().of(Table::Events) {
            let (first, last) = file.meta.positions;
            if last >= positions.start && first < positions.end {
                cursors.push(FileCursor::new(Arc::clone(file))?);
            }
        }
        let mut rows = Merged::new(Table::Events, cursors);
        while let Some(row) = rows.row() {
            if positions.contains(&row.position) {
                visit(&row)?;
            }
            rows.advance()?;
        }
        Ok(())
    }
}
