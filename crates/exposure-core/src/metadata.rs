use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

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

/// How deep brackets nest outside of strings.
fn depth(json: &[u8]) -> usize {
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
        while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            match &*key {
                "flagType" => {
                    self.0.is_mutual_exclusion_group =
                        map.next_value::<Scalar>()?.is_text("mutual-exclusion-group");
                }
                "trackExposure" => self.0.is_not_tracked = map.next_value::<Scalar>()?.is_false(),
                _ => {
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

/// A member's value, as far as the rules care.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Text(String),
    Other(IgnoredAny),
}

impl Scalar {
    fn is_text(&self, text: &str) -> bool {
        matches!(self, Self::Text(found) if found == text)
    }

    fn is_false(&self) -> bool {
        matches!(self, Self::Bool(false))
    }
}
