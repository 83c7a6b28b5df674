use exposure_core::{
    Admitted, Change, DeviceId, Effect, ExperimentKey, FlagKey, Ids, InsertId, Kind, Notes,
    Subject, Timestamp, UserId, Variant, Write,
};

use super::bytes::{Cursor, Malformed, put_bytes32, put_text16};

/// No record before this one.
pub(crate) const NO_POSITION: u64 = u64::MAX;

/// What became of an event. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    Merged = 0,
    Duplicate = 1,
    Conflict = 2,
    Erased = 3,
}

// Which parts a record has.
const USER: u8 = 1;
const DEVICE: u8 = 1 << 1;
const INSERT_ID: u8 = 1 << 2;
const EXPOSURE: u8 = 1 << 3;
const VARIANT: u8 = 1 << 4;
const EXPERIMENT_KEY: u8 = 1 << 5;
const NO_WRITE: u8 = 1 << 6;
const TAIL: u8 = 1 << 7;

const AT_STATUS: usize = 8;
const AT_EFFECT: usize = 11;
const AT_FLAGS: usize = 12;
const AT_LINKS: usize = 13;
const AT_PREVIOUS: usize = 16;
const AT_PREVIOUS_DEVICE: usize = 24;
const FIXED: usize = 48;

/// A stored event, borrowed from the log. Its parts are [`Admitted`] again.
#[derive(Clone, Debug)]
pub(crate) struct EventRecord<'a> {
    pub event: Admitted<'a>,
    pub status: Status,
    /// Whether its device got a new user, or a user a longer span.
    pub links_changed: bool,
    /// The record before it on the profile it names.
    pub previous: u64,
    /// The record before it on its device, where it names a user too.
    pub previous_device: u64,
    /// What its own write did, then its extra ones.
    pub own_effect: Option<Effect>,
    pub extra_effects: Vec<Effect>,
    /// Bytes of the record.
    pub length: usize,
}

/// What is decided under the lock, after the record was encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patch {
    pub at: usize,
}

impl Patch {
    pub(crate) fn status(self, frame: &mut [u8], status: Status) {
        frame[self.at + AT_STATUS] = status as u8;
    }

    pub(crate) fn own_effect(self, frame: &mut [u8], effect: Effect) {
        frame[self.at + AT_EFFECT] = effect_number(effect);
    }

    pub(crate) fn links_changed(self, frame: &mut [u8]) {
        frame[self.at + AT_LINKS] = 1;
    }

    pub(crate) fn previous(self, frame: &mut [u8], position: u64) {
        let at = self.at + AT_PREVIOUS;
        frame[at..at + 8].copy_from_slice(&position.to_le_bytes());
    }

    pub(crate) fn previous_device(self, frame: &mut [u8], position: u64) {
        let at = self.at + AT_PREVIOUS_DEVICE;
        frame[at..at + 8].copy_from_slice(&position.to_le_bytes());
    }

    /// The effects of extra writes end the record, one byte each.
    pub(crate) fn extra_effect(
        self,
        frame: &mut [u8],
        n_extra: usize,
        index: usize,
        effect: Effect,
    ) {
        let length = u32::from_le_bytes([
            frame[self.at],
            frame[self.at + 1],
            frame[self.at + 2],
            frame[self.at + 3],
        ]) as usize;
        frame[self.at + length - n_extra + index] = effect_number(effect);
    }
}

/// Appends a record whose outcome is still open.
pub(crate) fn encode_event(out: &mut Vec<u8>, event: &Admitted<'_>) -> Patch {
    let at = out.len();
    let (user, device) = (event.ids.user(), event.ids.device());
    let mut flags = 0;
    let mut texts = [""; 6];
    if let Some(user) = user {
        flags |= USER;
        texts[0] = user.as_str();
    }
    if let Some(device) = device {
        flags |= DEVICE;
        texts[1] = device.as_str();
    }
    if let Some(insert_id) = event.insert_id {
        flags |= INSERT_ID;
        texts[2] = insert_id.as_str();
    }
    match event.subject {
        Subject::Exposure { flag, variant, experiment_key, writes, .. } => {
            flags |= EXPOSURE;
            texts[3] = flag.as_str();
            if let Some(variant) = variant {
                flags |= VARIANT;
                texts[4] = variant.as_str();
            }
            if let Some(key) = experiment_key {
                flags |= EXPERIMENT_KEY;
                texts[5] = key.as_str();
            }
            if !writes {
                flags |= NO_WRITE;
            }
        }
        Subject::Outcome { event_type, .. } => texts[3] = event_type,
        Subject::Plain(_) => {}
    }
    let tail = !event.payload.is_empty() || !event.library.is_empty() || !event.extra.is_empty();
    if tail {
        flags |= TAIL;
    }
    let mut fixed = [0_u8; FIXED];
    fixed[4..8].copy_from_slice(&(at as u32).to_le_bytes());
    fixed[9] = event.kind() as u8;
    fixed[10] = event.notes.bits();
    fixed[AT_EFFECT] = u8::MAX;
    fixed[AT_FLAGS] = flags;
    fixed[AT_PREVIOUS..AT_PREVIOUS + 16].fill(0xFF);
    fixed[32..40].copy_from_slice(&event.time.as_micros().to_le_bytes());
    fixed[40..48].copy_from_slice(&event.sequence.to_le_bytes());
    out.extend_from_slice(&fixed);
    let mut lengths = [0_u8; 12];
    for (slot, text) in lengths.chunks_exact_mut(2).zip(texts) {
        slot.copy_from_slice(&(text.len() as u16).to_le_bytes());
    }
    out.extend_from_slice(&lengths);
    for text in texts {
        out.extend_from_slice(text.as_bytes());
    }
    if tail {
        put_text16(out, event.library);
        put_bytes32(out, event.payload);
        out.extend_from_slice(&(event.extra.len() as u32).to_le_bytes());
        for write in &event.extra {
            put_text16(out, write.flag.as_str());
            // An unset is the empty variant, which no set has.
            put_text16(out, write.change.variant().unwrap_or(""));
        }
        out.resize(out.len() + event.extra.len(), u8::MAX);
    }
    let length = (out.len() - at) as u32;
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
    Patch { at }
}

