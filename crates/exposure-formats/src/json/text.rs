use std::borrow::Cow;

use super::surrogate::replace_lone_surrogates;
use crate::{Arena, BodyError};

/// The text of a JSON body. Lone surrogate escapes, which name no character, are U+FFFD in it.
pub(crate) fn text<'b>(bytes: &'b [u8], arena: &'b Arena) -> Result<&'b str, BodyError> {
    if bytes.is_empty() {
        return Err(BodyError::Empty);
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| BodyError::NotJson(format!("{error}; send UTF-8")))?;
    Ok(match replace_lone_surrogates(text) {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) => arena.text(&text),
    })
}
