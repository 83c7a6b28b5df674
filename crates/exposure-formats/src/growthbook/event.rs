use exposure_core::{ErrorCode, Incoming, Rejection};

use crate::json::{Value, each_member, pick};
use crate::vocabulary::{Writes, first_id, ids, member, named, refused, tracked, word};
use crate::{Arena, Refused};

/// Reads one event, at `index` in its request. It names neither a time nor an id of its own: a
/// request is sent once and never again.
pub(super) fn read<'b>(
    json: &'b str,
    index: usize,
    arena: &'b Arena,
) -> Result<Incoming<'b>, Refused<'b>> {
    let mut event =
        Incoming { sequence: i64::try_from(index).unwrap_or(i64::MAX), ..Incoming::default() };
    match fill(&mut event, json, arena) {
        Ok(()) => Ok(event),
        Err(rejection) => Err(refused(&event, rejection, json)),
    }
}

fn fill<'b>(event: &mut Incoming<'b>, json: &'b str, arena: &'b Arena) -> Result<(), Rejection> {
    let (mut name, mut properties, mut attributes) = (None, None, None);
    let (mut user_id, mut device_id) = (None, None);
    let (mut language, mut version) = (None, None);
    each_member(json, arena, |member, json| match member {
        "event_name" => name = Some(json),
        "properties" | "properties_json" => properties = Some(json),
        "attributes" => attributes = Some(json),
        "user_id" => user_id = Some(json),
        "device_id" => device_id = Some(json),
        "sdk_language" => language = Some(json),
        "sdk_version" => version = Some(json),
        _ => {}
    })
    .map_err(|_| Rejection::new(ErrorCode::Invalid, "event", "is no object; send one an event"))?;

    event.library = match word(language, arena) {
        "" => "",
        language => {
            named(arena.text(&format!("growthbook-{language}")), word(version, arena), arena)
        }
    };
    let properties = object(properties, arena)?;
    let [user, user_camel, device, device_camel, anonymous, anonymous_camel, id] = members(
        attributes,
        arena,
        ["user_id", "userId", "device_id", "deviceId", "anonymous_id", "anonymousId", "id"],
    );
    // Whom the variation was chosen for, where nothing else says who it is.
    let [hashed] = members(properties, arena, ["hashValue"]);
    let user_id = first_id([user_id, user, user_camel], arena);
    let devices = [device_id, device, device_camel, anonymous, anonymous_camel, id, hashed];
    ids(event, user_id, first_id(devices, arena), arena)?;

    let event_type = member::text("event_name", name, arena)?;
    let mut writes = Writes::new(arena);
    let told = tracked(event_type, properties, &mut writes, arena)?;
    event.body = told.body;
    event.changes = writes.finish(told.precedence);
    Ok(())
}

/// Properties are an object, or the text of one.
fn object<'b>(json: Option<&'b str>, arena: &'b Arena) -> Result<Option<&'b str>, Rejection> {
    match json.and_then(|json| Value::read(json, arena)) {
        Some(Value::Text(text)) if text.trim_start().starts_with('{') => Ok(Some(text.trim())),
        _ => member::object("properties", json, arena),
    }
}

/// Members of an object; all absent where there is none.
fn members<'b, const N: usize>(
    json: Option<&'b str>,
    arena: &'b Arena,
    names: [&str; N],
) -> [Option<&'b str>; N] {
    json.filter(|json| json.starts_with('{'))
        .and_then(|json| pick(json, arena, names).ok())
        .unwrap_or([None; N])
}
