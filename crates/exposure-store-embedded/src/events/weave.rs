//! Merges files column by column: which row comes next is decided by keys alone, and values go
//! from pages to pages as they lie.

use std::cmp::Ordering;
use std::sync::Arc;

use super::ahead::PageReader;
use super::decode::Content;
use super::dictionary::Renumber;
use super::error::Result;
use super::file::{EventFile, Page};
use super::gather::Pick;
use super::schema::{Field, N_FIELDS, Table};
use super::writer::{PAGE_BYTES, PAGE_ROWS};

/// Files that are being merged.
#[derive(Debug)]
pub(super) struct Weave {
    table: Table,
    sources: Vec<Source>,
    /// Those with rows left, the one with the least row last.
    order: Vec<u16>,
    /// Of each source the key of its row: ordered as rows are, as far as it goes.
    heads: Vec<u128>,
    /// Of each column and source, numbers of its dictionary.
    known: Vec<Vec<Renumber>>,
    /// Bytes that all keys begin with.
    skip: usize,
}

#[derive(Debug)]
struct Source {
    reader: PageReader,
    page: Page,
    row: usize,
    keys: Vec<u128>,
    /// Whether rows may be so long that they are counted.
    is_heavy: bool,
}

/// Columns whose values can be long.
const LONG: [Field; 5] =
    [Field::Properties, Field::PropertiesBytes, Field::UserId, Field::DeviceId, Field::InsertId];
/// Bytes of a page's column from which on its rows are counted.
const HEAVY: usize = PAGE_BYTES / 4;

/// What comes next of several files.
#[derive(Debug, Default)]
pub(super) struct Picks {
    pub(super) rows: Vec<Pick>,
    /// Bytes of their longest values, as far as they are counted.
    n_bytes: usize,
}

impl Weave {
    /// Begins before the first rows.
    pub(super) fn new(table: Table, files: &[Arc<EventFile>]) -> Result<Self> {
        let mut weave = Self {
            table,
            sources: Vec::new(),
            order: Vec::new(),
            heads: Vec::new(),
            known: Vec::new(),
            skip: common(files),
        };
        for file in files {
            let mut source = Source {
                reader: PageReader::new(Arc::clone(file)),
                page: Page::new(0, Box::new(std::array::from_fn(|_| Content::Empty))),
                row: 0,
                keys: Vec::new(),
                is_heavy: false,
            };
            if source.load(table, weave.skip)?.is_some() {
                weave.heads.push(source.head());
                weave.sources.push(source);
            }
        }
        let n = weave.sources.len();
        weave.known.resize_with(N_FIELDS, || (0..n).map(|_| Renumber::default()).collect());
        let mut order: Vec<u16> = (0..n as u16).collect();
        order.sort_unstable_by(|a, b| weave.compare(*b, *a));
        weave.order = order;
        Ok(weave)
    }

    /// Puts the next rows that stay into `picks`, at most `room`; false at the end.
    ///
    /// They end where a page does: it is there until [`Self::settle`].
    pub(super) fn pick(
        &mut self,
        room: usize,
        keeps: impl Fn(&Page, usize) -> bool,
        picks: &mut Picks,
    ) -> bool {
        picks.rows.clear();
        picks.n_bytes = 0;
        while picks.rows.len() < room && picks.n_bytes < PAGE_BYTES {
            let Some((&first, rest)) = self.order.split_last() else { break };
            let Some(source) = self.sources.get_mut(usize::from(first)) else { break };
            let row = source.row;
            if keeps(&source.page, row) {
                picks.rows.push(Pick { source: first, row: row as u16 });
                if source.is_heavy {
                    picks.n_bytes += longest(&source.page, row);
                }
            }
            source.row += 1;
            let Some(&key) = source.keys.get(source.row) else { return true };
            if let Some(head) = self.heads.get_mut(usize::from(first)) {
                *head = key;
            }
            let is_greater = |other: &u16| self.compare(*other, first) == Ordering::Greater;
            if rest.last().is_some_and(|next| !is_greater(next)) {
                let place = rest.partition_point(is_greater);
                if let Some(moved) = self.order.get_mut(place..) {
                    moved.rotate_right(1);
                }
            }
        }
        !self.order.is_empty()
    }

    /// Reads the next page of the source whose page has ended, if there is one such.
    pub(super) fn settle(&mut self) -> Result<()> {
        let Some(&first) = self.order.last() else { return Ok(()) };
        let number = usize::from(first);
        let (table, skip) = (self.table, self.skip);
        let Some(source) = self.sources.get_mut(number) else { return Ok(()) };
        if source.row < source.page.n_rows {
            return Ok(());
        }
        self.order.pop();
        let Some(is_new) = source.load(table, skip)? else { return Ok(()) };
        if let Some(head) = self.heads.get_mut(number) {
            *head = source.head();
        }
        if is_new {
            self.known
                .iter_mut()
                .filter_map(|known| known.get_mut(number))
                .for_each(Renumber::clear);
        }
        let place =
            self.order.partition_point(|other| self.compare(*other, first) == Ordering::Greater);
        self.order.insert(place, first);
        Ok(())
    }

    /// A column of each source's page, and the numbers of its dictionary.
    pub(super) fn column(&mut self, field: Field) -> (Vec<&Content>, &mut [Renumber]) {
        let pages = self.sources.iter().map(|source| source.page.column(field)).collect();
        (pages, self.known.get_mut(field as usize).map(Vec::as_mut_slice).unwrap_or_default())
    }

    /// The page of a pick.
    pub(super) fn page(&self, pick: Pick) -> Option<&Page> {
        self.sources.get(usize::from(pick.source)).map(|source| &source.page)
    }

    /// Orders the rows that two sources stand before.
    fn compare(&self, a: u16, b: u16) -> Ordering {
        let (a, b) = (usize::from(a), usize::from(b));
        self.heads.get(a).cmp(&self.heads.get(b)).then_with(|| {
            match (self.sources.get(a), self.sources.get(b)) {
                (Some(a), Some(b)) => a.page.compare(self.table, a.row, &b.page, b.row),
                _ => Ordering::Equal,
            }
        })
    }
}

impl Source {
    fn head(&self) -> u128 {
        self.keys.get(self.row).copied().unwrap_or(u128::MAX)
    }

    /// Goes on to the next page; whether its dictionaries are new, and `None` where there is none.
    fn load(&mut self, table: Table, skip: usize) -> Result<Option<bool>> {
        let Some((page, is_new)) = self.reader.next()? else { return Ok(None) };
        self.row = 0;
        self.keys.clear();
        self.keys.extend((0..page.n_rows).map(|row| page.key(table, row, skip)));
        self.is_heavy = LONG.iter().any(|field| HEAVY <= page.column(*field).n_bytes());
        self.page = page;
        Ok(Some(is_new))
    }
}

fn longest(page: &Page, row: usize) -> usize {
    let len = |field: Field| page.column(field).bytes_at(row).map_or(0, <[u8]>::len);
    LONG.into_iter().map(len).max().unwrap_or(0)
}

/// How many bytes all keys of the files begin with: those that the least and the greatest have in common.
fn common(files: &[Arc<EventFile>]) -> usize {
    let least = files.iter().map(|file| file.index.bounds().0).min().unwrap_or_default();
    let most = files.iter().map(|file| file.index.bounds().1).max().unwrap_or_default();
    least.iter().zip(most).take_while(|(a, b)| a == b).count()
}

const _: () = assert!(PAGE_ROWS <= u16::MAX as u32, "picks name rows by 16 bits");
