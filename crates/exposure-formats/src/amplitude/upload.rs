use exposure_core::{Incoming, Limits};

use super::event;
use crate::json::{Value, each_item, each_member, is_integer};
use crate::{BodyError, JsonBody, Refused};

/// The body of one upload: a key, options and events.
#[derive(Clone, Debug)]
pub struct Upload<'b> {
    api_key: Option<&'b str>,
    min_id_chars: Option<usize>,
    events: Vec<Result<Incoming<'b>, Refused<'b>>>,
}

impl<'b> Upload<'b> {
    /// Reads an upload. A member that is given twice counts as given last, and what is not
    /// known is ignored.
    ///
    /// # Errors
    /// If it is no JSON object, or has no array `events`. A single bad event is an `Err` among
    /// the events instead.
    pub fn parse(body: &'b JsonBody<'_>) -> Result<Self, BodyError> {
        let arena = body.arena();
        let (mut api_key, mut options, mut events) = (None, None, None);
        each_member(body.text()?, arena, |name, json| match name {
            "api_key" => api_key = Some(json),
            "options" => options = Some(json),
            "events" => events = Some(json),
            _ => {}
        })
        .map_err(|error| BodyError::NotJson(error.to_string()))?;

        let api_key = api_key.and_then(|json| match Value::read(json, arena) {
            Some(Value::Text(key)) => Some(key),
            _ => None,
        });
        let mut min_id_chars = None;
        if let Some(json) = options.filter(|json| json.starts_with('{')) {
            each_member(json, arena, |name, json| {
                if name == "min_id_length" {
                    min_id_chars = min_id_length(json);
                }
            })
            .map_err(|error| BodyError::NotJson(error.to_string()))?;
        }

        let json = events
            .filter(|json| json.starts_with('['))
            .ok_or(BodyError::Missing { member: "events", expected: "an array of events" })?;
        let mut events = Vec::new();
        let min_chars = min_id_chars.unwrap_or(Limits::AMPLITUDE_MIN_ID_CHARS);
        each_item(json, |json| events.push(event::read(json, events.len(), min_chars, arena)))
            .map_err(|error| BodyError::NotJson(error.to_string()))?;
        Ok(Self { api_key, min_id_chars, events })
    }

    /// The key it was sent with, if it names one.
    pub const fn api_key(&self) -> Option<&'b str> {
        self.api_key
    }

    /// The shortest id it asks for, in characters: 1 to 1024. Absent: 5.
    pub const fn min_id_chars(&self) -> Option<usize> {
        self.min_id_chars
    }

    /// The events in order; one that could not be read is an `Err` in its place.
    pub fn events(&self) -> &[Result<Incoming<'b>, Refused<'b>>] {
        &self.events
    }

    /// The events in order, for keeping.
    pub fn into_events(self) -> Vec<Result<Incoming<'b>, Refused<'b>>> {
        self.events
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
