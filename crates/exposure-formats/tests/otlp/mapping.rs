//! Which attributes mean what, one case a line, in JSON and in protobuf.

use exposure_formats::Arena;
use exposure_formats::otlp::{Encoding, Options, Signal, read_message};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use serde_json::{Value, json};

use crate::world::{read, records};

/// A value as OTLP writes it.
fn any(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(bool) => json!({"boolValue": bool}),
        Value::Number(number) if number.is_i64() => json!({"intValue": number.to_string()}),
        Value::Number(number) => json!({"doubleValue": number}),
        Value::String(text) => json!({"stringValue": text}),
        Value::Array(items) => {
            json!({"arrayValue": {"values": items.iter().map(any).collect::<Vec<_>>()}})
        }
        Value::Object(_) => json!({"kvlistValue": {"values": attributes(value)}}),
    }
}

fn attributes(members: &Value) -> Vec<Value> {
    let members = members.as_object().unwrap().iter();
    members.map(|(name, value)| json!({"key": name, "value": any(value)})).collect()
}

fn log(record: &Value) -> Value {
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})
}

fn trace(span: &Value) -> Value {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
}

/// What a request in JSON is read as; in protobuf it is the same.
fn reads(signal: Signal, request: &Value) -> Vec<Value> {
    let json = request.to_string();
    let found = read(signal, Encoding::Json, json.as_bytes()).unwrap();
    let message = match signal {
        Signal::Logs => {
            serde_json::from_str::<ExportLogsServiceRequest>(&json).unwrap().encode_to_vec()
        }
        Signal::Traces => {
            serde_json::from_str::<ExportTraceServiceRequest>(&json).unwrap().encode_to_vec()
        }
    };
    assert_eq!(read(signal, Encoding::Protobuf, &message).unwrap(), found, "{json}");
    found
}

/// One evaluation: the user, the device, the flag, the variant, the experiment.
fn evaluation(record: &Value) -> String {
    let found = reads(Signal::Logs, &log(record));
    assert!(found.len() <= 1);
    found.first().map_or("dropped".into(), words)
}

fn words(found: &Value) -> String {
    if found.get("flag_key").is_none() {
        return found.as_str().map_or(found["rejected"].to_string(), Into::into);
    }
    let fields = ["user_id", "device_id", "flag_key", "variant", "experiment_key"];
    let texts: Vec<_> = fields
        .iter()
        .map(|field| found[*field].as_str().map_or("-".to_owned(), Into::into))
        .collect();
    texts.join(" ")
}

