use bytes::Buf as _;
use exposure_proto::v1;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost::{DecodeError, Message as _};

use super::answer;
use crate::provider::{Delivery, SendError};

/// A message of a server on a stream, an `IngestStreamResponse`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// A batch was answered for.
    Acknowledgement(i64, Vec<Delivery>),
    /// A batch was refused as a whole.
    Refusal(i64, SendError),
    /// So many more batches may be sent.
    Credit(i32),
    /// A message of a later version of the protocol.
    Unknown,
}

/// An answer that is none of the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer does not read as the protocol's")]
pub(super) struct Unreadable;

impl From<DecodeError> for Unreadable {
    fn from(_error: DecodeError) -> Self {
        Self
    }
}

/// Reads an `IngestStreamResponse`.
///
/// The generated code would make a list and a text of the effects of each event, which nobody
/// looks at here: an event that was taken is told by the number of one field.
pub(super) fn streamed(message: &[u8]) -> Result<Answer, Unreadable> {
    let mut answer = Answer::Unknown;
    fields(message, |tag, value| {
        answer = match (tag, value) {
            (1, Value::Bytes(message)) => acknowledgement(message)?,
            (2, Value::Bytes(message)) => Answer::Credit(v1::Credit::decode(message)?.batch_count),
            (3, Value::Bytes(message)) => {
                let refusal = v1::Refusal::decode(message)?;
                Answer::Refusal(refusal.batch_id, answer::refusal(refusal))
            }
            _ => return Ok(()),
        };
        Ok(())
    })?;
    Ok(answer)
}

/// Reads an `IngestResponse`.
pub(super) fn response(message: &[u8]) -> Result<Vec<Delivery>, Unreadable> {
    let mut deliveries = Vec::new();
    fields(message, |tag, value| {
        if let (1, Value::Bytes(outcome)) = (tag, value) {
            deliveries.push(delivery(outcome)?);
        }
        Ok(())
    })?;
    Ok(deliveries)
}

fn acknowledgement(message: &[u8]) -> Result<Answer, Unreadable> {
    let (mut batch_id, mut deliveries) = (0, Vec::new());
    fields(message, |tag, value| {
        match (tag, value) {
            (1, Value::Number(number)) => batch_id = number as i64,
            (2, Value::Bytes(outcome)) => deliveries.push(delivery(outcome)?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(Answer::Acknowledgement(batch_id, deliveries))
}

/// What an `EventOutcome` says. One that says nothing is no answer: it is asked for again.
fn delivery(outcome: &[u8]) -> Result<Delivery, Unreadable> {
    let mut delivery = Delivery::Retry { after: None };
    fields(outcome, |tag, value| {
        delivery = match (tag, value) {
            (1 | 2, Value::Bytes(_)) => Delivery::Delivered,
            (3, Value::Bytes(message)) => answer::rejected(v1::Rejected::decode(message)?),
            _ => return Ok(()),
        };
        Ok(())
    })?;
    Ok(delivery)
}

/// What a field holds, where this reader has a use for it.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

/// Calls `take` with each field of a message.
fn fields<'a>(
    mut message: &'a [u8],
    mut take: impl FnMut(u32, Value<'a>) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    while message.has_remaining() {
        let (tag, wire_type) = decode_key(&mut message)?;
        let value = match wire_type {
            WireType::Varint => Value::Number(decode_varint(&mut message)?),
            WireType::LengthDelimited => {
                let n_bytes = usize::try_from(decode_varint(&mut message)?).unwrap_or(usize::MAX);
                let Some((bytes, rest)) = message.split_at_checked(n_bytes) else {
                    return Err(Unreadable);
                };
                message = rest;
                Value::Bytes(bytes)
            }
            other => {
                skip_field(other, tag, &mut message, DecodeContext::default())?;
                Value::Other
            }
        };
        take(tag, value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use exposure_proto::v1::event_outcome::Result as Outcome;
    use exposure_proto::v1::ingest_stream_response::Message;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn outcome() -> impl Strategy<Value = v1::EventOutcome> {
        let effect = v1::Effect { flag_key: "flag".into(), kind: 1 };
        let accepted = v1::Accepted { effects: vec![effect], notes: vec![1] };
        let result = prop_oneof![
            Just(Some(Outcome::Accepted(accepted))),
            any::<bool>().prop_map(|conflict| Some(Outcome::Duplicate(v1::Duplicate { conflict }))),
            (0..30_i32).prop_map(|code| {
                let (field, message) = ("user_id".into(), "is too long".into());
                Some(Outcome::Rejected(v1::Rejected { code, field, message }))
            }),
            Just(None),
        ];
        result.prop_map(|result| v1::EventOutcome { result })
    }

    /// What the generated code reads of an outcome.
    fn generated(outcome: v1::EventOutcome) -> Delivery {
        match outcome.result {
            Some(Outcome::Accepted(_) | Outcome::Duplicate(_)) => Delivery::Delivered,
            Some(Outcome::Rejected(rejected)) => answer::rejected(rejected),
            None => Delivery::Retry { after: None },
        }
    }

    fn message() -> impl Strategy<Value = v1::IngestStreamResponse> {
        let acknowledged = (any::<i64>(), vec(outcome(), 0..6)).prop_map(|(batch_id, outcomes)| {
            Message::Acknowledgement(v1::Acknowledgement { batch_id, outcomes })
        });
        let credit =
            any::<i32>().prop_map(|batch_count| Message::Credit(v1::Credit { batch_count }));
        let refused = (any::<i64>(), 0..30_i32, proptest::option::of(any::<i64>())).prop_map(
            |(batch_id, code, retry_delay_ms)| {
                let message = "no".into();
                Message::Refusal(v1::Refusal { batch_id, code, message, retry_delay_ms })
            },
        );
        let message = prop_oneof![acknowledged, credit, refused];
        proptest::option::of(message).prop_map(|message| v1::IngestStreamResponse { message })
    }

    proptest! {
        #[test]
        fn answers_are_read_as_by_the_generated_code(message in message()) {
            let bytes = message.encode_to_vec();
            let expected = match message.message {
                Some(Message::Acknowledgement(ack)) => {
                    let outcomes = ack.outcomes.into_iter().map(generated).collect();
                    Answer::Acknowledgement(ack.batch_id, outcomes)
                }
                Some(Message::Credit(credit)) => Answer::Credit(credit.batch_count),
                Some(Message::Refusal(refusal)) => {
                    Answer::Refusal(refusal.batch_id, answer::refusal(refusal))
                }
                None => Answer::Unknown,
            };
            prop_assert_eq!(streamed(&bytes).unwrap(), expected);
        }

        #[test]
        fn responses_are_read_as_by_the_generated_code(outcomes in vec(outcome(), 0..6)) {
            let bytes = v1::IngestResponse { outcomes: outcomes.clone() }.encode_to_vec();
            let expected: Vec<Delivery> = outcomes.into_iter().map(generated).collect();
            prop_assert_eq!(response(&bytes).unwrap(), expected);
        }

        /// Whatever comes, it is read or refused.
        #[test]
        fn garbage_is_refused(bytes in vec(any::<u8>(), 0..40)) {
            if v1::IngestStreamResponse::decode(&bytes[..]).is_ok() {
                prop_assert!(streamed(&bytes).is_ok());
            }
            drop(response(&bytes));
        }
    }
}
