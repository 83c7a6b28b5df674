use serde::de::IgnoredAny;

use crate::json::{Malformed, Reader, Span};
use crate::{ErrorCode, Limits, Rejection};

/// An exposure's metadata: the JSON as it came, and the two members the rules look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metadata<'a> {
    /// The JSON, empty where there is none.
    pub json: &'a [u8],
    /// `flagType` is `mutual-exclusion-group`: stored and counted, but no write.
    pub is_mutual_exclusion_group: bool,
    /// `trackExposure` is `false`: no exposure.
    pub is_not_tracked: bool,
}

/// Why metadata was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// It is no JSON.
    #[error("is no JSON; send a JSON object or leave it out")]
    NotJson,
    /// It nests too deep.
    #[error("nests deeper than {} levels", Limits::METADATA_DEPTH)]
    TooDeep,
    /// It is too long.
    #[error("has more than {} bytes", Limits::METADATA_BYTES)]
    TooLong,
}

impl From<MetadataError> for Rejection {
    fn from(error: MetadataError) -> Self {
        let code = match error {
            MetadataError::NotJson => ErrorCode::Invalid,
            MetadataError::TooDeep => ErrorCode::TooDeep,
            MetadataError::TooLong => ErrorCode::TooLong,
        };
        Self::new(code, "metadata", error.to_string())
    }
}

impl<'a> Metadata<'a> {
    /// Checks metadata and finds the members the rules look at.
    pub fn parse(json: &'a [u8]) -> Result<Self, MetadataError> {
        if json.is_empty() {
            return Ok(Self::default());
        }
        if json.len() > Limits::METADATA_BYTES {
            return Err(MetadataError::TooLong);
        }
        let mut reader = Reader::new(json);
        let read = Self::next(&mut reader, json).and_then(|found| reader.end().map(|()| found));
        let found = read.map_err(|Malformed| first_fault(json))??;
        // With the space around it, as it came.
        Ok(Self { json, ..found })
    }

    /// Checks the metadata that the reader of `bytes` stands before, and finds the members.
    ///
    /// # Errors
    /// The outer error says that the bytes are no JSON, the inner one what is wrong with this
    /// part of them.
    #[inline]
    pub fn next(
        reader: &mut Reader<'a>,
        bytes: &'a [u8],
    ) -> Result<Result<Self, MetadataError>, Malformed> {
        let mut found = Self::default();
        let mut depth = 0;
        let is_object = reader.peek() == b'{';
        let start = reader.position();
        if is_object {
            reader.object(|reader, name| {
                let value = reader.value()?;
                depth = depth.max(value.depth);
                match Name::read(name, bytes)? {
                    Name::FlagType => {
                        found.is_mutual_exclusion_group =
                            is_text(value, bytes, "mutual-exclusion-group");
                    }
                    Name::TrackExposure => found.is_not_tracked = value.of(bytes) == b"false",
                    Name::Other => {}
                }
                Ok(())
            })?;
            depth += 1;
        } else {
            depth = reader.value()?.depth;
        }
        found.json = bytes.get(start..reader.position()).unwrap_or_default();
        if found.json.len() > Limits::METADATA_BYTES {
            return Ok(Err(MetadataError::TooLong));
        }
        if depth > Limits::METADATA_DEPTH {
            return Ok(Err(MetadataError::TooDeep));
        }
        Ok(Ok(found))
    }
}

/// What is wrong first with bytes that are no JSON: where they nest too deep before they break,
/// the depth is.
#[cold]
fn first_fault(json: &[u8]) -> MetadataError {
    let Err(error) = serde_json::from_slice::<IgnoredAny>(json) else {
        return MetadataError::NotJson;
    };
    let lines = json.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
    let whole = json.get(..before + error.column()).unwrap_or(json);
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for &byte in whole {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'{' | b'[' if !is_text => depth += 1,
            b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > Limits::METADATA_DEPTH {
            return MetadataError::TooDeep;
        }
    }
    MetadataError::NotJson
}

