//! Messages that a sender can build.

use bytes::Bytes;
use exposure_proto::v1::{self, event::Body};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z0-9-]{0,40}",
        1 => any::<String>(),
        1 => "[a-z]{120,300}",
    ]
}

fn json() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..200).prop_map(Bytes::from)
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![
        2 => any::<i64>(),
        1 => (0_u32..64).prop_map(|shift| 1_i64.wrapping_shl(shift)),
        1 => (0_u32..64).prop_map(|shift| 1_i64.wrapping_shl(shift).wrapping_sub(1)),
        2 => 1_500_000_000_000_000_i64..1_800_000_000_000_000,
    ]
}

fn writes() -> impl Strategy<Value = Vec<v1::PropertyWrite>> {
    let write = (text(), of(text()))
        .prop_map(|(flag_key, variant)| v1::PropertyWrite { flag_key, variant });
    vec(write, 0..4)
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        4 => (of(text()), of(text()), of(text()), of(json()), any::<i32>(), writes()).prop_map(
            |(flag_key, variant, experiment_key, metadata, kind, writes)| {
                Body::Exposure(v1::Exposure {
                    flag_key, variant, experiment_key, metadata, kind, writes,
                })
            }
        ),
        1 => (writes(), of(json())).prop_map(|(writes, properties)| {
            Body::Assignment(v1::Assignment { writes, properties })
        }),
        1 => (text(), of(json()), 0..5, writes()).prop_map(
            |(event_type, properties, kind, writes)| {
                Body::Outcome(v1::Outcome { event_type, properties, kind, writes })
            }
        ),
        1 => (any::<i32>(), writes(), of(json())).prop_map(|(kind, writes, properties)| {
            Body::Identify(v1::Identify { kind, writes, properties })
        }),
        1 => (any::<i32>(), text(), text(), of(json())).prop_map(|(code, field, message, event)| {
            Body::Unread(v1::Unread { code, field, message, event })
        }),
    ]
}

fn event() -> impl Strategy<Value = v1::Event> {
    (of(text()), of(text()), of(text()), of(integer()), integer(), of(body()), any::<bool>())
        .prop_map(|(user_id, device_id, insert_id, time_us, sequence, body, ignored)| v1::Event {
            user_id,
            device_id,
            insert_id,
            time_us,
            sequence,
            body,
            has_ignored_properties: ignored,
        })
}

fn request() -> impl Strategy<Value = v1::IngestRequest> {
    let options = (of(any::<i32>()), of(integer()), any::<i32>()).prop_map(
        |(min_id_length, received_us, dialect)| v1::ImportOptions {
            min_id_length,
            received_us,
            dialect,
        },
    );
    (vec(event(), 0..8), of(text()), of(options), of(text()), of(account())).prop_map(
        |(events, library, import_options, request_id, client_account)| v1::IngestRequest {
            events,
            library,
            import_options,
            request_id,
            client_account,
        },
    )
}

fn account() -> impl Strategy<Value = v1::ClientAccount> {
    let counts = || [integer(), integer(), integer(), integer(), integer()];
    (text(), counts(), dropped_counts(), vec(provider(), 0..4)).prop_map(
        |(client_id, counts, dropped_counts, providers)| {
            let [tracked, delivered, deduplicated, pending, recovered] = counts;
            v1::ClientAccount {
                client_id,
                tracked_count: tracked,
                delivered_count: delivered,
                deduplicated_count: deduplicated,
                dropped_counts,
                pending_count: pending,
                recovered_count: recovered,
                providers,
            }
        },
    )
}

fn provider() -> impl Strategy<Value = v1::ProviderAccount> {
    (text(), any::<bool>(), [integer(), integer(), integer()], dropped_counts()).prop_map(
        |(name, required, [offered, delivered, pending], dropped_counts)| v1::ProviderAccount {
            name,
            required,
            offered_count: offered,
            delivered_count: delivered,
            dropped_counts,
            pending_count: pending,
        },
    )
}

fn dropped_counts() -> impl Strategy<Value = Vec<v1::DroppedCount>> {
    let dropped =
        (any::<i32>(), integer()).prop_map(|(reason, count)| v1::DroppedCount { reason, count });
    vec(dropped, 0..4)
}

pub(crate) fn stream_request() -> impl Strategy<Value = v1::IngestStreamRequest> {
    (integer(), of(request()))
        .prop_map(|(batch_id, batch)| v1::IngestStreamRequest { batch_id, batch })
}
