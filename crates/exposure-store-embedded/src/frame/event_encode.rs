//! Writing an event's record, with places left open for what is decided under the lock.

use exposure_core::{Admitted, Effect, Ids, Subject};

use super::bytes::{cut16, put_bytes32, put_text16};
use super::event::{NO_EFFECT, Status, effect_number};
use super::events::EventsHead;
use super::layout::{
    AT_EFFECT, AT_IN_FRAME, AT_KIND, AT_LENGTH, AT_LENGTHS, AT_PARTS, AT_PREVIOUS,
    AT_PREVIOUS_DEVICE, AT_STATUS, AT_TIME, BOTH, COMPACT, DEVICE, EXPERIMENT_KEY, EXPOSURE, EXTRA,
    FIXED, INSERT_TEXT, INSERT_UUID, LIBRARY, LINKS_CHANGED, N_FIXED_TEXTS, N_TEXTS, NO_WRITE,
    NOTES, PAYLOAD, SELDOM, SEQUENCE, STATUS, TIME, USER, VARIANT, WIDE,
};

/// Bytes of payload and extra writes from which a record is wide, with room below for all else.
const WIDE_FROM: usize = 60_000;

/// What is decided under the lock, after the record was encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patch {
    /// Where the record begins in its frame.
    pub at: u32,
    end: u32,
    has_both_ids: bool,
}

impl Patch {
    pub(crate) fn status(self, frame: &mut [u8], status: Status) {
        let byte = &mut frame[self.at as usize + AT_STATUS];
        *byte = (*byte & !STATUS) | status as u8;
    }

    pub(crate) fn own_effect(self, frame: &mut [u8], effect: Effect) {
        frame[self.at as usize + AT_EFFECT] = effect_number(effect);
    }

    pub(crate) fn links_changed(self, frame: &mut [u8]) {
        frame[self.at as usize + AT_STATUS] |= LINKS_CHANGED;
    }

    pub(crate) fn previous(self, frame: &mut [u8], position: u64) {
        put(frame, self.at as usize + AT_PREVIOUS, position.to_le_bytes());
    }

    /// Of an event with both ids; of another there is nothing to note.
    pub(crate) fn previous_device(self, frame: &mut [u8], position: u64) {
        if self.has_both_ids {
            put(frame, self.at as usize + AT_PREVIOUS_DEVICE, position.to_le_bytes());
        }
    }

    /// The effects of extra writes end the record, one byte each.
    pub(crate) fn extra_effect(
        self,
        frame: &mut [u8],
        n_extra: usize,
        index: usize,
        effect: Effect,
    ) {
        frame[self.end as usize - n_extra + index] = effect_number(effect);
    }
}

/// Appends a record whose outcome is still open. `uuid` is the insert id where it is a canonical one.
pub(crate) fn encode_event(
    out: &mut Vec<u8>,
    event: &Admitted<'_>,
    uuid: Option<&[u8; 16]>,
    head: &EventsHead<'_>,
) -> Patch {
    let at = out.len();
    let (mut parts, user, device) = match event.ids {
        Ids::User(user) => (COMPACT | USER, user.as_str(), ""),
        Ids::Device(device) => (COMPACT | DEVICE, "", device.as_str()),
        Ids::Both(user, device) => (COMPACT | BOTH, user.as_str(), device.as_str()),
    };
    let (mut shown, mut of_variant) = ("", "");
    let kind = match event.subject {
        Subject::Exposure { kind, flag, variant, experiment_key, writes } => {
            parts |= EXPOSURE;
            shown = flag.as_str();
            if let Some(variant) = variant {
                parts |= VARIANT;
                of_variant = variant.as_str();
            }
            if experiment_key.is_some() {
                parts |= EXPERIMENT_KEY;
            }
            if !writes {
                parts |= NO_WRITE;
            }
            kind
        }
        Subject::Outcome { kind, event_type } => {
            shown = event_type;
            kind
        }
        Subject::Plain(kind) => kind,
    };
    if uuid.is_some() {
        parts |= INSERT_UUID;
    } else if event.insert_id.is_some() {
        parts |= INSERT_TEXT;
    }
    if event.library != head.library {
        parts |= LIBRARY;
    }
    let since = event.time.as_micros().wrapping_sub(head.origin.received.as_micros());
    let mut near = since as i32;
    if i64::from(near) != since {
        parts |= TIME;
        near = 0;
    }
    if event.sequence != 0 {
        parts |= SEQUENCE;
    }
    if event.notes.bits() != 0 {
        parts |= NOTES;
    }
    if !event.payload.is_empty() {
        parts |= PAYLOAD;
    }
    if !event.extra.is_empty() {
        parts |= EXTRA;
    }
    let texts = [user, device, shown, of_variant];
    let longest = user.len() | device.len() | shown.len() | of_variant.len();
    let may_be_wide = parts & (SELDOM | PAYLOAD | EXTRA) != 0;
    if longest > 0xFF || at > 0xFFFF || (may_be_wide && is_wide(event, parts)) {
        parts |= WIDE;
    }

    let mut fixed = [0_u8; FIXED];
    put(&mut fixed, AT_PARTS, parts.to_le_bytes());
    put(&mut fixed, AT_IN_FRAME, (at as u16).to_le_bytes());
    fixed[AT_EFFECT] = NO_EFFECT;
    put(&mut fixed, AT_PREVIOUS, [0xFF; 8]);
    put(&mut fixed, AT_TIME, near.to_le_bytes());
    fixed[AT_KIND] = kind as u8;
    put(&mut fixed, AT_LENGTHS, texts.map(|text| text.len() as u8));
    // Of most records nothing grows after this.
    let n_texts = user.len() + device.len() + shown.len() + of_variant.len();
    out.reserve(FIXED + 8 + 16 + n_texts + event.payload.len());
    out.extend_from_slice(&fixed);
    let has_both_ids = parts & BOTH == BOTH;
    if has_both_ids {
        out.extend_from_slice(&[0xFF; 8]);
    }
    if parts & SELDOM != 0 {
        put_seldom(out, event, parts, &texts, at);
    }
    if let Some(uuid) = uuid {
        out.extend_from_slice(uuid);
    }
    for text in texts {
        put_short(out, text.as_bytes());
    }
    if parts & SELDOM != 0 {
        for text in seldom_texts(event, parts) {
            out.extend_from_slice(text.as_bytes());
        }
    }
    if parts & PAYLOAD != 0 {
        put_bytes32(out, event.payload);
    }
    if parts & EXTRA != 0 {
        put_extra(out, event);
    }
    let length = (out.len() - at) as u32;
    put(out, at + AT_LENGTH, (length as u16).to_le_bytes());
    if parts & WIDE != 0 {
        let upper = at + FIXED + if has_both_ids { 8 } else { 0 };
        put(out, upper, ((length >> 16) as u16).to_le_bytes());
    }
    Patch { at: at as u32, end: out.len() as u32, has_both_ids }
}

