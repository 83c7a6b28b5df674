use exposure_core::json::{Malformed, Reader};

/// The first member of a JSON object that has one of these names; looks no further than it.
///
/// Told apart by it are bodies that share a path, so that what follows is read once and later.
pub(crate) fn first_member<'n>(bytes: &[u8], names: &[&'n str]) -> Option<&'n str> {
    let mut found = None;
    let mut reader = Reader::new(bytes);
    // Ends with an error where it found one, and where there is no object.
    let _ended = reader.object(|reader, name| {
        let quoted = name.of(bytes);
        let unescaped: Option<String> =
            if name.is_escaped { serde_json::from_slice(quoted).ok() } else { None };
        let name = match &unescaped {
            Some(name) => name.as_bytes(),
            None => quoted.get(1..quoted.len() - 1).unwrap_or_default(),
        };
        found = names.iter().copied().find(|known| known.as_bytes() == name);
        match found {
            Some(_) => Err(Malformed),
            None => reader.value().map(drop),
        }
    });
    found
}
