//! Requests made by generated code: it and our reader accept the same bytes, and read the same
//! of protobuf as of JSON.

use exposure_formats::BodyError;
use exposure_formats::otlp::{Encoding, Signal};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use prost::Message;

use crate::world::read;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn logs_read_the_same_in_both_encodings(request in logs()) {
        let json = serde_json::to_string(&request).unwrap();
        let from_json = read(Signal::Logs, Encoding::Json, json.as_bytes());
        let from_wire = read(Signal::Logs, Encoding::Protobuf, &request.encode_to_vec());
        prop_assert_eq!(from_wire, from_json, "{}", json);
    }

    #[test]
    fn traces_read_the_same_in_both_encodings(request in traces()) {
        let json = serde_json::to_string(&request).unwrap();
        let from_json = read(Signal::Traces, Encoding::Json, json.as_bytes());
        let from_wire = read(Signal::Traces, Encoding::Protobuf, &request.encode_to_vec());
        prop_assert_eq!(from_wire, from_json, "{}", json);
    }

    #[test]
    fn damaged_logs_are_judged_as_generated_code_judges_them(
        request in logs(), damage in vec(damage(), 0..4),
    ) {
        judged_alike::<ExportLogsServiceRequest>(Signal::Logs, request.encode_to_vec(), &damage)?;
    }

    #[test]
    fn damaged_traces_are_judged_as_generated_code_judges_them(
        request in traces(), damage in vec(damage(), 0..4),
    ) {
        judged_alike::<ExportTraceServiceRequest>(Signal::Traces, request.encode_to_vec(), &damage)?;
    }

    /// Fields and wire types as they come, nested in each other: far more of it is nearly
    /// right than of any bytes.
    #[test]
    fn soup_is_judged_as_generated_code_judges_it(bytes in soup(7)) {
        judged_alike::<ExportLogsServiceRequest>(Signal::Logs, bytes.clone(), &[])?;
        judged_alike::<ExportTraceServiceRequest>(Signal::Traces, bytes, &[])?;
    }
}

/// Both refuse the bytes, or both accept them and read the same: what generated code read is
/// written again in its plain form.
fn judged_alike<M: Message + Default>(
    signal: Signal,
    mut bytes: Vec<u8>,
    damage: &[Damage],
) -> Result<(), TestCaseError> {
    for damage in damage {
        damage.apply(&mut bytes);
    }
    let found = read(signal, Encoding::Protobuf, &bytes);
    match M::decode(&*bytes) {
        Ok(message) => {
            let plain = read(signal, Encoding::Protobuf, &message.encode_to_vec());
            prop_assert_eq!(found, plain, "{:x?}", bytes);
        }
        Err(error) => {
            prop_assert!(matches!(found, Err(BodyError::Broken(_))), "{error}: {bytes:x?}");
        }
    }
    Ok(())
}

#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    Repeat(Index, Index),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Flip(at, bits) => {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Insert(at, more) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
                let part = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.extend(part);
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), vec(any::<u8>(), 1..4)).prop_map(|(at, more)| Damage::Insert(at, more)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ]
}

fn soup(depth: u32) -> BoxedStrategy<Vec<u8>> {
    let varint = prop_oneof![
        any::<u8>().prop_map(|it| vec![it & 0x7f]),
        any::<u64>().prop_map(|it| {
            let mut bytes = Vec::new();
            prost::encoding::encode_varint(it, &mut bytes);
            bytes
        }),
        // Longer than it need be, and too long.
        (1..12_usize).prop_map(|n| [vec![0x80; n], vec![1]].concat()),
    ];
    let inner = if depth == 0 {
        vec(any::<u8>(), 0..4).boxed()
    } else {
        prop_oneof![3 => soup(depth - 1), 1 => vec(any::<u8>(), 0..4)].boxed()
    };
    let field = (1..18_u32, 0..8_u32, varint, inner, any::<[u8; 8]>()).prop_map(
        |(number, wire_type, varint, inner, fixed)| {
            // Messages more often than chance has it.
            let wire_type = if wire_type > 5 { 2 } else { wire_type };
            let mut bytes = Vec::new();
            prost::encoding::encode_varint(u64::from(number << 3 | wire_type), &mut bytes);
            match wire_type {
                0 => bytes.extend(varint),
                1 => bytes.extend(fixed),
                2 => {
                    prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
                    bytes.extend(inner);
                }
                3 => {
                    bytes.extend(inner);
                    prost::encoding::encode_varint(u64::from(number << 3 | 4), &mut bytes);
                }
                5 => bytes.extend(&fixed[..4]),
                _ => {}
            }
            bytes
        },
    );
    vec(field, 0..3).prop_map(|fields| fields.concat()).boxed()
}

