use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

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
        // Depth first, and without recursion: the parser below may then recurse safely.
        if depth(json) > Limits::METADATA_DEPTH {
            return Err(MetadataError::TooDeep);
        }
        let mut parser = serde_json::Deserializer::from_slice(json);
        let mut found = Self { json, ..Self::default() };
        Members(&mut found).deserialize(&mut parser).map_err(|_| MetadataError::NotJson)?;
        parser.end().map_err(|_| MetadataError::NotJson)?;
        Ok(found)
    }
}

/// How deep brackets nest outside of strings; an upper bound where that is within the limit.
fn depth(json: &[u8]) -> usize {
    // Most metadata has a handful of brackets, and to count them takes no look at the strings.
    let n_opened = json.iter().filter(|&&byte| byte == b'{' || byte == b'[').count();
    if n_opened <= Limits::METADATA_DEPTH {
        return n_opened;
    }
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for &byte in json {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

struct Members<'m, 'a>(&'m mut Metadata<'a>);

impl<'de> DeserializeSeed<'de> for Members<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Members<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Name>()? {
            match name {
                Name::FlagType => {
                    let value = map.next_value::<&'de RawValue>()?;
                    self.0.is_mutual_exclusion_group = is_text(value, "mutual-exclusion-group");
                }
                Name::TrackExposure => {
                    self.0.is_not_tracked = map.next_value::<&'de RawValue>()?.get() == "false";
                }
                Name::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A member's name, as far as the rules care.
#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Name {
    FlagType,
    TrackExposure,
    #[serde(other)]
    Other,
}

/// Whether a value is this text, which needs no escapes but may have them.
fn is_text(value: &RawValue, text: &str) -> bool {
    match value.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if inner.contains('\\') => {
            serde_json::from_str::<String>(value.get()).is_ok_and(|found| found == text)
        }
        Some(inner) => inner == text,
        None => false,
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
        let long = format!("\"{}\"", "x".repeat(Limits::METADATA_BYTES));
        assert_eq!(check(&long), Err(MetadataError::TooLong));
    }
}
