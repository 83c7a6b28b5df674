//! What comes back of records, of whole frames and one by one.

use exposure_core::Effect;
use proptest::prelude::*;

use super::super::{
    EventRecord, EventsHead, FrameKind, FrameRef, FrameWriter, HEAD_AT_MOST, InsertTexts,
    NO_POSITION, Patch, RECORD_MIN, Records, SPAN_AT_MOST, Sketch, Status, encode_event,
    record_span,
};
use super::samples::{Sample, common, origin, sample};
use crate::state::InsertText;

/// A frame of events, and where their records are.
pub(super) fn frame(samples: &[Sample]) -> (Vec<u8>, Vec<Patch>) {
    let library = samples.first().map_or("", |sample| &sample.library);
    let head = EventsHead::new(origin(), library);
    let mut frame = FrameWriter::events(&head, 0);
    let mut patches = Vec::new();
    for sample in samples {
        let event = sample.event();
        let text = event.insert_id.and_then(|id| InsertText::pack_short(id.as_str()));
        let uuid = text.as_ref().and_then(InsertText::uuid);
        patches.push(encode_event(&mut frame.bytes, &event, uuid, &head));
    }
    frame.finish(samples.len(), 0);
    (frame.bytes, patches)
}

const STATUSES: [Status; 4] = [Status::Merged, Status::Duplicate, Status::Conflict, Status::Erased];
const EFFECTS: [Effect; 5] =
    [Effect::Set, Effect::Unset, Effect::Same, Effect::Stale, Effect::Unknown];

/// What is decided of the n-th event.
fn decide(bytes: &mut [u8], patch: Patch, sample: &Sample, n: usize) {
    patch.status(bytes, STATUSES[n % 4]);
    patch.previous(bytes, n as u64 * 1000);
    patch.previous_device(bytes, n as u64 * 2000 + 1);
    if n.is_multiple_of(3) {
        patch.links_changed(bytes);
    }
    if n.is_multiple_of(2) {
        patch.own_effect(bytes, EFFECTS[n % 5]);
    }
    for index in 0..sample.extra.len() {
        patch.extra_effect(bytes, sample.extra.len(), index, EFFECTS[(n + index) % 5]);
    }
}

fn check(record: &EventRecord<'_>, sample: &Sample, n: usize) {
    assert_eq!(record.event, sample.event());
    assert_eq!(record.status, STATUSES[n % 4]);
    assert_eq!(record.previous, n as u64 * 1000);
    let previous_device = if sample.ids == 2 { n as u64 * 2000 + 1 } else { NO_POSITION };
    assert_eq!(record.previous_device, previous_device);
    assert_eq!(record.links_changed, n.is_multiple_of(3));
    assert_eq!(record.own_effect, n.is_multiple_of(2).then(|| EFFECTS[n % 5]));
    let extra: Vec<_> = (0..sample.extra.len()).map(|index| EFFECTS[(n + index) % 5]).collect();
    assert_eq!(record.extra_effects, extra);
    let insert_id = sample.insert_id.as_deref().and_then(InsertText::pack_short);
    assert_eq!(record.insert_uuid.as_ref(), insert_id.as_ref().and_then(InsertText::uuid));
}

pub(super) fn check_sketch(sketch: &Sketch<'_>, sample: &Sample) {
    let event = sample.event();
    assert_eq!(sketch.user, event.ids.user().map(|user| user.as_str().as_bytes()));
    assert_eq!(sketch.device, event.ids.device().map(|device| device.as_str().as_bytes()));
    assert_eq!(sketch.has_insert_id, event.insert_id.is_some());
}

