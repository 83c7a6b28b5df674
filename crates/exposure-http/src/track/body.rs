use std::borrow::Cow;
use std::fmt;

use exposure_core::ErrorCode;
use exposure_formats::replace_lone_surrogates;
use exposure_service::{Result, ServiceError};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::member::{present, unquoted};

/// The body: `{"exposures":[…]}`, each of them read by itself later.
#[derive(Debug, Deserialize)]
struct Members<'a> {
    #[serde(borrow, default)]
    exposures: Option<&'a RawValue>,
    #[serde(borrow, default)]
    library: Option<&'a RawValue>,
}

/// A body that is JSON of the right form.
#[derive(Debug)]
pub(super) struct Body<'a> {
    /// The exposures, in order.
    pub(super) exposures: Vec<&'a RawValue>,
    /// The sending library and its version, where it is named.
    pub(super) library: Cow<'a, str>,
}

/// The text of a body. Escapes that are half a character become U+FFFD.
pub(super) fn text(bytes: &[u8]) -> Result<Cow<'_, str>> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        ServiceError::new(ErrorCode::Invalid, format!("the body is not UTF-8: {error}"))
    })?;
    Ok(replace_lone_surrogates(text))
}

impl<'a> Body<'a> {
    /// Reads a body, as far as it is about more than one exposure.
    ///
    /// # Errors
    /// Fails on what is no such object, and on more than `max_exposures`.
    pub(super) fn parse(text: &'a str, max_exposures: usize) -> Result<Self> {
        let refused = |why: &str| {
            let message = format!("the body is no JSON object with `exposures`: {why}");
            ServiceError::new(ErrorCode::Invalid, message)
        };
        // An array would pass for an object whose members come without their names.
        if !text.trim_start().starts_with('{') {
            return Err(refused("it does not begin with `{`"));
        }
        let members: Members<'a> =
            serde_json::from_str(text).map_err(|error| refused(&error.to_string()))?;
        let exposures = present(members.exposures).ok_or_else(|| {
            ServiceError::missing("exposures", "`exposures` is missing; send an array of them")
        })?;
        let mut read = Vec::new();
        let mut parser = serde_json::Deserializer::from_str(exposures);
        let is_whole =
            UpTo { max_exposures, read: &mut read }.deserialize(&mut parser).map_err(|_| {
                ServiceError::invalid("exposures", "`exposures` is not an array of exposures")
            })?;
        if !is_whole {
            let message = format!("the request has more than {max_exposures} exposures; split it");
            return Err(ServiceError::new(ErrorCode::BatchTooLarge, message));
        }
        let library = present(members.library).and_then(unquoted).unwrap_or_default();
        Ok(Self { exposures: read, library })
    }
}

/// Reads an array as far as it may be long; says whether that was all of it. A few bytes each
/// in the body, and a hundred times as much in memory, are not collected first.
struct UpTo<'r, 'a> {
    max_exposures: usize,
    read: &'r mut Vec<&'a RawValue>,
}

impl<'a> DeserializeSeed<'a> for UpTo<'_, 'a> {
    type Value = bool;

    fn deserialize<D: Deserializer<'a>>(
        self,
        deserializer: D,
    ) -> std::result::Result<bool, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for UpTo<'_, 'a> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut array: A) -> std::result::Result<bool, A::Error> {
        while self.read.len() < self.max_exposures {
            match array.next_element()? {
                Some(exposure) => self.read.push(exposure),
                None => return Ok(true),
            }
        }
        let is_whole = array.next_element::<IgnoredAny>()?.is_none();
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(is_whole)
    }
}
