use exposure_core::{Body, ErrorCode, EventTime, Incoming, Kind, Rejection, Timestamp};

use super::evaluation::Evaluation;
use super::message::{Message, Properties};
use crate::json::pick;
use crate::vocabulary::{
    Tracked, Writes, first_id, ids, known_time, member, named, payload_of, refused, time, tracked,
    word,
};
use crate::{Arena, Refused};

/// What a request says of all of its events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'b> {
    pub(super) received: Timestamp,
    pub(super) sent: Option<Timestamp>,
    /// The event's type where it names none.
    pub(super) event_type: Option<&'b str>,
}

/// An event, and what a body says of it beside its events.
pub(super) struct Read<'b> {
    pub(super) event: Result<Incoming<'b>, Refused<'b>>,
    pub(super) evaluation: Option<Evaluation>,
    pub(super) uuid: &'b str,
    pub(super) key: &'b str,
}

/// Reads one event of a request, at `index` in it.
pub(super) fn read<'b>(
    json: &'b str,
    index: usize,
    around: &Around<'b>,
    arena: &'b Arena,
) -> Read<'b> {
    let mut event =
        Incoming { sequence: i64::try_from(index).unwrap_or(i64::MAX), ..Incoming::default() };
    let invalid = |field, expected: &str| {
        Rejection::new(ErrorCode::Invalid, field, format!("is no object; {expected}"))
    };
    let Ok(message) = Message::read(json, arena) else {
        let rejection = invalid("event", "send one an event");
        let event = Err(refused(&event, rejection, json));
        return Read { event, evaluation: None, uuid: "", key: "" };
    };
    let mut evaluation = None;
    let mut properties = Properties::default();
    let filled = message
        .properties
        .map_or(Ok(Properties::default()), |json| Properties::read(json, arena))
        .map_err(|_| invalid("properties", "send one, or leave it out"))
        .and_then(|read| {
            properties = read;
            let event_type = message
                .event
                .map_or(Ok(around.event_type), |json| member::text("event", Some(json), arena));
            evaluation = event_type.as_ref().ok().copied().flatten().and_then(Evaluation::of);
            fill(&mut event, &message, &properties, around, event_type, arena)
        });
    let key = word(message.key, arena);
    Read {
        event: match filled {
            Ok(()) => Ok(event),
            Err(rejection) => Err(refused(&event, rejection, json)),
        },
        evaluation,
        uuid: word(message.uuid, arena),
        key: if key.is_empty() { word(properties.token, arena) } else { key },
    }
}

/// Reads who and by which library first: after a fault they still say who sent the event.
fn fill<'b>(
    event: &mut Incoming<'b>,
    message: &Message<'b>,
    properties: &Properties<'b>,
    around: &Around<'b>,
    event_type: Result<Option<&'b str>, Rejection>,
    arena: &'b Arena,
) -> Result<(), Rejection> {
    event.library = match word(properties.library, arena) {
        // The browser's, which is the only one not to say whose it is.
        "web" => named("posthog-js", word(properties.library_version, arena), arena),
        library => named(library, word(properties.library_version, arena), arena),
    };
    let name = event_type.as_ref().ok().copied().flatten().unwrap_or_default();
    let (user_id, device_id) = match name {
        "$create_alias" | "$merge_dangerously" => aliased(message, properties, arena),
        "$identify" => identified(message, properties, arena),
        _ => who(message, properties, arena),
    };
    ids(event, user_id, device_id, arena)?;
    let event_type = event_type?;
    (event.time, event.sent) = times(message, properties, around, arena);
    let insert_id = first_id([message.uuid, properties.insert_id], arena);
    event.insert_id = member::id("insert_id", insert_id, arena)?;

    let mut writes = Writes::new(arena);
    for json in [message.unset, properties.unset].into_iter().flatten() {
        writes.unset(json)?;
    }
    for json in [message.set, properties.set].into_iter().flatten() {
        writes.set(json)?;
    }
    let person = message.properties.or(message.set);
    let identify = |kind| {
        Ok::<_, Rejection>(Body::Identify { kind, payload: payload_of("properties", person)? })
    };
    let outcome = |kind| {
        let payload = payload_of("properties", message.properties)?;
        Ok::<_, Rejection>(Body::Outcome { kind, event_type, payload })
    };
    let told = match name {
        "$identify" | "$set" => Tracked::of(identify(Kind::Identify)?),
        "$groupidentify" => Tracked::of(identify(Kind::Group)?),
        "$create_alias" | "$merge_dangerously" => Tracked::of(identify(Kind::Alias)?),
        "$pageview" => Tracked::of(outcome(Kind::Page)?),
        "$screen" => Tracked::of(outcome(Kind::Screen)?),
        name => match Evaluation::of(name) {
            Some(evaluation) => Tracked::of(evaluation.read(&properties.flag, arena)?),
            None => tracked(event_type, message.properties, &mut writes, arena)?,
        },
    };
    event.body = told.body;
    event.ignored_properties =
        writes.has_ignored() || message.set_once.or(properties.set_once).is_some();
    event.changes = writes.finish(told.precedence);
    Ok(())
}

