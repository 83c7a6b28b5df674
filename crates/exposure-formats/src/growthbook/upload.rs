use super::event;
use crate::json::{each_item, first_member, text};
use crate::request::{header_keys, parameter};
use crate::{Arena, BodyError, Request, Upload};

/// How many events a request may have. Its SDKs send 100 at most.
pub const MAX_EVENTS: usize = 10_000;

/// Whether a request is for the ingestor; PostHog has the same path.
pub fn is_growthbook(request: &Request<'_>) -> bool {
    if request.path.strip_suffix('/').unwrap_or(request.path) != "/track" {
        return false;
    }
    let arena = Arena::new();
    if parameter(request.query.as_bytes(), "client_key", &arena).is_some() {
        return true;
    }
    let body = request.body.trim_ascii_start();
    let first = body.strip_prefix(b"[").unwrap_or(body);
    first_member(first, &["event_name", "event"]) == Some("event_name")
}

/// Reads the events of a request, and one more than may be: an array of them, or one alone.
///
/// # Errors
/// If the body is no JSON. A single bad event is an `Err` among the events.
pub fn read<'b>(
    request: &Request<'b>,
    max_events: usize,
    arena: &'b Arena,
) -> Result<Upload<'b>, BodyError> {
    let json = text(request.body, arena)?.trim();
    let mut keys = Vec::new();
    keys.extend(parameter(request.query.as_bytes(), "client_key", arena));
    keys.retain(|key| !key.is_empty());
    keys.extend(header_keys(request, arena));
    let mut upload = Upload { keys, ..Upload::default() };
    if json.starts_with('[') {
        each_item(json, |json| {
            let index = upload.events.len();
            // One more than may be tells that there are too many.
            if index <= max_events {
                upload.events.push(event::read(json, index, arena));
            }
        })?;
    } else {
        // Told apart here: a body that is no JSON at all is no bad event.
        crate::json::each_member(json, arena, |_, _| {})?;
        upload.events.push(event::read(json, 0, arena));
    }
    Ok(upload)
}
