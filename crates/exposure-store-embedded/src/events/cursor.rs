//! Walks through the rows of a file, and of several files at once, in their order.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::disk::Trail;

use super::RowRef;
use super::error::Result;
use super::file::{ALL_FIELDS, EventFile, Fields, Page};
use super::index::partition;
use super::schema::Table;

/// A place among the rows of a file.
#[derive(Debug)]
pub(super) struct FileCursor {
    file: Arc<EventFile>,
    fields: Fields,
    page_number: usize,
    end: usize,
    page: Option<Page>,
    row: usize,
    n_pages_read: u64,
    /// For a walk through all of a file, which is not read again soon.
    trail: Option<Trail>,
}

impl FileCursor {
    /// Begins before the first row of a file, to go through all of it once.
    pub(super) fn new(file: Arc<EventFile>) -> Result<Self> {
        let end = file.n_pages();
        let mut cursor = Self::within(file, 0..end, ALL_FIELDS)?;
        cursor.trail = Some(Trail::default());
        Ok(cursor)
    }

    /// Begins before the first row of some pages, and ends behind them.
    pub(super) fn within(
        file: Arc<EventFile>,
        pages: std::ops::Range<usize>,
        fields: Fields,
    ) -> Result<Self> {
        let mut cursor = Self {
            file,
            fields,
            page_number: pages.start,
            end: pages.end,
            page: None,
            row: 0,
            n_pages_read: 0,
            trail: None,
        };
        cursor.load()?;
        Ok(cursor)
    }

    fn load(&mut self) -> Result<()> {
        self.row = 0;
        self.page = None;
        while self.page_number < self.end {
            if let Some(trail) = &mut self.trail {
                self.file.forget_before(self.page_number, trail);
            }
            let page = self.file.page(self.page_number, self.fields)?;
            self.n_pages_read += 1;
            if page.n_rows > 0 {
                self.page = Some(page);
                return Ok(());
            }
            self.page_number += 1;
        }
        Ok(())
    }

    /// The row it stands before; `None` at the end.
    pub(super) fn row(&self) -> Option<RowRef<'_>> {
        self.page.as_ref().map(|page| page.row(self.row))
    }

    /// The page it stands in, and the row within.
    pub(super) fn page(&self) -> Option<(&Page, usize)> {
        self.page.as_ref().map(|page| (page, self.row))
    }

    /// Reads further columns of the page it stands in.
    pub(super) fn read_more(&mut self, fields: Fields) -> Result<()> {
        match &mut self.page {
            Some(page) => self.file.read_more(page, self.page_number, fields),
            None => Ok(()),
        }
    }

    pub(super) fn advance(&mut self) -> Result<()> {
        self.row += 1;
        if self.page.as_ref().is_some_and(|page| self.row < page.n_rows) {
            return Ok(());
        }
        self.next_page()
    }

    /// Goes to the first row of the next page.
    pub(super) fn next_page(&mut self) -> Result<()> {
        self.page_number += 1;
        self.load()
    }

    /// Goes on to a row of the page it stands in.
    pub(super) const fn skip_to(&mut self, row: usize) {
        self.row = row;
    }

    /// Goes on to the first row that `before` is false for; it must be true for a first part of the rows.
    pub(super) fn seek(&mut self, before: impl Fn(&RowRef<'_>) -> bool) -> Result<()> {
        while let Some(page) = &self.page {
            let n = page.n_rows - self.row;
            let skipped = partition(n, |i| before(&page.row(self.row + i)));
            self.row += skipped;
            if skipped < n {
                break;
            }
            self.next_page()?;
        }
        Ok(())
    }

    pub(super) const fn n_pages_read(&self) -> u64 {
        self.n_pages_read
    }
}

/// Several files, as one in order.
#[derive(Debug)]
pub(super) struct Merged {
    table: Table,
    /// Those with rows left, the one with the least row last.
    cursors: Vec<FileCursor>,
}

impl Merged {
    pub(super) fn new(table: Table, cursors: impl IntoIterator<Item = FileCursor>) -> Self {
        let mut merged = Self { table, cursors: Vec::new() };
        for cursor in cursors {
            merged.insert(cursor);
        }
        merged
    }

    fn insert(&mut self, cursor: FileCursor) {
        let Some(row) = cursor.row() else { return };
        let place = self.cursors.iter().rposition(|other| {
            other.row().is_some_and(|other| compare(self.table, &other, &row) == Ordering::Greater)
        });
        self.cursors.insert(place.map_or(0, |place| place + 1), cursor);
    }

    /// The cursor that stands before the least row.
    pub(super) fn first(&mut self) -> Option<&mut FileCursor> {
        self.cursors.last_mut()
    }

    pub(super) fn row(&self) -> Option<RowRef<'_>> {
        self.cursors.last().and_then(FileCursor::row)
    }

    pub(super) fn advance(&mut self) -> Result<()> {
        self.advance_with(|_| Ok(())).map(|_| ())
    }

    /// Goes on by a row, and as far as `settle` takes the cursor then; how many pages were read.
    pub(super) fn advance_with(
        &mut self,
        settle: impl FnOnce(&mut FileCursor) -> Result<()>,
    ) -> Result<u64> {
        let Some(mut cursor) = self.cursors.pop() else { return Ok(0) };
        let before = cursor.n_pages_read;
        cursor.advance()?;
        settle(&mut cursor)?;
        let n_pages = cursor.n_pages_read - before;
        self.insert(cursor);
        Ok(n_pages)
    }
}

fn compare(table: Table, a: &RowRef<'_>, b: &RowRef<'_>) -> Ordering {
    match table {
        Table::Events => a.compare(b),
        Table::Links => a.compare_as_link(b),
    }
}
