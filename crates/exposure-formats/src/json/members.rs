use exposure_core::json::{Malformed, Reader, Span};

use super::fault;
use crate::Arena;

/// Calls `each` with the name and the JSON of every member of an object, in order.
///
/// Values are delimited, not read: nesting costs no stack.
#[inline]
pub(crate) fn each_member<'b>(
    json: &'b str,
    arena: &'b Arena,
    mut each: impl FnMut(&'b str, &'b str),
) -> Result<(), serde_json::Error> {
    let mut reader = Reader::new(json.as_bytes());
    let read = reader.object(|reader, name| {
        let name = name_of(name, json, arena)?;
        each(name, reader.value()?.of_text(json));
        Ok(())
    });
    read.and_then(|()| reader.end()).map_err(|Malformed| fault::of_object(json))
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
#[inline]
pub(crate) fn each_item<'b>(
    json: &'b str,
    mut each: impl FnMut(&'b str),
) -> Result<(), serde_json::Error> {
    let mut reader = Reader::new(json.as_bytes());
    let read = reader.array(|reader| {
        each(reader.value()?.of_text(json));
        Ok(())
    });
    read.and_then(|()| reader.end()).map_err(|Malformed| fault::of_array(json))
}

/// A member's name; only one with escapes is copied.
#[inline]
pub(crate) fn name_of<'b>(
    name: Span,
    json: &'b str,
    arena: &'b Arena,
) -> Result<&'b str, Malformed> {
    if name.is_escaped { unescaped(name, json, arena) } else { Ok(name.inside(json)) }
}

#[cold]
fn unescaped<'b>(name: Span, json: &str, arena: &'b Arena) -> Result<&'b str, Malformed> {
    let text: String = serde_json::from_str(name.of_text(json)).map_err(|_| Malformed)?;
    Ok(arena.text(&text))
}
