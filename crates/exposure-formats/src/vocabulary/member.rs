//! The members of an event that have a type they must be of.

use exposure_core::{ErrorCode, EventTime, Rejection, Timestamp};

use crate::Arena;
use crate::json::{Value, is_integer};

/// A string; `null` is an absent one.
pub(crate) fn text<'b>(
    field: &'static str,
    json: Option<&'b str>,
    arena: &'b Arena,
) -> Result<Option<&'b str>, Rejection> {
    match read(field, json, arena)? {
        Value::Null => Ok(None),
        Value::Text(text) => Ok(Some(text)),
        other => Err(wrong(field, other, "send a string")),
    }
}

/// An id: a string, or an integer, which is its digits. `null` is an absent one.
pub(crate) fn id<'b>(
    field: &'static str,
    json: Option<&'b str>,
    arena: &'b Arena,
) -> Result<Option<&'b str>, Rejection> {
    match read(field, json, arena)? {
        Value::Null => Ok(None),
        Value::Text(text) => Ok(Some(text)),
        Value::Number(number) if is_integer(number) => Ok(Some(number)),
        other => Err(wrong(field, other, "send a string")),
    }
}

/// A time: milliseconds since the epoch as an integer.
pub(crate) fn time<'b>(json: Option<&'b str>, arena: &'b Arena) -> Result<EventTime, Rejection> {
    match read("time", json, arena)? {
        Value::Null => Ok(EventTime::Missing),
        Value::Number(number) if is_integer(number) => Ok(number
            .parse()
            .ok()
            .and_then(Timestamp::from_millis)
            .map_or(EventTime::OutOfRange, EventTime::At)),
        Value::Number(number) => Err(Rejection::new(
            ErrorCode::Invalid,
            "time",
            format!("is {number}; send whole milliseconds since 1970-01-01"),
        )),
        other => Err(wrong("time", other, "send milliseconds since 1970-01-01 as an integer")),
    }
}

/// An object, as it was written; `null` is an absent one.
pub(crate) fn object<'b>(
    field: &'static str,
    json: Option<&'b str>,
    arena: &'b Arena,
) -> Result<Option<&'b str>, Rejection> {
    match read(field, json, arena)? {
        Value::Null => Ok(None),
        Value::Object(json) => Ok(Some(json)),
        other => Err(wrong(field, other, "send an object")),
    }
}

fn read<'b>(
    field: &'static str,
    json: Option<&'b str>,
    arena: &'b Arena,
) -> Result<Value<'b>, Rejection> {
    let Some(json) = json else { return Ok(Value::Null) };
    Value::read(json, arena).ok_or_else(|| {
        Rejection::new(ErrorCode::Invalid, field, "is no text; send Unicode characters")
    })
}

#[cold]
fn wrong(field: &'static str, found: Value<'_>, expected: &str) -> Rejection {
    Rejection::new(ErrorCode::Invalid, field, format!("is {}; {expected}", found.name()))
}
