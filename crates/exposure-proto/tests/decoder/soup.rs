//! Bytes that no sender builds: fields in any order and shape, nested, and then damaged.

use proptest::collection::vec;
use proptest::prelude::*;

/// An encoded field of any kind, most often one that the schema knows somewhere.
pub(crate) fn fields() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        4 => (number(), integer()).prop_map(|(number, value)| field(number, 0, value)),
        4 => (number(), text()).prop_map(|(number, bytes)| delimited(number, &bytes)),
        1 => (number(), any::<[u8; 8]>()).prop_map(|(n, b)| field(n, 1, b.to_vec())),
        1 => (number(), any::<[u8; 4]>()).prop_map(|(n, b)| field(n, 5, b.to_vec())),
    ];
    let fields = vec(leaf, 0..5).prop_map(|fields| fields.concat());
    let nested = fields.prop_recursive(5, 60, 4, |inner| {
        let number = || prop_oneof![8 => message_number(), 1 => number()];
        prop_oneof![
            12 => vec((number(), inner.clone()), 0..4).prop_map(|parts| {
                parts.iter().flat_map(|(number, inner)| delimited(*number, inner)).collect()
            }),
            4 => (inner.clone(), inner.clone()).prop_map(|(a, b)| [a, b].concat()),
            1 => (12_u64..40, inner).prop_map(|(number, inner)| {
                [field(number, 3, inner), field(number, 4, Vec::new())].concat()
            }),
        ]
    });
    // Inside an event most often, since that is where the schema is.
    prop_oneof![
        3 => nested.clone().prop_map(|inner| delimited(1, &inner)),
        2 => (body(), body()).prop_map(|(a, b)| delimited(1, &[a, b].concat())),
        1 => (account(), account()).prop_map(|(a, b)| [a, b].concat()),
        1 => nested,
    ]
}

/// A body of an event, well or badly formed: two of them merge, or one replaces the other.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let write = vec((1_u64..3, text()), 0..3).prop_map(|parts| {
        parts.iter().flat_map(|(number, text)| delimited(*number, text)).collect::<Vec<u8>>()
    });
    let part = prop_oneof![
        3 => (1_u64..7, text()).prop_map(|(number, text)| delimited(number, &text)),
        2 => (1_u64..7, integer()).prop_map(|(number, value)| field(number, 0, value)),
        3 => (prop_oneof![Just(6_u64), Just(1), Just(4), Just(2)], write)
            .prop_map(|(number, write)| delimited(number, &write)),
    ];
    (prop_oneof![6_u64..10, Just(11)], vec(part, 0..4))
        .prop_map(|(number, parts)| delimited(number, &parts.concat()))
}

/// A client's account, well or badly formed: two of them merge.
fn account() -> impl Strategy<Value = Vec<u8>> {
    let leaf = || {
        prop_oneof![
            3 => (1_u64..9, integer()).prop_map(|(number, value)| field(number, 0, value)),
            1 => (1_u64..9, text()).prop_map(|(number, text)| delimited(number, &text)),
            2 => (1_u64..3, integer(), integer()).prop_map(|(number, a, b)| {
                delimited(5, &[field(number, 0, a), field(2, 0, b)].concat())
            }),
        ]
    };
    let provider = vec(leaf(), 0..4).prop_map(|parts| delimited(8, &parts.concat()));
    let part = prop_oneof![3 => leaf(), 1 => provider];
    vec(part, 0..5).prop_map(|parts| delimited(5, &parts.concat()))
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => 1_u64..12,
        2 => 12_u64..200,
        1 => Just(0),
        1 => Just((1 << 29) - 1),
        1 => any::<u64>().prop_map(|number| number >> 3),
    ]
}

fn message_number() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(1_u64),
        Just(2),
        Just(3),
        Just(4),
        Just(5),
        Just(6),
        Just(7),
        Just(8),
        Just(9),
        Just(11)
    ]
}

/// An encoded integer, sometimes longer than it need be, sometimes too long.
fn integer() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => any::<u64>().prop_map(varint),
        4 => (any::<u64>(), 0_u32..64).prop_map(|(value, shift)| varint(value >> shift)),
        1 => (any::<u64>(), 0_u32..64, 0_usize..9)
            .prop_map(|(value, shift, padding)| padded(value >> shift, padding)),
        1 => vec(0x80_u8.., 0..11),
    ]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => "[a-zé🚀]{0,12}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..12),
        1 => vec(b'a'..=b'z', 100..200),
    ]
}

fn varint(value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(value, &mut bytes);
    bytes
}

fn padded(value: u64, padding: usize) -> Vec<u8> {
    let mut bytes = varint(value);
    if 0 < padding {
        let last = bytes.len() - 1;
        bytes[last] |= 0x80;
        bytes.extend(std::iter::repeat_n(0x80, padding - 1));
        bytes.push(0);
    }
    bytes
}

fn field(number: u64, wire_type: u64, content: Vec<u8>) -> Vec<u8> {
    let mut bytes = varint(number << 3 | wire_type);
    bytes.extend(content);
    bytes
}

fn delimited(number: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = varint(content.len() as u64);
    bytes.extend(content);
    field(number, 2, bytes)
}

/// Something that happens to bytes on their way.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    Flip(usize, u8),
    Set(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Cut(usize),
    Pad(usize),
}

pub(crate) fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let at = || any::<usize>();
    let one = prop_oneof![
        (at(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip(at, 1 << bit)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        at().prop_map(Damage::Remove),
        at().prop_map(Damage::Cut),
        at().prop_map(Damage::Pad),
    ];
    vec(one, 1..4)
}

pub(crate) fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        match *damage {
            Damage::Flip(at, bit) => bytes[at % length] ^= bit,
            Damage::Set(at, byte) => bytes[at % length] = byte,
            Damage::Insert(at, byte) => bytes.insert(at % (length + 1), byte),
            Damage::Remove(at) => drop(bytes.remove(at % length)),
            Damage::Cut(at) => bytes.truncate(at % length),
            // The same integer in one byte more.
            Damage::Pad(at) => {
                let at = at % length;
                if bytes[at] < 0x80 {
                    bytes[at] |= 0x80;
                    bytes.insert(at + 1, 0);
                }
            }
        }
    }
    bytes
}
