//! An open file: its index in memory, its pages on demand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, File, OpenMode, Trail, read_exact_at, retry_interrupted};

use super::decode::{Content, PackedWrites, Values};
use super::error::{EventsError, Result};
use super::footer::MAGIC;
use super::index::Index;
use super::meta::FileMeta;
use super::page::{PageKind, open_page};
use super::row::{ExposedRef, RowRef};
use super::schema::{Field, N_FIELDS, Shape};
use super::{IdRef, names};

use exposure_core::Timestamp;
use exposure_store::{KeyId, ProjectId};

/// An open file of events or links.
#[derive(Debug)]
pub(super) struct EventFile {
    file: Arc<dyn File>,
    path: PathBuf,
    pub(super) meta: FileMeta,
    pub(super) index: Index,
}

/// Columns to read, a bit each.
pub(super) type Fields = u32;

/// Every column.
pub(super) const ALL_FIELDS: Fields = (1 << N_FIELDS) - 1;

/// The columns that tell whose a row is.
pub(super) const PROFILE_FIELDS: Fields = 1 << Field::Project as u32
    | 1 << Field::UserId as u32
    | 1 << Field::UserUuid as u32
    | 1 << Field::DeviceId as u32
    | 1 << Field::DeviceUuid as u32;

impl EventFile {
    /// Opens a file that the manifest names, and reads its index.
    pub(super) fn open(disk: &dyn Disk, path: &Path, meta: FileMeta) -> Result<Self> {
        let file = retry_interrupted(|| disk.open(path, OpenMode::Read)).map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                return EventsError::Missing { path: path.to_path_buf() };
            }
            EventsError::io("open", path)(error)
        })?;
        let len = file.len().map_err(EventsError::io("measure", path))?;
        if len != meta.len {
            return Err(EventsError::damaged(path, len, "its length is not that of the manifest"));
        }
        let tail_len =
            meta.len.checked_sub(meta.tail_offset).filter(|len| *len >= u64::from(meta.index_len));
        let Some(tail_len) = tail_len else {
            return Err(EventsError::damaged(
                path,
                meta.tail_offset,
                "its index lies outside of it",
            ));
        };
        let mut tail = vec![0; tail_len as usize];
        read_exact_at(&*file, &mut tail, meta.tail_offset)
            .map_err(EventsError::io("read", path))?;
        if crc32fast::hash(&tail) != meta.tail_crc {
            let what = "the checksum of index and footer does not match";
            return Err(EventsError::damaged(path, meta.tail_offset, what));
        }
        let index = tail
            .get(..meta.index_len as usize)
            .and_then(|bytes| Index::decode(meta.table, bytes))
            .ok_or_else(|| EventsError::damaged(path, meta.tail_offset, "the index is not one"))?;
        Ok(Self { file, path: path.to_path_buf(), meta, index })
    }

    /// Sets the name that errors tell.
    pub(super) fn set_path(&mut self, path: PathBuf) {
        self.path = path;
    }

    pub(super) fn n_pages(&self) -> usize {
        self.index.pages.len()
    }

    /// Gives back the memory of the row groups before that of a page.
    pub(super) fn forget_before(&self, number: usize, trail: &mut Trail) {
        let group = self.index.pages.get(number).map(|page| page.group as usize);
        if let Some(group) = group.and_then(|group| self.index.groups.get(group)) {
            trail.pass(&*self.file, group.start);
        }
    }

    /// Reads columns of a page.
    pub(super) fn page(&self, number: usize, fields: Fields) -> Result<Page> {
        let n_rows = self.index.pages.get(number).map_or(0, |page| page.n_rows);
        let mut page = Page {
            n_rows: n_rows as usize,
            fields: 0,
            columns: Box::new(std::array::from_fn(|_| Content::Empty)),
            writes: PackedWrites::default(),
        };
        self.read_more(&mut page, number, fields)?;
        Ok(page)
    }

    /// Reads further columns of a page.
    pub(super) fn read_more(&self, page: &mut Page, number: usize, fields: Fields) -> Result<()> {
        let missing = fields & !page.fields;
        let empty = self.index.pages.get(number).map_or(0, |page| page.empty);
        let mut lists = false;
        for &field in self.meta.table.fields() {
            let bit = 1 << field as u32;
            if missing & bit != 0 && empty & bit == 0 {
                page.columns[field as usize] = self.column(number, field, page.n_rows as u32)?;
                lists |= matches!(field.shape(), Shape::List(_));
            }
        }
        page.fields |= fields;
        if lists {
            let column = |field: Field| &page.columns[field as usize];
            page.writes = PackedWrites::new(
                column(Field::WriteFlag),
                column(Field::WriteVariant),
                page.n_rows,
            );
        }
        Ok(())
    }

    fn column(&self, number: usize, field: Field, n_rows: u32) -> Result<Content> {
        let place = self.index.place(number, field).unwrap_or_default();
        let bytes = self.read(place.start, place.end)?;
        let damaged = |what| EventsError::damaged(&self.path, place.start, what);
        let (header, raw) =
            open_page(&bytes, &[PageKind::Plain, PageKind::Numbered]).map_err(damaged)?;
        let values = match field.shape() {
            Shape::Dictionary | Shape::List(_) => Some(self.dictionary(number, field)?),
            _ => None,
        };
        Content::decode(field.shape(), &header, raw, n_rows, || values)
            .ok_or_else(|| damaged("the content of a page does not fit its rows"))
    }

    fn dictionary(&self, number: usize, field: Field) -> Result<Arc<Values>> {
        let group = self.index.pages.get(number).map_or(0, |page| page.group);
        let Some(group) = self.index.groups.get(group as usize) else { return Ok(Arc::default()) };
        let (start, len) = group.dictionaries[field as usize];
        if len == 0 {
            return Ok(Arc::default());
        }
        let start = group.start + u64::from(start);
        let bytes = self.read(start, start + u64::from(len))?;
        let damaged = |what| EventsError::damaged(&self.path, start, what);
        let (header, raw) = open_page(&bytes, &[PageKind::Dictionary]).map_err(damaged)?;
        let values = Values::decode(&raw, header.n_values)
            .ok_or_else(|| damaged("the content of a dictionary is not one"))?;
        Ok(Arc::new(values))
    }

    fn read(&self, start: u64, end: u64) -> Result<Vec<u8>> {
        if start > end || end > self.meta.tail_offset {
            return Err(EventsError::damaged(
                &self.path,
                start,
                "a page lies outside of the pages",
            ));
        }
        let mut bytes = vec![0; (end - start) as usize];
        read_exact_at(&*self.file, &mut bytes, start)
            .map_err(EventsError::io("read", &self.path))?;
        Ok(bytes)
    }

    /// Reads everything and checks it.
    pub(super) fn verify(&self) -> Result<()> {
        if self.read(0, MAGIC.len() as u64)? != MAGIC {
            return Err(EventsError::damaged(&self.path, 0, "it does not begin as Parquet does"));
        }
        let mut n_rows = 0;
        for number in 0..self.n_pages() {
            let n = self.index.pages.get(number).map_or(0, |page| page.n_rows);
            // Also the pages without a value, which nothing else reads.
            for &field in self.meta.table.fields() {
                self.column(number, field, n)?;
            }
            n_rows += u64::from(n);
        }
        if n_rows != self.meta.n_rows {
            let what = "it does not have as many rows as the manifest says";
            return Err(EventsError::damaged(&self.path, self.meta.tail_offset, what));
        }
        Ok(())
    }
}

