//! Rows on their way into a file: taken as they come, given back in order.

use std::hash::BuildHasher;

use exposure_core::{Kind, Notes, Timestamp};
use exposure_store::{KeyId, ProjectId};
use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::IdRef;
use super::row::{ExposedRef, RowRef};
use super::writes::WritesRef;

/// Rows on their way into a file. Pushing copies; about 250 bytes a row.
#[derive(Debug, Default)]
pub struct RowBatch {
    rows: Vec<Packed>,
    texts: Vec<u8>,
    profiles: Interner,
    flags: Interner,
    n_links: usize,
}

/// A row: numbers here, texts one after the other in `texts`.
#[derive(Clone, Copy, Debug)]
struct Packed {
    start: usize,
    lens: [u32; N_TEXTS],
    project: u32,
    key: u32,
    profile: u32,
    flag: u32,
    time: i64,
    received: i64,
    sequence: i64,
    position: u64,
    has: u16,
    kind: u8,
    notes: u8,
}

const N_TEXTS: usize = 11;

const USER: u16 = 1;
const USER_UUID: u16 = 1 << 1;
const DEVICE: u16 = 1 << 2;
const DEVICE_UUID: u16 = 1 << 3;
const INSERT: u16 = 1 << 4;
const INSERT_UUID: u16 = 1 << 5;
const EXPOSED: u16 = 1 << 6;
const VARIANT: u16 = 1 << 7;
const WRITES_EXPOSED: u16 = 1 << 8;

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

    /// Forgets the rows and keeps the memory.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.texts.clear();
        self.profiles.clear();
        self.flags.clear();
        self.n_links = 0;
    }

    /// Adds a row. Rows may come in any order.
    pub fn push(&mut self, row: &RowRef<'_>) {
        let (user, user_has) = parts(row.user.as_ref(), USER, USER_UUID);
        let (device, device_has) = parts(row.device.as_ref(), DEVICE, DEVICE_UUID);
        let (insert_id, insert_has) = parts(row.insert_id.as_ref(), INSERT, INSERT_UUID);
        let mut has = user_has | device_has | insert_has;
        let exposed =
            row.exposed.unwrap_or(ExposedRef { flag: "", experiment_key: "", variant: None });
        has |= if row.exposed.is_some() { EXPOSED } else { 0 };
        has |= if exposed.variant.is_some() { VARIANT } else { 0 };
        has |= if row.writes_exposed { WRITES_EXPOSED } else { 0 };
        let texts: [&[u8]; N_TEXTS] = [
            user,
            device,
            insert_id,
            row.event_type.as_bytes(),
            exposed.flag.as_bytes(),
            exposed.variant.unwrap_or("").as_bytes(),
            exposed.experiment_key.as_bytes(),
            row.library.as_bytes(),
            row.effects.as_bytes(),
            row.writes.bytes(),
            row.payload,
        ];
        let start = self.texts.len();
        for text in texts {
            self.texts.extend_from_slice(text);
        }
        let number = self.rows.len() as u32;
        self.rows.push(Packed {
            start,
            lens: texts.map(|text| text.len() as u32),
            project: row.project.0,
            key: row.key.0,
            profile: 0,
            flag: 0,
            time: row.time.as_micros(),
            received: row.received.as_micros(),
            sequence: row.sequence,
            position: row.position,
            has,
            kind: row.kind as u8,
            notes: row.notes.bits(),
        });
        self.n_links += usize::from(row.is_link());
        let Self { rows, texts, profiles, flags, .. } = self;
        let hasher = FixedState::default();
        let at = |number: u32| rows.get(number as usize);
        let of = at(number).map(|row| row.profile(texts));
        let profile = profiles.number(hasher.hash_one(of), number, |other| {
            at(other).map(|row| row.profile(texts)) == of
        });
        let flag = row.flag().as_bytes();
        let flag = flags.number(hasher.hash_one(flag), number, |other| {
            at(other).is_some_and(|other| other.flag(texts) == flag)
        });
        if let Some(last) = rows.last_mut() {
            last.profile = profile;
            last.flag = flag;
        }
    }

    /// The rows in the order they came in.
    pub fn iter(&self) -> impl Iterator<Item = RowRef<'_>> {
        self.rows.iter().map(|row| row.get(&self.texts))
    }

    /// The rows in the order of files of events.
    pub(super) fn by_profile(&self) -> impl Iterator<Item = RowRef<'_>> {
        self.event_order().into_iter().filter_map(|number| self.row(number))
    }

    /// The rows with both ids, in the order of files of links.
    pub(super) fn by_device(&self) -> impl Iterator<Item = RowRef<'_>> {
        let mut order: Vec<(u128, u32)> = Vec::with_capacity(self.n_links);
        for (number, row) in (0_u32..).zip(&self.rows) {
            if row.has & (USER | DEVICE) == USER | DEVICE {
                order.push((row.device(&self.texts).prefix(), number));
            }
        }
        order.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| match (self.row(a.1), self.row(b.1)) {
                (Some(a), Some(b)) => a.compare_as_link(&b),
                _ => a.1.cmp(&b.1),
            })
        });
        order.into_iter().filter_map(|(_, number)| self.row(number))
    }

    fn row(&self, number: u32) -> Option<RowRef<'_>> {
        self.rows.get(number as usize).map(|row| row.get(&self.texts))
    }

    /// Ranks distinct profiles and flags once, counts rows into profiles, and sorts what little each one has.
    fn event_order(&self) -> Vec<u32> {
        let at = |number: u32| self.rows.get(number as usize);
        let profile = |number: u32| at(number).map(|row| row.profile(&self.texts));
        let flag = |number: u32| at(number).map(|row| row.flag(&self.texts));
        let profile_ranks = self.profiles.ranks(
            |number| profile(number).map_or(0, |profile| profile.prefix()),
            |a, b| profile(a).cmp(&profile(b)),
        );
        let flag_ranks = self.flags.ranks(|_| 0, |a, b| flag(a).cmp(&flag(b)));
        let rank = |ranks: &[u32], number: u32| ranks.get(number as usize).copied().unwrap_or(0);
        let mut ends = vec![0_u32; profile_ranks.len() + 1];
        for row in &self.rows {
            if let Some(end) = ends.get_mut(rank(&profile_ranks, row.profile) as usize + 1) {
                *end += 1;
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        // From here on each entry walks from the start of its profile to its end.
        let mut order = vec![(0_u32, 0_i64, 0_u32); self.rows.len()];
        for (number, row) in (0_u32..).zip(&self.rows) {
            if let Some(next) = ends.get_mut(rank(&profile_ranks, row.profile) as usize) {
                if let Some(place) = order.get_mut(*next as usize) {
                    *place = (rank(&flag_ranks, row.flag), row.time, number);
                }
                *next += 1;
            }
        }
        let mut rest = order.as_mut_slice();
        let mut start = 0;
        for end in ends {
            let n = (end - start) as usize;
            let (profile, after) = rest.split_at_mut(n.min(rest.len()));
            profile.sort_unstable_by(|a, b| {
                (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| {
                    let position =
                        |number: u32| self.rows.get(number as usize).map(|row| row.position);
                    position(a.2).cmp(&position(b.2))
                })
            });
            rest = after;
            start = end;
        }
        order.into_iter().map(|(_, _, number)| number).collect()
    }
}

impl Packed {
    fn text<'a>(&self, texts: &'a [u8], number: usize) -> &'a [u8] {
        let mut lens = self.lens.iter().map(|len| *len as usize);
        let start = self.start + lens.by_ref().take(number).sum::<usize>();
        texts.get(start..start + lens.next().unwrap_or(0)).unwrap_or_default()
    }

    fn profile<'a>(&self, texts: &'a [u8]) -> Profile<'a> {
        if self.has & USER == 0 {
            return self.device(texts);
        }
        let head = 2 + u8::from(self.has & USER_UUID == 0);
        Profile { project: self.project, head, id: self.text(texts, 0) }
    }

    fn device<'a>(&self, texts: &'a [u8]) -> Profile<'a> {
        let head = u8::from(self.has & DEVICE_UUID == 0);
        Profile { project: self.project, head, id: self.text(texts, 1) }
    }

    fn flag<'a>(&self, texts: &'a [u8]) -> &'a [u8] {
        self.text(texts, 4)
    }

    fn get<'a>(&self, texts: &'a [u8]) -> RowRef<'a> {
        let mut rest = texts.get(self.start..).unwrap_or_default();
        let [
            user,
            device,
            insert_id,
            event_type,
            flag,
            variant,
            run,
            library,
            effects,
            writes,
            payload,
        ] = self.lens.map(|len| {
            let (text, after) = rest.split_at_checked(len as usize).unwrap_or_default();
            rest = after;
            text
        });
        let has = |bit: u16| self.has & bit != 0;
        let id = |bytes: &'a [u8], any: u16, uuid: u16| {
            has(any).then(|| match bytes.try_into() {
                Ok(uuid_bytes) if has(uuid) => IdRef::Uuid(uuid_bytes),
                _ => IdRef::Text(text(bytes)),
            })
        };
        RowRef {
            project: ProjectId(self.project),
            user: id(user, USER, USER_UUID),
            device: id(device, DEVICE, DEVICE_UUID),
            kind: Kind::from_number(self.kind).unwrap_or_default(),
            event_type: text(event_type),
            exposed: has(EXPOSED).then(|| ExposedRef {
                flag: text(flag),
                experiment_key: text(run),
                variant: has(VARIANT).then(|| text(variant)),
            }),
            writes_exposed: has(WRITES_EXPOSED),
            time: Timestamp::from_micros(self.time),
            received: Timestamp::from_micros(self.received),
            sequence: self.sequence,
            insert_id: id(insert_id, INSERT, INSERT_UUID),
            writes: WritesRef::packed(writes),
            effects: text(effects),
            payload,
            key: KeyId(self.key),
            library: text(library),
            notes: Notes::from_bits(self.notes),
            position: self.position,
        }
    }
}

