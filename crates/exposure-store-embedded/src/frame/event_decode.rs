//! Reading an event's record.

use std::slice::IterMut;

use exposure_core::{
    Admitted, Change, DeviceId, Effect, ExperimentKey, FlagKey, Ids, InsertId, Kind, Notes,
    Subject, Timestamp, UserId, Variant, Write,
};

use super::bytes::{Cursor, Malformed};
use super::event::{EventRecord, NO_POSITION, Status, effect_of};
use super::events::EventsHead;
use super::layout::{
    AT_EFFECT, AT_IN_FRAME, AT_KIND, AT_LENGTH, AT_LENGTHS, AT_PARTS, AT_PREVIOUS,
    AT_PREVIOUS_DEVICE, AT_STATUS, AT_TIME, BOTH, COMPACT, DEVICE, EXPERIMENT_KEY, EXPOSURE, EXTRA,
    FIXED, INSERT_TEXT, INSERT_UUID, LIBRARY, LINKS_CHANGED, N_FIXED_TEXTS, N_TEXTS, NO_WRITE,
    NOTES, PAYLOAD, SELDOM, SEQUENCE, STATUS, TIME, USER, VARIANT, WIDE,
};
use crate::uuid::write_uuid;

/// How long a record is, and where it stands in its frame: what its first bytes say.
pub(super) fn span(bytes: &[u8]) -> Result<(usize, usize), Malformed> {
    let fixed = bytes.first_chunk::<FIXED>().ok_or(TOO_SHORT)?;
    let parts = u16_at(fixed, AT_PARTS);
    let (mut length, mut in_frame) =
        (usize::from(u16_at(fixed, AT_LENGTH)), usize::from(u16_at(fixed, AT_IN_FRAME)));
    if parts & WIDE != 0 {
        let wide = if parts & BOTH == BOTH { AT_PREVIOUS_DEVICE + 8 } else { FIXED };
        let mut upper = Cursor(bytes.get(wide..).unwrap_or_default());
        length |= usize::from(upper.u16()?) << 16;
        in_frame |= usize::from(upper.u16()?) << 16;
    }
    if length < FIXED { Err(TOO_SHORT) } else { Ok((length, in_frame)) }
}

pub(super) const TOO_SHORT: Malformed = Malformed("an event is too short");

/// What few records have, and the lengths of texts.
pub(super) struct Seldom {
    pub(super) lengths: [usize; N_TEXTS],
    time: Option<Timestamp>,
    sequence: i64,
    notes: Notes,
}

impl Seldom {
    /// Reads it where it begins behind the previous record on a device, as far as a record has it.
    pub(super) fn read(
        cursor: &mut Cursor<'_>,
        fixed: &[u8; FIXED],
        parts: u16,
    ) -> Result<Self, Malformed> {
        let mut seldom =
            Self { lengths: [0; N_TEXTS], time: None, sequence: 0, notes: Notes::default() };
        for (length, short) in seldom.lengths.iter_mut().zip(&fixed[AT_LENGTHS..]) {
            *length = usize::from(*short);
        }
        if parts & SELDOM != 0 {
            Self::take(cursor, parts, &mut seldom)?;
        }
        Ok(seldom)
    }

    /// Takes it off the front.
    fn take(cursor: &mut Cursor<'_>, parts: u16, seldom: &mut Self) -> Result<(), Malformed> {
        let is_wide = parts & WIDE != 0;
        if is_wide {
            cursor.take(4)?;
            for length in &mut seldom.lengths {
                *length = usize::from(cursor.u16()?);
            }
        }
        if parts & TIME != 0 {
            seldom.time = Some(Timestamp::from_micros(cursor.i64()?));
        }
        if parts & SEQUENCE != 0 {
            seldom.sequence = cursor.i64()?;
        }
        if parts & NOTES != 0 {
            seldom.notes = Notes::from_bits(cursor.u8()?);
        }
        for (bit, length) in [INSERT_TEXT, EXPERIMENT_KEY, LIBRARY]
            .into_iter()
            .zip(&mut seldom.lengths[N_FIXED_TEXTS..])
        {
            if parts & bit != 0 {
                let short = usize::from(cursor.u8()?);
                if !is_wide {
                    *length = short;
                }
            }
        }
        Ok(())
    }
}

