use std::sync::Arc;

use serde_json::{Map, Value};

use crate::exposure::ExposureKind;

/// What a flag's evaluation says besides the variant: a JSON object, and the members that
/// tracking looks at. Cheap to clone.
///
/// These members have a meaning; all others are sent along as they are.
///
/// | member | meaning |
/// |---|---|
/// | `trackExposure` | `false`: the variant is never tracked |
/// | `default` | `true`: the user is not in the experiment; tracking it unsets |
/// | `experimentKey` | which run of the flag it is, unless the variant names one |
/// | `exposureEvent` | the event's name in place of `$exposure`; such an event is an impression |
/// | `deliveryMethod` | `web`: an impression |
/// | `flagType` | `mutual-exclusion-group`: the server keeps it and sets no property |
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata(Arc<Inner>);

/// Why metadata was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("metadata {0}")]
pub struct MetadataError(String);

#[derive(Debug, PartialEq)]
struct Inner {
    json: Arc<str>,
    tracks: bool,
    is_default: bool,
    experiment_key: Option<Arc<str>>,
    exposure_event: Option<Arc<str>>,
    kind: ExposureKind,
}

impl Metadata {
    /// Reads metadata from JSON: an object of at most 64 KiB, at most 40 levels deep.
    pub fn from_json(json: &str) -> Result<Self, MetadataError> {
        exposure_core::Metadata::parse(json.as_bytes())
            .map_err(|error| MetadataError(error.to_string()))?;
        match serde_json::from_str(json) {
            Ok(Value::Object(members)) => Ok(Self::of(json.into(), &members)),
            _ => Err(MetadataError("is no JSON object; send one or leave it out".into())),
        }
    }

    /// Takes a JSON object, with the same bounds.
    pub fn from_object(members: &Map<String, Value>) -> Result<Self, MetadataError> {
        let json = serde_json::to_string(members);
        let json = json.map_err(|error| MetadataError(format!("can not be written: {error}")))?;
        exposure_core::Metadata::parse(json.as_bytes())
            .map_err(|error| MetadataError(error.to_string()))?;
        Ok(Self::of(json.into(), members))
    }

    fn of(json: Arc<str>, members: &Map<String, Value>) -> Self {
        let text = |name: &str| {
            let text = members.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(Arc::from)
        };
        let exposure_event = text("exposureEvent");
        let is_web = members.get("deliveryMethod").and_then(Value::as_str) == Some("web");
        let is_impression = exposure_event.is_some() || is_web;
        Self(Arc::new(Inner {
            json,
            tracks: members.get("trackExposure") != Some(&Value::Bool(false)),
            is_default: members.get("default") == Some(&Value::Bool(true)),
            experiment_key: text("experimentKey"),
            exposure_event,
            kind: if is_impression { ExposureKind::Impression } else { ExposureKind::Exposure },
        }))
    }

    /// The object as JSON.
    pub fn json(&self) -> &str {
        &self.0.json
    }

    /// Whether the variant is tracked: not where `trackExposure` is `false`.
    pub fn tracks_exposure(&self) -> bool {
        self.0.tracks
    }

    /// Whether `default` is `true`.
    pub fn is_default(&self) -> bool {
        self.0.is_default
    }

    /// The `experimentKey`.
    pub fn experiment_key(&self) -> Option<&str> {
        self.0.experiment_key.as_deref()
    }

    /// The `exposureEvent`.
    pub fn exposure_event(&self) -> Option<&str> {
        self.0.exposure_event.as_deref()
    }

    /// Whether it is an exposure or an impression.
    pub fn kind(&self) -> ExposureKind {
        self.0.kind
    }
}
