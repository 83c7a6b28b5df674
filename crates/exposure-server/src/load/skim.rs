//! Counts outcomes in encoded answers without decoding them.

use prost::encoding::decode_varint;

/// Outcomes of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    pub(super) accepted: u64,
    pub(super) duplicate: u64,
    pub(super) rejected: u64,
}

/// A message of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The oldest batch is durable.
    Acknowledged(Outcomes),
    /// So many more batches may be sent.
    Credit(u64),
    /// A batch was refused.
    Refused {
        /// Which one.
        batch_id: u64,
        /// How long to wait, in milliseconds; `None` where sending it again is of no use.
        retry_ms: Option<u64>,
    },
}

impl Outcomes {
    pub(super) fn total(self) -> u64 {
        self.accepted + self.duplicate + self.rejected
    }

    fn count(&mut self, outcome: &[u8]) -> Option<()> {
        match outcome.first()? {
            0x0a => self.accepted += 1,
            0x12 => self.duplicate += 1,
            0x1a => self.rejected += 1,
            _ => return None,
        }
        Some(())
    }
}

/// The outcomes of an `IngestResponse`.
pub(super) fn response(message: &[u8]) -> Option<Outcomes> {
    outcomes(message, 0x0a)
}

/// What an `IngestStreamResponse` says.
pub(super) fn streamed(message: &[u8]) -> Option<Answer> {
    let (tag, body, _) = field(message)?;
    match tag {
        0x0a => Some(Answer::Acknowledged(outcomes(body, 0x12)?)),
        0x12 => Some(Answer::Credit(number(body, 0x08)?)),
        0x1a => Some(Answer::Refused {
            batch_id: number(body, 0x08).unwrap_or(0),
            retry_ms: number(body, 0x20),
        }),
        _ => None,
    }
}

fn outcomes(mut message: &[u8], of: u8) -> Option<Outcomes> {
    let mut counts = Outcomes::default();
    while !message.is_empty() {
        let (tag, body, rest) = field(message)?;
        if tag == of {
            counts.count(body)?;
        }
        message = rest;
    }
    Some(counts)
}

/// The value of a number among the fields.
fn number(mut message: &[u8], of: u8) -> Option<u64> {
    while let Some((&tag, after)) = message.split_first() {
        if tag == of {
            return decode_varint(&mut { after }).ok();
        }
        (_, _, message) = field(message)?;
    }
    None
}

/// The first field: its tag, its bytes (none for a number), and what follows.
#[inline]
fn field(message: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, mut rest) = message.split_first()?;
    let value = match rest.split_first()? {
        (&short, after) if short < 0x80 => {
            rest = after;
            u64::from(short)
        }
        _ => decode_varint(&mut rest).ok()?,
    };
    if tag & 7 != 2 {
        return Some((tag, &[], rest));
    }
    let (body, rest) = rest.split_at_checked(usize::try_from(value).ok()?)?;
    Some((tag, body, rest))
}

#[cfg(test)]
mod tests {
    use exposure_core::{Effect, Effects, ErrorCode, Notes, Outcome, Rejection};
    use exposure_proto::answer::{AnswerEncoder, credit, refusal};

    use super::*;

    fn fill(mut answer: AnswerEncoder) -> bytes::Bytes {
        let accepted =
            Outcome::Accepted { effects: Effects::One(Effect::Set), notes: Notes::default() };
        let rejected =
            Outcome::Rejected(Rejection::new(ErrorCode::Invalid, "field", "x".repeat(500)));
        for outcome in [
            accepted.clone(),
            Outcome::Duplicate { conflict: false },
            accepted,
            rejected,
            Outcome::Duplicate { conflict: true },
            Outcome::Duplicate { conflict: false },
        ] {
            answer.push(&outcome, ["checkout"].into_iter());
        }
        answer.finish()
    }

    #[test]
    fn answers_are_counted_as_they_were_written() {
        let expected = Outcomes { accepted: 2, duplicate: 3, rejected: 1 };
        assert_eq!(response(&fill(AnswerEncoder::response(6))), Some(expected));
        let message = fill(AnswerEncoder::acknowledgement(1 << 21, 6));
        assert_eq!(streamed(&message), Some(Answer::Acknowledged(expected)));
        assert_eq!(streamed(&credit(300)), Some(Answer::Credit(300)));
        for retry_ms in [None, Some(500)] {
            let message = refusal(7, ErrorCode::ResourceExhausted, "full", retry_ms);
            let retry_ms = retry_ms.map(|ms| ms as u64);
            assert_eq!(streamed(&message), Some(Answer::Refused { batch_id: 7, retry_ms }));
        }
    }

    #[test]
    fn what_is_cut_off_is_none() {
        let message = fill(AnswerEncoder::response(6));
        assert_eq!(response(&message[..message.len() - 1]), None);
    }
}
