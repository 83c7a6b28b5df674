use std::collections::BTreeMap;

use exposure_core::{ErrorCode, Outcome, Rejection, Timestamp};
use serde::Serialize;

use crate::BodyError;

/// An answer of Amplitude's HTTP API: a status, and a JSON body whose `code` equals it.
///
/// Some SDKs decide by the status and some by the body, so no answer goes out without both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, JSON.
    pub body: String,
}

/// Event indexes by field, ascending.
type Indexes = BTreeMap<String, Vec<usize>>;

impl Answer {
    /// 200: the upload of `n_events` in `n_bytes` was taken in. SDKs need all four members.
    pub fn accepted(n_events: usize, n_bytes: usize, received: Timestamp) -> Self {
        Self::new(
            &Accepted {
                code: 200,
                events_ingested: n_events,
                payload_size_bytes: n_bytes,
                server_upload_time: received.as_millis(),
            },
            200,
        )
    }

    /// What the outcomes of an upload come to: 200, or 400 where one is refused for a reason of
    /// Amplitude's own. Nothing of a 400 may be stored: ask with the outcomes known before.
    pub fn of_outcomes(outcomes: &[Outcome], n_bytes: usize, received: Timestamp) -> Self {
        let refused = outcomes.iter().enumerate().filter_map(|(index, outcome)| match outcome {
            Outcome::Rejected(rejection) => Some((index, rejection)),
            Outcome::Accepted { .. } | Outcome::Duplicate { .. } => None,
        });
        Self::invalid_events(refused)
            .unwrap_or_else(|| Self::accepted(outcomes.len(), n_bytes, received))
    }

    /// 400 for the events refused for a reason of Amplitude's own, listing every one of them;
    /// `None` if there is none: what only our rules refuse is no error to these SDKs.
    ///
    /// SDKs drop what is listed and send the rest again, at once if nothing is missing here.
    pub fn invalid_events<'r>(
        refused: impl IntoIterator<Item = (usize, &'r Rejection)>,
    ) -> Option<Self> {
        let mut lists = Lists::default();
        for (index, rejection) in refused {
            if is_amplitudes_own(rejection) {
                lists.add(index, rejection);
            }
        }
        let error = lists.error()?;
        Some(Self::new(&Invalid { code: 400, error, missing_field: None, lists: Some(lists) }, 400))
    }

    /// 400: the body could not be read.
    pub fn invalid_body(error: &BodyError) -> Self {
        let (error, member) = match error {
            BodyError::Empty => ("Missing request body", "events"),
            BodyError::NotJson(_) => ("Invalid JSON request body", "events"),
            BodyError::Missing { member, .. } => ("Request missing required field", *member),
        };
        // Without a list or a missing field the SDKs send the same bytes again, up to 12 times.
        Self::missing(error, member)
    }

    /// 400: the upload names no key.
    pub fn missing_api_key() -> Self {
        Self::missing("Request missing required field", "api_key")
    }

    /// 400: no project has this key. The text is what SDKs look for before they give up.
    pub fn invalid_api_key(key: &str) -> Self {
        Self::simple(400, &format!("Invalid API key: {key}"))
    }

    /// 413: the body or its number of events is over the limit. SDKs halve the upload.
    pub fn too_large() -> Self {
        Self::simple(413, "Payload too large")
    }

    /// 429: none of the `n_events` was taken, for want of room. SDKs wait half a minute with
    /// the listed events, so that all are listed. `eps_threshold` is in events a second.
    pub fn throttled(n_events: usize, eps_threshold: u64) -> Self {
        Self::new(
            &Throttled {
                code: 429,
                error: "Too many requests for some devices and users",
                eps_threshold,
                devices: BTreeMap::new(),
                users: BTreeMap::new(),
                events: (0..n_events).collect(),
            },
            429,
        )
    }

    /// 503: nothing was taken, and sending it again is safe.
    pub fn unavailable() -> Self {
        Self::simple(503, "Service unavailable")
    }

    fn missing(error: &str, member: &str) -> Self {
        Self::new(&Invalid { code: 400, error, missing_field: Some(member), lists: None }, 400)
    }

    fn simple(status: u16, error: &str) -> Self {
        Self::new(&Invalid { code: status, error, missing_field: None, lists: None }, status)
    }

    fn new(body: &impl Serialize, status: u16) -> Self {
        // Numbers, strings and maps with string keys: writing them to memory can not fail.
        Self { status, body: serde_json::to_string(body).unwrap_or_default() }
    }
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
    devices: BTreeMap<String, u64>,
    #[serde(rename = "throttled_users")]
    users: BTreeMap<String, u64>,
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
