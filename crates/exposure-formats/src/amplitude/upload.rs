use exposure_core::Limits;
use exposure_core::json::{Malformed, Reader};

use super::event::{self, Shape};
use crate::json::{Value, each_member, fault_of_array, fault_of_object, is_integer, name_of, text};
use crate::{Arena, BodyError, Upload};

/// Reads the body of an upload. A member that is given twice counts as given last, and what is
/// not known is ignored.
///
/// # Errors
/// If it is no JSON object, or has no array `events`.
pub(super) fn read<'b>(
    body: &'b [u8],
    max_events: usize,
    arena: &'b Arena,
) -> Result<Upload<'b>, BodyError> {
    let (mut api_key, mut options, mut events) = (None, None, None);
    let text = text(body, arena)?;
    let mut reader = Reader::new(text.as_bytes());
    let read = reader.object(|reader, name| {
        match name_of(name, text, arena)? {
            "events" => events = read_events(reader, text, Shape::Upload, max_events, arena)?,
            "api_key" => api_key = Some(reader.value()?.of_text(text)),
            "options" => options = Some(reader.value()?.of_text(text)),
            _ => {
                reader.value()?;
            }
        }
        Ok(())
    });
    read.and_then(|()| reader.end()).map_err(|Malformed| fault_of_object(text))?;
    let mut min_id_chars = None;
    if let Some(json) = options.filter(|json| json.starts_with('{')) {
        each_member(json, arena, |name, json| {
            if name == "min_id_length" {
                min_id_chars = min_id_length(json);
            }
        })?;
    }
    let mut events =
        events.ok_or(BodyError::Missing { member: "events", expected: "an array of events" })?;
    ids_first(&mut events, min_id_chars);
    let keys = key(api_key, arena).into_iter().collect();
    Ok(Upload { keys, min_id_chars, events, ..Upload::default() })
}

/// Reads the events of an array, and one more than may be.
pub(super) fn list<'b>(
    json: &'b str,
    shape: Shape,
    max_events: usize,
    arena: &'b Arena,
) -> Result<Vec<event::Read<'b>>, BodyError> {
    let mut reader = Reader::new(json.as_bytes());
    let read = read_events(&mut reader, json, shape, max_events, arena)
        .and_then(|events| reader.end().and(events.ok_or(Malformed)));
    let mut events = read.map_err(|Malformed| fault_of_array(json))?;
    ids_first(&mut events, None);
    Ok(events)
}

/// Reads the events of the array that the reader of `text` stands before; `None` if it is none.
fn read_events<'b>(
    reader: &mut Reader<'b>,
    text: &'b str,
    shape: Shape,
    max_events: usize,
    arena: &'b Arena,
) -> Result<Option<Vec<event::Read<'b>>>, Malformed> {
    /// A guess, and no bound: most events have about as many.
    const BYTES_OF_EVENT: usize = 512;
    if reader.peek() != b'[' {
        reader.value()?;
        return Ok(None);
    }
    let n_bytes = text.len() - reader.position();
    let mut events = Vec::with_capacity((n_bytes / BYTES_OF_EVENT).min(max_events));
    reader.array(|reader| {
        if events.len() <= max_events {
            events.push(event::next(reader, text, shape, events.len(), arena)?);
            return Ok(());
        }
        reader.value().map(drop)
    })?;
    Ok(Some(events))
}

fn ids_first(events: &mut [event::Read<'_>], min_id_chars: Option<usize>) {
    let min_id_chars = min_id_chars.unwrap_or(Limits::AMPLITUDE_MIN_ID_CHARS);
    for refused in events.iter_mut().filter_map(|event| event.as_mut().err()) {
        event::ids_first(refused, min_id_chars);
    }
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
