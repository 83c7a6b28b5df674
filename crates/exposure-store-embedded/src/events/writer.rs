//! Writes one file: rows in order in, pages and a row group at a time out.

use std::path::{Path, PathBuf};

use crate::disk::{Disk, OpenMode, Stream, retry_interrupted};

use super::Pacer;
use super::column::ColumnWriter;
use super::error::{EventsError, Result};
use super::footer::{self, GroupParts};
use super::index::{Group, Index, PageEntry};
use super::meta::FileMeta;
use super::page::{Compressor, PageKind};
use super::schema::{Field, N_FIELDS, Shape, Table};

/// Rows in a page.
pub(super) const PAGE_ROWS: u32 = 2048;
/// Bytes of one column after which a page ends early.
pub(super) const PAGE_BYTES: usize = 1 << 20;
/// Pages in a row group: 262,144 rows.
const GROUP_PAGES: usize = 128;
/// Bytes of finished pages after which a row group ends early.
const GROUP_BYTES: usize = 64 << 20;
/// Entries and bytes of a dictionary after which a row group ends early.
const DICTIONARY_ENTRIES: usize = 32_768;
const DICTIONARY_BYTES: usize = 1 << 20;
/// Bytes written at a time.
const PIECE: usize = 1 << 20;

/// A file that is being written.
pub(super) struct TableWriter<'p> {
    table: Table,
    stream: Stream,
    path: PathBuf,
    pacer: &'p dyn Pacer,
    columns: Box<[ColumnWriter; N_FIELDS]>,
    compressor: Compressor,
    n_page_rows: u32,
    page_key: Vec<u8>,
    last_key: Vec<u8>,
    /// Entries of the pages of the row group, their places within each column.
    pages: Vec<(Vec<u8>, PageEntry)>,
    groups: Vec<GroupParts>,
    index: Index,
    meta: FileMeta,
    group_rows: u64,
}

impl<'p> TableWriter<'p> {
    /// Begins a new file.
    pub(super) fn create(
        disk: &dyn Disk,
        path: &Path,
        table: Table,
        pacer: &'p dyn Pacer,
    ) -> Result<Self> {
        let file = retry_interrupted(|| disk.open(path, OpenMode::CreateNew))
            .map_err(EventsError::io("create", path))?;
        let mut slot = 0;
        let fields = Table::Events.fields();
        let columns = Box::new(std::array::from_fn(|_| {
            let shape = fields.get(slot).map_or(Shape::Bool, |field| field.shape());
            slot += 1;
            ColumnWriter::new(shape)
        }));
        let mut writer = Self {
            table,
            stream: Stream::new(file),
            path: path.to_path_buf(),
            pacer,
            columns,
            compressor: Compressor::new(),
            n_page_rows: 0,
            page_key: Vec::new(),
            last_key: Vec::new(),
            pages: Vec::new(),
            groups: Vec::new(),
            index: Index::default(),
            meta: FileMeta::new(table),
            group_rows: 0,
        };
        writer.write(footer::MAGIC)?;
        Ok(writer)
    }

    pub(super) const fn table(&self) -> Table {
        self.table
    }

    /// How many rows the page that fills has.
    pub(super) const fn n_page_rows(&self) -> u32 {
        self.n_page_rows
    }

    /// How many rows the page that fills can still take.
    pub(super) const fn room(&self) -> usize {
        PAGE_ROWS.saturating_sub(self.n_page_rows) as usize
    }

    pub(super) const fn column(&mut self, field: Field) -> &mut ColumnWriter {
        &mut self.columns[field as usize]
    }

    /// Notes the keys of the first and of the last of the rows that are added next.
    pub(super) fn put_keys(
        &mut self,
        first: impl FnOnce(&mut Vec<u8>),
        last: impl FnOnce(&mut Vec<u8>),
    ) {
        if self.n_page_rows == 0 {
            self.page_key.clear();
            first(&mut self.page_key);
        }
        self.last_key.clear();
        last(&mut self.last_key);
    }

    /// Notes that rows were added to every column, which come at or after all before them.
    pub(super) fn added(&mut self, n: u32) -> Result<()> {
        self.n_page_rows += n;
        if self.n_page_rows >= PAGE_ROWS || self.page_is_long() {
            self.finish_page()?;
        }
        Ok(())
    }

