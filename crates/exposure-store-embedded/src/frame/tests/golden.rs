//! The bytes of records, which never change.

use super::super::{EventRecord, EventsHead, InsertTexts, Status};
use super::records::frame;
use super::samples::{Sample, common};

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn record(sample: &Sample, change: impl FnOnce(&mut [u8], super::super::Patch)) -> String {
    let (mut bytes, patches) = frame(std::slice::from_ref(sample));
    change(&mut bytes, patches[0]);
    hex(&bytes[patches[0].at as usize..])
}

#[test]
fn a_common_record_is_these_bytes() {
    let bytes = record(&common(), |frame, patch| {
        patch.status(frame, Status::Duplicate);
        patch.links_changed(frame);
        patch.previous(frame, 0x0102_0304_0506_0708);
    });
    let parts = [
        "4f00",
        "2d80",
        "3400",
        "05",
        "ff",
        "0807060504030201",
        "c0bdf0ff",
        "00",
        "0f000f08",
        "0b9e6d1c1111222233334444444444ff",
        "757365722d30303030303030303432",
        "6578706572696d656e742d30303037",
        "76617269616e7431",
    ];
    assert_eq!(bytes, parts.concat());
    assert_eq!(bytes.len() / 2, 79);
}

#[test]
fn a_head_is_these_bytes() {
    let (bytes, patches) = frame(&[common()]);
    let parts = [
        "83000000",
        "05",
        "00",
        "0000",
        "01000000",
        "07000000",
        "09000000",
        "00eb1481db600600",
        "05eb1481db600600",
        "0f",
        "6578706f737572652d727573742f31",
    ];
    assert_eq!(hex(&bytes[..patches[0].at as usize]), parts.concat());
}

#[test]
fn a_record_with_all_parts_is_these_bytes() {
    let sample = Sample {
        ids: 2,
        device: "d".into(),
        time: 3,
        sequence: 4,
        insert_id: Some("i".into()),
        run: Some("r".into()),
        writes: false,
        extra: vec![("f".into(), None)],
        payload: b"{}".to_vec(),
        notes: 2,
        ..common()
    };
    let bytes = record(&sample, |frame, patch| patch.previous_device(frame, 9));
    let parts = [
        "6d00",
        "dfbe",
        "3400",
        "00",
        "ff",
        "ffffffffffffffff",
        "00000000",
        "00",
        "0f010f08",
        "0900000000000000",
        "0300000000000000",
        "0400000000000000",
        "02",
        "01",
        "01",
        "757365722d30303030303030303432",
        "64",
        "6578706572696d656e742d30303037",
        "76617269616e7431",
        "69",
        "72",
        "020000007b7d",
        "01000000",
        "010066",
        "0000",
        "ff",
    ];
    assert_eq!(bytes, parts.concat());
}

#[test]
fn a_wide_record_is_these_bytes() {
    let sample = Sample { flag: "x".repeat(256), insert_id: None, ..common() };
    let bytes = record(&sample, |_, _| {});
    let parts = [
        "42010dc0340000ff",
        "ffffffffffffffff",
        "c0bdf0ff",
        "00",
        "0f000008",
        "00000000",
        "0f00000000010800000000000000",
        "757365722d30303030303030303432",
    ];
    let expected = parts.concat();
    assert_eq!(bytes.get(..expected.len()), Some(&*expected));
}

#[test]
fn a_record_is_read_in_its_own_kind_of_frame() {
    let (bytes, patches) = frame(&[common()]);
    let at = patches[0].at as usize;
    let mut old = bytes[..at].to_vec();
    old[4] = 1;
    let decoded = |head: &[u8]| -> bool {
        let mut text = InsertTexts::default();
        let head = EventsHead::read(head).unwrap();
        let record: Result<EventRecord<'_>, _> = head.decode_one(&bytes[at..], &mut text);
        record.is_ok()
    };
    assert!(decoded(&bytes[..at]));
    assert!(!decoded(&old));
}