/// What of an id is kept, and how it is marked.
fn parts<'a>(id: Option<&'a IdRef<'_>>, any: u16, uuid: u16) -> (&'a [u8], u16) {
    match id {
        Some(id @ IdRef::Uuid(_)) => (id.bytes(), any | uuid),
        Some(id @ IdRef::Text(_)) => (id.bytes(), any),
        None => (&[], 0),
    }
}

/// Copied from a `str`, so it is valid.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("")
}

/// Whom a row is sorted under, without a look at the text: ordered as profiles are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Profile<'a> {
    project: u32,
    /// Users after devices, and texts after UUIDs.
    head: u8,
    id: &'a [u8],
}

impl Profile<'_> {
    /// A number whose order is that of profiles, as far as it goes.
    fn prefix(&self) -> u128 {
        let mut bytes = [0; 16];
        let parts = self.project.to_be_bytes().into_iter().chain([self.head]);
        for (to, from) in bytes.iter_mut().zip(parts.chain(self.id.iter().copied())) {
            *to = from;
        }
        u128::from_be_bytes(bytes)
    }
}

/// Distinct values, each known by the first row that has it.
#[derive(Debug, Default)]
struct Interner {
    numbers: HashTable<(u64, u32)>,
    first_rows: Vec<u32>,
}

