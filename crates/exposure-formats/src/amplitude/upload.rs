use exposure_core::Limits;

use super::event::{self, Shape};
use crate::json::{Value, each_item, each_member, is_integer, text};
use crate::{Arena, BodyError, Upload};

/// Reads the body of an upload. A member that is given twice counts as given last, and what is
/// not known is ignored.
///
/// # Errors
/// If it is no JSON object, or has no array `events`.
pub(super) fn read<'b>(body: &'b [u8], arena: &'b Arena) -> Result<Upload<'b>, BodyError> {
    let (mut api_key, mut options, mut events) = (None, None, None);
    each_member(text(body, arena)?, arena, |name, json| match name {
        "api_key" => api_key = Some(json),
        "options" => options = Some(json),
        "events" => events = Some(json),
        _ => {}
    })?;
    let mut min_id_chars = None;
    if let Some(json) = options.filter(|json| json.starts_with('{')) {
        each_member(json, arena, |name, json| {
            if name == "min_id_length" {
                min_id_chars = min_id_length(json);
            }
        })?;
    }
    let json = events
        .filter(|json| json.starts_with('['))
        .ok_or(BodyError::Missing { member: "events", expected: "an array of events" })?;
    let events = list(json, Shape::Upload, min_id_chars, arena)?;
    let keys = key(api_key, arena).into_iter().collect();
    Ok(Upload { keys, min_id_chars, events, ..Upload::default() })
}

/// Reads the events of an array.
pub(super) fn list<'b>(
    json: &'b str,
    shape: Shape,
    min_id_chars: Option<usize>,
    arena: &'b Arena,
) -> Result<Vec<event::Read<'b>>, BodyError> {
    let min_id_chars = min_id_chars.unwrap_or(Limits::AMPLITUDE_MIN_ID_CHARS);
    let mut events = Vec::new();
    each_item(json, |json| {
        events.push(event::read(json, shape, events.len(), min_id_chars, arena));
    })?;
    Ok(events)
}

/// A key, where it is a string that is not empty.
pub(super) fn key<'b>(json: Option<&'b str>, arena: &'b Arena) -> Option<&'b str> {
    match Value::read(json?, arena) {
        Some(Value::Text(key)) if !key.is_empty() => Some(key),
        _ => None,
    }
}

/// A length out of bounds is the nearest one within; what is no integer says nothing.
fn min_id_length(json: &str) -> Option<usize> {
    if !is_integer(json) {
        return None;
    }
    let length = json.parse::<i128>().unwrap_or(if json.starts_with('-') { 1 } else { i128::MAX });
    usize::try_from(length.clamp(1, Limits::TEXT_CHARS as i128)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_stay_within_bounds() {
        for (json, expected) in [
            ("1", Some(1)),
            ("7", Some(7)),
            ("0", Some(1)),
            ("-3", Some(1)),
            ("1025", Some(1024)),
            ("99999999999999999999999999999999999999999999", Some(1024)),
            ("1.0", None),
            ("\"1\"", None),
            ("null", None),
        ] {
            assert_eq!(min_id_length(json), expected, "{json}");
        }
    }
}
