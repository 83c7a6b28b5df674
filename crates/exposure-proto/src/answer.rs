//! Writes answers to ingest requests straight from outcomes, without a message in between.

use std::ops::RangeInclusive;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use exposure_core::{Effect, Effects, ErrorCode, Notes, Outcome, Rejection};
use prost::Message;
use prost::encoding::{encode_varint, encoded_len_varint};

use crate::convert;
use crate::v1;
use crate::v1::ingest_stream_response::Message as StreamMessage;

/// Room for what stands before the outcomes and is known only after them.
const HEAD_ROOM: usize = 24;
/// What stands before a message of gRPC: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;
/// About what the outcome of an event with one write takes.
const BYTES_PER_OUTCOME: usize = 32;
/// Bytes of a flag's key with which all of an outcome is less than 128, and nothing is left out.
const SHORT_FLAG_KEY: RangeInclusive<usize> = 1..=100;

/// Encodes the outcomes of one batch, in the order of its events.
///
/// ```
/// use exposure_core::{Effect, Effects, Notes, Outcome};
/// use exposure_proto::answer::AnswerEncoder;
/// use exposure_proto::v1;
/// use prost::Message;
///
/// let mut answer = AnswerEncoder::response(1);
/// let outcome = Outcome::Accepted { effects: Effects::One(Effect::Set), notes: Notes::default() };
/// answer.push(&outcome, ["checkout"].into_iter());
/// let response = v1::IngestResponse::decode(answer.finish())?;
/// assert_eq!(response.outcomes.len(), 1);
/// # Ok::<(), prost::DecodeError>(())
/// ```
#[derive(Debug)]
pub struct AnswerEncoder {
    bytes: BytesMut,
    target: Target,
}

#[derive(Clone, Copy, Debug)]
enum Target {
    Response,
    Acknowledgement { batch_id: i64 },
}

impl AnswerEncoder {
    /// Begins an `IngestResponse` to a batch of about `n_events`.
    pub fn response(n_events: usize) -> Self {
        Self::new(Target::Response, n_events)
    }

    /// Begins an `IngestStreamResponse` that acknowledges a batch of about `n_events`.
    pub fn acknowledgement(batch_id: i64, n_events: usize) -> Self {
        Self::new(Target::Acknowledgement { batch_id }, n_events)
    }

    fn new(target: Target, n_events: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(HEAD_ROOM + n_events * BYTES_PER_OUTCOME);
        bytes.put_bytes(0, HEAD_ROOM);
        Self { bytes, target }
    }

