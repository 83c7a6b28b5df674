use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::Arena;

/// Calls `each` with the name and the JSON of every member of an object, in order.
///
/// Values are delimited, not read: nesting costs no stack.
pub(crate) fn each_member<'b>(
    json: &'b str,
    arena: &'b Arena,
    each: impl FnMut(&'b str, &'b str),
) -> Result<(), serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_str(json);
    parser.deserialize_map(Members { arena, each })?;
    parser.end()
}

/// The JSON of the members of an object that have these names; of one given twice the last.
pub(crate) fn pick<'b, const N: usize>(
    json: &'b str,
    arena: &'b Arena,
    names: [&str; N],
) -> Result<[Option<&'b str>; N], serde_json::Error> {
    let mut picked = [None; N];
    each_member(json, arena, |name, json| {
        if let Some(at) = names.iter().position(|known| *known == name) {
            picked[at] = Some(json);
        }
    })?;
    Ok(picked)
}

/// Calls `each` with the JSON of every item of an array, in order.
pub(crate) fn each_item<'b>(
    json: &'b str,
    each: impl FnMut(&'b str),
) -> Result<(), serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_str(json);
    parser.deserialize_seq(Items(each))?;
    parser.end()
}

struct Members<'b, F> {
    arena: &'b Arena,
    each: F,
}

impl<'b, F: FnMut(&'b str, &'b str)> Visitor<'b> for Members<'b, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'b>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name(self.arena))? {
            (self.each)(name, map.next_value::<&'b RawValue>()?.get());
        }
        Ok(())
    }
}

struct Items<F>(F);

impl<'b, F: FnMut(&'b str)> Visitor<'b> for Items<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'b>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(item) = seq.next_element::<&'b RawValue>()? {
            (self.0)(item.get());
        }
        Ok(())
    }
}

/// Reads a member's name; only one with escapes is copied.
struct Name<'b>(&'b Arena);

impl<'b> DeserializeSeed<'b> for Name<'b> {
    type Value = &'b str;

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<&'b str, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'b> Visitor<'b> for Name<'b> {
    type Value = &'b str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'b str) -> Result<&'b str, E> {
        Ok(name)
    }

    fn visit_str<E>(self, name: &str) -> Result<&'b str, E> {
        Ok(self.0.text(name))
    }
}