/// Reads one record as whoever comes along a chain does: by its position alone.
fn check_alone(bytes: &[u8], at: usize, sample: &Sample, n: usize) {
    let rest = &bytes[at..];
    let beginning = &rest[..rest.len().min(SPAN_AT_MOST)];
    let (length, in_frame) = record_span(beginning).unwrap();
    assert_eq!(in_frame, at);
    assert!(length >= RECORD_MIN);
    let head = EventsHead::read(&bytes[..at.min(HEAD_AT_MOST)]).unwrap();
    assert_eq!(head.origin, origin());
    let mut text = InsertTexts::default();
    check(&head.decode_one(&rest[..length], &mut text).unwrap(), sample, n);
    // Where nothing follows, so little is read that it can only be a short one.
    if length < SPAN_AT_MOST {
        assert_eq!(record_span(&rest[..RECORD_MIN]), Ok((length, in_frame)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_event_comes_back(samples in prop::collection::vec(sample(), 1..12)) {
        let (mut bytes, patches) = frame(&samples);
        for (n, (patch, sample)) in patches.iter().zip(&samples).enumerate() {
            decide(&mut bytes, *patch, sample, n);
        }
        let (frame, rest) = FrameRef::split(&bytes).unwrap();
        prop_assert!(rest.is_empty());
        prop_assert_eq!(frame.kind, FrameKind::Events);
        let mut texts = InsertTexts::default();
        let mut records = Records::of(500, &frame, &mut texts).unwrap();
        prop_assert_eq!(*records.origin(), origin());
        for (n, (patch, sample)) in patches.iter().zip(&samples).enumerate() {
            let (position, record) = records.next().unwrap();
            prop_assert_eq!(position, 500 + u64::from(patch.at));
            check(&record.unwrap(), sample, n);
            check_alone(&bytes, patch.at as usize, sample, n);
        }
        prop_assert!(records.next().is_none());
        prop_assert_eq!(records.at(), bytes.len());
        // And whoever passes over some knows whose they are, and can read the others.
        let mut records = Records::of(500, &frame, &mut texts).unwrap();
        for (n, (patch, sample)) in patches.iter().zip(&samples).enumerate() {
            let (position, sketch) = records.pass().unwrap();
            prop_assert_eq!(position, 500 + u64::from(patch.at));
            let sketch = sketch.unwrap();
            check_sketch(&sketch, sample);
            prop_assert_eq!(sketch.status, STATUSES[n % 4]);
            if n.is_multiple_of(2) {
                check(&records.read(&sketch).unwrap(), sample, n);
            }
        }
        prop_assert!(records.pass().is_none());
        prop_assert_eq!(records.at(), bytes.len());
    }

    #[test]
    fn a_cut_record_is_malformed(sample in sample(), part in 0.0..1.0_f64) {
        let (bytes, patches) = frame(std::slice::from_ref(&sample));
        let at = patches[0].at as usize;
        let head = EventsHead::read(&bytes).unwrap();
        let record = &bytes[at..];
        let middle = (record.len() as f64 * part) as usize;
        for n in (0..record.len().min(60)).chain([middle, record.len() - 1]) {
            let mut text = InsertTexts::default();
            prop_assert!(head.decode_one(&record[..n], &mut text).is_err(), "{} of {}", n, record.len());
        }
        for n in 0..at {
            prop_assert!(EventsHead::read(&bytes[..n]).is_err());
        }
    }

    #[test]
    fn a_flipped_byte_never_panics(
        samples in prop::collection::vec(sample(), 1..4),
        at in any::<prop::sample::Index>(),
        mask in 1_u8..,
    ) {
        let (mut bytes, _) = frame(&samples);
        let near = at.index(bytes.len().min(160));
        for at in [near, at.index(bytes.len())] {
            bytes[at] ^= mask;
            if let Ok((frame, _)) = FrameRef::split(&bytes) {
                let mut texts = InsertTexts::default();
                if let Ok(records) = Records::of(0, &frame, &mut texts) {
                    // A record ends where its parts do, whatever they are.
                    let n = records.filter(|(_, record)| record.is_ok()).count();
                    prop_assert!(n <= bytes.len() / RECORD_MIN);
                }
                if let Ok(mut records) = Records::of(0, &frame, &mut texts) {
                    let mut n = 0;
                    while let Some((_, Ok(sketch))) = records.pass() {
                        // Broken or not, it is read or refused.
                        let _: bool = records.read(&sketch).is_ok();
                        n += 1;
                    }
                    prop_assert!(n <= bytes.len() / RECORD_MIN);
                }
            }
            bytes[at] ^= mask;
        }
    }
}

#[test]
fn more_records_than_there_are_is_malformed() {
    let (mut bytes, _) = frame(&[common(), common()]);
    for n in [3_u32, 1 << 20, u32::MAX] {
        bytes[8..12].copy_from_slice(&n.to_le_bytes());
        let (frame, _) = FrameRef::split(&bytes).unwrap();
        let mut texts = InsertTexts::default();
        let records: Vec<_> = Records::of(0, &frame, &mut texts).unwrap().collect();
        assert_eq!(records.len(), 3, "two records, and what is wrong with the third");
        assert!(records[2].1.is_err());
    }
}
