//! The fast decoder against the generated one: same verdict, same values, on any bytes.

mod cases;
mod messages;
mod soup;

use bolero::check;
use exposure_proto::decode::{DecodeLimits, IngestRequestRef, IngestStreamRequestRef, fuzz_logic};
use exposure_proto::v1;
use proptest::prelude::*;
use prost::Message;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn valid_messages_round_trip(message in messages::stream_request()) {
        let batch = message.batch.clone().unwrap_or_default();
        let bytes = batch.encode_to_vec();
        let read = IngestRequestRef::decode(&bytes, DecodeLimits::default()).unwrap();
        prop_assert_eq!(read.to_message(), batch);

        let bytes = message.encode_to_vec();
        let read = IngestStreamRequestRef::decode(&bytes, DecodeLimits::default()).unwrap();
        prop_assert_eq!(read.to_message(), message);
    }

    #[test]
    fn damaged_messages_agree(
        message in messages::stream_request(),
        damage in soup::damage(),
    ) {
        let batch = message.batch.clone().unwrap_or_default();
        for bytes in [message.encode_to_vec(), batch.encode_to_vec()] {
            let bytes = soup::damaged(bytes, &damage);
            prop_assert_eq!(fuzz_logic(&bytes), Ok(()), "{:02x?}", bytes);
        }
    }

    #[test]
    fn two_messages_in_a_row_merge_as_one(
        first in messages::stream_request(),
        second in messages::stream_request(),
    ) {
        let mut bytes = first.encode_to_vec();
        second.encode(&mut bytes).unwrap();
        prop_assert_eq!(fuzz_logic(&bytes), Ok(()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6000))]

    #[test]
    fn arbitrary_fields_agree(bytes in soup::fields(), damage in soup::damage()) {
        prop_assert_eq!(fuzz_logic(&bytes), Ok(()), "{:02x?}", bytes);
        let bytes = soup::damaged(bytes, &damage);
        prop_assert_eq!(fuzz_logic(&bytes), Ok(()), "{:02x?}", bytes);
    }
}

/// The soup must reach what it is for: a share of it is accepted, and of that a share has bodies.
#[test]
fn arbitrary_fields_are_not_all_refused() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut n_accepted, mut n_refused, mut n_bodies, mut n_accounts) = (0, 0, 0, 0);
    for _ in 0..2000 {
        let bytes = soup::fields().new_tree(&mut runner).unwrap().current();
        match v1::IngestRequest::decode(&*bytes) {
            Ok(request) => {
                n_accepted += 1;
                n_bodies += usize::from(request.events.iter().any(|event| event.body.is_some()));
                n_accounts += usize::from(request.client_account.is_some());
            }
            Err(_) => n_refused += 1,
        }
    }
    assert!(
        100 < n_accepted && 100 < n_refused && 20 < n_bodies && 20 < n_accounts,
        "{n_accepted} {n_refused} {n_bodies} {n_accounts}"
    );
}

#[test]
fn fuzz() {
    check!().for_each(|bytes| assert_eq!(fuzz_logic(bytes), Ok(())));
}
