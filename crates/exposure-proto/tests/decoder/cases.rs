//! What the wire format leaves room for, each case by name.

use exposure_core::ErrorCode;
use exposure_proto::decode::{
    BodyRef, ClientAccountRef, DecodeErrorKind as Kind, DecodeLimits, IngestRequestRef, fuzz_logic,
};

const NO_LIMITS: DecodeLimits = DecodeLimits { max_events: usize::MAX, max_writes: usize::MAX };

fn decode(bytes: &[u8]) -> Result<IngestRequestRef<'_>, (Kind, usize)> {
    assert_eq!(fuzz_logic(bytes), Ok(()));
    IngestRequestRef::decode(bytes, NO_LIMITS).map_err(|error| (error.kind, error.offset))
}

fn nested_groups(depth: usize) -> Vec<u8> {
    let mut bytes = [0xa3, 0x01].repeat(depth);
    bytes.extend([0xa4, 0x01].repeat(depth));
    bytes
}

#[test]
fn faults_are_named_with_their_place() {
    let cases: &[(&str, &[u8], Kind, usize)] = &[
        ("a lone continuation", &[0x80], Kind::Varint, 0),
        ("an integer of eleven bytes", &[0xff; 11], Kind::Varint, 0),
        (
            "a 65th bit",
            &[0xf8, 0x01, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2],
            Kind::Varint,
            2,
        ),
        ("field zero", &[0x00, 0x00], Kind::Key, 1),
        ("wire type six", &[0x7e], Kind::Key, 1),
        ("a key over 32 bits", &[0x82, 0x80, 0x80, 0x80, 0x10], Kind::Key, 5),
        ("events as an integer", &[0x08, 0x01], Kind::WireType, 1),
        ("an event cut off", &[0x0a, 0x05, 0x0a], Kind::Truncated, 2),
        ("an unknown text cut off", &[0x7a, 0x05, 0x61], Kind::Truncated, 2),
        ("an unknown fixed64 cut off", &[0x79, 0x05], Kind::Truncated, 1),
        ("an unknown fixed32 cut off", &[0x7d, 0x05, 0, 0], Kind::Truncated, 1),
        ("a user id past its event", &[0x0a, 0x02, 0x0a, 0x01, 0x61], Kind::Truncated, 4),
        ("a group's end alone", &[0x7c], Kind::EndGroup, 1),
        ("the end of another group", &[0x7b, 0x84, 0x01], Kind::EndGroup, 3),
        ("a group without an end", &[0x7b], Kind::Varint, 1),
        ("a user id of no UTF-8", &[0x0a, 0x03, 0x0a, 0x01, 0xff], Kind::Utf8, 4),
        ("an overlong form of a letter", &[0x12, 0x02, 0xc1, 0xa1], Kind::Utf8, 2),
        ("a surrogate", &[0x12, 0x03, 0xed, 0xa0, 0x80], Kind::Utf8, 2),
    ];
    for (name, bytes, kind, offset) in cases {
        assert_eq!(decode(bytes), Err((*kind, *offset)), "{name}");
    }
}

/// Every place of the schema that fields stand in, as the field numbers that lead there.
const PLACES: &[&[u8]] = &[
    &[],
    &[1],
    &[1, 6],
    &[1, 7],
    &[1, 8],
    &[1, 9],
    &[1, 11],
    &[1, 6, 6],
    &[1, 7, 1],
    &[1, 8, 4],
    &[1, 9, 2],
    &[3],
    &[5],
    &[5, 5],
    &[5, 8],
    &[5, 8, 5],
    // The same within a message of a stream.
    &[2],
    &[2, 1],
    &[2, 1, 6],
    &[2, 1, 6, 6],
    &[2, 1, 11],
    &[2, 3],
    &[2, 5],
    &[2, 5, 8, 5],
];

fn placed(place: &[u8], content: &[u8]) -> Vec<u8> {
    place.iter().rev().fold(content.to_vec(), |content, number| {
        let mut bytes = vec![number << 3 | 2];
        prost::encoding::encode_varint(content.len() as u64, &mut bytes);
        bytes.extend(content);
        bytes
    })
}

#[test]
fn groups_nest_to_the_limit_and_no_further() {
    assert!(decode(&nested_groups(100)).is_ok());
    assert_eq!(decode(&nested_groups(101)).unwrap_err().0, Kind::Depth);
    for place in PLACES {
        for depth in 94..=101 {
            let bytes = placed(place, &nested_groups(depth));
            assert_eq!(fuzz_logic(&bytes), Ok(()), "{depth} groups in {place:?}");
        }
    }
}

