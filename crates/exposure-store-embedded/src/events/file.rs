//! An open file: its index in memory, its pages on demand.

use std::cmp::Ordering;
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
use super::schema::{Field, N_FIELDS, Shape, Table};
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
        let values =
            if field.has_dictionary() { Some(self.dictionary(number, field)?) } else { None };
        self.decode_column(&bytes, place.start, field, n_rows, values)
    }

    /// Reads a column of a page from the bytes of its place.
    pub(super) fn decode_column(
        &self,
        bytes: &[u8],
        start: u64,
        field: Field,
        n_rows: u32,
        values: Option<Arc<Values>>,
    ) -> Result<Content> {
        let damaged = |what| EventsError::damaged(&self.path, start, what);
        let (header, raw) =
            open_page(bytes, &[PageKind::Plain, PageKind::Numbered]).map_err(damaged)?;
        Content::decode(field.shape(), &header, raw, n_rows, || values)
            .ok_or_else(|| damaged("the content of a page does not fit its rows"))
    }

    /// The values of a column in the row group of a page.
    pub(super) fn dictionary(&self, number: usize, field: Field) -> Result<Arc<Values>> {
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
        let mut bytes = Vec::new();
        self.read_into(start, end, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills `bytes` with a part of the file, where pages are.
    pub(super) fn read_into(&self, start: u64, end: u64, bytes: &mut Vec<u8>) -> Result<()> {
        if start > end || end > self.meta.tail_offset {
            return Err(EventsError::damaged(
                &self.path,
                start,
                "a page lies outside of the pages",
            ));
        }
        bytes.resize((end - start) as usize, 0);
        read_exact_at(&*self.file, bytes, start).map_err(EventsError::io("read", &self.path))
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
    /// A page of columns that were read.
    pub(super) fn new(n_rows: usize, columns: Box<[Content; N_FIELDS]>) -> Self {
        Self { n_rows, fields: ALL_FIELDS, columns, writes: PackedWrites::default() }
    }

    pub(super) const fn column(&self, field: Field) -> &Content {
        &self.columns[field as usize]
    }

    fn id(&self, row: usize, text: Field, uuid: Field) -> Option<IdRef<'_>> {
        match self.column(uuid).uuid_at(row) {
            Some(bytes) => Some(IdRef::Uuid(*bytes)),
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

    /// Whom a row is sorted under, in bytes: whether that is a user, whether the id is a text, and the id.
    fn sorted_under(&self, table: Table, row: usize) -> (bool, bool, &[u8]) {
        if table == Table::Events
            && let Some((is_text, id)) = self.id_bytes(row, Field::UserId, Field::UserUuid)
        {
            return (true, is_text, id);
        }
        let device = self.id_bytes(row, Field::DeviceId, Field::DeviceUuid);
        let (is_text, id) = device.unwrap_or((true, &[]));
        (false, is_text, id)
    }

    fn id_bytes(&self, row: usize, text: Field, uuid: Field) -> Option<(bool, &[u8])> {
        match self.column(uuid).uuid_at(row) {
            Some(bytes) => Some((false, bytes)),
            None => self.column(text).bytes_at(row).map(|bytes| (true, bytes)),
        }
    }

    /// A number whose order is that of rows, as far as it goes: sixteen bytes of the key behind the first `skip`.
    pub(super) fn key(&self, table: Table, row: usize, skip: usize) -> u128 {
        let (is_user, is_text, id) = self.sorted_under(table, row);
        let mut head = [0; 6];
        let [project @ .., user, text] = &mut head;
        project.copy_from_slice(&self.project(row).0.to_be_bytes());
        (*user, *text) = (u8::from(is_user), u8::from(is_text));
        let mut bytes = [0; 16];
        let head = head.get(skip..).unwrap_or_default();
        let id = id.get(skip.saturating_sub(6)..).unwrap_or_default();
        let (to_head, to_id) = bytes.split_at_mut(head.len());
        to_head.copy_from_slice(head);
        let n = id.len().min(to_id.len());
        to_id[..n].copy_from_slice(&id[..n]);
        u128::from_be_bytes(bytes)
    }

    /// Orders two rows as files of this kind do.
    pub(super) fn compare(&self, table: Table, row: usize, other: &Self, of: usize) -> Ordering {
        let time = |page: &Self, row: usize| page.column(Field::Time).i64_at(row);
        let by_device = || {
            let user = self.id_bytes(row, Field::UserId, Field::UserUuid);
            user.cmp(&other.id_bytes(of, Field::UserId, Field::UserUuid))
        };
        let is_links = table == Table::Links;
        self.project(row)
            .cmp(&other.project(of))
            .then_with(|| self.sorted_under(table, row).cmp(&other.sorted_under(table, of)))
            .then_with(
                || if is_links { Ordering::Equal } else { self.flag(row).cmp(other.flag(of)) },
            )
            .then_with(|| time(self, row).cmp(&time(other, of)))
            .then_with(|| if is_links { by_device() } else { Ordering::Equal })
            .then_with(|| self.position(row).cmp(&other.position(of)))
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