#[test]
fn attributes_of_now_and_before() {
    for (members, expected) in [
        (json!({"feature_flag.result.variant": "on"}), "u - f on -"),
        (json!({"feature_flag.variant": "on"}), "u - f on -"),
        (
            json!({"feature_flag.result.variant": "on", "feature_flag.variant": "older"}),
            "u - f on -",
        ),
        (
            json!({"feature_flag.result.variant": "", "feature_flag.variant": "older"}),
            "u - f older -",
        ),
        (
            json!({"feature_flag.result.variant": "on", "feature_flag.result.value": "value"}),
            "u - f on -",
        ),
        (json!({"feature_flag.result.value": "green"}), "u - f green -"),
        (json!({"feature_flag.result.value": true}), "u - f true -"),
        (json!({"feature_flag.result.value": false}), "u - f false -"),
        (json!({"feature_flag.result.value": -7}), "u - f -7 -"),
        (json!({"feature_flag.result.value": 0.1}), "u - f 0.1 -"),
        (json!({"feature_flag.result.variant": 3}), "u - f 3 -"),
        (json!({"feature_flag.result.value": {"a": 1}}), "ignored"),
        (json!({"feature_flag.result.value": [1]}), "ignored"),
        (json!({"feature_flag.result.value": null}), "ignored"),
        (json!({"feature_flag.result.value": ""}), "ignored"),
        (json!({}), "ignored"),
        // Said to be none.
        (json!({"feature_flag.result.variant": ""}), "u - f - -"),
        (
            json!({"feature_flag.variant": "", "feature_flag.result.value": "green"}),
            "u - f green -",
        ),
        // Failed.
        (
            json!({"feature_flag.result.variant": "on", "feature_flag.result.reason": "error"}),
            "ignored",
        ),
        (
            json!({"feature_flag.variant": "on", "feature_flag.evaluation.reason": "ERROR"}),
            "ignored",
        ),
        (json!({"feature_flag.result.variant": "on", "error.type": "flag_not_found"}), "ignored"),
        (json!({"feature_flag.result.value": 1, "error.message": "no"}), "ignored"),
        (json!({"feature_flag.result.value": 1, "feature_flag.error.message": "no"}), "ignored"),
        (
            json!({"feature_flag.result.value": 1, "feature_flag.evaluation.error.message": "no"}),
            "ignored",
        ),
        (
            json!({"feature_flag.result.variant": "on", "feature_flag.result.reason": "stale"}),
            "u - f on -",
        ),
        // Whose it is.
        (
            json!({"feature_flag.context.id": "first", "feature_flag.variant": "on", "user.id": "x"}),
            "first - f on -",
        ),
        (
            json!({"feature_flag.context.id": "", "feature_flag.variant": "on", "user.id": "second"}),
            "second - f on -",
        ),
        (
            json!({"feature_flag.context.id": null, "feature_flag.variant": "on", "enduser.id": "third"}),
            "third - f on -",
        ),
        (json!({"feature_flag.context.id": 42, "feature_flag.variant": "on"}), "42 - f on -"),
        (json!({"feature_flag.variant": "on", "device.id": "d"}), "u d f on -"),
        (json!({"feature_flag.variant": "on", "app.device_id": "d"}), "u d f on -"),
        (
            json!({"feature_flag.variant": "on", "app.device_id": "later", "device.id": "d"}),
            "u d f on -",
        ),
        (
            json!({"feature_flag.variant": "on", "app.device_id": "d", "device.id": ""}),
            "u d f on -",
        ),
        (
            json!({"feature_flag.variant": "on", "feature_flag.context.id": null, "device.id": "d"}),
            "- d f on -",
        ),
        (
            json!({"feature_flag.variant": "on", "feature_flag.context.id": null}),
            "\"user_id MISSING\"",
        ),
        (json!({"feature_flag.context.id": null, "error.type": "x"}), "ignored"),
        (
            json!({"feature_flag.context.id": "anonymous", "device.id": "d", "feature_flag.variant": "on"}),
            "- d f on -",
        ),
        // Which run of which flag.
        (json!({"feature_flag.variant": "on", "app.experiment_key": "run-1"}), "u - f on run-1"),
        (json!({"feature_flag.variant": "on", "feature_flag.set.id": "set"}), "u - f on -"),
        (json!({"feature_flag.variant": "on", "feature_flag.key": null}), "\"flag_key MISSING\""),
        (json!({"feature_flag.variant": "on", "feature_flag.key": ""}), "\"flag_key INVALID\""),
    ] {
        let mut all = json!({"feature_flag.key": "f", "feature_flag.context.id": "u"});
        all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let record =
            json!({"eventName": "feature_flag.evaluation", "attributes": attributes(&all)});
        assert_eq!(evaluation(&record), expected, "a log record with {members}");

        let spans = [
            json!({"name": "feature_flag.evaluation", "attributes": attributes(&all)}),
            json!({"name": "GET /", "events": [{"name": "feature_flag.evaluation", "attributes": attributes(&all)}]}),
            json!({"name": "GET /", "events": [{"name": "feature_flag", "attributes": attributes(&all)}]}),
        ];
        for span in spans {
            let found = reads(Signal::Traces, &trace(&span));
            assert_eq!(found.iter().map(words).collect::<Vec<_>>(), [expected], "{span}");
        }
    }
}