    fn page_is_long(&self) -> bool {
        let long = |field: Field| self.columns[field as usize].page_len() >= PAGE_BYTES;
        [Field::Properties, Field::PropertiesBytes, Field::UserId, Field::DeviceId, Field::InsertId]
            .into_iter()
            .any(long)
    }

    fn finish_page(&mut self) -> Result<()> {
        let mut entry = PageEntry::new(self.index.groups.len() as u32, self.n_page_rows);
        for &field in self.table.fields() {
            let column = &mut self.columns[field as usize];
            entry.starts[field as usize] = column.chunk().bytes.len() as u32;
            if column.finish_page(self.n_page_rows, &mut self.compressor) {
                entry.empty |= 1 << field as u32;
            }
        }
        self.group_rows += u64::from(self.n_page_rows);
        self.n_page_rows = 0;
        self.pages.push((std::mem::take(&mut self.page_key), entry));
        let (mut bytes, mut dictionary) = (0, false);
        for column in self.columns.iter() {
            bytes += column.chunk().bytes.len();
            let (len, n) = column.dictionary_size();
            dictionary |= len >= DICTIONARY_BYTES || n >= DICTIONARY_ENTRIES;
        }
        if self.pages.len() >= GROUP_PAGES || bytes >= GROUP_BYTES || dictionary {
            self.finish_group()?;
        }
        Ok(())
    }

    fn finish_group(&mut self) -> Result<()> {
        let range = |field: Field| self.columns[field as usize].chunk().range.unwrap_or_default();
        let (received, positions) = (range(Field::Received), range(Field::Position));
        let mut group = Group { start: self.stream.position(), ..Group::default() };
        let mut parts = GroupParts::new(self.group_rows);
        let mut dictionary_page = Vec::new();
        for &field in self.table.fields() {
            let slot = field as usize;
            let begin = (self.stream.position() - group.start) as u32;
            dictionary_page.clear();
            let column = &self.columns[slot];
            let mut raw_len = column.chunk().raw_len;
            let dictionary = column.dictionary();
            if dictionary.len() > 0 {
                let n = dictionary.len() as u32;
                raw_len += self.compressor.append(
                    PageKind::Dictionary,
                    n,
                    dictionary.plain(),
                    &mut dictionary_page,
                );
            }
            let dictionary_len = dictionary_page.len() as u32;
            group.dictionaries[slot] = (begin, dictionary_len);
            for (_, entry) in &mut self.pages {
                entry.starts[slot] += begin + dictionary_len;
            }
            parts.add_column(field, self.stream.position(), dictionary_len, raw_len, column);
            let mut bytes = std::mem::take(&mut dictionary_page);
            self.write(&bytes)?;
            bytes.clear();
            dictionary_page = bytes;
            let chunk = self.columns[slot].take_bytes();
            self.write(&chunk)?;
            self.columns[slot].reset(chunk);
            group.ends[slot] = (self.stream.position() - group.start) as u32;
        }
        self.meta.add(self.group_rows, received, positions);
        self.index.groups.push(group);
        self.groups.push(parts);
        for (key, entry) in self.pages.drain(..) {
            self.index.push_page(&key, entry);
        }
        self.group_rows = 0;
        Ok(())
    }

    /// Ends the file and makes it durable.
    pub(super) fn finish(mut self) -> Result<FileMeta> {
        if self.n_page_rows > 0 {
            self.finish_page()?;
        }
        if !self.pages.is_empty() {
            self.finish_group()?;
        }
        self.index.set_last_key(std::mem::take(&mut self.last_key));
        let mut tail = self.index.encode(self.table);
        self.meta.tail_offset = self.stream.position();
        self.meta.index_len = tail.len() as u32;
        footer::encode(self.table, &self.groups, &mut tail).map_err(|error| {
            EventsError::Footer { path: self.path.clone(), what: error.to_string() }
        })?;
        self.meta.tail_crc = crc32fast::hash(&tail);
        self.write(&tail)?;
        self.meta.len = self.stream.position();
        self.stream.finish().map_err(EventsError::io("sync", &self.path))?;
        Ok(self.meta)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        for piece in bytes.chunks(PIECE) {
            self.pacer.spend(piece.len() as u64);
            self.stream.write(piece).map_err(EventsError::io("write", &self.path))?;
            self.stream.settle().map_err(EventsError::io("sync", &self.path))?;
        }
        Ok(())
    }
}