    /// Adds the outcome of the next event; `flag_keys` are those of its writes, in the order
    /// of its effects.
    #[inline]
    pub fn push<'f>(
        &mut self,
        outcome: &Outcome,
        flag_keys: impl Iterator<Item = &'f str> + Clone,
    ) {
        let field = match self.target {
            Target::Response => 1,
            Target::Acknowledgement { .. } => 2,
        };
        match outcome {
            Outcome::Accepted { effects, notes } => {
                if let (Effects::One(effect), true) = (effects, *notes == Notes::default())
                    && let Some(flag_key) = flag_keys.clone().next()
                    && SHORT_FLAG_KEY.contains(&flag_key.len())
                {
                    self.accepted_one(field, *effect, flag_key);
                    return;
                }
                let effects = effects.as_slice().iter().copied().zip(flag_keys);
                self.accepted(field, effects, *notes);
            }
            Outcome::Duplicate { conflict: false } => self.put_short(field, &[0x12, 0]),
            Outcome::Duplicate { conflict: true } => self.put_short(field, &[0x12, 2, 0x08, 1]),
            Outcome::Rejected(rejection) => self.rejected(field, rejection),
        }
    }

    /// Ends the answer and returns its bytes.
    pub fn finish(mut self) -> Bytes {
        let Target::Acknowledgement { batch_id } = self.target else {
            self.bytes.advance(HEAD_ROOM);
            return self.bytes.freeze();
        };
        let mut id = HeadBytes::default();
        if batch_id != 0 {
            id.put_u8(0x08);
            encode_varint(batch_id as u64, &mut id);
        }
        let mut head = HeadBytes::default();
        head.put_u8(0x0a);
        encode_varint((self.bytes.len() - HEAD_ROOM + id.len()) as u64, &mut head);
        head.put_slice(&id);
        let start = HEAD_ROOM.saturating_sub(head.len());
        self.bytes.advance(start);
        for (to, from) in self.bytes.iter_mut().zip(&head) {
            *to = *from;
        }
        self.bytes.freeze()
    }

    /// Ends the answer and returns its bytes behind the prefix of a gRPC message: not compressed,
    /// and so long.
    pub fn finish_framed(mut self) -> Bytes {
        if let Target::Acknowledgement { .. } = self.target {
            let message = self.finish();
            let mut framed = BytesMut::with_capacity(PREFIX_BYTES + message.len());
            framed.put_u8(0);
            framed.put_u32(message.len() as u32);
            framed.put_slice(&message);
            return framed.freeze();
        }
        let length = (self.bytes.len() - HEAD_ROOM) as u32;
        self.bytes.advance(HEAD_ROOM - PREFIX_BYTES);
        for (to, from) in self.bytes.iter_mut().zip([0].into_iter().chain(length.to_be_bytes())) {
            *to = from;
        }
        self.bytes.freeze()
    }

    /// What most events are answered with: one effect on a flag whose key is so short that every
    /// length is one byte.
    #[inline]
    fn accepted_one(&mut self, field: u8, effect: Effect, flag_key: &str) {
        let text = flag_key.len() as u8;
        let before_key = [
            [key_of(field), text + 8],
            [key_of(1), text + 6],
            [key_of(1), text + 4],
            [key_of(1), text],
        ];
        let before_key = before_key.as_flattened();
        let behind_key = [2 << 3, convert::wire_effect(effect) as u8];
        self.bytes.reserve(before_key.len() + flag_key.len() + behind_key.len());
        self.bytes.put_slice(before_key);
        self.bytes.put_slice(flag_key.as_bytes());
        self.bytes.put_slice(&behind_key);
    }

    fn accepted<'f>(
        &mut self,
        field: u8,
        effects: impl Iterator<Item = (Effect, &'f str)> + Clone,
        notes: Notes,
    ) {
        let n_notes = notes.iter().count();
        let notes_len = if n_notes == 0 { 0 } else { 2 + n_notes };
        let effects_len: usize =
            effects.clone().map(|(_, flag_key)| nested_len(effect_len(flag_key))).sum();
        let accepted_len = effects_len + notes_len;
        self.head(field, nested_len(accepted_len));
        self.head(1, accepted_len);
        for (effect, flag_key) in effects {
            self.head(1, effect_len(flag_key));
            self.text(1, flag_key);
            self.number(2, convert::wire_effect(effect) as u8);
        }
        if n_notes != 0 {
            self.head(2, n_notes);
            for note in notes.iter() {
                self.bytes.put_u8(convert::wire_note(note) as u8);
            }
        }
    }

    #[cold]
    fn rejected(&mut self, field: u8, rejection: &Rejection) {
        let rejected_len = 2 + text_len(&rejection.field) + text_len(&rejection.message);
        self.head(field, nested_len(rejected_len));
        self.head(3, rejected_len);
        self.number(1, convert::wire_code(rejection.code) as u8);
        self.text(2, &rejection.field);
        self.text(3, &rejection.message);
    }

    fn put_short(&mut self, field: u8, outcome: &[u8]) {
        self.head(field, outcome.len());
        self.bytes.put_slice(outcome);
    }

    /// The key and the length of a message, or of packed numbers.
    fn head(&mut self, field: u8, length: usize) {
        self.bytes.put_u8(key_of(field));
        encode_varint(length as u64, &mut self.bytes);
    }

    fn text(&mut self, field: u8, text: &str) {
        if !text.is_empty() {
            self.head(field, text.len());
            self.bytes.put_slice(text.as_bytes());
        }
    }

    /// A number of an enum: all of ours are below 128.
    fn number(&mut self, field: u8, number: u8) {
        self.bytes.put_slice(&[field << 3, number]);
    }
}

/// The key of a field that has a length.
const fn key_of(field: u8) -> u8 {
    field << 3 | 2
}

type HeadBytes = Vec<u8>;

const fn nested_len(length: usize) -> usize {
    1 + encoded_len_varint(length as u64) + length
}

const fn text_len(text: &str) -> usize {
    if text.is_empty() { 0 } else { nested_len(text.len()) }
}

const fn effect_len(flag_key: &str) -> usize {
    text_len(flag_key) + 2
}

/// Grants a streaming client the right to send further batches.
pub fn credit(batch_count: i32) -> Bytes {
    stream_message(StreamMessage::Credit(v1::Credit { batch_count }))
}

/// Refuses one batch of a stream as a whole. Without a delay, sending it again is of no use.
pub fn refusal(
    batch_id: i64,
    code: ErrorCode,
    message: impl Into<String>,
    retry_delay_ms: Option<i64>,
) -> Bytes {
    stream_message(StreamMessage::Refusal(v1::Refusal {
        batch_id,
        code: convert::wire_code(code).into(),
        message: message.into(),
        retry_delay_ms,
    }))
}

fn stream_message(message: StreamMessage) -> Bytes {
    v1::IngestStreamResponse { message: Some(message) }.encode_to_vec().into()
}
