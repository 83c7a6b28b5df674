use serde_json::{Map, Value};

use crate::request::parameters;
use crate::{Arena, Request};

/// How deep the dots of a parameter's name may nest, as in `context.library.name`.
const DEPTH: usize = 8;

/// The call that the query of a pixel stands for, as JSON: each parameter is a member, a dot in
/// its name a step inwards, and a value that is a JSON object stands for itself.
pub(super) fn json<'b>(request: &Request<'b>, arena: &'b Arena) -> &'b str {
    let mut call = Map::new();
    for (name, value) in parameters(request.query.as_bytes(), arena) {
        put(&mut call, name, value);
    }
    arena.text(&Value::Object(call).to_string())
}

fn put(call: &mut Map<String, Value>, name: &str, value: &str) {
    let mut steps: Vec<&str> = name.splitn(DEPTH, '.').collect();
    let Some(last) = steps.pop() else { return };
    let mut object = call;
    for step in steps {
        let inner = object.entry(step).or_insert_with(|| Value::Object(Map::new()));
        // What was given as text before has no members.
        let Value::Object(inner) = inner else { return };
        object = inner;
    }
    let parsed = value
        .starts_with('{')
        .then(|| serde_json::from_str::<Map<String, Value>>(value).ok())
        .flatten();
    let value = parsed.map_or_else(|| Value::String(value.to_owned()), Value::Object);
    object.insert(last.to_owned(), value);
}
