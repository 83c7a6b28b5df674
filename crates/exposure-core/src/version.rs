use std::cmp::Ordering;

use crate::{FlagKey, Timestamp, Variant};

/// What an event does to one flag of one profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write<'a> {
    /// The flag.
    pub flag: FlagKey<'a>,
    /// Set or unset.
    pub change: Change<'a>,
}

/// Set to a variant, or unset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// The property gets this variant.
    Set(Variant<'a>),
    /// The user is no longer part of the experiment.
    Unset,
}

impl<'a> Change<'a> {
    /// The variant that is visible afterwards.
    pub const fn variant(self) -> Option<&'a str> {
        match self {
            Self::Set(variant) => Some(variant.as_str()),
            Self::Unset => None,
        }
    }

    /// The change that leaves this variant visible.
    pub const fn to_variant(variant: Option<&'a str>) -> Self {
        match variant {
            Some(variant) => Self::Set(Variant::trusted(variant)),
            None => Self::Unset,
        }
    }
}

/// A write with all that decides whether it wins. The greatest version is the register's value.
///
/// Compared in this sequence: effective time, sequence, unset over set, variant bytes,
/// experiment key bytes, insert id bytes; an absent text is an empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version<'a> {
    /// The effective time.
    pub time: Timestamp,
    /// Orders writes of one time.
    pub sequence: i64,
    /// What is visible when it wins.
    pub change: Change<'a>,
    /// The run of the flag, or empty.
    pub experiment_key: &'a str,
    /// The event's insert id, or empty.
    pub insert_id: &'a str,
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.time.cmp(&other.time).then_with(|| self.sequence.cmp(&other.sequence)).then_with(
            || {
                match (self.change, other.change) {
                    (Change::Unset, Change::Unset) => Ordering::Equal,
                    (Change::Unset, Change::Set(_)) => Ordering::Greater,
                    (Change::Set(_), Change::Unset) => Ordering::Less,
                    (Change::Set(a), Change::Set(b)) => a.cmp(&b),
                }
                .then_with(|| self.experiment_key.cmp(other.experiment_key))
                .then_with(|| self.insert_id.cmp(other.insert_id))
            },
        )
    }
}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

const SET: u8 = 0;
const UNSET: u8 = 1;

impl<'a> Version<'a> {
    /// Appends the encoding whose byte comparison equals the order of versions.
    ///
    /// Time and sequence as eight ordered bytes each, a byte for set or unset, then variant,
    /// experiment key and insert id, each ended by a zero byte, which no text contains.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.time.to_ordered_bytes());
        out.extend_from_slice(&Timestamp::from_micros(self.sequence).to_ordered_bytes());
        out.push(if self.change == Change::Unset { UNSET } else { SET });
        for text in [self.change.variant().unwrap_or(""), self.experiment_key, self.insert_id] {
            out.extend_from_slice(text.as_bytes());
            out.push(0);
        }
    }

    /// Reads what [`encode`](Self::encode) wrote; `None` for anything else.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (time, rest) = bytes.split_first_chunk::<8>()?;
        let (sequence, rest) = rest.split_first_chunk::<8>()?;
        let (&mark, mut rest) = rest.split_first()?;
        let mut texts = [""; 3];
        for text in &mut texts {
            let end = rest.iter().position(|&byte| byte == 0)?;
            *text = std::str::from_utf8(rest.get(..end)?).ok()?;
            rest = rest.get(end + 1..)?;
        }
        let [variant, experiment_key, insert_id] = texts;
        let change = match mark {
            SET if !variant.is_empty() => Change::Set(Variant::trusted(variant)),
            UNSET if variant.is_empty() => Change::Unset,
            _ => return None,
        };
        rest.is_empty().then(|| Self {
            time: Timestamp::from_ordered_bytes(*time),
            sequence: Timestamp::from_ordered_bytes(*sequence).as_micros(),
            change,
            experiment_key,
            insert_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Parts = (i64, i64, Option<String>, String, String);

    fn parts() -> impl Strategy<Value = Parts> {
        let text = "[a-c\u{1}é]{0,3}";
        (
            -3_i64..3,
            prop_oneof![Just(i64::MIN), -2_i64..2, Just(i64::MAX)],
            proptest::option::of("[a-cé]{1,3}"),
            text,
            text,
        )
    }

    fn version(parts: &Parts) -> Version<'_> {
        Version {
            time: Timestamp::from_micros(parts.0),
            sequence: parts.1,
            change: Change::to_variant(parts.2.as_deref()),
            experiment_key: &parts.3,
            insert_id: &parts.4,
        }
    }

    fn encoded(version: &Version<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        version.encode(&mut bytes);
        bytes
    }

    proptest! {
        #[test]
        fn byte_order_is_version_order(a in parts(), b in parts()) {
            let (a, b) = (version(&a), version(&b));
            prop_assert_eq!(a.cmp(&b), encoded(&a).cmp(&encoded(&b)));
        }

        #[test]
        fn round_trip(a in parts()) {
            let a = version(&a);
            let bytes = encoded(&a);
            prop_assert_eq!(Version::decode(&bytes), Some(a));
        }

        #[test]
        fn rejects_truncated(a in parts(), cut in 1_usize..10) {
            let bytes = encoded(&version(&a));
            prop_assert_eq!(Version::decode(&bytes[..bytes.len().saturating_sub(cut)]), None);
        }
    }

    #[test]
    fn golden_bytes_never_change() {
        let version = Version {
            time: Timestamp::from_micros(1),
            sequence: -1,
            change: Change::Set(Variant::trusted("on")),
            experiment_key: "",
            insert_id: "a",
        };
        let expected = b"\x80\0\0\0\0\0\0\x01\x7f\xff\xff\xff\xff\xff\xff\xff\x00on\0\0a\0";
        assert_eq!(encoded(&version), expected);
    }
}
