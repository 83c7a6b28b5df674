//! Records as version 1 wrote them.

use exposure_core::Effect;
use proptest::prelude::*;

use super::super::{
    EventsHead, FrameKind, FrameRef, FrameWriter, InsertTexts, Malformed, Records, Status,
    put_bytes32, put_text16, record_span,
};
use super::records::check_sketch;
use super::samples::{Sample, origin, sample};

/// A frame with one event, as version 1 wrote it; the record begins at 36.
fn frame(sample: &Sample) -> Vec<u8> {
    let event = sample.event();
    let mut frame = FrameWriter::new(FrameKind::EventsV1, 0);
    let out = &mut frame.bytes;
    out.extend_from_slice(&origin().project.0.to_le_bytes());
    out.extend_from_slice(&origin().key.0.to_le_bytes());
    out.extend_from_slice(&origin().received.as_micros().to_le_bytes());
    out.extend_from_slice(&origin().now.as_micros().to_le_bytes());
    let at = out.len();
    let (user, device) = (event.ids.user(), event.ids.device());
    let (exposed, is_exposure) = (event.exposed(), sample.kind.is_exposure());
    let is_outcome = sample.kind.is_billable();
    let parts = [
        user.is_some(),
        device.is_some(),
        event.insert_id.is_some(),
        is_exposure,
        exposed.is_some_and(|(_, variant, _)| variant.is_some()),
        exposed.is_some_and(|(.., run)| run.is_some()),
        is_exposure && !sample.writes,
        true,
    ];
    let parts = parts.iter().enumerate().fold(0, |bits, (n, is)| bits | (u8::from(*is) << n));
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(at as u32).to_le_bytes());
    out.extend_from_slice(&[Status::Conflict as u8, sample.kind as u8, sample.notes, 3, parts, 1]);
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&11_u64.to_le_bytes());
    out.extend_from_slice(&12_u64.to_le_bytes());
    out.extend_from_slice(&sample.time.to_le_bytes());
    out.extend_from_slice(&sample.sequence.to_le_bytes());
    let texts = [
        user.map_or("", |id| id.as_str()),
        device.map_or("", |id| id.as_str()),
        event.insert_id.map_or("", |id| id.as_str()),
        if is_exposure || is_outcome { &sample.flag } else { "" },
        exposed.and_then(|(_, variant, _)| variant).map_or("", |variant| variant.as_str()),
        exposed.and_then(|(.., run)| run).map_or("", |run| run.as_str()),
    ];
    for text in texts {
        out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    }
    for text in texts {
        out.extend_from_slice(text.as_bytes());
    }
    put_text16(out, event.library);
    put_bytes32(out, event.payload);
    out.extend_from_slice(&(event.extra.len() as u32).to_le_bytes());
    for write in &event.extra {
        put_text16(out, write.flag.as_str());
        put_text16(out, write.change.variant().unwrap_or(""));
    }
    out.resize(out.len() + event.extra.len(), 1);
    let length = (out.len() - at) as u32;
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
    frame.finish(1, 0);
    frame.bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn they_are_read(sample in sample(), at in any::<prop::sample::Index>(), mask in 1_u8..) {
        let mut bytes = frame(&sample);
        {
            let (frame, _) = FrameRef::split(&bytes).unwrap();
            let mut texts = InsertTexts::default();
            let mut records = Records::of(100, &frame, &mut texts).unwrap();
            prop_assert_eq!(*records.origin(), origin());
            let (position, record) = records.next().unwrap();
            let record = record.unwrap();
            prop_assert_eq!(position, 136);
            prop_assert_eq!(&record.event, &sample.event());
            prop_assert_eq!((record.status, record.links_changed), (Status::Conflict, true));
            prop_assert_eq!((record.previous, record.previous_device), (11, 12));
            prop_assert_eq!(record.own_effect, Some(Effect::Stale));
            prop_assert_eq!(record.extra_effects, vec![Effect::Unset; sample.extra.len()]);
            prop_assert_eq!(record_span(&bytes[36..]), Ok((record.length, 36)));
            let mut records = Records::of(100, &frame, &mut texts).unwrap();
            let sketch = records.pass().unwrap().1.unwrap();
            check_sketch(&sketch, &sample);
            prop_assert_eq!(sketch.status, Status::Conflict);
            prop_assert_eq!(&records.read(&sketch).unwrap().event, &sample.event());
            prop_assert!(records.pass().is_none());
        }
        let record = &bytes[36..];
        let head = EventsHead::read(&bytes[..36]).unwrap();
        let cut = at.index(record.len());
        let mut text = InsertTexts::default();
        prop_assert_eq!(
            head.decode_one(&record[..cut], &mut text).err().map(|_| ()),
            Some(()),
            "{} of {}", cut, record.len()
        );
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        let read = || -> Result<usize, Malformed> {
            let (frame, _) = FrameRef::split(&bytes)?;
            let mut texts = InsertTexts::default();
            Ok(Records::of(0, &frame, &mut texts)?.count())
        };
        prop_assert!(read().is_err() || read().is_ok_and(|n| n <= bytes.len()));
    }
}
