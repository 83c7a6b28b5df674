use exposure_core::{Body, EventTime, Incoming};
use serde::{Deserialize, Serialize};

/// A rejected event as the log keeps it: JSON of what tells it apart, cut to fit 1 KiB.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Described {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) device_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) flag_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) variant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) insert_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time_us: Option<i64>,
}

/// The most bytes of an event that the log keeps.
pub(crate) const KEPT_BYTES: usize = 1024;

impl Described {
    pub(crate) fn incoming(event: &Incoming<'_>) -> Self {
        let (kind, flag_key, variant, event_type) = match event.body {
            Body::Exposure(exposure) => {
                let kind = if exposure.impression { "impression" } else { "exposure" };
                (kind, exposure.flag_key, exposure.variant, None)
            }
            Body::Ignored => ("", None, None, None),
            Body::Assignment { .. } => ("assignment", None, None, None),
            Body::Identify { kind, .. } => (kind.as_str(), None, None, None),
            Body::Outcome { kind, event_type, .. } => (kind.as_str(), None, None, event_type),
        };
        let time = match event.time {
            EventTime::At(time) => Some(time.as_micros()),
            EventTime::Missing | EventTime::OutOfRange => None,
        };
        Self {
            kind: kind.to_owned(),
            user_id: event.user_id.map(Into::into),
            device_id: event.device_id.map(Into::into),
            flag_key: flag_key.map(Into::into),
            variant: variant.map(Into::into),
            event_type: event_type.map(Into::into),
            insert_id: event.insert_id.map(Into::into),
            time_us: time,
        }
    }

    /// The bytes for the log.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        // Escapes make text longer by an amount that is not known before.
        for n_chars in [128, 16] {
            for text in [
                &mut self.user_id,
                &mut self.device_id,
                &mut self.flag_key,
                &mut self.variant,
                &mut self.event_type,
                &mut self.insert_id,
            ]
            .into_iter()
            .flatten()
            {
                cut(text, n_chars);
            }
            match serde_json::to_vec(&self) {
                Ok(bytes) if bytes.len() <= KEPT_BYTES => return bytes,
                Ok(_) | Err(_) => {}
            }
        }
        Vec::new()
    }

    /// What is told apart in the bytes of the log; nothing where the sender's own bytes are kept.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }
}

/// Cuts text to at most so many characters.
pub(crate) fn cut(text: &mut String, n_chars: usize) {
    if let Some((at, _)) = text.char_indices().nth(n_chars) {
        text.truncate(at);
    }
}