/// A member's name, as far as the rules care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    FlagType,
    TrackExposure,
    Other,
}

impl Name {
    #[inline]
    fn read(name: Span, json: &[u8]) -> Result<Self, Malformed> {
        if name.is_escaped {
            return Self::escaped(name.of(json));
        }
        let quoted = name.of(json);
        let found = Self::of(quoted.get(1..quoted.len() - 1).unwrap_or_default());
        if found == Self::Other && std::str::from_utf8(quoted).is_err() {
            return Err(Malformed);
        }
        Ok(found)
    }

    #[cold]
    fn escaped(name: &[u8]) -> Result<Self, Malformed> {
        let text: String = serde_json::from_slice(name).map_err(|_| Malformed)?;
        Ok(Self::of(text.as_bytes()))
    }

    #[inline]
    fn of(name: &[u8]) -> Self {
        match name {
            b"flagType" => Self::FlagType,
            b"trackExposure" => Self::TrackExposure,
            _ => Self::Other,
        }
    }
}

/// Whether a value is this text, which needs no escapes but may have them.
fn is_text(value: Span, json: &[u8], text: &str) -> bool {
    let value_json = value.of(json);
    if value.is_escaped {
        return serde_json::from_slice::<String>(value_json).is_ok_and(|found| found == text);
    }
    match value_json {
        [b'"', inner @ .., b'"'] => inner == text.as_bytes(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<(bool, bool), MetadataError> {
        Metadata::parse(json.as_bytes())
            .map(|found| (found.is_mutual_exclusion_group, found.is_not_tracked))
    }

    #[test]
    fn the_two_members_are_found_however_they_are_written() {
        for (json, expected) in [
            ("", (false, false)),
            ("{}", (false, false)),
            (r#"{"flagType": "mutual-exclusion-group", "trackExposure": false}"#, (true, true)),
            (r#"{"flag\u0054ype": "mutual\u002dexclusion-group"}"#, (true, false)),
            (r#"{"flagType": "holdout-group", "trackExposure": true}"#, (false, false)),
            (
                r#"{"flagType": ["mutual-exclusion-group"], "trackExposure": "false"}"#,
                (false, false),
            ),
            (r#"{"flagType": "mutual-exclusion-group", "flagType": null}"#, (false, false)),
            (r#"{"trackExposure": true, "trackExposure": false}"#, (false, true)),
            (r#"{"trackExposure": {"a": [1e999]}, "flagType": -0}"#, (false, false)),
            (r#"{"a": {"trackExposure": false}}"#, (false, false)),
            ("[1, \"trackExposure\"]", (false, false)),
            ("null", (false, false)),
            ("-1.5e3", (false, false)),
        ] {
            assert_eq!(check(json), Ok(expected), "{json}");
        }
        for json in ["{", "{}x", "{\"a\"}", "nul", "[1,]", "\u{feff}{}"] {
            assert_eq!(check(json), Err(MetadataError::NotJson), "{json}");
        }
    }

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(check(&nested(40)), Ok((false, false)));
        assert_eq!(check(&nested(41)), Err(MetadataError::TooDeep));
        assert_eq!(check(&nested(10_000)), Err(MetadataError::TooDeep));
        // Many brackets side by side, and in a string, behind an escaped quote.
        assert_eq!(check(&format!("[{}[]]", "[],".repeat(100))), Ok((false, false)));
        assert_eq!(check(&format!(r#"{{"a": "\"{}"}}"#, "[".repeat(100))), Ok((false, false)));
        // What breaks behind the depth is too deep, what breaks before it is no JSON.
        assert_eq!(check(&"[".repeat(41)), Err(MetadataError::TooDeep));
        assert_eq!(check(&"[".repeat(40)), Err(MetadataError::NotJson));
        assert_eq!(check(&format!("[\n1 2,{}", "[".repeat(100))), Err(MetadataError::NotJson));
        let long = format!("\"{}\"", "x".repeat(Limits::METADATA_BYTES));
        assert_eq!(check(&long), Err(MetadataError::TooLong));
    }
}
