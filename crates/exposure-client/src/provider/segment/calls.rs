use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::time;
use crate::http::raw;
use crate::provider::{Batch, Delivery, SendError};
use crate::{Exposure, Timestamp};

/// A batch as calls: those that may be sent, and what stands in the place of those that may not.
pub(super) struct Calls {
    /// `None` for one that is sent.
    refused: Vec<Option<Delivery>>,
    sent: Vec<Box<RawValue>>,
}

/// What Segment takes of a call, and of a batch.
const MAX_CALL_BYTES: usize = 32 * 1024;
const MAX_BATCH_BYTES: usize = 500_000;

pub(super) fn of(batch: &Batch, library: &str) -> Result<Calls, SendError> {
    let (name, version) = library.rsplit_once('/').unwrap_or((library, ""));
    let context = Context { library: Library { name, version } };
    let mut calls = Calls { refused: Vec::new(), sent: Vec::new() };
    for exposure in batch.exposures() {
        let call = to_raw_value(&call(exposure, &context)).map_err(|error| unwritable(&error))?;
        let n_bytes = call.get().len();
        calls.refused.push((MAX_CALL_BYTES < n_bytes).then(|| Delivery::Rejected {
            reason: format!("the event has {n_bytes} bytes; {MAX_CALL_BYTES} may be sent"),
        }));
        if n_bytes <= MAX_CALL_BYTES {
            calls.sent.push(call);
        }
    }
    Ok(calls)
}

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// The body of the request.
    pub(super) fn body(&self, sent_at: Option<Timestamp>) -> Result<Vec<u8>, SendError> {
        let body = Body { batch: &self.sent, sent_at: sent_at.map(time::text) };
        let json = serde_json::to_vec(&body).map_err(|error| unwritable(&error))?;
        if MAX_BATCH_BYTES < json.len() {
            let reason =
                format!("the batch has {} bytes; {MAX_BATCH_BYTES} may be sent", json.len());
            return Err(SendError::TooLarge { reason });
        }
        Ok(json)
    }

    /// The answer for each exposure, where this is the one for what was sent.
    pub(super) fn answered(self, sent: &Delivery) -> Vec<Delivery> {
        self.refused.into_iter().map(|refused| refused.unwrap_or_else(|| sent.clone())).collect()
    }
}

fn unwritable(error: &serde_json::Error) -> SendError {
    SendError::unavailable(format!("the batch can not be written: {error}"))
}

#[derive(Serialize)]
struct Body<'a> {
    batch: &'a [Box<RawValue>],
    #[serde(rename = "sentAt", skip_serializing_if = "Option::is_none")]
    sent_at: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Call<'a> {
    r#type: &'static str,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anonymous_id: Option<&'a str>,
    message_id: String,
    timestamp: String,
    properties: Properties<'a>,
    context: &'a Context<'a>,
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

#[derive(Serialize)]
struct Context<'a> {
    library: Library<'a>,
}

#[derive(Serialize)]
struct Library<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
}

fn call<'a>(exposure: &'a Exposure, context: &'a Context<'a>) -> Call<'a> {
    Call {
        r#type: "track",
        event: exposure.event_name(),
        user_id: exposure.user_id.as_deref(),
        anonymous_id: exposure.device_id.as_deref(),
        message_id: exposure.insert_id.to_string(),
        timestamp: time::text(exposure.time),
        properties: Properties {
            flag_key: &exposure.flag_key,
            variant: exposure.variant.as_deref(),
            experiment_key: exposure.experiment_key.as_deref(),
            metadata: exposure.metadata.as_ref().and_then(|metadata| raw(metadata.json())),
        },
        context,
    }
}
