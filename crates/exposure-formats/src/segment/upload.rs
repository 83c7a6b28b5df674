use exposure_core::Timestamp;

use super::event::{self, Around};
use super::message::{Context, Message};
use super::{Endpoint, pixel};
use crate::json::{each_item, text};
use crate::request::{header_keys, parameter};
use crate::vocabulary::{known_time, moment, word};
use crate::{Arena, BodyError, Request, Upload};

/// Reads the calls of a request, and one more than may be.
///
/// # Errors
/// If the body is no JSON. A single bad call is an `Err` among the events.
pub fn read<'b>(
    endpoint: Endpoint,
    request: &Request<'b>,
    max_events: usize,
    arena: &'b Arena,
) -> Result<Upload<'b>, BodyError> {
    let (json, call) = match endpoint {
        Endpoint::Single(call) => (text(request.body, arena)?, Some(call)),
        Endpoint::Batch => (text(request.body, arena)?, None),
        Endpoint::Pixel(call) => (pixel::json(request, arena), Some(call)),
    };
    let json = json.trim();
    let sent = request.header("sentat").and_then(moment);
    let mut keys = header_keys(request, arena);
    let mut upload = Upload::default();
    if json.starts_with('[') {
        let around = Around { call, sent, ..Around::default() };
        keys.extend(list(&mut upload, json, &around, max_events, arena)?);
    } else {
        let message = Message::read(json, arena)?;
        keys.extend(key(&message, arena));
        match message.batch.filter(|json| json.starts_with('[')) {
            Some(json) => {
                let around = around(&message, sent, arena);
                keys.extend(list(&mut upload, json, &around, max_events, arena)?);
            }
            None if call.is_none() && message.kind.is_none() => {
                return Err(BodyError::Missing { member: "batch", expected: "an array of calls" });
            }
            None => {
                let around = Around { call, sent, ..Around::default() };
                upload.events.push(event::read(json, 0, &around, arena));
            }
        }
    }
    let query = request.query.as_bytes();
    keys.extend(parameter(query, "writeKey", arena).filter(|key| !key.is_empty()));
    keys.dedup();
    Ok(Upload { keys, ..upload })
}

/// What a batch says of the calls in it. Its own `timestamp` is when it was sent.
fn around<'b>(batch: &Message<'b>, sent: Option<Timestamp>, arena: &'b Arena) -> Around<'b> {
    Around {
        call: None,
        sent: known_time(batch.sent_at, arena).or(sent),
        context: Context::read(batch.context, arena),
        are_archived: false,
    }
}

/// Reads the calls of an array; answers the key that the first of them names, if it does.
fn list<'b>(
    upload: &mut Upload<'b>,
    json: &'b str,
    around: &Around<'b>,
    max_events: usize,
    arena: &'b Arena,
) -> Result<Option<&'b str>, BodyError> {
    let mut first_key = None;
    each_item(json, |json| {
        let index = upload.events.len();
        if index == 0 {
            first_key = Message::read(json, arena).ok().and_then(|it| key(&it, arena));
        }
        // One more than may be tells that there are too many.
        if index <= max_events {
            upload.events.push(event::read(json, index, around, arena));
        }
    })?;
    Ok(first_key)
}

fn key<'b>(message: &Message<'b>, arena: &'b Arena) -> Option<&'b str> {
    Some(word(message.write_key, arena)).filter(|key| !key.is_empty())
}
