//! Answers written straight from outcomes are those that the generated code writes.

use exposure_core::{Effect, Effects, ErrorCode, Note, Notes, Outcome, Rejection};
use exposure_proto::answer::{self, AnswerEncoder};
use exposure_proto::convert::wire_outcome;
use exposure_proto::v1;
use exposure_proto::v1::ingest_stream_response::Message as StreamMessage;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use prost::Message;

/// An outcome and the flag keys of the event's writes.
type Answered = (Outcome, Vec<String>);

fn accepted() -> impl Strategy<Value = Answered> {
    let effect =
        select(vec![Effect::Set, Effect::Unset, Effect::Same, Effect::Stale, Effect::Unknown]);
    let flag_key = prop_oneof![8 => "[a-zé-]{0,20}", 1 => "[a-z]{120,140}", 1 => "[a-z]{1024}"];
    (vec((effect, flag_key), 0..5), 0_u8..16).prop_map(|(writes, notes)| {
        let mut effects = Effects::default();
        for (effect, _) in &writes {
            effects.push(*effect);
        }
        let outcome = Outcome::Accepted { effects, notes: Notes::from_bits(notes) };
        (outcome, writes.into_iter().map(|(_, flag_key)| flag_key).collect())
    })
}

fn outcome() -> impl Strategy<Value = Answered> {
    prop_oneof![
        4 => accepted(),
        1 => any::<bool>().prop_map(|conflict| (Outcome::Duplicate { conflict }, vec![])),
        1 => (select(ErrorCode::ALL.to_vec()), "[a-z_]{0,12}", ".{0,200}").prop_map(
            |(code, field, message)| {
                (Outcome::Rejected(Rejection::new(code, field, message)), vec!["flag".into()])
            }
        ),
    ]
}

fn messages(outcomes: &[Answered]) -> Vec<v1::EventOutcome> {
    outcomes
        .iter()
        .map(|(outcome, flag_keys)| wire_outcome(outcome, flag_keys.iter().map(String::as_str)))
        .collect()
}

fn push_all(new: impl Fn() -> AnswerEncoder, outcomes: &[Answered]) -> Vec<u8> {
    let pushed = || {
        let mut encoder = new();
        for (outcome, flag_keys) in outcomes {
            encoder.push(outcome, flag_keys.iter().map(String::as_str));
        }
        encoder
    };
    let message = pushed().finish();
    let framed = pushed().finish_framed();
    assert_eq!(framed[0], 0);
    assert_eq!(framed[1..5], (message.len() as u32).to_be_bytes());
    assert_eq!(framed[5..], message);
    message.to_vec()
}

proptest! {
    #[test]
    fn responses_equal_the_generated_ones(outcomes in vec(outcome(), 0..40)) {
        let expected = v1::IngestResponse { outcomes: messages(&outcomes) };
        prop_assert_eq!(push_all(|| AnswerEncoder::response(3), &outcomes), expected.encode_to_vec());
    }

    #[test]
    fn acknowledgements_equal_the_generated_ones(
        batch_id in prop_oneof![Just(0_i64), 1_i64..1000, any::<i64>()],
        outcomes in vec(outcome(), 0..40),
    ) {
        let acknowledgement = v1::Acknowledgement { batch_id, outcomes: messages(&outcomes) };
        let expected = v1::IngestStreamResponse {
            message: Some(StreamMessage::Acknowledgement(acknowledgement)),
        };
        let bytes = push_all(|| AnswerEncoder::acknowledgement(batch_id, outcomes.len()), &outcomes);
        prop_assert_eq!(bytes, expected.encode_to_vec());
    }
}

#[test]
fn a_message_says_what_the_outcome_said() {
    let mut notes = Notes::default();
    notes.insert(Note::TimeMissing);
    let accepted = Outcome::Accepted { effects: Effects::One(Effect::Stale), notes };
    let message = wire_outcome(&accepted, ["checkout"].into_iter());
    let Some(v1::event_outcome::Result::Accepted(accepted)) = message.result else {
        panic!("{message:?}");
    };
    assert_eq!(accepted.effects[0].flag_key, "checkout");
    assert_eq!(accepted.effects[0].kind(), v1::EffectKind::Stale);
    assert_eq!(accepted.notes().collect::<Vec<_>>(), [v1::Note::TimeMissing]);
}

#[test]
fn streams_carry_credit_and_refusals() {
    let message = |bytes| v1::IngestStreamResponse::decode(bytes).unwrap().message.unwrap();
    assert_eq!(message(answer::credit(16)), StreamMessage::Credit(v1::Credit { batch_count: 16 }));
    let refusal = answer::refusal(7, ErrorCode::ResourceExhausted, "try later", Some(250));
    assert_eq!(
        message(refusal),
        StreamMessage::Refusal(v1::Refusal {
            batch_id: 7,
            code: v1::ErrorCode::ResourceExhausted.into(),
            message: "try later".into(),
            retry_delay_ms: Some(250),
        })
    );
}
