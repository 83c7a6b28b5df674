use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// The first member of a JSON object that has one of these names; looks no further than it.
///
/// Told apart by it are bodies that share a path, so that what follows is read once and later.
pub(crate) fn first_member<'n>(bytes: &[u8], names: &[&'n str]) -> Option<&'n str> {
    let mut found = None;
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    // Ends with an error where it found one, and where there is no object.
    let _ended = parser.deserialize_map(First { names, found: &mut found });
    found
}

struct First<'f, 'n> {
    names: &'f [&'n str],
    found: &'f mut Option<&'n str>,
}

impl<'de> Visitor<'de> for First<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if let Some(found) = self.names.iter().find(|known| **known == name) {
                *self.found = Some(found);
                return Err(A::Error::custom("found"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}
