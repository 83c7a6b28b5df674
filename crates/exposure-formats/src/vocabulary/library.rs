use crate::Arena;
use crate::json::{Value, pick};

/// A sender library as JSON: text, or an object of `name` and `version`. One that can not be
/// one is an unknown one, which is empty: it decides nothing.
pub(crate) fn library<'b>(json: Option<&'b str>, arena: &'b Arena) -> &'b str {
    match json.and_then(|json| Value::read(json, arena)) {
        Some(Value::Text(name)) => named(name, "", arena),
        Some(Value::Object(json)) => {
            let Ok([name, version]) = pick(json, arena, ["name", "version"]) else { return "" };
            named(word(name, arena), word(version, arena), arena)
        }
        _ => "",
    }
}

/// A sender library of a name and a version, either of them empty where it is not known.
pub(crate) fn named<'b>(name: &'b str, version: &'b str, arena: &'b Arena) -> &'b str {
    let library = match (name, version) {
        (name, "") => name,
        (name, version) => arena.text(&format!("{name}/{version}")),
    };
    if library.len() <= 1024 && !library.contains('\0') { library } else { "" }
}

/// Text, or nothing.
pub(crate) fn word<'b>(json: Option<&'b str>, arena: &'b Arena) -> &'b str {
    match json.and_then(|json| Value::read(json, arena)) {
        Some(Value::Text(text)) => text,
        _ => "",
    }
}