/// When it happened and, where the rules correct for skew by it, when it was sent.
fn times<'b>(
    message: &Message<'b>,
    properties: &Properties<'b>,
    around: &Around<'b>,
    arena: &'b Arena,
) -> (EventTime, Option<Timestamp>) {
    let time = time(message.timestamp, arena);
    if time == EventTime::Missing
        && let Some(offset) = message.offset.and_then(|json| json.parse::<f64>().ok())
        && (0.0..MAX_OFFSET_MS).contains(&offset)
    {
        // How long before it was sent, so that no clock but ours is in it.
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the condition above")]
        let micros = (offset * 1000.0) as i64;
        return (EventTime::At(around.received.plus_micros(-micros)), None);
    }
    let disabled = message
        .options
        .and_then(|json| pick(json, arena, ["disable_skew_correction"]).ok())
        .and_then(|[disabled]| disabled);
    if [disabled, properties.ignore_sent_at].contains(&Some("true")) {
        return (time, None);
    }
    (time, known_time(message.sent_at, arena).or(around.sent))
}

/// A hundred years.
const MAX_OFFSET_MS: f64 = 100.0 * 366.0 * 86_400_000.0;

/// The user and the device of an event, as JSON. Somebody whom the SDK does not know goes by the
/// id of the device, or by one that stands for it.
fn who<'b>(
    message: &Message<'b>,
    properties: &Properties<'b>,
    arena: &'b Arena,
) -> (Option<&'b str>, Option<&'b str>) {
    let distinct_id = distinct_id(message, properties, arena);
    let is_anonymous = properties.is_identified == Some("false")
        || (distinct_id.is_some() && same(distinct_id, properties.device_id, arena));
    if is_anonymous {
        (None, first_id([properties.device_id, distinct_id], arena))
    } else {
        (distinct_id, properties.device_id)
    }
}

/// An identify names the user in any case; where it knows no device, its former id is one.
fn identified<'b>(
    message: &Message<'b>,
    properties: &Properties<'b>,
    arena: &'b Arena,
) -> (Option<&'b str>, Option<&'b str>) {
    let user = distinct_id(message, properties, arena);
    let device = first_id([properties.device_id, properties.anonymous_id], arena);
    if same(user, device, arena) { (None, device) } else { (user, device) }
}

/// The user and the previous id of an alias. The SDKs do not agree which of its two is which:
/// Python's `distinct_id` is the previous one, and so is a browser's before it knows the user;
/// all others' is the user, and `alias` the id that is to be theirs too.
fn aliased<'b>(
    message: &Message<'b>,
    properties: &Properties<'b>,
    arena: &'b Arena,
) -> (Option<&'b str>, Option<&'b str>) {
    let distinct_id = distinct_id(message, properties, arena);
    let is_previous = match word(properties.library, arena) {
        "posthog-python" => true,
        "web" => properties.is_identified != Some("true"),
        _ => same(distinct_id, properties.device_id, arena),
    };
    if is_previous { (properties.alias, distinct_id) } else { (distinct_id, properties.alias) }
}

/// The id of whom the event is. Without cookies all share one, which is nobody's.
fn distinct_id<'b>(
    message: &Message<'b>,
    properties: &Properties<'b>,
    arena: &'b Arena,
) -> Option<&'b str> {
    first_id([message.distinct_id, properties.distinct_id], arena)
        .filter(|&json| json != "\"$posthog_cookieless\"")
}

/// Whether both are ids, and the same one.
fn same<'b>(a: Option<&'b str>, b: Option<&'b str>, arena: &'b Arena) -> bool {
    let id = |json: Option<&'b str>| member::id("", Some(json?), arena).ok().flatten();
    id(a).is_some_and(|a| !a.is_empty() && id(b) == Some(a))
}