#[test]
fn only_evaluations_are_events() {
    let all = json!({"feature_flag.key": "f", "feature_flag.context.id": "u", "feature_flag.variant": "on"});
    let named = |name: &str| {
        let mut all = all.clone();
        all["event.name"] = json!(name);
        attributes(&all)
    };
    for (record, expected) in [
        (json!({"attributes": attributes(&all)}), "dropped"),
        (json!({"attributes": named("feature_flag.evaluation")}), "u - f on -"),
        (json!({"attributes": named("exception")}), "dropped"),
        (
            json!({"eventName": "exception", "attributes": named("feature_flag.evaluation")}),
            "dropped",
        ),
        (json!({"eventName": "feature_flag", "attributes": attributes(&all)}), "dropped"),
        (json!({"eventName": "exception", "attributes": attributes(&all)}), "dropped"),
        (json!({"body": any(&json!("feature_flag.evaluation"))}), "dropped"),
    ] {
        assert_eq!(evaluation(&record), expected, "{record}");
    }
    let span = json!({"name": "feature_flag", "attributes": attributes(&all), "events": [{"name": "exception", "attributes": attributes(&all)}]});
    assert!(reads(Signal::Traces, &trace(&span)).is_empty());
}

#[test]
fn an_older_event_has_its_value_in_its_body() {
    let all = json!({"feature_flag.key": "f", "feature_flag.context.id": "u"});
    for (body, expected) in [
        (json!({"value": "green"}), "u - f green -"),
        (json!({"other": 1, "value": true}), "u - f true -"),
        (json!({"value": {"deep": 1}}), "ignored"),
        (json!({"other": 1}), "ignored"),
        (json!("the flag was evaluated"), "ignored"),
        (json!(null), "ignored"),
    ] {
        let record = json!({"eventName": "feature_flag.evaluation", "body": any(&body), "attributes": attributes(&all)});
        assert_eq!(evaluation(&record), expected, "{body}");
    }
}

#[test]
fn times_are_those_of_the_record() {
    let all = json!({"feature_flag.key": "f", "feature_flag.context.id": "u", "feature_flag.variant": "on"});
    let time_of = |record: &Value| {
        let mut record = record.clone();
        record["eventName"] = json!("feature_flag.evaluation");
        record["attributes"] = json!(attributes(&all));
        reads(Signal::Logs, &log(&record)).remove(0)
    };
    for (record, micros) in [
        (
            json!({"timeUnixNano": "1795345120676000999", "observedTimeUnixNano": "7"}),
            json!(1_795_345_120_676_000_i64),
        ),
        (
            json!({"timeUnixNano": "0", "observedTimeUnixNano": "1795345120676000000"}),
            json!(1_795_345_120_676_000_i64),
        ),
        (json!({"timeUnixNano": "18446744073709551615"}), json!(18_446_744_073_709_551_i64)),
    ] {
        let found = time_of(&record);
        assert_eq!(found["time_us"], micros, "{record}");
        assert!(found["insert_id"].is_string());
    }
    // Without a time, A after B after A would be taken for a retry.
    let found = time_of(&json!({}));
    assert_eq!((&found["time_us"], &found["insert_id"]), (&Value::Null, &Value::Null));

    let event = json!({"name": "feature_flag", "attributes": attributes(&all)});
    for (span, micros) in [
        (json!({"startTimeUnixNano": "5000", "endTimeUnixNano": "9000"}), json!(5)),
        (json!({"endTimeUnixNano": "9000"}), json!(9)),
    ] {
        let mut span = span;
        span["events"] = json!([event]);
        let found = reads(Signal::Traces, &trace(&span)).remove(0);
        assert_eq!(found["time_us"], micros, "{span}");
    }
}

