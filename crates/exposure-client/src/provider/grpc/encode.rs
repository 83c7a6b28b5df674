use bytes::Bytes;
use prost::Message as _;
use prost::encoding::{encode_varint, encoded_len_varint};

use super::account;
use crate::provider::Batch;
use crate::{Account, Exposure, ExposureKind, Metadata};

/// A batch as the protocol has it, an `IngestRequest`, with room before it for what a stream puts
/// there: written once, in one buffer, and never copied until it leaves.
///
/// The generated code would need a `String` for each text first; that both write the same bytes
/// is tested.
#[derive(Clone, Debug)]
pub(super) struct Encoded(Vec<u8>);

/// Keys of `Event`, `Exposure`, `IngestRequest` and `IngestStreamRequest`: a field's number and
/// its wire type, each in a byte.
const fn text(field: u8) -> u8 {
    field << 3 | 2
}
const fn number(field: u8) -> u8 {
    field << 3
}

/// As much as the number and the length of a batch need: two keys, a number, a length.
const ROOM: usize = 1 + 10 + 1 + 10;

/// About as long as an account is.
const ACCOUNT: usize = 256;

impl Encoded {
    pub(super) fn new(batch: &Batch, library: &str) -> Self {
        let n_bytes: usize = batch.exposures().iter().map(|exposure| exposure.size()).sum();
        let mut bytes = Vec::with_capacity(ROOM + n_bytes + library.len() + ACCOUNT);
        bytes.resize(ROOM, 0);
        for exposure in batch.exposures() {
            event(&mut bytes, exposure);
        }
        end(&mut bytes, library, batch.account(), batch.client_id());
        Self(bytes)
    }

    /// No exposures, but the account of the client.
    pub(super) fn report(account: &Account, client_id: u64, library: &str) -> Self {
        let mut bytes = vec![0; ROOM];
        end(&mut bytes, library, account, client_id);
        Self(bytes)
    }

    /// As a message of its own.
    pub(super) fn request(self) -> Bytes {
        Bytes::from(self.0).slice(ROOM..)
    }

    /// As a message of a stream, an `IngestStreamRequest`.
    pub(super) fn streamed(self, batch_id: i64) -> Bytes {
        let Self(mut bytes) = self;
        let mut front = Vec::with_capacity(ROOM);
        // Zero is not written.
        if batch_id != 0 {
            front.push(number(1));
            encode_varint(batch_id as u64, &mut front);
        }
        front.push(text(2));
        encode_varint((bytes.len() - ROOM) as u64, &mut front);
        let start = ROOM - front.len();
        bytes[start..ROOM].copy_from_slice(&front);
        Bytes::from(bytes).slice(start..)
    }
}

fn end(to: &mut Vec<u8>, library: &str, of: &Account, client_id: u64) {
    put(to, text(2), library.as_bytes());
    put(to, text(5), &account::told(of, client_id).encode_to_vec());
}

fn event(to: &mut Vec<u8>, exposure: &Exposure) {
    const INSERT_ID: usize = uuid::fmt::Hyphenated::LENGTH;
    let (time, sequence) = (exposure.time.as_micros() as u64, exposure.sequence as u64);
    let texts = [(text(1), exposure.user_id.as_deref()), (text(2), exposure.device_id.as_deref())];
    let metadata = exposure.metadata.as_ref().map(Metadata::json);
    let of_body = [
        (text(1), Some(&*exposure.flag_key)),
        (text(2), exposure.variant.as_deref()),
        (text(3), exposure.experiment_key.as_deref()),
        (text(4), metadata),
    ];
    let lengths = |texts: &[(u8, Option<&str>)]| -> usize {
        texts.iter().filter_map(|&(_, text)| Some(length(text?.len()))).sum()
    };
    let n_sequence = if sequence == 0 { 0 } else { 1 + encoded_len_varint(sequence) };
    let n_body = lengths(&of_body) + 2;
    let n_event = lengths(&texts)
        + length(INSERT_ID)
        + 1
        + encoded_len_varint(time)
        + n_sequence
        + length(n_body);
    to.push(text(1));
    encode_varint(n_event as u64, to);
    for (key, text) in texts {
        if let Some(text) = text {
            put(to, key, text.as_bytes());
        }
    }
    let mut buffer = [0; INSERT_ID];
    let insert_id = uuid::Uuid::from_u128(exposure.insert_id.as_u128());
    put(to, text(3), insert_id.hyphenated().encode_lower(&mut buffer).as_bytes());
    to.push(number(4));
    encode_varint(time, to);
    if sequence != 0 {
        to.push(number(5));
        encode_varint(sequence, to);
    }
    to.push(text(6));
    encode_varint(n_body as u64, to);
    for (key, text) in of_body {
        if let Some(text) = text {
            put(to, key, text.as_bytes());
        }
    }
    to.push(number(5));
    to.push(match exposure.kind() {
        ExposureKind::Exposure => exposure_proto::v1::ExposureKind::Exposure as u8,
        ExposureKind::Impression => exposure_proto::v1::ExposureKind::Impression as u8,
    });
}

