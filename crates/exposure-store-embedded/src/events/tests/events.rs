//! Random events.

use exposure_core::{Effect, Effects, Kind, Note, Notes, SeenKey, Timestamp};
use exposure_store::{KeyId, ProjectId, StoredEvent, StoredWrite};

use crate::disk::SplitMix;
use crate::events::{RowBatch, RowRef};

pub(super) type Row = (ProjectId, StoredEvent);

fn id(random: &mut SplitMix, letter: char) -> Box<str> {
    let number = random.up_to(11);
    match random.up_to(2) {
        0 => format!("{number:08x}-0000-4000-8000-00000000000{:x}", letter as u8 % 16).into(),
        1 => format!("{letter}{number}").into(),
        // As long as ids get, and alike far beyond what indexes keep of a key.
        _ => format!("{letter}{}{number}", "é".repeat(if number == 3 { 500 } else { 40 })).into(),
    }
}

/// A row at a position; much that can be absent is, and few values repeat often.
pub(super) fn row(random: &mut SplitMix, position: u64) -> Row {
    let (user, device) = match random.up_to(3) {
        0 => (Some(id(random, 'u')), None),
        1 => (None, Some(id(random, 'd'))),
        _ => (Some(id(random, 'u')), Some(id(random, 'd'))),
    };
    let kind = Kind::from_number(random.up_to(8) as u8).unwrap();
    let flag = |random: &mut SplitMix| -> Box<str> { format!("flag-{}", random.up_to(5)).into() };
    let variant = |random: &mut SplitMix| -> Option<Box<str>> {
        (random.up_to(2) > 0).then(|| format!("v{}", random.up_to(3)).into())
    };
    let exposed = kind.is_exposure().then(|| SeenKey {
        flag: flag(random),
        experiment_key: if random.up_to(1) == 0 { "".into() } else { "run".into() },
        variant: variant(random),
    });
    let mut writes: Vec<StoredWrite> = exposed
        .iter()
        .filter(|_| !position.is_multiple_of(5))
        .map(|key| StoredWrite { flag: key.flag.clone(), variant: key.variant.clone() })
        .collect();
    if random.up_to(4) == 0 {
        for _ in 0..random.up_to(3) {
            writes.push(StoredWrite { flag: flag(random), variant: variant(random) });
        }
    }
    let mut effects = Effects::None;
    for _ in &writes {
        let all = [Effect::Set, Effect::Unset, Effect::Same, Effect::Stale, Effect::Unknown];
        effects.push(all[random.up_to(4) as usize]);
    }
    let mut notes = Notes::default();
    if random.up_to(9) == 0 {
        notes.insert(Note::ClockClamped);
        notes.insert(Note::IgnoredProperties);
    }
    let payload: &[u8] = match random.up_to(9) {
        0 => br#"{"a":"b"}"#,
        1 => b"\xFF\x00 not text",
        _ => b"",
    };
    let event = StoredEvent {
        position,
        kind,
        event_type: format!("type {}", random.up_to(3)).into(),
        user,
        device,
        time: Timestamp::from_micros(random.up_to(40) as i64 - 5),
        received: Timestamp::from_micros(position as i64 + random.up_to(20) as i64),
        sequence: random.up_to(3) as i64 - 1,
        insert_id: (random.up_to(1) == 0).then(|| id(random, 'i')),
        exposed,
        writes,
        payload: payload.into(),
        key: KeyId(random.up_to(2) as u32),
        library: if random.up_to(1) == 0 { "".into() } else { "lib/1.0".into() },
        notes,
        effects,
    };
    (ProjectId(random.up_to(2) as u32 * 0x8000_0000_u32.wrapping_sub(1)), event)
}

/// A batch of rows, in another order than that of their positions.
pub(super) fn batch(rows: &[Row]) -> RowBatch {
    let mut batch = RowBatch::new();
    for (project, event) in rows.iter().rev() {
        RowRef::with_event(*project, event, |row| batch.push(&row));
    }
    batch
}
