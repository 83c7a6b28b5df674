//! The sparse index of a file: where each page lies, and the first key in it. Resident while the file is open.

use std::ops::Range;

use super::RowRef;
use super::codec::{Reader, put_bytes, put_u32, put_u64};
use super::packed::Id;
use super::row::ProfileRef;
use super::schema::{Field, N_FIELDS, Table};

/// Longest id in a key; of a longer one only so much decides which page is read.
const MAX_ID: usize = 64;

/// The sparse index of a file.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) groups: Vec<Group>,
    pub(super) pages: Vec<PageEntry>,
    keys: Vec<u8>,
    last_key: Vec<u8>,
}

/// A row group.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// Where it begins in the file, in bytes.
    pub(super) start: u64,
    /// Of each column, from the start: the dictionary, and the end of its last page.
    pub(super) dictionaries: [(u32, u32); N_FIELDS],
    pub(super) ends: [u32; N_FIELDS],
}

/// The pages of the same rows, one of each column.
#[derive(Clone, Debug)]
pub(super) struct PageEntry {
    pub(super) group: u32,
    pub(super) n_rows: u32,
    /// A bit for each column whose page holds no value.
    pub(super) empty: u32,
    key_end: u32,
    /// Where each column's page begins, from the start of the row group.
    pub(super) starts: [u32; N_FIELDS],
}

/// The key of a profile or device, as indexes compare it: bytes in the order of rows.
pub(super) fn key(project: u32, profile: ProfileRef<'_>) -> Vec<u8> {
    let mut key = Vec::new();
    put_key(project, profile, &mut key);
    key
}

fn put_key(project: u32, profile: ProfileRef<'_>, to: &mut Vec<u8>) {
    let is_uuid = profile.id.tag() == 0;
    put_key_parts(project, profile.is_user, (profile.id.bytes(), is_uuid), to);
}

/// Appends the key of an id, which is that of a UUID or a text.
pub(super) fn put_key_parts(project: u32, is_user: bool, (id, is_uuid): Id<'_>, to: &mut Vec<u8>) {
    to.extend_from_slice(&project.to_be_bytes());
    to.extend_from_slice(&[u8::from(is_user), u8::from(!is_uuid)]);
    to.extend_from_slice(id.get(..MAX_ID).unwrap_or(id));
}

/// Whom a row is sorted under in a file of this kind: its profile, or, of links, its device.
pub(super) fn sorted_under<'a>(table: Table, row: &RowRef<'a>) -> ProfileRef<'a> {
    match (table, row.device) {
        (Table::Links, Some(id)) => ProfileRef { is_user: false, id },
        _ => row.profile(),
    }
}

/// Appends the key of a row in a file of this kind.
pub(super) fn put_key_of_row(table: Table, row: &RowRef<'_>, to: &mut Vec<u8>) {
    put_key(row.project.0, sorted_under(table, row), to);
}

impl Index {
    pub(super) fn push_page(&mut self, first_key: &[u8], mut page: PageEntry) {
        self.keys.extend_from_slice(first_key);
        page.key_end = self.keys.len() as u32;
        self.pages.push(page);
    }

    pub(super) fn set_last_key(&mut self, key: Vec<u8>) {
        self.last_key = key;
    }

    fn first_key(&self, page: usize) -> &[u8] {
        let start = match page.checked_sub(1) {
            Some(before) => self.pages.get(before).map_or(0, |page| page.key_end),
            None => 0,
        };
        let end = self.pages.get(page).map_or(start, |page| page.key_end);
        self.keys.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The pages that rows with keys from `from` to `to`, both included, can be in.
    pub(super) fn pages_between(&self, from: &[u8], to: &[u8]) -> Range<usize> {
        if self.last_key.as_slice() < from {
            return 0..0;
        }
        let n = self.pages.len();
        let first_at_or_after = partition(n, |page| self.first_key(page) < from);
        let end = partition(n, |page| self.first_key(page) <= to);
        // The page before may end with the key.
        first_at_or_after.saturating_sub(1)..end
    }

    /// Where a column's page lies in the file.
    pub(super) fn place(&self, page: usize, field: Field) -> Option<Range<u64>> {
        let entry = self.pages.get(page)?;
        let group = self.groups.get(entry.group as usize)?;
        let slot = field as usize;
        let next = self.pages.get(page + 1).filter(|next| next.group == entry.group);
        let end = next.map_or(group.ends[slot], |next| next.starts[slot]);
        Some(group.start + u64::from(entry.starts[slot])..group.start + u64::from(end))
    }

    /// Where a column's pages of the row group of a page end in the file.
    pub(super) fn chunk_end(&self, page: usize, field: Field) -> u64 {
        let group = self.pages.get(page).and_then(|page| self.groups.get(page.group as usize));
        group.map_or(0, |group| group.start + u64::from(group.ends[field as usize]))
    }

    /// The keys of the first and the last row.
    pub(super) fn bounds(&self) -> (&[u8], &[u8]) {
        (self.first_key(0), &self.last_key)
    }

    /// Bytes of memory it takes, about.
    pub(super) fn resident_bytes(&self) -> usize {
        self.keys.len()
            + self.pages.len() * size_of::<PageEntry>()
            + self.groups.len() * size_of::<Group>()
    }

    pub(super) fn encode(&self, table: Table) -> Vec<u8> {
        let mut to = Vec::new();
        put_u32(&mut to, self.groups.len() as u32);
        for group in &self.groups {
            put_u64(&mut to, group.start);
            for &field in table.fields() {
                let (start, len) = group.dictionaries[field as usize];
                put_u32(&mut to, start);
                put_u32(&mut to, len);
                put_u32(&mut to, group.ends[field as usize]);
            }
        }
        put_u32(&mut to, self.pages.len() as u32);
        for (i, page) in self.pages.iter().enumerate() {
            put_u32(&mut to, page.group);
            put_u32(&mut to, page.n_rows);
            put_u32(&mut to, page.empty);
            put_bytes(&mut to, self.first_key(i));
            for &field in table.fields() {
                put_u32(&mut to, page.starts[field as usize]);
            }
        }
        put_bytes(&mut to, &self.last_key);
        to
    }

    pub(super) fn decode(table: Table, bytes: &[u8]) -> Option<Self> {
        let mut from = Reader::new(bytes);
        let mut index = Self::default();
        for _ in 0..from.u32()? {
            let mut group = Group { start: from.u64()?, ..Group::default() };
            for &field in table.fields() {
                group.dictionaries[field as usize] = (from.u32()?, from.u32()?);
                group.ends[field as usize] = from.u32()?;
            }
            index.groups.push(group);
        }
        for _ in 0..from.u32()? {
            let mut page = PageEntry::new(from.u32()?, from.u32()?);
            page.empty = from.u32()?;
            let key = from.bytes()?;
            for &field in table.fields() {
                page.starts[field as usize] = from.u32()?;
            }
            index.push_page(key, page);
        }
        index.last_key = from.bytes()?.to_vec();
        from.is_empty().then_some(index)
    }
}

impl PageEntry {
    pub(super) const fn new(group: u32, n_rows: u32) -> Self {
        Self { group, n_rows, empty: 0, key_end: 0, starts: [0; N_FIELDS] }
    }
}

/// The first number below `n` that `before` is false for.
pub(super) fn partition(n: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low.midpoint(high);
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
