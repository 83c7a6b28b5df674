//! The messages that logs and traces share.

use super::member;
use crate::Arena;
use crate::json::{Value as Json, is_integer, pick};
use crate::otlp::library::Library;
use crate::otlp::value::{Scalar, Value};

/// A `KeyValue`: the name of an attribute and its value.
pub(super) fn key_value<'b>(json: &'b str, arena: &'b Arena) -> Option<(&'b str, Value<'b>)> {
    let [name, value] = pick(json, arena, ["key", "value"]).ok()?;
    Some((member::text(name, arena), value.map_or(Value::Absent, |json| any_value(json, arena))))
}

/// An `AnyValue`.
pub(super) fn any_value<'b>(json: &'b str, arena: &'b Arena) -> Value<'b> {
    let names = ["arrayValue", "kvlistValue", "bytesValue"];
    if let Some(scalar) = scalar(json, arena) {
        return Value::Scalar(scalar);
    }
    let Ok(values) = pick(json, arena, names) else { return Value::Absent };
    match values.map(|json| member::read(json, arena)) {
        [_, Some(Json::Object(map)), _] => Value::Map(value_of_map(map, arena)),
        [None, None, None] => Value::Absent,
        _ => Value::Other,
    }
}

fn scalar<'b>(json: &'b str, arena: &'b Arena) -> Option<Scalar<'b>> {
    let names = ["stringValue", "boolValue", "intValue", "doubleValue"];
    let values = pick(json, arena, names).ok()?;
    match values.map(|json| member::read(json, arena)) {
        [Some(Json::Text(text)), ..] => Some(Scalar::Text(text)),
        [_, Some(Json::Bool(bool)), ..] => Some(Scalar::Bool(bool)),
        [_, _, Some(Json::Text(int) | Json::Number(int)), _] if is_integer(int) => {
            int.parse().ok().map(Scalar::Int)
        }
        // A string is one of the three that are no numbers.
        [_, _, _, Some(Json::Text(double) | Json::Number(double))] => {
            double.parse().ok().map(Scalar::Double)
        }
        _ => None,
    }
}

/// What the last member `value` of a `KeyValueList` holds, where it is a scalar.
fn value_of_map<'b>(json: &'b str, arena: &'b Arena) -> Option<Scalar<'b>> {
    let [values] = pick(json, arena, ["values"]).ok()?;
    let mut found = None;
    member::each(values, |json| {
        let Ok([name, value]) = pick(json, arena, ["key", "value"]) else { return };
        if member::text(name, arena) == "value" {
            found = value;
        }
    });
    scalar(found?, arena)
}

/// The SDK that a `Resource` names.
pub(super) fn resource<'b>(json: Option<&'b str>, arena: &'b Arena) -> Library<'b> {
    let mut sdk = Library::default();
    if let Some(Ok([attributes])) = json.map(|json| pick(json, arena, ["attributes"])) {
        member::each(attributes, |json| {
            if let Some((name, value)) = key_value(json, arena) {
                sdk.attribute(name, value);
            }
        });
    }
    sdk
}

/// An `InstrumentationScope`.
pub(super) fn scope<'b>(json: Option<&'b str>, arena: &'b Arena) -> Library<'b> {
    match json.map(|json| pick(json, arena, ["name", "version"])) {
        Some(Ok([name, version])) => {
            Library { name: member::text(name, arena), version: member::text(version, arena) }
        }
        _ => Library::default(),
    }
}
