//! Reads single events and says in words what they were read as.

use exposure_core::{Admission, Dialect, EventTime, Rejection, Rules, Subject, Timestamp, admit};
use exposure_formats::{Arena, BodyError, Protocol, Request, Upload};
use serde_json::{Value, json};

/// When requests of these tests are received.
pub(crate) const RECEIVED: Timestamp = Timestamp::from_micros(1_780_000_000_000_000);

/// Reads a body that was posted to a path.
pub(crate) fn post<'b>(
    target: &'b str,
    body: &'b [u8],
    arena: &'b Arena,
) -> Result<Upload<'b>, BodyError> {
    let (path, query) = Request::split_target(target);
    let request = Request { method: "POST", path, query, headers: &(), body, received: RECEIVED };
    Protocol::of(&request).unwrap().read(&request, arena)
}

/// An event after reading and admission.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) rejection: Option<Rejection>,
    pub(crate) words: String,
    pub(crate) user_id: Option<String>,
    pub(crate) time: EventTime,
    pub(crate) sequence: i64,
    changes: Vec<String>,
}

impl Read {
    /// `field CODE` of a refused event.
    pub(crate) fn fault(&self) -> Option<String> {
        self.rejection.as_ref().map(|it| format!("{} {}", it.field, it.code))
    }

    /// `flag=variant` or `flag unset`, in order; `ignored` at the end.
    pub(crate) fn changes(&self) -> String {
        assert_eq!(self.rejection, None);
        self.changes.join(", ")
    }
}

/// Reads the last event of an upload.
pub(crate) fn read_last(upload: &str) -> Read {
    let arena = Arena::new();
    let upload = post("/2/httpapi", upload.as_bytes(), &arena).unwrap();
    let incoming = match upload.events.last().unwrap() {
        Ok(incoming) => incoming,
        Err(refused) => {
            return Read { rejection: Some(refused.rejection.clone()), ..Read::default() };
        }
    };
    let mut changes: Vec<_> = incoming
        .changes
        .iter()
        .map(|change| match change.variant {
            Some(variant) => format!("{}={variant}", change.flag_key),
            None => format!("{} unset", change.flag_key),
        })
        .collect();
    if incoming.ignored_properties {
        changes.push("ignored".into());
    }
    let mut read = Read {
        user_id: incoming.user_id.map(Into::into),
        time: incoming.time,
        sequence: incoming.sequence,
        changes,
        ..Read::default()
    };
    match admit(incoming, &Rules::new(Dialect::Amplitude, RECEIVED)) {
        Err(rejection) => read.rejection = Some(rejection),
        Ok(Admission::Ignored) => read.words = "no exposure".into(),
        Ok(Admission::Event(event)) => {
            let kind = event.kind().as_str();
            read.words = match event.subject {
                Subject::Exposure { flag, variant, experiment_key, .. } => {
                    let variant = variant.map_or(" unset".into(), |it| format!("={}", it.as_str()));
                    let key =
                        experiment_key.map_or(String::new(), |it| format!("@{}", it.as_str()));
                    format!("{kind} {}{variant}{key}", flag.as_str())
                }
                Subject::Plain(_) => kind.into(),
                Subject::Outcome { event_type, .. } => format!("{kind} {event_type}"),
            };
        }
    }
    read
}

/// Reads an event given as JSON text.
pub(crate) fn read_with(event: &str) -> Read {
    read_last(&format!(r#"{{"api_key": "key", "events": [{event}]}}"#))
}

/// Reads an event.
pub(crate) fn read(event: &Value) -> Read {
    read_last(&json!({"api_key": "key", "events": [event]}).to_string())
}

/// What an event is read as, or its fault.
pub(crate) fn reads(event: &Value) -> String {
    let read = read(event);
    read.fault().unwrap_or(read.words)
}
