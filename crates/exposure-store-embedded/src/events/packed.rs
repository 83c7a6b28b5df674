//! A row of a batch: numbers in one place, texts in another.

use exposure_core::{Kind, Notes};

use super::RowRef;
use super::dictionary::Dictionary;
use super::schema::Field;

/// The columns whose texts recur, in the order of their numbers in a row.
pub(super) const WORDS: [Field; N_WORDS] = [
    Field::EventType,
    Field::FlagKey,
    Field::Variant,
    Field::ExperimentKey,
    Field::Library,
    Field::Effects,
];
pub(super) const N_WORDS: usize = 6;
/// The place of the flag among them.
pub(super) const FLAG: usize = 1;
/// Instead of a number: no text.
pub(super) const NO_WORD: u32 = u32::MAX;

/// A row: numbers here, what is its own one after the other among the bytes of the batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed {
    start: usize,
    pub(super) time: i64,
    pub(super) received: i64,
    pub(super) sequence: i64,
    pub(super) position: u64,
    pub(super) insert_uuid: [u8; 16],
    lens: [u32; N_PARTS],
    pub(super) project: u32,
    pub(super) key: u32,
    pub(super) words: [u32; N_WORDS],
    has: u16,
    pub(super) kind: Kind,
    pub(super) notes: Notes,
}

/// User, device, the text of an insert id, writes, payload.
const N_PARTS: usize = 5;

const USER: u16 = 1;
const USER_UUID: u16 = 1 << 1;
const DEVICE: u16 = 1 << 2;
const DEVICE_UUID: u16 = 1 << 3;
const INSERT: u16 = 1 << 4;
const INSERT_UUID: u16 = 1 << 5;
const WRITES_EXPOSED: u16 = 1 << 6;

/// An id of a row: its bytes, and whether they are those of a UUID.
pub(super) type Id<'a> = (&'a [u8], bool);

impl Packed {
    /// Packs a row; appends what is its own to `bytes`, and what recurs to `words`.
    pub(super) fn new(
        row: &RowRef<'_>,
        bytes: &mut Vec<u8>,
        words: &mut [Dictionary; N_WORDS],
    ) -> Self {
        let start = bytes.len();
        let mut has = if row.writes_exposed { WRITES_EXPOSED } else { 0 };
        let mut insert_uuid = [0; 16];
        let mut part = |part: &[u8]| {
            if !part.is_empty() {
                bytes.extend_from_slice(part);
            }
            part.len() as u32
        };
        let mut id = |id: Option<&super::IdRef<'_>>, any: u16, uuid: u16| {
            let Some(id) = id else { return 0 };
            has |= any | if id.tag() == 0 { uuid } else { 0 };
            part(id.bytes())
        };
        let user = id(row.user.as_ref(), USER, USER_UUID);
        let device = id(row.device.as_ref(), DEVICE, DEVICE_UUID);
        let insert = match &row.insert_id {
            Some(super::IdRef::Uuid(uuid)) => {
                insert_uuid = *uuid;
                has |= INSERT_UUID;
                0
            }
            text => id(text.as_ref(), INSERT, 0),
        };
        let lens = [user, device, insert, part(row.writes.bytes()), part(row.payload)];
        let texts = [
            Some(row.event_type),
            row.exposed.map(|exposed| exposed.flag),
            row.exposed.and_then(|exposed| exposed.variant),
            row.exposed.map(|exposed| exposed.experiment_key).filter(|text| !text.is_empty()),
            Some(row.library).filter(|text| !text.is_empty()),
            Some(row.effects).filter(|text| !text.is_empty()),
        ];
        let mut numbers = [NO_WORD; N_WORDS];
        for ((number, text), words) in numbers.iter_mut().zip(texts).zip(words) {
            if let Some(text) = text {
                *number = words.number(text.as_bytes());
            }
        }
        Self {
            start,
            time: row.time.as_micros(),
            received: row.received.as_micros(),
            sequence: row.sequence,
            position: row.position,
            insert_uuid,
            lens,
            project: row.project.0,
            key: row.key.0,
            words: numbers,
            has,
            kind: row.kind,
            notes: row.notes,
        }
    }

    const fn has(&self, bits: u16) -> bool {
        self.has & bits == bits
    }

    /// Where its bytes begin.
    pub(super) const fn start(&self) -> usize {
        self.start
    }

    /// How many bytes it has.
    pub(super) fn n_bytes(&self) -> usize {
        self.lens.iter().map(|len| *len as usize).sum()
    }

    fn part<'a>(&self, bytes: &'a [u8], number: usize) -> &'a [u8] {
        let mut lens = self.lens.iter().map(|len| *len as usize);
        let start = self.start + lens.by_ref().take(number).sum::<usize>();
        bytes.get(start..start + lens.next().unwrap_or(0)).unwrap_or_default()
    }

    pub(super) fn user<'a>(&self, bytes: &'a [u8]) -> Option<Id<'a>> {
        self.has(USER).then(|| (self.part(bytes, 0), self.has(USER_UUID)))
    }

    pub(super) fn device<'a>(&self, bytes: &'a [u8]) -> Option<Id<'a>> {
        self.has(DEVICE).then(|| (self.part(bytes, 1), self.has(DEVICE_UUID)))
    }

    pub(super) const fn has_insert_uuid(&self) -> bool {
        self.has(INSERT_UUID)
    }

    pub(super) fn insert_text<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        self.has(INSERT).then(|| self.part(bytes, 2))
    }

    pub(super) const fn writes_exposed(&self) -> bool {
        self.has(WRITES_EXPOSED)
    }

    pub(super) fn writes<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        self.part(bytes, 3)
    }

    pub(super) fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        self.part(bytes, 4)
    }

    pub(super) const fn is_link(&self) -> bool {
        self.has(USER | DEVICE)
    }

    /// Whom it is sorted under among events: whether that is a user, and its id.
    pub(super) fn profile<'a>(&self, bytes: &'a [u8]) -> (bool, Id<'a>) {
        match self.user(bytes) {
            Some(user) => (true, user),
            None => (false, self.device(bytes).unwrap_or((&[], false))),
        }
    }
}
