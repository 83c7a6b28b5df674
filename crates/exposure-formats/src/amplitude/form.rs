//! Requests that are no JSON upload: queries and forms.

use super::event::Shape;
use super::upload::{key, list};
use crate::json::{each_member, text};
use crate::request::{parameter, parameters};
use crate::{Arena, BodyError, Request, Upload};

/// `/identify`: one identification or an array of them.
pub(super) fn identify<'b>(
    request: &Request<'b>,
    max_events: usize,
    arena: &'b Arena,
) -> Result<Upload<'b>, BodyError> {
    let (keys, json) = identification(request, arena)?;
    Ok(Upload {
        keys,
        events: list(json, Shape::Identification, max_events, arena)?,
        ..Upload::default()
    })
}

/// `/groupidentify`: properties of groups. They name no user, so there is nothing to keep.
pub(super) fn group_identify<'b>(
    request: &Request<'b>,
    max_events: usize,
    arena: &'b Arena,
) -> Result<Upload<'b>, BodyError> {
    let (keys, json) = identification(request, arena)?;
    Ok(Upload { keys, events: list(json, Shape::OfGroup, max_events, arena)?, ..Upload::default() })
}

/// The key and the array of identifications.
fn identification<'b>(
    request: &Request<'b>,
    arena: &'b Arena,
) -> Result<(Vec<&'b str>, &'b str), BodyError> {
    let missing = BodyError::Missing {
        member: "identification",
        expected: "an object or an array of objects, as JSON",
    };
    let (mut api_key, mut json) = (None, None);
    if request.body.first() == Some(&b'{') {
        each_member(text(request.body, arena)?, arena, |name, value| match name {
            "api_key" => api_key = key(Some(value), arena),
            "identification" => json = Some(value),
            _ => {}
        })?;
    } else {
        let query = parameters(request.query.as_bytes(), arena);
        for (name, value) in query.chain(parameters(request.body, arena)) {
            match name {
                "api_key" => api_key = Some(value),
                "identification" => json = Some(value),
                _ => {}
            }
        }
    }
    let json = text(json.ok_or_else(|| missing.clone())?.as_bytes(), arena)?.trim();
    let keys = api_key.filter(|key| !key.is_empty()).into_iter().collect();
    match json.as_bytes().first() {
        Some(b'[') => Ok((keys, json)),
        Some(b'{') => Ok((keys, arena.text(&format!("[{json}]")))),
        _ => Err(missing),
    }
}

/// The oldest browser SDK: `client` is the key, `e` the events.
pub(super) fn legacy<'b>(
    request: &Request<'b>,
    max_events: usize,
    arena: &'b Arena,
) -> Result<Upload<'b>, BodyError> {
    let missing = BodyError::Missing { member: "e", expected: "an array of events, as JSON" };
    if request.body.is_empty() {
        return Err(BodyError::Empty);
    }
    let json = parameter(request.body, "e", arena).ok_or_else(|| missing.clone())?;
    let json = text(json.as_bytes(), arena)?.trim();
    if !json.starts_with('[') {
        return Err(missing);
    }
    let keys = parameter(request.body, "client", arena).into_iter().collect();
    Ok(Upload { keys, events: list(json, Shape::Legacy, max_events, arena)?, ..Upload::default() })
}
