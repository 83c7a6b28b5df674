//! One member of an event, of whatever type it turns out to be.

use std::borrow::Cow;

use exposure_core::{ErrorCode, Rejection};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Text by reference into the body where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The raw JSON of a member; `null` is as good as absent.
pub(super) fn present(member: Option<&RawValue>) -> Option<&str> {
    member.map(RawValue::get).filter(|json| *json != "null")
}

/// A member that is a text or absent.
pub(super) fn text<'a>(
    field: &'static str,
    member: Option<&'a RawValue>,
) -> Result<Option<Cow<'a, str>>, Rejection> {
    let Some(json) = present(member) else { return Ok(None) };
    match unquoted(json) {
        Some(text) => Ok(Some(text)),
        None => Err(invalid(field, "is not a string")),
    }
}

/// The text of a JSON string; `None` for any other value.
pub(super) fn unquoted(json: &str) -> Option<Cow<'_, str>> {
    json.starts_with('"').then(|| serde_json::from_str::<Text<'_>>(json).ok())?.map(|text| text.0)
}

pub(super) fn invalid(field: &'static str, message: &'static str) -> Rejection {
    Rejection::new(ErrorCode::Invalid, field, message)
}
