//! Rows on their way into a file: taken as they come, given back in order.

use std::cmp::Ordering;

use super::RowRef;
use super::dictionary::Dictionary;
use super::packed::{FLAG, Id, N_WORDS, NO_WORD, Packed};
use crate::prefetch;

/// Rows on their way into a file. Pushing copies; about 150 bytes a row.
#[derive(Debug, Default)]
pub struct RowBatch {
    rows: Vec<Packed>,
    bytes: Vec<u8>,
    words: [Dictionary; N_WORDS],
    /// By the kind of id: what all of that kind begin with.
    common: [Common; 4],
    n_links: usize,
}

/// Bytes of a kind of id that all of it begin with.
#[derive(Debug, Default)]
struct Common {
    first: Vec<u8>,
    any: bool,
    len: usize,
}

impl Common {
    fn add(&mut self, id: &[u8]) {
        if !self.any {
            self.any = true;
            self.first.clear();
            self.first.extend_from_slice(id);
            self.len = id.len();
        }
        let known = self.first.get(..self.len).unwrap_or_default();
        if !id.starts_with(known) {
            self.len = known.iter().zip(id).take_while(|(a, b)| a == b).count();
        }
    }
}

/// How many rows ahead the memory of one is asked for.
const AHEAD: usize = 16;

impl RowBatch {
    /// A batch without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many rows there are.
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes of memory that the rows take, about.
    pub const fn n_bytes(&self) -> usize {
        self.rows.len() * size_of::<Packed>() + self.bytes.len()
    }

    /// Forgets the rows and keeps the memory.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.bytes.clear();
        self.words.iter_mut().for_each(Dictionary::clear);
        self.common.iter_mut().for_each(|common| common.any = false);
        self.n_links = 0;
    }

    /// Adds a row. Rows may come in any order.
    pub fn push(&mut self, row: &RowRef<'_>) {
        let row = Packed::new(row, &mut self.bytes, &mut self.words);
        if let Some(user) = row.user(&self.bytes) {
            self.common[kind_of(true, user)].add(user.0);
        }
        if let Some(device) = row.device(&self.bytes) {
            self.common[kind_of(false, device)].add(device.0);
        }
        self.n_links += usize::from(row.is_link());
        self.rows.push(row);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The texts of a column, by their numbers.
    pub(super) fn words(&self, column: usize) -> Option<&Dictionary> {
        self.words.get(column)
    }

    /// Copies rows of an order, from its beginning on, until there are `room` or they have some bytes; how many.
    pub(super) fn take(
        &self,
        order: &[u32],
        room: usize,
        most_bytes: usize,
        to: &mut Vec<Packed>,
    ) -> usize {
        to.clear();
        let at = |i: usize| order.get(i).and_then(|&number| self.rows.get(number as usize));
        let mut n_bytes = 0;
        while to.len() < room && n_bytes < most_bytes {
            let i = to.len();
            // Rows lie anywhere: their numbers are asked for first, and the bytes that these name then.
            if let Some(row) = at(i + 2 * AHEAD) {
                prefetch::value(row);
            }
            if let Some(row) = at(i + AHEAD) {
                let bytes = self.bytes.as_ptr().wrapping_add(row.start());
                prefetch::line(bytes);
                prefetch::line(bytes.wrapping_add(32));
            }
            let Some(row) = at(i) else { break };
            n_bytes += row.n_bytes();
            to.push(*row);
        }
        to.len()
    }

    /// The rows in the order of files of events.
    pub(super) fn by_profile(&self) -> Vec<u32> {
        let ranks = self.flag_ranks();
        let rank = |row: &Packed| match row.words[FLAG] {
            NO_WORD => 0,
            number => ranks.get(number as usize).copied().unwrap_or(0),
        };
        let keys = (0_u32..).zip(&self.rows).map(|(number, row)| {
            let (is_user, id) = row.profile(&self.bytes);
            (self.key(row.project, is_user, id), number)
        });
        self.sort(keys.collect(), |a, b| {
            let by_profile = || a.profile(&self.bytes).1.0.cmp(b.profile(&self.bytes).1.0);
            by_profile()
                .then_with(|| rank(a).cmp(&rank(b)))
                .then_with(|| (a.time, a.position).cmp(&(b.time, b.position)))
        })
    }

    /// The rows with both ids, in the order of files of links.
    pub(super) fn by_device(&self) -> Vec<u32> {
        let mut keys = Vec::with_capacity(self.n_links);
        for (number, row) in (0_u32..).zip(&self.rows) {
            if let Some(device) = row.device(&self.bytes).filter(|_| row.is_link()) {
                keys.push((self.key(row.project, false, device), number));
            }
        }
        self.sort(keys, |a, b| {
            let device = |row: &Packed| row.device(&self.bytes).map(|(bytes, _)| bytes);
            // A UUID comes before any text.
            let user = |row: &Packed| row.user(&self.bytes).map(|(bytes, uuid)| (!uuid, bytes));
            device(a)
                .cmp(&device(b))
                .then_with(|| a.time.cmp(&b.time))
                .then_with(|| user(a).cmp(&user(b)))
                .then_with(|| a.position.cmp(&b.position))
        })
    }

    /// Sorts by key, and rows of one key by what is behind it.
    fn sort(
        &self,
        mut keys: Vec<(u128, u32)>,
        compare: impl Fn(&Packed, &Packed) -> Ordering,
    ) -> Vec<u32> {
        let at = |number: u32| self.rows.get(number as usize);
        keys.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| match (at(a.1), at(b.1)) {
                (Some(a), Some(b)) => compare(a, b),
                _ => Ordering::Equal,
            })
        });
        keys.into_iter().map(|(_, number)| number).collect()
    }

    /// A number whose order is that of projects and profiles, as far as it goes: of the id, eleven
    /// bytes from where ids of its kind begin to differ.
    fn key(&self, project: u32, is_user: bool, id: Id<'_>) -> u128 {
        let kind = kind_of(is_user, id);
        let own = id.0.get(self.common[kind].len..).unwrap_or_default();
        let mut bytes = [0; 16];
        let (head, tail) = bytes.split_at_mut(5);
        let n = own.len().min(tail.len());
        head[..4].copy_from_slice(&project.to_be_bytes());
        head[4] = kind as u8;
        if let (Some(to), Some(from)) = (tail.get_mut(..n), own.get(..n)) {
            to.copy_from_slice(from);
        }
        u128::from_be_bytes(bytes)
    }

    /// The place of each flag among them, by its number; 0 is that of rows without one.
    fn flag_ranks(&self) -> Vec<u32> {
        let flags = &self.words[FLAG];
        let mut order: Vec<u32> = (0..flags.len() as u32).collect();
        order.sort_unstable_by(|a, b| flags.text(*a).cmp(flags.text(*b)));
        let mut ranks = vec![0; order.len()];
        for (rank, number) in (1_u32..).zip(order) {
            if let Some(place) = ranks.get_mut(number as usize) {
                *place = rank;
            }
        }
        ranks
    }
}

/// Users come after devices, and texts after UUIDs.
fn kind_of(is_user: bool, (_, is_uuid): Id<'_>) -> usize {
    2 * usize::from(is_user) + usize::from(!is_uuid)
}