#[test]
fn every_field_number_agrees_with_every_wire_type_everywhere() {
    let contents: &[&[u8]] = &[
        &[],
        &[0],
        &[1, b'a'],
        &[2, 0xc3, 0xa9],
        &[1, 0xff],
        &[0xff; 10],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    ];
    for place in PLACES {
        for key in 0_u8..0x80 {
            for content in contents {
                let bytes = placed(place, &[&[key], *content].concat());
                assert_eq!(fuzz_logic(&bytes), Ok(()), "key {key} in {place:?}: {bytes:02x?}");
            }
        }
    }
}

#[test]
fn keys_and_integers_may_be_longer_than_need_be() {
    let request = decode(&[0x8a, 0x80, 0x00, 0x83, 0x00, 0xa0, 0x00, 0x05]).unwrap();
    assert_eq!(request.events[0].time_us, Some(5));
}

#[test]
fn the_last_of_a_repeated_field_counts() {
    let request = decode(&[0x0a, 0x0a, 0x0a, 1, b'a', 0x20, 1, 0x0a, 1, b'b', 0x20, 2]).unwrap();
    assert_eq!((request.events[0].user_id, request.events[0].time_us), (Some("b"), Some(2)));
}

#[test]
fn an_empty_text_is_not_an_absent_one() {
    let request = decode(&[0x0a, 0x02, 0x0a, 0x00]).unwrap();
    assert_eq!((request.events[0].user_id, request.events[0].device_id), (Some(""), None));
}

#[test]
fn bodies_of_one_kind_merge_and_others_replace() {
    let write = |letter| [0x0a, 3, 0x0a, 1, letter];
    // An assignment of `a`, one of `b`: both writes.
    let assignments = [&[0x3a, 5][..], &write(b'a'), &[0x3a, 5], &write(b'b')].concat();
    let event = |parts: &[&[u8]]| {
        let content = parts.concat();
        [&[0x0a, content.len() as u8][..], &content].concat()
    };
    let bytes = event(&[&assignments]);
    let request = decode(&bytes).unwrap();
    let flags = |request: &IngestRequestRef<'_>| {
        let event = request.events[0];
        request.writes(&event).iter().map(|write| write.flag_key.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(flags(&request), ["a", "b"]);

    // An identify in between: what came before it is gone.
    let identify = [0x4a, 5, 0x12, 3, 0x0a, 1, b'c'];
    let bytes = event(&[&assignments, &identify]);
    let request = decode(&bytes).unwrap();
    assert!(matches!(request.events[0].body, BodyRef::Identify(_)));
    assert_eq!(flags(&request), ["c"]);
    let bytes = event(&[&assignments, &identify, &[0x3a, 5], &write(b'd')]);
    assert_eq!(flags(&decode(&bytes).unwrap()), ["d"]);
}

#[test]
fn an_account_with_endless_lists_is_kept_without_them() {
    let max = ClientAccountRef::MAX_ENTRIES;
    // A provider with one count is two entries.
    for (of_client, of_providers) in [(max, 0), (0, max / 2), (2, max / 2 - 1)] {
        for one_too_many in [0, 1] {
            let dropped = [0x2a, 2, 0x10, 1].repeat(of_client + one_too_many);
            let providers = [0x42, 4, 0x2a, 2, 0x10, 1].repeat(of_providers);
            let content = [&[0x10, 7][..], &dropped, &providers].concat();
            let bytes = placed(&[5], &content);
            let request = decode(&bytes).unwrap();
            let account = request.client_account.unwrap();
            assert_eq!((account.tracked_count, account.is_cut), (7, one_too_many == 1));
            let n_kept = account.dropped_counts.len() + 2 * account.providers.len();
            assert_eq!(n_kept, if one_too_many == 1 { 0 } else { max });
            assert_eq!(fuzz_logic(&placed(&[2, 5], &content)), Ok(()));
        }
    }
}

#[test]
fn limits_hold_and_name_themselves() {
    let events = [0x0a, 0x02, 0x3a, 0x00].repeat(3);
    let limits = |max_events, max_writes| DecodeLimits { max_events, max_writes };
    assert!(IngestRequestRef::decode(&events, limits(3, 0)).is_ok());
    let error = IngestRequestRef::decode(&events, limits(2, 0)).unwrap_err();
    assert_eq!((error.code(), error.kind), (ErrorCode::BatchTooLarge, Kind::TooManyEvents(2)));
    assert_eq!(error.to_string(), "more than 2 events; send smaller batches at byte 10");

    let writes = [0x0a, 0x06, 0x3a, 0x04, 0x0a, 0x00, 0x0a, 0x00].repeat(2);
    assert!(IngestRequestRef::decode(&writes, limits(2, 4)).is_ok());
    let error = IngestRequestRef::decode(&writes, limits(2, 3)).unwrap_err();
    assert_eq!((error.code(), error.kind), (ErrorCode::BatchTooLarge, Kind::TooManyWrites(3)));
}