impl<'a> EventRecord<'a> {
    /// The length of the record that begins here, from its first four bytes.
    pub(crate) fn length_of(bytes: &[u8]) -> Result<usize, Malformed> {
        let length = Cursor(bytes).u32()? as usize;
        if length < FIXED + 12 { Err(Malformed("an event is too short")) } else { Ok(length) }
    }

    /// Reads a record.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let length = Self::length_of(bytes)?;
        let record = bytes.get(..length).ok_or(Malformed("an event is too short"))?;
        let mut cursor = Cursor(record);
        cursor.take(4)?;
        // Where it stands in its frame: for whoever comes along a chain.
        cursor.take(4)?;
        let status = match cursor.u8()? {
            0 => Status::Merged,
            1 => Status::Duplicate,
            2 => Status::Conflict,
            3 => Status::Erased,
            _ => return Err(Malformed("an event has an unknown outcome")),
        };
        let kind =
            Kind::from_number(cursor.u8()?).ok_or(Malformed("an event has an unknown kind"))?;
        let notes = Notes::from_bits(cursor.u8()?);
        let own_effect = effect_of(cursor.u8()?);
        let flags = cursor.u8()?;
        let links_changed = cursor.u8()? != 0;
        cursor.take(2)?;
        let previous = cursor.u64()?;
        let previous_device = cursor.u64()?;
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
        let ids = match (flags & USER != 0, flags & DEVICE != 0) {
            (true, true) => Ids::Both(UserId::trusted(user), DeviceId::trusted(device)),
            (true, false) => Ids::User(UserId::trusted(user)),
            (false, true) => Ids::Device(DeviceId::trusted(device)),
            (false, false) => return Err(Malformed("an event names nobody")),
        };
        let subject = if flags & EXPOSURE != 0 {
            Subject::Exposure {
                kind,
                flag: FlagKey::trusted(flag),
                variant: (flags & VARIANT != 0).then(|| Variant::trusted(variant)),
                experiment_key: (flags & EXPERIMENT_KEY != 0)
                    .then(|| ExperimentKey::trusted(experiment_key)),
                writes: flags & NO_WRITE == 0,
            }
        } else if kind.is_billable() {
            Subject::Outcome { kind, event_type: flag }
        } else {
            Subject::Plain(kind)
        };
        let (mut library, mut payload): (&str, &[u8]) = ("", &[]);
        let (mut extra, mut extra_effects) = (Vec::new(), Vec::new());
        if flags & TAIL != 0 {
            library = cursor.text16()?;
            payload = cursor.bytes32()?;
            let n_extra = cursor.u32()? as usize;
            for _ in 0..n_extra {
                let flag = FlagKey::trusted(cursor.text16()?);
                let variant = cursor.text16()?;
                let change = Change::to_variant((!variant.is_empty()).then_some(variant));
                extra.push(Write { flag, change });
            }
            extra_effects
                .extend(cursor.take(n_extra)?.iter().filter_map(|&number| effect_of(number)));
        }
        Ok(Self {
            event: Admitted {
                ids,
                time,
                sequence,
                insert_id: (flags & INSERT_ID != 0).then(|| InsertId::trusted(insert_id)),
                subject,
                extra,
                payload,
                notes,
                library,
            },
            status,
            links_changed,
            previous,
            previous_device,
            own_effect,
            extra_effects,
            length,
        })
    }
}

fn effect_number(effect: Effect) -> u8 {
    match effect {
        Effect::Set => 0,
        Effect::Unset => 1,
        Effect::Same => 2,
        Effect::Stale => 3,
        Effect::Unknown => 4,
    }
}

fn effect_of(number: u8) -> Option<Effect> {
    [Effect::Set, Effect::Unset, Effect::Same, Effect::Stale, Effect::Unknown]
        .get(usize::from(number))
        .copied()
}
