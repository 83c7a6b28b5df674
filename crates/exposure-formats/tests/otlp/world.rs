//! Reads requests, and says in words what they were read as.

use exposure_core::{
    Admission, Dialect, EventTime, ExperimentKey, InsertId, Rules, Timestamp, UserId, Variant,
    admit,
};
use exposure_formats::otlp::{Encoding, Options, Signal, read_message};
use exposure_formats::{Arena, BodyError, Headers, Upload};
use serde_json::{Value, json};

pub(crate) const RECEIVED: Timestamp = Timestamp::from_micros(1_795_345_200_000_000);

/// Headers of a test.
pub(crate) struct These(pub(crate) Vec<(String, String)>);

impl These {
    pub(crate) fn new(headers: &[(&str, &str)]) -> Self {
        Self(headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }
}

impl Headers for These {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The members of an event, or its fault, or that it is ignored.
pub(crate) fn records(upload: &Upload<'_>) -> Vec<Value> {
    let rules = Rules::new(Dialect::Foreign, RECEIVED);
    let record = |event: &Result<exposure_core::Incoming<'_>, _>| {
        let incoming = match event {
            Ok(incoming) => incoming,
            Err(exposure_formats::Refused { rejection, library, .. }) => {
                return json!({"refused": format!("{} {}", rejection.field, rejection.code), "library": library});
            }
        };
        let event = match admit(incoming, &rules) {
            Err(rejection) => {
                return json!({"rejected": format!("{} {}", rejection.field, rejection.code)});
            }
            Ok(Admission::Ignored) => return json!("ignored"),
            Ok(Admission::Event(event)) => event,
        };
        let (flag, variant, key) = event.exposed().unwrap();
        json!({
            "user_id": event.ids.user().map(UserId::as_str),
            "device_id": event.ids.device().map(exposure_core::DeviceId::as_str),
            "flag_key": flag.as_str(),
            "variant": variant.map(Variant::as_str),
            "experiment_key": key.map(ExperimentKey::as_str),
            "time_us": match incoming.time {
                EventTime::At(time) => json!(time.as_micros()),
                EventTime::Missing => Value::Null,
                EventTime::OutOfRange => json!("out of range"),
            },
            "insert_id": event.insert_id.map(InsertId::as_str),
            "sequence": event.sequence,
            "library": event.library,
        })
    };
    upload.events.iter().map(record).collect()
}

/// What a message is read as.
pub(crate) fn read(
    signal: Signal,
    encoding: Encoding,
    message: &[u8],
) -> Result<Vec<Value>, BodyError> {
    let arena = Arena::new();
    let upload = read_message(signal, encoding, message, usize::MAX, &Options::default(), &arena)?;
    Ok(records(&upload))
}
