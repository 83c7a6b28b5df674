//! What is wrong with JSON, told by a parser that minds lines and columns.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What is wrong with JSON that is no object.
#[cold]
pub(crate) fn of_object(json: &str) -> serde_json::Error {
    let mut parser = serde_json::Deserializer::from_str(json);
    fault(parser.deserialize_map(Object).and_then(|()| parser.end()))
}

/// What is wrong with JSON that is no array.
#[cold]
pub(crate) fn of_array(json: &str) -> serde_json::Error {
    let mut parser = serde_json::Deserializer::from_str(json);
    fault(parser.deserialize_seq(Array).and_then(|()| parser.end()))
}

fn fault(read: Result<(), serde_json::Error>) -> serde_json::Error {
    read.err().unwrap_or_else(|| serde_json::Error::custom("it can not be read"))
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<Cow<'de, str>>()?.is_some() {
            map.next_value::<Passed>()?;
        }
        Ok(())
    }
}

struct Array;

impl<'de> Visitor<'de> for Array {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<Passed>()?.is_some() {}
        Ok(())
    }
}

/// A value that is passed over, whatever it is; without recursion.
struct Passed;

impl<'de> Deserialize<'de> for Passed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_ignored_any(IgnoredAny).map(|_| Self)
    }
}