#[test]
fn nesting_is_bounded_where_generated_code_bounds_it() {
    for depth in 1..130 {
        let mut value = AnyValue { value: Some(Any::IntValue(1)) };
        for level in 0..depth {
            value = AnyValue {
                value: Some(if level % 2 == 0 {
                    Any::ArrayValue(ArrayValue { values: vec![value] })
                } else {
                    let value = Some(value);
                    let values = vec![KeyValue { key: "value".into(), value, key_strindex: 0 }];
                    Any::KvlistValue(KeyValueList { values })
                }),
            };
        }
        let record = LogRecord { body: Some(value), ..LogRecord::default() };
        let scope = ScopeLogs { log_records: vec![record], ..ScopeLogs::default() };
        let resource = ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() };
        let request = ExportLogsServiceRequest { resource_logs: vec![resource] };
        let bytes = request.encode_to_vec();
        judged_alike::<ExportLogsServiceRequest>(Signal::Logs, bytes, &[]).unwrap();

        let groups = [vec![0x7b; depth], vec![0x7c; depth]].concat();
        judged_alike::<ExportLogsServiceRequest>(Signal::Logs, groups, &[]).unwrap();
    }
}

fn logs() -> impl Strategy<Value = ExportLogsServiceRequest> {
    let scope_logs = (option::of(scope()), vec(record(), 0..3), text())
        .prop_map(|(scope, log_records, schema_url)| ScopeLogs { scope, log_records, schema_url });
    let resource_logs = (option::of(resource()), vec(scope_logs, 0..3), text()).prop_map(
        |(resource, scope_logs, schema_url)| ResourceLogs { resource, scope_logs, schema_url },
    );
    vec(resource_logs, 0..3).prop_map(|resource_logs| ExportLogsServiceRequest { resource_logs })
}

fn record() -> impl Strategy<Value = LogRecord> {
    let times = (nanos(), nanos(), 0..24_i32, any::<u32>());
    let ids = (id(16), id(8), text(), name(), any::<u32>());
    (times, ids, option::of(any_value()), attributes()).prop_map(
        |(
            (time_unix_nano, observed_time_unix_nano, severity_number, flags),
            (trace_id, span_id, severity_text, event_name, dropped_attributes_count),
            body,
            attributes,
        )| LogRecord {
            time_unix_nano,
            observed_time_unix_nano,
            severity_number,
            severity_text,
            body,
            attributes,
            dropped_attributes_count,
            flags,
            trace_id,
            span_id,
            event_name,
        },
    )
}

fn traces() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scope_spans = (option::of(scope()), vec(span(), 0..3), text())
        .prop_map(|(scope, spans, schema_url)| ScopeSpans { scope, spans, schema_url });
    let resource_spans = (option::of(resource()), vec(scope_spans, 0..3), text()).prop_map(
        |(resource, scope_spans, schema_url)| ResourceSpans { resource, scope_spans, schema_url },
    );
    vec(resource_spans, 0..3)
        .prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