impl Interner {
    fn number(&mut self, hash: u64, row: u32, is_same: impl Fn(u32) -> bool) -> u32 {
        let Self { numbers, first_rows } = self;
        let first_row = |number: u32| first_rows.get(number as usize).copied().unwrap_or(0);
        let found =
            numbers.find(hash, |&(other, number)| other == hash && is_same(first_row(number)));
        if let Some(&(_, number)) = found {
            return number;
        }
        let number = first_rows.len() as u32;
        first_rows.push(row);
        numbers.insert_unique(hash, (hash, number), |&(hash, _)| hash);
        number
    }

    /// The rank of each value, by its number.
    fn ranks(
        &self,
        prefix: impl Fn(u32) -> u128,
        compare: impl Fn(u32, u32) -> std::cmp::Ordering,
    ) -> Vec<u32> {
        let mut order: Vec<(u128, u32, u32)> = (0_u32..)
            .zip(&self.first_rows)
            .map(|(number, &row)| (prefix(row), row, number))
            .collect();
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| compare(a.1, b.1)));
        let mut ranks = vec![0; order.len()];
        for (rank, (_, _, number)) in (0_u32..).zip(order) {
            if let Some(place) = ranks.get_mut(number as usize) {
                *place = rank;
            }
        }
        ranks
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.first_rows.clear();
    }
}
