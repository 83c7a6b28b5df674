use std::sync::Arc;

use exposure_core::Timestamp;

use crate::{Exposure, InsertId, Metadata};

/// What a group is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    /// An exposure, by its number in the outbox.
    Exposure(u64, Exposure),
    /// The exposure of this number has ended.
    Done(u64),
}

/// Numbers of kinds never change meaning.
const EXPOSURE: u8 = 1;
const DONE: u8 = 2;
/// The length of a text that is absent.
const ABSENT: u32 = u32::MAX;

pub(super) fn write_exposure(group: &mut Vec<u8>, number: u64, exposure: &Exposure) {
    group.push(EXPOSURE);
    group.extend_from_slice(&number.to_le_bytes());
    group.extend_from_slice(&exposure.insert_id.as_u128().to_le_bytes());
    group.extend_from_slice(&exposure.time.as_micros().to_le_bytes());
    group.extend_from_slice(&exposure.sequence.to_le_bytes());
    let metadata = exposure.metadata.as_ref();
    let texts = [
        exposure.user_id.as_deref(),
        exposure.device_id.as_deref(),
        Some(&*exposure.flag_key),
        exposure.variant.as_deref(),
        exposure.experiment_key.as_deref(),
        metadata.map(Metadata::json),
    ];
    for text in texts {
        let n_bytes = text.map_or(ABSENT, |text| text.len() as u32);
        group.extend_from_slice(&n_bytes.to_le_bytes());
        group.extend_from_slice(text.unwrap_or_default().as_bytes());
    }
}

pub(super) fn write_done(group: &mut Vec<u8>, number: u64) {
    group.push(DONE);
    group.extend_from_slice(&number.to_le_bytes());
}

/// The entries of a payload; `None` where it is not made of entries, which a checksum that holds
/// leaves only to a fault of the writer, or to another format.
pub(super) fn read(mut payload: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while let Some((&kind, rest)) = payload.split_first() {
        payload = rest;
        let number = u64::from_le_bytes(take(&mut payload)?);
        entries.push(match kind {
            EXPOSURE => Entry::Exposure(number, exposure(&mut payload)?),
            DONE => Entry::Done(number),
            _ => return None,
        });
    }
    Some(entries)
}

fn exposure(bytes: &mut &[u8]) -> Option<Exposure> {
    let insert_id = InsertId::from_u128(u128::from_le_bytes(take(bytes)?));
    let time = Timestamp::from_micros(i64::from_le_bytes(take(bytes)?));
    let sequence = i64::from_le_bytes(take(bytes)?);
    let (user_id, device_id) = (text(bytes)?, text(bytes)?);
    let (flag_key, variant, experiment_key) = (text(bytes)??, text(bytes)?, text(bytes)?);
    let metadata = match text(bytes)? {
        Some(json) => Some(Metadata::from_json(&json).ok()?),
        None => None,
    };
    Some(Exposure {
        user_id,
        device_id,
        flag_key,
        variant,
        experiment_key,
        metadata,
        insert_id,
        time,
        sequence,
    })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}

#[expect(
    clippy::option_option,
    reason = "the outer one: it does not read; the inner: it is absent"
)]
fn text(bytes: &mut &[u8]) -> Option<Option<Arc<str>>> {
    let n_bytes = u32::from_le_bytes(take(bytes)?);
    if n_bytes == ABSENT {
        return Some(None);
    }
    let (text, rest) = bytes.split_at_checked(n_bytes as usize)?;
    *bytes = rest;
    Some(Some(std::str::from_utf8(text).ok()?.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = Option<Arc<str>>> {
        proptest::option::of("\\PC{0,12}".prop_map(Arc::from))
    }

    fn entry() -> impl Strategy<Value = Entry> {
        let metadata = proptest::option::of(Just(r#"{"experimentKey":"x","n":[1]}"#));
        let texts = (text(), text(), "\\PC{0,12}", text(), text(), metadata);
        let numbers = (any::<u128>(), any::<i64>(), any::<i64>());
        let exposure = (any::<u64>(), texts, numbers).prop_map(|(number, texts, numbers)| {
            let (user_id, device_id, flag_key, variant, experiment_key, metadata) = texts;
            let (insert_id, time, sequence) = numbers;
            let exposure = Exposure {
                user_id,
                device_id,
                flag_key: flag_key.into(),
                variant,
                experiment_key,
                metadata: metadata.map(|json| Metadata::from_json(json).unwrap()),
                insert_id: InsertId::from_u128(insert_id),
                time: Timestamp::from_micros(time),
                sequence,
            };
            Entry::Exposure(number, exposure)
        });
        prop_oneof![exposure, any::<u64>().prop_map(Entry::Done)]
    }

    fn written(entries: &[Entry]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in entries {
            match entry {
                Entry::Exposure(number, exposure) => write_exposure(&mut bytes, *number, exposure),
                Entry::Done(number) => write_done(&mut bytes, *number),
            }
        }
        bytes
    }

    proptest! {
        #[test]
        fn records_read_back(entries in proptest::collection::vec(entry(), 0..8)) {
            prop_assert_eq!(read(&written(&entries)), Some(entries));
        }

        #[test]
        fn a_part_of_a_record_is_none(entry in entry(), cut in any::<prop::sample::Index>()) {
            let bytes = written(&[entry]);
            let cut = cut.index(bytes.len());
            prop_assume!(cut > 0);
            prop_assert_eq!(read(&bytes[..cut]), None);
        }
    }

    #[test]
    fn these_bytes_never_change() {
        let exposure = Exposure {
            user_id: Some("u".into()),
            device_id: None,
            flag_key: "f".into(),
            variant: Some("on".into()),
            experiment_key: None,
            metadata: None,
            insert_id: InsertId::from_u128(1),
            time: Timestamp::from_micros(2),
            sequence: 3,
        };
        let bytes = written(&[Entry::Exposure(4, exposure), Entry::Done(5)]);
        assert_eq!(
            bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")),
            "01\
             0400000000000000\
             01000000000000000000000000000000\
             0200000000000000\
             0300000000000000\
             0100000075\
             ffffffff\
             0100000066\
             020000006f6e\
             ffffffff\
             ffffffff\
             02\
             0500000000000000"
        );
    }
}