fn span() -> impl Strategy<Value = Span> {
    let event = (nanos(), name(), attributes(), any::<u32>()).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    );
    let link = (id(16), id(8), text(), attributes(), any::<u32>()).prop_map(
        |(trace_id, span_id, trace_state, attributes, dropped_attributes_count)| Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count,
            flags: 1,
        },
    );
    let status = (text(), 0..3_i32).prop_map(|(message, code)| Status { message, code });
    let ids = (id(16), id(8), id(8), text(), name());
    let times = (nanos(), nanos(), 0..6_i32, any::<u32>());
    (ids, times, attributes(), vec(event, 0..3), vec(link, 0..2), option::of(status)).prop_map(
        |(
            (trace_id, span_id, parent_span_id, trace_state, name),
            (start_time_unix_nano, end_time_unix_nano, kind, count),
            attributes,
            events,
            links,
            status,
        )| Span {
            trace_id,
            span_id,
            trace_state,
            parent_span_id,
            flags: count,
            name,
            kind,
            start_time_unix_nano,
            end_time_unix_nano,
            attributes,
            dropped_attributes_count: count,
            events,
            dropped_events_count: count,
            links,
            dropped_links_count: count,
            status,
        },
    )
}

fn resource() -> impl Strategy<Value = Resource> {
    (attributes(), any::<u32>(), vec(text(), 0..2)).prop_map(
        |(attributes, dropped_attributes_count, keys)| Resource {
            attributes,
            dropped_attributes_count,
            entity_refs: keys
                .into_iter()
                .map(|key| EntityRef {
                    schema_url: key.clone(),
                    r#type: key.clone(),
                    id_keys: vec![key.clone()],
                    description_keys: vec![key],
                })
                .collect(),
        },
    )
}

fn scope() -> impl Strategy<Value = InstrumentationScope> {
    (text(), text(), attributes(), any::<u32>()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let key = prop_oneof![
        8 => select(vec![
            "feature_flag.key",
            "feature_flag.result.variant",
            "feature_flag.variant",
            "feature_flag.result.value",
            "feature_flag.context.id",
            "user.id",
            "enduser.id",
            "device.id",
            "app.device_id",
            "app.experiment_key",
            "event.name",
            "telemetry.sdk.name",
            "telemetry.sdk.version",
        ])
        .prop_map(str::to_owned),
        1 => select(vec!["feature_flag.result.reason", "error.type"]).prop_map(str::to_owned),
        1 => text(),
    ];
    vec((key, option::weighted(0.9, any_value())), 0..6).prop_map(|members| {
        let member = |(key, value)| KeyValue { key, value, key_strindex: 0 };
        members.into_iter().map(member).collect()
    })
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        6 => text().prop_map(Any::StringValue),
        1 => any::<bool>().prop_map(Any::BoolValue),
        1 => any::<i64>().prop_map(Any::IntValue),
        1 => any::<f64>().prop_map(Any::DoubleValue),
        1 => vec(any::<u8>(), 0..4).prop_map(Any::BytesValue),
    ];
    let value = |inner| AnyValue { value: Some(inner) };
    let leaf = leaf.prop_map(value);
    let any = leaf.prop_recursive(3, 8, 3, |inner| {
        let key = select(vec!["value", "other"]).prop_map(str::to_owned);
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|values| Any::ArrayValue(ArrayValue { values })),
            vec((key, inner), 0..3).prop_map(|members| {
                let member = |(key, value)| KeyValue { key, value: Some(value), key_strindex: 0 };
                Any::KvlistValue(KeyValueList { values: members.into_iter().map(member).collect() })
            }),
        ]
        .prop_map(|inner| AnyValue { value: Some(inner) })
    });
    prop_oneof![9 => any, 1 => Just(AnyValue { value: None })]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["", "u", "on", "error", "feature_flag.evaluation", "é\"\\\n"])
            .prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec!["feature_flag.evaluation", "feature_flag", ""]).prop_map(str::to_owned),
        1 => text(),
    ]
}

fn id(n_bytes: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), n_bytes), Just(Vec::new())]
}

fn nanos() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1_795_345_120_676_000_001), any::<u64>()]
}