#[test]
fn an_id_is_of_what_a_retry_repeats() {
    let record = |change: &[(&str, Value)]| {
        let mut all = json!({"feature_flag.key": "f", "feature_flag.context.id": "u", "device.id": "d", "feature_flag.variant": "on"});
        let mut record = json!({"eventName": "feature_flag.evaluation", "timeUnixNano": "1795345120676000000", "spanId": "00f067aa0ba902b7"});
        for (name, value) in change {
            if name.contains('.') {
                all[*name] = value.clone();
            } else {
                record[*name] = value.clone();
            }
        }
        record["attributes"] = json!(attributes(&all));
        reads(Signal::Logs, &log(&record)).remove(0)["insert_id"].clone()
    };
    let first = record(&[]);
    for change in [
        ("feature_flag.provider.name", json!("p")),
        ("app.experiment_key", json!("run-2")),
        ("observedTimeUnixNano", json!("1")),
        ("severityText", json!("INFO")),
    ] {
        assert_eq!(record(std::slice::from_ref(&change)), first, "{change:?}");
    }
    let mut ids = std::collections::BTreeSet::from([first.to_string()]);
    for change in [
        ("feature_flag.key", json!("g")),
        ("feature_flag.variant", json!("off")),
        ("feature_flag.context.id", json!("v")),
        ("device.id", json!("e")),
        ("timeUnixNano", json!("1795345120676000001")),
        ("spanId", json!("00f067aa0ba902b8")),
        ("spanId", json!("")),
    ] {
        assert!(ids.insert(record(std::slice::from_ref(&change)).to_string()), "{change:?}");
    }
    // What is moved from one part to the next is another one.
    let moved = record(&[("feature_flag.key", json!("fo")), ("feature_flag.variant", json!("n"))]);
    assert!(ids.insert(moved.to_string()));
}

#[test]
fn attributes_may_have_other_names() {
    let all = json!({"feature_flag.key": "f", "feature_flag.variant": "on", "my.device": "d", "my.run": 7, "device.id": "no"});
    let request =
        log(&json!({"eventName": "feature_flag.evaluation", "attributes": attributes(&all)}));
    let options = Options {
        device_attributes: vec!["other".into(), "my.device".into()],
        experiment_attributes: vec!["my.run".into()],
    };
    let arena = Arena::new();
    let json = request.to_string();
    let upload =
        read_message(Signal::Logs, Encoding::Json, json.as_bytes(), usize::MAX, &options, &arena);
    let found = records(&upload.unwrap());
    assert_eq!(words(&found[0]), "- d f on 7");
}

#[test]
fn libraries_are_those_of_the_resource_or_the_scope() {
    let all = json!({"feature_flag.key": "f", "feature_flag.context.id": "u", "feature_flag.variant": "on"});
    let record = json!({"eventName": "feature_flag.evaluation", "attributes": attributes(&all)});
    let long = "x".repeat(1024);
    for (resource, scope, expected) in [
        (json!({}), json!({}), ""),
        (json!({}), json!({"name": "hooks", "version": "1.0.0"}), "hooks/1.0.0"),
        (json!({}), json!({"name": "hooks"}), "hooks"),
        (
            json!({"telemetry.sdk.name": "otel", "telemetry.sdk.version": "2"}),
            json!({"name": "hooks"}),
            "otel/2",
        ),
        (json!({"telemetry.sdk.version": "2"}), json!({"name": "hooks"}), "hooks"),
        (json!({"telemetry.sdk.name": "a\u{0}b"}), json!({}), ""),
        (json!({"telemetry.sdk.name": long}), json!({}), ""),
    ] {
        let request = json!({"resourceLogs": [{
            "resource": {"attributes": attributes(&resource)},
            "scopeLogs": [{"scope": scope, "logRecords": [record]}],
        }]});
        let found = reads(Signal::Logs, &request).remove(0);
        assert_eq!(found["library"], expected, "{resource} {scope}");
    }
}