/// How long a text of this length is, with its key and its length.
fn length(n_bytes: usize) -> usize {
    1 + encoded_len_varint(n_bytes as u64) + n_bytes
}

fn put(to: &mut Vec<u8>, key: u8, text: &[u8]) {
    to.push(key);
    encode_varint(text.len() as u64, to);
    to.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use exposure_core::Timestamp;
    use exposure_proto::v1;
    use proptest::prelude::*;

    use super::*;
    use crate::InsertId;

    fn texts() -> impl Strategy<Value = Option<Arc<str>>> {
        proptest::option::of(prop_oneof!["\\PC{0,12}", "a{120,140}"].prop_map(Arc::from))
    }

    fn exposure() -> impl Strategy<Value = Exposure> {
        let metadata = proptest::option::of(proptest::sample::select(vec![
            r#"{"experimentKey":"x","n":[1]}"#,
            r#"{"deliveryMethod":"web"}"#,
        ]));
        let of_texts = (texts(), texts(), "\\PC{0,12}", texts(), texts(), metadata);
        let sequence = prop_oneof![Just(0_i64), any::<i64>()];
        (of_texts, any::<u128>(), any::<i64>(), sequence).prop_map(
            |(texts, insert_id, time, sequence)| {
                let (user_id, device_id, flag_key, variant, experiment_key, metadata) = texts;
                Exposure {
                    user_id,
                    device_id,
                    flag_key: flag_key.into(),
                    variant,
                    experiment_key,
                    metadata: metadata.map(|json| Metadata::from_json(json).unwrap()),
                    insert_id: InsertId::from_u128(insert_id),
                    time: Timestamp::from_micros(time),
                    sequence,
                }
            },
        )
    }

    /// The same through the generated code.
    fn generated(exposure: &Exposure) -> v1::Event {
        let owned = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
        let kind = match exposure.kind() {
            ExposureKind::Exposure => v1::ExposureKind::Exposure,
            ExposureKind::Impression => v1::ExposureKind::Impression,
        };
        let metadata = exposure.metadata.as_ref().map(|metadata| metadata.json().to_owned().into());
        v1::Event {
            user_id: owned(&exposure.user_id),
            device_id: owned(&exposure.device_id),
            insert_id: Some(exposure.insert_id.to_string()),
            time_us: Some(exposure.time.as_micros()),
            sequence: exposure.sequence,
            body: Some(v1::event::Body::Exposure(v1::Exposure {
                flag_key: Some(exposure.flag_key.as_ref().to_owned()),
                variant: owned(&exposure.variant),
                experiment_key: owned(&exposure.experiment_key),
                metadata,
                kind: kind.into(),
                writes: Vec::new(),
            })),
            has_ignored_properties: false,
        }
    }

    proptest! {
        #[test]
        fn the_generated_code_writes_the_same(
            exposures in proptest::collection::vec(exposure(), 0..6),
            library in "\\PC{1,12}",
            tracked in any::<u64>(),
            batch_id in prop_oneof![Just(0_i64), any::<i64>()],
        ) {
            let of = Account { tracked, delivered: tracked, ..Account::default() };
            let request = v1::IngestRequest {
                events: exposures.iter().map(generated).collect(),
                library: Some(library.clone()),
                client_account: Some(account::told(&of, 7)),
                ..v1::IngestRequest::default()
            };
            let exposures = exposures.into_iter().map(Arc::new).collect();
            let batch = Batch::new(exposures, of, 7);
            let encoded = Encoded::new(&batch, &library);
            prop_assert_eq!(&encoded.clone().request()[..], request.encode_to_vec());
            let streamed = v1::IngestStreamRequest { batch_id, batch: Some(request) };
            prop_assert_eq!(&encoded.streamed(batch_id)[..], streamed.encode_to_vec());
        }
    }
}
