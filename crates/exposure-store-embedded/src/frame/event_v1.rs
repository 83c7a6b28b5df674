//! Records of the first kind of frame, which older versions wrote. They are read, and not written.
//!
//! length u32 · place in the frame u32 · status · kind · notes · own effect · parts · links changed · 2 unused ·
//! previous u64 · previous of the device u64 · time i64 · sequence i64 · 6 lengths u16 · texts · the rest.

use exposure_core::{
    Admitted, DeviceId, ExperimentKey, FlagKey, Ids, InsertId, Kind, Notes, Subject, Timestamp,
    UserId, Variant,
};

use super::bytes::{Cursor, Malformed};
use super::event::{EventRecord, Status, effect_of};
use super::event_decode::take_extra;

// The parts a record has.
const USER: u8 = 1;
const DEVICE: u8 = 1 << 1;
const INSERT_ID: u8 = 1 << 2;
const EXPOSURE: u8 = 1 << 3;
const VARIANT: u8 = 1 << 4;
const EXPERIMENT_KEY: u8 = 1 << 5;
const NO_WRITE: u8 = 1 << 6;
const REST: u8 = 1 << 7;

/// Bytes in front of the texts.
const FIXED: usize = 48 + 12;

/// How long a record is, and where it stands in its frame.
pub(super) fn span(bytes: &[u8]) -> Result<(usize, usize), Malformed> {
    let mut cursor = Cursor(bytes);
    let (length, in_frame) = (cursor.u32()? as usize, cursor.u32()? as usize);
    if length < FIXED { Err(Malformed("an event is too short")) } else { Ok((length, in_frame)) }
}

/// Reads a record.
pub(super) fn decode(bytes: &[u8]) -> Result<EventRecord<'_>, Malformed> {
    let (length, _) = span(bytes)?;
    let record = bytes.get(..length).ok_or(Malformed("an event is too short"))?;
    let mut cursor = Cursor(record);
    cursor.take(8)?;
    let status = Status::from_number(cursor.u8()?)?;
    let kind = Kind::from_number(cursor.u8()?).ok_or(Malformed("an event has an unknown kind"))?;
    let notes = Notes::from_bits(cursor.u8()?);
    let own_effect = effect_of(cursor.u8()?);
    let parts = cursor.u8()?;
    let has = |part: u8| parts & part != 0;
    let links_changed = cursor.u8()? != 0;
    cursor.take(2)?;
    let (previous, previous_device) = (cursor.u64()?, cursor.u64()?);
    let time = Timestamp::from_micros(cursor.i64()?);
    let sequence = cursor.i64()?;
    let mut lengths = [0_usize; 6];
    for length in &mut lengths {
        *length = usize::from(cursor.u16()?);
    }
    let mut texts = [""; 6];
    for (text, length) in texts.iter_mut().zip(lengths) {
        *text = cursor.text(length)?;
    }
    let [user, device, insert_id, flag, variant, experiment_key] = texts;
    let ids = match (has(USER), has(DEVICE)) {
        (true, true) => Ids::Both(UserId::trusted(user), DeviceId::trusted(device)),
        (true, false) => Ids::User(UserId::trusted(user)),
        (false, true) => Ids::Device(DeviceId::trusted(device)),
        (false, false) => return Err(Malformed("an event names nobody")),
    };
    let subject = if has(EXPOSURE) {
        Subject::Exposure {
            kind,
            flag: FlagKey::trusted(flag),
            variant: has(VARIANT).then(|| Variant::trusted(variant)),
            experiment_key: has(EXPERIMENT_KEY).then(|| ExperimentKey::trusted(experiment_key)),
            writes: !has(NO_WRITE),
        }
    } else if kind.is_billable() {
        Subject::Outcome { kind, event_type: flag }
    } else {
        Subject::Plain(kind)
    };
    let (mut library, mut payload): (&str, &[u8]) = ("", &[]);
    let (mut extra, mut extra_effects) = (Vec::new(), Vec::new());
    if has(REST) {
        library = cursor.text16()?;
        payload = cursor.bytes32()?;
        (extra, extra_effects) = take_extra(&mut cursor)?;
    }
    Ok(EventRecord {
        event: Admitted {
            ids,
            time,
            sequence,
            insert_id: has(INSERT_ID).then(|| InsertId::trusted(insert_id)),
            subject,
            extra,
            payload,
            notes,
            library,
        },
        insert_uuid: None,
        status,
        links_changed,
        previous,
        previous_device,
        own_effect,
        extra_effects,
        length,
    })
}
