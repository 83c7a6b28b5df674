use exposure_core::{Body, ErrorCode, EventTime, Incoming, Kind, Rejection, Timestamp};

use super::Call;
use super::message::{Context, Message};
use crate::json::{each_item, pick};
use crate::vocabulary::{
    Precedence, Writes, first_id, ids, known_time, library, member, payload_of, refused, time,
    tracked, word,
};
use crate::{Arena, Refused};

/// How long a call may be. Segment's own bound; RudderStack has none of its own.
const MAX_CALL_BYTES: usize = 32 * 1024;

/// What a request says of all of its calls.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around<'b> {
    /// The call where a message does not name its own, or where the path decides.
    pub(super) call: Option<Call>,
    pub(super) sent: Option<Timestamp>,
    pub(super) context: Context<'b>,
    /// Whether the calls were taken in before by the vendor's own server, which adds to them.
    pub(super) are_archived: bool,
}

/// Reads one call of a request, at `index` in it.
pub(super) fn read<'b>(
    json: &'b str,
    index: usize,
    around: &Around<'b>,
    arena: &'b Arena,
) -> Result<Incoming<'b>, Refused<'b>> {
    let mut event =
        Incoming { sequence: i64::try_from(index).unwrap_or(i64::MAX), ..Incoming::default() };
    let read = Message::read(json, arena)
        .map_err(|_| Rejection::new(ErrorCode::Invalid, "event", "is no object; send one a call"))
        .and_then(|message| fill(&mut event, &message, json, around, arena));
    match read {
        Ok(()) => Ok(event),
        Err(rejection) => Err(refused(&event, rejection, json)),
    }
}

/// Reads who and by which library first: after a fault they still say who sent the call.
fn fill<'b>(
    event: &mut Incoming<'b>,
    message: &Message<'b>,
    json: &'b str,
    around: &Around<'b>,
    arena: &'b Arena,
) -> Result<(), Rejection> {
    let context = Context::read(message.context, arena).or(around.context);
    let call = around.call.or_else(|| Call::named(word(message.kind, arena)));
    event.library = library(context.library, arena);
    let device_id = match call {
        Some(Call::Alias) => alias_device(message, &context, arena),
        _ => first_id([context.device_id, message.anonymous_id], arena),
    };
    match call {
        Some(Call::Merge) if message.user_id.is_none() => {
            let merged = Merged::read(message.merge_properties, arena);
            ids(event, merged.user_id, device_id.or(merged.device_id), arena)?;
        }
        _ => ids(event, message.user_id, device_id, arena)?,
    }
    if json.len() > MAX_CALL_BYTES && message.channel.is_none() && !around.are_archived {
        return Err(Rejection::new(
            ErrorCode::TooLong,
            "event",
            format!("has {} bytes; a call may have at most {MAX_CALL_BYTES}", json.len()),
        ));
    }
    (event.time, event.sent) = times(message, around, arena);
    event.insert_id = member::id("insert_id", message.id, arena)?;

    let mut writes = Writes::new(arena);
    let mut precedence = Precedence::SetOverUnset;
    let mut subject = None;
    event.body = match call {
        Some(Call::Track) | None => {
            let event_type = match (member::text("event", message.event, arena)?, call) {
                // A type that is none of ours is still something that happened.
                (None, None) => Some(word(message.kind, arena)),
                (event_type, _) => event_type,
            };
            let properties = properties(message, arena)?;
            let told = tracked(event_type, properties, &mut writes, arena)?;
            (precedence, subject) = (told.precedence, told.subject);
            told.body
        }
        Some(Call::Identify) => {
            if let Some(json) = context.traits {
                writes.user_properties(json)?;
            }
            identity(Kind::Identify, message.traits.or(context.traits))?
        }
        Some(Call::Group) => identity(Kind::Group, message.traits)?,
        Some(Call::Alias | Call::Merge) => identity(Kind::Alias, None)?,
        Some(Call::Page) => seen(Kind::Page, "page", message, arena)?,
        Some(Call::Screen) => seen(Kind::Screen, "screen", message, arena)?,
    };
    // Eppo's events name whom they are of, which is the user where the call names none.
    if event.user_id.is_none() && subject.is_some() {
        let subject = member::id("subject", subject, arena)?;
        event.user_id = subject.filter(|id| Some(*id) != event.device_id);
    }
    // Those of a group are the group's.
    if let Some(json) = message.traits.filter(|_| call != Some(Call::Group)) {
        writes.user_properties(json)?;
    }
    event.ignored_properties = writes.has_ignored();
    event.changes = writes.finish(precedence);
    Ok(())
}

/// When it happened and, where the rules correct for skew by it, when it was sent.
///
/// RudderStack says `originalTimestamp` for its own clock, so that a `timestamp` beside it was
/// given by the caller and is taken as it is. Segment has one `timestamp` for both.
fn times<'b>(
    message: &Message<'b>,
    around: &Around<'b>,
    arena: &'b Arena,
) -> (EventTime, Option<Timestamp>) {
    let sent = known_time(message.sent_at, arena).or(around.sent);
    let timestamp = time(message.timestamp, arena);
    match (time(message.original_timestamp, arena), timestamp) {
        (EventTime::Missing, timestamp) => (timestamp, sent),
        (_, EventTime::At(explicit)) => (EventTime::At(explicit), None),
        (original, _) => (original, sent),
    }
}

/// A page or a screen goes by its name, and without one by what it is.
fn seen<'b>(
    kind: Kind,
    otherwise: &'static str,
    message: &Message<'b>,
    arena: &'b Arena,
) -> Result<Body<'b>, Rejection> {
    let name = word(message.name, arena);
    let event_type = Some(if name.is_empty() { otherwise } else { name });
    let payload = payload_of("properties", properties(message, arena)?)?;
    Ok(Body::Outcome { kind, event_type, payload })
}

fn identity(kind: Kind, traits: Option<&str>) -> Result<Body<'_>, Rejection> {
    Ok(Body::Identify { kind, payload: payload_of("traits", traits)? })
}

fn properties<'b>(message: &Message<'b>, arena: &'b Arena) -> Result<Option<&'b str>, Rejection> {
    member::object("properties", message.properties, arena)
}

/// The device of an alias is the previous id. One of an id to itself says nothing, and browsers
/// send it; then, as in any other call, it is the device.
fn alias_device<'b>(
    message: &Message<'b>,
    context: &Context<'b>,
    arena: &'b Arena,
) -> Option<&'b str> {
    let id = |json| member::id("", json, arena).ok().flatten().filter(|id| !id.is_empty());
    let previous = id(message.previous_id);
    if previous.is_some() && previous != id(message.user_id) {
        return message.previous_id;
    }
    first_id([context.device_id, message.anonymous_id, message.previous_id], arena)
}

/// The ids of a `merge`: `[{"type": "user_id", "value": "…"}, …]`.
#[derive(Default)]
struct Merged<'b> {
    user_id: Option<&'b str>,
    device_id: Option<&'b str>,
}

impl<'b> Merged<'b> {
    fn read(json: Option<&'b str>, arena: &'b Arena) -> Self {
        let mut merged = Self::default();
        let Some(json) = json.filter(|json| json.starts_with('[')) else { return merged };
        let read = each_item(json, |json| {
            let Ok([kind, value]) = pick(json, arena, ["type", "value"]) else { return };
            match word(kind, arena) {
                "user_id" | "userId" => merged.user_id = merged.user_id.or(value),
                "anonymous_id" | "anonymousId" => merged.device_id = merged.device_id.or(value),
                _ => {}
            }
        });
        if read.is_err() { Self::default() } else { merged }
    }
}