/// Insert id, experiment key and library, where the record has them.
fn seldom_texts<'a>(event: &Admitted<'a>, parts: u16) -> [&'a str; N_TEXTS - N_FIXED_TEXTS] {
    let has = |bit: u16| parts & bit != 0;
    [
        event.insert_id.filter(|_| has(INSERT_TEXT)).map_or("", |id| id.as_str()),
        event.exposed().and_then(|(.., key)| key).map_or("", |key| key.as_str()),
        if has(LIBRARY) { cut16(event.library) } else { "" },
    ]
}

/// Whether what few records have makes one wide.
fn is_wide(event: &Admitted<'_>, parts: u16) -> bool {
    let mut rest = event.payload.len();
    for write in &event.extra {
        // With two lengths and the effect.
        rest += write.flag.as_str().len() + write.change.variant().unwrap_or("").len() + 5;
    }
    rest > WIDE_FROM || seldom_texts(event, parts).iter().any(|text| text.len() > 0xFF)
}

/// Numbers that few records have; the upper half of the length is put in later.
#[cold]
fn put_seldom(
    out: &mut Vec<u8>,
    event: &Admitted<'_>,
    parts: u16,
    texts: &[&str; N_FIXED_TEXTS],
    at: usize,
) {
    let seldom = seldom_texts(event, parts);
    if parts & WIDE != 0 {
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&((at >> 16) as u16).to_le_bytes());
        for text in texts.iter().chain(&seldom) {
            out.extend_from_slice(&(text.len() as u16).to_le_bytes());
        }
    }
    if parts & TIME != 0 {
        out.extend_from_slice(&event.time.as_micros().to_le_bytes());
    }
    if parts & SEQUENCE != 0 {
        out.extend_from_slice(&event.sequence.to_le_bytes());
    }
    if parts & NOTES != 0 {
        out.push(event.notes.bits());
    }
    for (bit, text) in [INSERT_TEXT, EXPERIMENT_KEY, LIBRARY].into_iter().zip(seldom) {
        if parts & bit != 0 {
            out.push(text.len() as u8);
        }
    }
}

/// Extra writes, then a byte for the effect of each.
fn put_extra(out: &mut Vec<u8>, event: &Admitted<'_>) {
    out.extend_from_slice(&(event.extra.len() as u32).to_le_bytes());
    for write in &event.extra {
        put_text16(out, write.flag.as_str());
        // An unset is the empty variant, which no set has.
        put_text16(out, write.change.variant().unwrap_or(""));
    }
    out.resize(out.len() + event.extra.len(), NO_EFFECT);
}

/// Appends a text that most often has 8 to 32 bytes: by words that overlap, as a call costs more than they do.
#[inline]
fn put_short(out: &mut Vec<u8>, text: &[u8]) {
    let n = text.len();
    if !(8..=32).contains(&n) {
        if n != 0 {
            out.extend_from_slice(text);
        }
        return;
    }
    let end = out.len() + n;
    out.extend_from_slice(&[0; 32]);
    if let Some(place) = out.last_chunk_mut::<32>() {
        if let (Some(first), Some(last)) = (text.first_chunk::<16>(), text.last_chunk::<16>()) {
            put(place, 0, *first);
            put(place, n - 16, *last);
        } else if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>())
        {
            put(place, 0, *first);
            put(place, n - 8, *last);
        }
    }
    out.truncate(end);
}

#[inline]
fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&value);
}
