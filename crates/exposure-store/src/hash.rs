//! The state hash: a sum of hashes of records, so that it is blind to order.
//!
//! Over registers, first, last and count of exposures, spans of links, stored events and
//! usage; not over receive times, positions, the window of insert ids, rejects or duplicates.

use std::fmt;

use exposure_core::{Change, DeviceLinks, LinkSpan, RawId, Seen, Settled, Timestamp, Version};
use xxhash_rust::xxh3::xxh3_64;

use crate::{ProjectId, UsageRow};

/// The hash of a whole state. Equal states have equal hashes, on any store and any machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateHash(u128);

impl StateHash {
    /// Adds a record.
    pub fn add(&mut self, record: u128) {
        self.0 = self.0.wrapping_add(record);
    }

    /// Takes a record away that was added before.
    pub fn remove(&mut self, record: u128) {
        self.0 = self.0.wrapping_sub(record);
    }

    /// Adds another part of the state.
    pub fn combine(&mut self, part: Self) {
        self.0 = self.0.wrapping_add(part.0);
    }

    /// The sum, for storing.
    pub const fn to_u128(self) -> u128 {
        self.0
    }

    /// The hash with this sum.
    pub const fn from_u128(sum: u128) -> Self {
        Self(sum)
    }

    /// Adds the links of a device.
    pub fn add_links(&mut self, project: ProjectId, device: &str, links: &DeviceLinks) {
        for span in links.spans() {
            self.add(StateHasher::link(project, device, span));
        }
        if *links == DeviceLinks::Shared {
            self.add(StateHasher::shared_device(project, device));
        }
    }

    /// Adds what of a device no link moves any more.
    pub fn add_settled(&mut self, project: ProjectId, id: RawId<'_>, settled: &Settled) {
        for (flag, register) in settled.registers.iter() {
            let record = StateHasher::register(project, id, flag, &register.version());
            self.add(StateHasher::settled(record));
        }
        for (key, seen) in settled.seen.iter() {
            self.add(StateHasher::settled(StateHasher::seen(project, id, key, *seen)));
        }
    }
}

impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Hashes one record, field by field. Texts go in as their hash, so a store that keeps those
/// of its interned texts need not read the texts again.
#[derive(Clone, Copy, Debug)]
pub struct StateHasher {
    low: u64,
    high: u64,
}

const REGISTER: u64 = 1;
const SEEN: u64 = 2;
const LINK: u64 = 3;
const EVENT: u64 = 4;
const USAGE: u64 = 5;

/// The hash of a text as a field. Public so that interned texts can keep theirs.
pub fn text_hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// The hash of a raw id as a field.
pub fn raw_hash(id: RawId<'_>) -> u64 {
    fold(
        xxh3_64(id.as_str().as_bytes()) ^ if id.is_user() { 0x55 } else { 0xDD },
        0x2545_F491_4F6C_DD1D,
    )
}

impl StateHasher {
    const fn new(record: u64, project: ProjectId) -> Self {
        Self {
            low: 0x243F_6A88_85A3_08D3 ^ record,
            high: 0x1319_8A2E_0370_7344 ^ ((project.0 as u64) << 8) ^ record,
        }
    }

    const fn field(mut self, value: u64) -> Self {
        self.low = fold(self.low ^ value, 0x9E37_79B9_7F4A_7C15);
        self.high = fold(self.high.wrapping_add(value), 0xC2B2_AE3D_27D4_EB4F);
        self
    }

    const fn finish(self) -> u128 {
        let low = fold(self.low ^ self.high.rotate_left(23), 0xD6E8_FEB8_6659_FD93);
        ((self.high as u128) << 64) | low as u128
    }

    /// A register. Hashes of raw id, flag, variant (0 when unset), experiment key, insert id.
    #[expect(clippy::too_many_arguments, reason = "these are the fields of the record")]
    pub const fn register_parts(
        project: ProjectId,
        raw: u64,
        flag: u64,
        time: Timestamp,
        sequence: i64,
        variant: u64,
        experiment_key: u64,
        insert_id: u64,
    ) -> u128 {
        Self::new(REGISTER, project)
            .field(raw)
            .field(flag)
            .field(time.as_micros() as u64)
            .field(sequence as u64)
            .field(variant)
            .field(experiment_key)
            .field(insert_id)
            .finish()
    }

