use std::borrow::Cow;

use bumpalo::Bump;

use super::surrogate::replace_lone_surrogates;
use crate::BodyError;

/// The text of a JSON body, and room for what of it has to be unescaped.
///
/// Events borrow from it, so it outlives them. Lone surrogate escapes, which name no
/// character, are U+FFFD in it.
#[derive(Debug)]
pub struct JsonBody<'a> {
    text: Result<Cow<'a, str>, BodyError>,
    arena: Bump,
}

impl<'a> JsonBody<'a> {
    /// Takes the bytes of a body, decompressed. What is wrong with them shows in parsing.
    pub fn new(bytes: &'a [u8]) -> Self {
        let text = if bytes.is_empty() {
            Err(BodyError::Empty)
        } else {
            std::str::from_utf8(bytes)
                .map(replace_lone_surrogates)
                .map_err(|error| BodyError::NotJson(format!("{error}; send UTF-8")))
        };
        Self { text, arena: Bump::new() }
    }

    pub(crate) fn text(&self) -> Result<&str, BodyError> {
        self.text.as_deref().map_err(Clone::clone)
    }

    pub(crate) const fn arena(&self) -> &Bump {
        &self.arena
    }
}