/// The same rows of several columns.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) n_rows: usize,
    fields: Fields,
    columns: Box<[Content; N_FIELDS]>,
    writes: PackedWrites,
}

impl Page {
    const fn column(&self, field: Field) -> &Content {
        &self.columns[field as usize]
    }

    fn id(&self, row: usize, text: Field, uuid: Field) -> Option<IdRef<'_>> {
        match self.column(uuid).uuid_at(row) {
            Some(bytes) => Some(IdRef::Uuid(bytes)),
            None => self.column(text).text_at(row).map(IdRef::Text),
        }
    }

    /// The exposed flag of a row, or empty.
    pub(super) fn flag(&self, row: usize) -> &str {
        self.column(Field::FlagKey).text_at(row).unwrap_or("")
    }

    pub(super) fn writes(&self, row: usize) -> super::WritesRef<'_> {
        self.writes.get(row)
    }

    pub(super) fn is_exposure(&self, row: usize) -> bool {
        let kind = self.column(Field::Kind).text_at(row);
        names::parse_kind(kind.unwrap_or("")).is_exposure()
    }

    pub(super) fn project(&self, row: usize) -> ProjectId {
        ProjectId(self.column(Field::Project).u32_at(row))
    }

    pub(super) fn position(&self, row: usize) -> u64 {
        self.column(Field::Position).i64_at(row) as u64
    }

    /// A row, as far as its columns were read.
    pub(super) fn row(&self, row: usize) -> RowRef<'_> {
        let text = |field: Field| self.column(field).text_at(row).unwrap_or("");
        let exposed = self.column(Field::FlagKey).text_at(row).map(|flag| ExposedRef {
            flag,
            experiment_key: text(Field::ExperimentKey),
            variant: self.column(Field::Variant).text_at(row),
        });
        let payload = self.column(Field::Properties).bytes_at(row);
        let payload = payload.or_else(|| self.column(Field::PropertiesBytes).bytes_at(row));
        let time = |field: Field| Timestamp::from_micros(self.column(field).i64_at(row));
        RowRef {
            project: self.project(row),
            user: self.id(row, Field::UserId, Field::UserUuid),
            device: self.id(row, Field::DeviceId, Field::DeviceUuid),
            kind: names::parse_kind(text(Field::Kind)),
            event_type: text(Field::EventType),
            exposed,
            writes_exposed: self.column(Field::WritesExposed).bit_at(row),
            time: time(Field::Time),
            received: time(Field::Received),
            sequence: self.column(Field::Sequence).i64_at(row),
            insert_id: self.id(row, Field::InsertId, Field::InsertUuid),
            writes: self.writes.get(row),
            effects: text(Field::Effects),
            payload: payload.unwrap_or_default(),
            key: KeyId(self.column(Field::Key).u32_at(row)),
            library: text(Field::Library),
            notes: names::parse_notes(text(Field::Notes)),
            position: self.position(row),
        }
    }
}