    /// A register.
    pub fn register(project: ProjectId, id: RawId<'_>, flag: &str, version: &Version<'_>) -> u128 {
        Self::register_parts(
            project,
            raw_hash(id),
            text_hash(flag),
            version.time,
            version.sequence,
            change_hash(version.change),
            text_hash(version.experiment_key),
            text_hash(version.insert_id),
        )
    }

    /// First, last and count. Hashes of raw id, flag, experiment key, variant (0 when unset).
    pub const fn seen_parts(
        project: ProjectId,
        raw: u64,
        flag: u64,
        experiment_key: u64,
        variant: u64,
        seen: Seen,
    ) -> u128 {
        Self::new(SEEN, project)
            .field(raw)
            .field(flag)
            .field(experiment_key)
            .field(variant)
            .field(seen.first.as_micros() as u64)
            .field(seen.last.as_micros() as u64)
            .field(seen.count)
            .finish()
    }

    /// First, last and count of what a raw id saw.
    pub fn seen(
        project: ProjectId,
        id: RawId<'_>,
        key: &exposure_core::SeenKey,
        seen: Seen,
    ) -> u128 {
        let variant = key.variant.as_deref().map_or(0, text_hash);
        Self::seen_parts(
            project,
            raw_hash(id),
            text_hash(&key.flag),
            text_hash(&key.experiment_key),
            variant,
            seen,
        )
    }

    /// A record of a device's registers or exposures that no link moves any more.
    const fn settled(record: u128) -> u128 {
        record.rotate_left(64)
    }

    /// The span of a user on a device.
    pub fn link(project: ProjectId, device: &str, span: &LinkSpan) -> u128 {
        Self::new(LINK, project)
            .field(text_hash(device))
            .field(text_hash(&span.user))
            .field(span.earliest.as_micros() as u64)
            .field(span.latest.as_micros() as u64)
            .finish()
    }

    /// That a device is a shared one.
    pub fn shared_device(project: ProjectId, device: &str) -> u128 {
        Self::new(LINK, project).field(text_hash(device)).field(u64::MAX).finish()
    }

    /// A stored event: ids, time, sequence, insert id, content and payload.
    pub fn event(project: ProjectId, event: &exposure_core::Admitted<'_>) -> u128 {
        Self::event_with(project, event, event.content_hash(), text_hash(event.event_type()))
    }

    /// The same, where the hashes of the event's content and of its type are known.
    pub fn event_with(
        project: ProjectId,
        event: &exposure_core::Admitted<'_>,
        content: u64,
        event_type: u64,
    ) -> u128 {
        Self::new(EVENT, project)
            .field(content)
            .field(event.time.as_micros() as u64)
            .field(event.sequence as u64)
            .field(text_hash(event.insert_id.map_or("", |id| id.as_str())))
            .field(event_type)
            .field(if event.payload.is_empty() { 0 } else { xxh3_64(event.payload) })
            .finish()
    }

    /// A row of usage.
    pub fn usage(project: ProjectId, row: &UsageRow) -> u128 {
        Self::new(USAGE, project)
            .field(row.day as u64)
            .field(row.kind as u64)
            .field(text_hash(&row.event_type))
            .field(u64::from(row.key.0))
            .field(text_hash(&row.library))
            .field(row.events)
            .finish()
    }
}

/// The hash of a change as a field: the variant's, 0 when it unsets.
pub fn change_hash(change: Change<'_>) -> u64 {
    change.variant().map_or(0, text_hash)
}

const fn fold(value: u64, by: u64) -> u64 {
    let wide = value as u128 * by as u128;
    (wide as u64) ^ ((wide >> 64) as u64) ^ value.rotate_left(17)
}