/// Reads a record. A UUID's text is written into the next of `texts`.
pub(super) fn decode<'a>(
    bytes: &'a [u8],
    head: &EventsHead<'a>,
    texts: &mut IterMut<'a, [u8; 36]>,
) -> Result<EventRecord<'a>, Malformed> {
    let (length, _) = span(bytes)?;
    let record = bytes.get(..length).ok_or(TOO_SHORT)?;
    let (fixed, rest) = record.split_first_chunk::<FIXED>().ok_or(TOO_SHORT)?;
    let mut cursor = Cursor(rest);
    let parts = u16_at(fixed, AT_PARTS);
    if parts & COMPACT == 0 {
        return Err(Malformed("an event is not of its frame's kind"));
    }
    let has = |bits: u16| parts & bits == bits;
    let previous_device = if has(BOTH) { cursor.u64()? } else { NO_POSITION };
    let seldom = Seldom::read(&mut cursor, fixed, parts)?;
    let insert_uuid = if has(INSERT_UUID) { Some(cursor.array::<16>()?) } else { None };
    // All texts are checked at once.
    let mut joined = cursor.text(seldom.lengths.iter().sum())?;
    let mut text = |index: usize| {
        let (text, rest) = joined.split_at_checked(seldom.lengths[index]).ok_or(BROKEN_TEXT)?;
        joined = rest;
        Ok(text)
    };
    let (user, device, flag, variant) = (text(0)?, text(1)?, text(2)?, text(3)?);
    let (insert_text, experiment_key, library) = (text(4)?, text(5)?, text(6)?);
    let ids = match parts & BOTH {
        BOTH => Ids::Both(UserId::trusted(user), DeviceId::trusted(device)),
        USER => Ids::User(UserId::trusted(user)),
        DEVICE => Ids::Device(DeviceId::trusted(device)),
        _ => return Err(Malformed("an event names nobody")),
    };
    let insert_id = match &insert_uuid {
        Some(uuid) => Some(uuid_text(uuid, texts)?),
        None => has(INSERT_TEXT).then_some(insert_text),
    };
    let kind =
        Kind::from_number(fixed[AT_KIND]).ok_or(Malformed("an event has an unknown kind"))?;
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
    let payload = if has(PAYLOAD) { cursor.bytes32()? } else { &[] };
    let (extra, extra_effects) =
        if has(EXTRA) { take_extra(&mut cursor)? } else { (Vec::new(), Vec::new()) };
    if !cursor.0.is_empty() {
        return Err(Malformed("an event is longer than its parts"));
    }
    let near = i64::from(i32::from_le_bytes(array_at(fixed, AT_TIME)));
    let received = head.origin.received.as_micros();
    let near = Timestamp::from_micros(received.wrapping_add(near));
    Ok(EventRecord {
        event: Admitted {
            ids,
            time: seldom.time.unwrap_or(near),
            sequence: seldom.sequence,
            insert_id: insert_id.map(InsertId::trusted),
            subject,
            extra,
            payload,
            notes: seldom.notes,
            library: if has(LIBRARY) { library } else { head.library },
        },
        insert_uuid,
        status: status_of(fixed)?,
        links_changed: fixed[AT_STATUS] & LINKS_CHANGED != 0,
        previous: u64::from_le_bytes(array_at(fixed, AT_PREVIOUS)),
        previous_device,
        own_effect: effect_of(fixed[AT_EFFECT]),
        extra_effects,
        length,
    })
}

pub(super) fn status_of(fixed: &[u8; FIXED]) -> Result<Status, Malformed> {
    Status::from_number(fixed[AT_STATUS] & STATUS)
}

const BROKEN_TEXT: Malformed = Malformed("a text ends within a character");

fn uuid_text<'a>(uuid: &[u8; 16], texts: &mut IterMut<'a, [u8; 36]>) -> Result<&'a str, Malformed> {
    let place = texts.next().ok_or(Malformed("more events than a frame has"))?;
    write_uuid(uuid, place);
    std::str::from_utf8(place).map_err(|_| BROKEN_TEXT)
}

/// Extra writes, and what they did.
pub(super) fn take_extra<'a>(
    cursor: &mut Cursor<'a>,
) -> Result<(Vec<Write<'a>>, Vec<Effect>), Malformed> {
    let n_extra = cursor.u32()? as usize;
    let mut extra = Vec::new();
    for _ in 0..n_extra {
        let flag = FlagKey::trusted(cursor.text16()?);
        let variant = cursor.text16()?;
        let change = Change::to_variant((!variant.is_empty()).then_some(variant));
        extra.push(Write { flag, change });
    }
    let effects = cursor.take(n_extra)?.iter().filter_map(|&number| effect_of(number)).collect();
    Ok((extra, effects))
}

fn u16_at(fixed: &[u8; FIXED], at: usize) -> u16 {
    u16::from_le_bytes(array_at(fixed, at))
}

fn array_at<const N: usize>(fixed: &[u8; FIXED], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&fixed[at..at + N]);
    array
}
