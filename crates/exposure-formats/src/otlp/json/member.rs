//! The members of a message by their types. What is of another type is as if it were absent,
//! except for a time: an evaluation must not move to another one in silence.

use exposure_core::{ErrorCode, Rejection};

use crate::Arena;
use crate::json::{Value as Json, each_item, is_integer};
use crate::otlp::collector::Nanos;

/// Any member; `null` is an absent one.
pub(super) fn read<'b>(json: Option<&'b str>, arena: &'b Arena) -> Option<Json<'b>> {
    json.and_then(|json| Json::read(json, arena)).filter(|json| *json != Json::Null)
}

pub(super) fn text<'b>(json: Option<&'b str>, arena: &'b Arena) -> &'b str {
    match read(json, arena) {
        Some(Json::Text(text)) => text,
        _ => "",
    }
}

/// An id of bytes: hexadecimal. What is not is taken as it is: it still tells two apart.
pub(super) fn id<'b>(json: Option<&'b str>, arena: &'b Arena) -> &'b [u8] {
    let text = text(json, arena);
    hexadecimal(text).map_or(text.as_bytes(), |bytes| arena.slice(&bytes))
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

/// Nanoseconds since the epoch: an integer, or one as a string.
pub(super) fn nanos<'b>(
    field: &'static str,
    json: Option<&'b str>,
    arena: &'b Arena,
) -> Result<Nanos, Rejection> {
    let number = match read(json, arena) {
        None | Some(Json::Text("")) => return Ok(Nanos::Missing),
        Some(Json::Text(text) | Json::Number(text)) if is_integer(text) => text,
        Some(_) => {
            let message = "is no integer; send nanoseconds since 1970-01-01";
            return Err(Rejection::new(ErrorCode::Invalid, field, message));
        }
    };
    Ok(number.parse().map_or(Nanos::OutOfRange, Nanos::new))
}

/// Calls `each` with the items of an array; what is none has no items.
pub(super) fn each<'b>(json: Option<&'b str>, each: impl FnMut(&'b str)) {
    if let Some(json) = json.filter(|json| json.starts_with('[')) {
        // A parser delimited it, so that it is an array to its end.
        let _read = each_item(json, each);
    }
}
