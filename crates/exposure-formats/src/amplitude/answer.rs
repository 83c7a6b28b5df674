use std::collections::BTreeMap;

use exposure_core::{ErrorCode, Rejection};
use serde::Serialize;

use crate::{Answer, BodyError, Failure, Stored, Whom};

/// Event indexes by field, ascending.
type Indexes = BTreeMap<String, Vec<usize>>;

/// 200: what was sent was taken in. SDKs need all four members.
pub fn accepted(stored: &Stored<'_>) -> Answer {
    Answer::json(
        200,
        &Accepted {
            code: 200,
            events_ingested: stored.outcomes.len(),
            payload_size_bytes: stored.request.body.len(),
            server_upload_time: stored.request.received.as_millis(),
        },
    )
}

/// 400 for the events refused for a reason of Amplitude's own, listing every one of them;
/// `None` if there is none: what only our rules refuse is no error to these SDKs.
///
/// SDKs drop what is listed and send the rest again, at once if nothing is missing here.
pub fn invalid_events<'r>(
    refused: impl IntoIterator<Item = (usize, &'r Rejection)>,
) -> Option<Answer> {
    let mut lists = Lists::default();
    for (index, rejection) in refused {
        if is_amplitudes_own(rejection) {
            lists.add(index, rejection);
        }
    }
    let error = lists.error()?;
    Some(Answer::json(400, &Invalid { code: 400, error, missing_field: None, lists: Some(lists) }))
}

/// The answer to a request of which nothing was taken: the status, and a body whose `code`
/// equals it. Some SDKs decide by the one and some by the other.
pub fn failed(failure: &Failure<'_>) -> Answer {
    let answer = match failure {
        Failure::Unreadable(error) => unreadable(error),
        Failure::NoKey => missing("Request missing required field", "api_key"),
        // The text is what SDKs look for before they give up.
        Failure::UnknownKey(key) => simple(400, &format!("Invalid API key: {key}")),
        Failure::Forbidden => simple(403, "Forbidden"),
        // SDKs halve the upload.
        Failure::TooLarge(_) => simple(413, "Payload too large"),
        Failure::Busy { events, .. } => throttled(events),
        Failure::Unavailable { .. } => simple(503, "Service unavailable"),
        Failure::Internal => simple(500, "Internal server error"),
    };
    Answer { retry_after: failure.retry_after(), ..answer }
}

fn unreadable(error: &BodyError) -> Answer {
    let (error, member) = match error {
        BodyError::Empty => ("Missing request body", "events"),
        BodyError::Missing { member, .. } => ("Request missing required field", *member),
        BodyError::NotJson(_) | BodyError::Broken(_) => ("Invalid JSON request body", "events"),
    };
    // Without a list or a missing field the SDKs send the same bytes again, up to 12 times.
    missing(error, member)
}

/// SDKs wait half a minute with the listed events, so that all are listed, and whose they are.
fn throttled(events: &[Whom<'_>]) -> Answer {
    /// Events a second of one device or user, in Amplitude's own answers.
    const EPS_THRESHOLD: u64 = 30;
    Answer::json(
        429,
        &Throttled {
            code: 429,
            error: "Too many requests for some devices and users",
            eps_threshold: EPS_THRESHOLD,
            devices: counts(events.iter().map(|whom| whom.device_id)),
            users: counts(events.iter().map(|whom| whom.user_id)),
            events: (0..events.len()).collect(),
        },
    )
}

/// How many events each id has.
fn counts<'a>(ids: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, u64> {
    let mut counts = BTreeMap::new();
    for id in ids.filter(|id| !id.is_empty()) {
        *counts.entry(id).or_default() += 1;
    }
    counts
}

fn missing(error: &str, member: &str) -> Answer {
    Answer::json(400, &Invalid { code: 400, error, missing_field: Some(member), lists: None })
}

fn simple(status: u16, error: &str) -> Answer {
    Answer::json(status, &Invalid { code: status, error, missing_field: None, lists: None })
}

/// Whether Amplitude refuses an event for this too: it is no object, or its ids, `time` or
/// `event_type` are wrong. Then the whole upload is answered 400.
pub fn is_amplitudes_own(rejection: &Rejection) -> bool {
    let of_the_value = matches!(
        rejection.code,
        ErrorCode::Invalid | ErrorCode::Missing | ErrorCode::TooLong | ErrorCode::TooShort
    );
    of_the_value
        && matches!(
            rejection.field.as_ref(),
            "event" | "event_type" | "user_id" | "device_id" | "time"
        )
}

#[derive(Serialize)]
struct Accepted {
    code: u16,
    events_ingested: usize,
    payload_size_bytes: usize,
    server_upload_time: i64,
}

#[derive(Serialize)]
struct Invalid<'a> {
    code: u16,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_field: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    lists: Option<Lists>,
}

#[derive(Serialize)]
struct Throttled<'a> {
    code: u16,
    error: &'a str,
    eps_threshold: u64,
    #[serde(rename = "throttled_devices")]
    devices: BTreeMap<&'a str, u64>,
    #[serde(rename = "throttled_users")]
    users: BTreeMap<&'a str, u64>,
    #[serde(rename = "throttled_events")]
    events: Vec<usize>,
}

/// Bad events by what is wrong with them.
#[derive(Default, Serialize)]
struct Lists {
    #[serde(rename = "events_with_invalid_fields")]
    invalid: Indexes,
    #[serde(rename = "events_with_missing_fields")]
    missing: Indexes,
    #[serde(rename = "events_with_invalid_id_lengths", skip_serializing_if = "Indexes::is_empty")]
    id_lengths: Indexes,
}

impl Lists {
    fn add(&mut self, index: usize, rejection: &Rejection) {
        let field = rejection.field.as_ref();
        let is_id = matches!(field, "user_id" | "device_id");
        if rejection.code == ErrorCode::Missing {
            return push(&mut self.missing, field, index);
        }
        if is_id && matches!(rejection.code, ErrorCode::TooShort | ErrorCode::TooLong) {
            push(&mut self.id_lengths, field, index);
        }
        // Half of the SDKs do not know the list of lengths, and would send the same upload for ever.
        push(&mut self.invalid, field, index);
    }

    fn error(&self) -> Option<&'static str> {
        let n_invalid = count(&self.invalid);
        let n_missing = count(&self.missing);
        if n_invalid + n_missing == 0 {
            None
        } else if n_missing == 0 && n_invalid == count(&self.id_lengths) {
            Some("Invalid id length for user_id or device_id")
        } else if n_invalid == 0 {
            Some("Request missing required field")
        } else {
            Some("Invalid field values on some events")
        }
    }
}

fn push(indexes: &mut Indexes, field: &str, index: usize) {
    indexes.entry(field.to_owned()).or_default().push(index);
}

fn count(indexes: &Indexes) -> usize {
    indexes.values().map(Vec::len).sum()
}
