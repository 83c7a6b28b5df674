//! Reads all pages of a file in order, of each column several at once.

use std::ops::Range;
use std::sync::Arc;

use crate::disk::Trail;

use super::decode::{Content, Values};
use super::error::Result;
use super::file::{EventFile, Page};
use super::schema::N_FIELDS;

/// Bytes of a column that are read at once, about: pages of a column lie side by side, those of a row do not.
const READ_BYTES: u64 = 128 << 10;

/// Reads all pages of a file in order.
#[derive(Debug)]
pub(super) struct PageReader {
    file: Arc<EventFile>,
    next: usize,
    group: Option<u32>,
    columns: Box<[Ahead; N_FIELDS]>,
    dictionaries: Box<[Option<Arc<Values>>; N_FIELDS]>,
    /// What was read is not read again soon.
    trail: Trail,
}

/// What of a column was read.
#[derive(Debug, Default)]
struct Ahead {
    start: u64,
    bytes: Vec<u8>,
}

impl Ahead {
    fn get(&self, place: &Range<u64>) -> Option<&[u8]> {
        let start = place.start.checked_sub(self.start)? as usize;
        self.bytes.get(start..start + (place.end - place.start) as usize)
    }
}

impl PageReader {
    /// Begins before the first page.
    pub(super) fn new(file: Arc<EventFile>) -> Self {
        Self {
            file,
            next: 0,
            group: None,
            columns: Box::default(),
            dictionaries: Box::default(),
            trail: Trail::default(),
        }
    }

    /// The next page that has a row, with all its columns; and whether its dictionaries are others
    /// than those of the page before.
    pub(super) fn next(&mut self) -> Result<Option<(Page, bool)>> {
        let mut is_new = false;
        while let Some(entry) = self.file.index.pages.get(self.next) {
            let number = self.next;
            self.next += 1;
            if self.group != Some(entry.group) {
                self.group = Some(entry.group);
                self.dictionaries.fill(None);
                self.file.forget_before(number, &mut self.trail);
                is_new = true;
            }
            if entry.n_rows > 0 {
                return self.page(number).map(|page| Some((page, is_new)));
            }
        }
        Ok(None)
    }

    fn page(&mut self, number: usize) -> Result<Page> {
        let (n_rows, empty) =
            self.file.index.pages.get(number).map_or((0, 0), |page| (page.n_rows, page.empty));
        let mut columns = Box::new(std::array::from_fn(|_| Content::Empty));
        for &field in self.file.meta.table.fields() {
            let slot = field as usize;
            if empty & 1 << field as u32 != 0 {
                continue;
            }
            let place = self.file.index.place(number, field).unwrap_or_default();
            let ahead = &mut self.columns[slot];
            if ahead.get(&place).is_none() {
                let end = self.file.index.chunk_end(number, field).max(place.end);
                let end = end.min(place.end.max(place.start + READ_BYTES));
                self.file.read_into(place.start, end, &mut ahead.bytes)?;
                ahead.start = place.start;
            }
            let values = if field.has_dictionary() {
                let known = &mut self.dictionaries[slot];
                Some(match known {
                    Some(values) => Arc::clone(values),
                    None => Arc::clone(known.insert(self.file.dictionary(number, field)?)),
                })
            } else {
                None
            };
            let bytes = self.columns[slot].get(&place).unwrap_or_default();
            columns[slot] = self.file.decode_column(bytes, place.start, field, n_rows, values)?;
        }
        Ok(Page::new(n_rows as usize, columns))
    }
}
