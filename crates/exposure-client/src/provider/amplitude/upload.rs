use serde::Serialize;
use serde_json::value::RawValue;

use crate::Exposure;
use crate::http::raw;
use crate::provider::{Batch, SendError};

/// The body of an upload.
pub(super) fn json(
    batch: &Batch,
    api_key: &str,
    library: &str,
    min_id_length: Option<usize>,
) -> Result<Vec<u8>, SendError> {
    let upload = Upload {
        api_key,
        events: batch.exposures().iter().map(|exposure| event(exposure, library)).collect(),
        options: min_id_length.map(|min_id_length| Options { min_id_length }),
    };
    serde_json::to_vec(&upload)
        .map_err(|error| SendError::unavailable(format!("the upload can not be written: {error}")))
}

#[derive(Serialize)]
struct Upload<'a> {
    api_key: &'a str,
    events: Vec<Event<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Options>,
}

#[derive(Serialize)]
struct Options {
    min_id_length: usize,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "these are Amplitude's names")]
struct Event<'a> {
    event_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<&'a str>,
    /// Milliseconds.
    time: i64,
    /// Orders events of one millisecond.
    event_id: i64,
    insert_id: String,
    library: &'a str,
    event_properties: Properties<'a>,
}

#[derive(Serialize)]
struct Properties<'a> {
    flag_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    experiment_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
}

fn event<'a>(exposure: &'a Exposure, library: &'a str) -> Event<'a> {
    Event {
        event_type: exposure.event_name(),
        user_id: exposure.user_id.as_deref(),
        device_id: exposure.device_id.as_deref(),
        time: exposure.time.as_millis(),
        event_id: exposure.sequence,
        insert_id: exposure.insert_id.to_string(),
        library,
        event_properties: Properties {
            flag_key: &exposure.flag_key,
            variant: exposure.variant.as_deref(),
            experiment_key: exposure.experiment_key.as_deref(),
            metadata: exposure.metadata.as_ref().and_then(|metadata| raw(metadata.json())),
        },
    }
}
