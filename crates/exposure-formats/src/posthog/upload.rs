use super::event::{self, Around, Read};
use super::message::Message;
use super::twins::without_twins;
use super::{Endpoint, body};
use crate::json::each_item;
use crate::request::{header_keys, parameter};
use crate::vocabulary::{known_time, moment, word};
use crate::{Arena, BodyError, Request, Upload};

/// Reads the events of a request, and one more than may be: a batch, an array, or one alone.
///
/// # Errors
/// If the body is in none of its forms. A single bad event is an `Err` among the events.
pub fn read<'b>(
    endpoint: Endpoint,
    request: &Request<'b>,
    max_events: usize,
    arena: &'b Arena,
) -> Result<Upload<'b>, BodyError> {
    let json = body::json(request, arena)?.trim();
    let query = request.query.as_bytes();
    let sent = request
        .header("posthog-request-timestamp")
        .or_else(|| parameter(query, "_", arena))
        .and_then(moment);
    let event_type = (endpoint == Endpoint::Engage).then_some("$identify");
    let mut around = Around { received: request.received, sent, event_type };
    let mut read = Vec::new();
    let mut key = "";
    if json.starts_with('[') {
        list(&mut read, json, &around, max_events, arena)?;
    } else {
        let message = Message::read(json, arena)?;
        around.sent = known_time(message.sent_at, arena).or(sent);
        key = word(message.key, arena);
        match message.batch.filter(|json| json.starts_with('[')) {
            Some(json) => list(&mut read, json, &around, max_events, arena)?,
            None if endpoint == Endpoint::V1 => {
                return Err(BodyError::Missing { member: "batch", expected: "an array of events" });
            }
            None => read.push(event::read(json, 0, &around, arena)),
        }
    }
    // The key of the newer protocol is a bearer; the older one names it wherever it likes.
    let named = [
        key,
        read.iter().map(|read| read.key).find(|key| !key.is_empty()).unwrap_or_default(),
        parameter(query, "api_key", arena).unwrap_or_default(),
        parameter(query, "token", arena).unwrap_or_default(),
    ];
    let mut keys: Vec<_> = named.into_iter().filter(|key| !key.is_empty()).collect();
    let of_headers = header_keys(request, arena);
    keys.splice(if endpoint == Endpoint::V1 { 0..0 } else { keys.len()..keys.len() }, of_headers);
    keys.dedup();
    let library = request.header("posthog-sdk-info").unwrap_or_default();
    Ok(upload(keys, library, endpoint, read))
}

/// Puts together what was read.
fn upload<'b>(
    keys: Vec<&'b str>,
    library: &'b str,
    endpoint: Endpoint,
    mut read: Vec<Read<'b>>,
) -> Upload<'b> {
    let mut evaluations: Vec<_> = read
        .iter_mut()
        .filter_map(|read| Some((read.evaluation, read.event.as_mut().ok()?)))
        .collect();
    without_twins(&mut evaluations);
    let names = match endpoint {
        Endpoint::V1 => read.iter().map(|read| read.uuid).collect(),
        Endpoint::Capture | Endpoint::Engage => Vec::new(),
    };
    let events = read.into_iter().map(|read| read.event).collect();
    Upload { keys, library, events, names, ..Upload::default() }
}

fn list<'b>(
    read: &mut Vec<Read<'b>>,
    json: &'b str,
    around: &Around<'b>,
    max_events: usize,
    arena: &'b Arena,
) -> Result<(), BodyError> {
    each_item(json, |json| {
        let index = read.len();
        // One more than may be tells that there are too many.
        if index <= max_events {
            read.push(event::read(json, index, around, arena));
        }
    })?;
    Ok(())
}
