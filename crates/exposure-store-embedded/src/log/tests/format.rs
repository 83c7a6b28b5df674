//! Layouts do not change under a version.

use crate::log::format::{FoundHeader, GroupHeader, Kind, Name, SegmentHeader};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn headers_are_these_bytes() {
    let segment = SegmentHeader {
        size_log2: 26,
        store_id: 0x0102,
        start: 1 << 26,
        epoch: 2,
        previous_end: 67_000_000,
    };
    let bytes = segment.encode();
    assert_eq!(
        hex(&bytes),
        concat!(
            "4558504f534c4f47010000001a00000002010000000000000000000000000000",
            "00000004000000000200000000000000c056fe030000000000000000495dc3ba"
        )
    );
    assert_eq!(SegmentHeader::decode(&bytes), FoundHeader::Valid(segment));

    let group =
        GroupHeader { len: 3, position: 64, durable: 7, epoch: 2, kind: Kind::Payload, crc: 0 };
    let bytes = group.encode(0x0102, b"abc");
    assert_eq!(
        hex(&bytes),
        "47525031030000004000000000000000070000000000000002000000000000000000000002a7e8aa"
    );
    let decoded = GroupHeader::decode(&bytes).unwrap();
    assert_eq!(decoded, GroupHeader { crc: decoded.crc, ..group });
    assert!(decoded.matches(0x0102, &bytes, b"abc"));
    assert!(!decoded.matches(0x0103, &bytes, b"abc"));
    assert!(!decoded.matches(0x0102, &bytes, b"abd"));
}

#[test]
fn names_say_what_a_file_is() {
    for start in [0, 1 << 26, u64::MAX] {
        assert_eq!(Name::parse(&Name::segment(start)), Some(Name::Segment(start)));
        assert_eq!(Name::parse(&Name::spare(start)), Some(Name::Spare));
        assert_eq!(Name::parse(&Name::leaving(&Name::segment(start))), Some(Name::Leaving));
    }
    for other in ["seal", "seal.new", "1.log", "000000000000000G.log", "+000000000000001.log", "x"]
    {
        assert_eq!(Name::parse(other), None, "{other}");
    }
}
