use exposure_client::{Metadata, Variant};
use open_feature::{EvaluationDetails, EvaluationReason, FlagMetadata, FlagMetadataValue, Value};
use serde_json::Map;

/// How evaluations are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) experiment_key_field: &'a str,
    pub(crate) defaults_are_variants: bool,
}

/// The variant that an evaluation came to; `None` where it is no exposure.
pub(crate) fn read(details: &EvaluationDetails<Value>, reading: Reading<'_>) -> Option<Variant> {
    let is_default = match &details.reason {
        Some(EvaluationReason::Error) => return None,
        Some(EvaluationReason::Default | EvaluationReason::Disabled) => {
            !reading.defaults_are_variants
        }
        _ => false,
    };
    let fields = &details.flag_metadata.values;
    // Before the rest is read, which has a bound.
    if fields.get("trackExposure") == Some(&FlagMetadataValue::Bool(false)) {
        return None;
    }
    let is_default = is_default || fields.get("default") == Some(&FlagMetadataValue::Bool(true));
    let mut builder = Variant::builder();
    if is_default {
        builder = builder.default_variant();
    }
    let named = details.variant.as_deref().filter(|variant| !variant.is_empty());
    if let Some(variant) = named {
        builder = builder.key(variant);
    } else if let Some(text) = text(&details.value).filter(|text| !text.is_empty()) {
        builder = builder.value(text);
    } else if !is_default {
        return None;
    }
    match fields.get(reading.experiment_key_field) {
        Some(FlagMetadataValue::String(key)) => builder = builder.experiment_key(key.as_str()),
        Some(FlagMetadataValue::Int(key)) => builder = builder.experiment_key(key.to_string()),
        Some(FlagMetadataValue::Bool(_) | FlagMetadataValue::Float(_)) | None => {}
    }
    if let Some(metadata) = metadata(&details.flag_metadata) {
        builder = builder.metadata(metadata);
    }
    Some(builder.build())
}

/// A value as a variant, if it can be one.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Float(value) => Some(value.to_string()),
        Value::String(value) => Some(value.clone()),
        Value::Array(_) | Value::Struct(_) => None,
    }
}

fn metadata(of_flag: &FlagMetadata) -> Option<Metadata> {
    if of_flag.values.is_empty() {
        return None;
    }
    let json = |value: &FlagMetadataValue| match value {
        FlagMetadataValue::Bool(value) => (*value).into(),
        FlagMetadataValue::Int(value) => (*value).into(),
        FlagMetadataValue::Float(value) => (*value).into(),
        FlagMetadataValue::String(value) => value.as_str().into(),
    };
    // A map that is sorted: the order of the fields does not leak.
    let members: Map<_, serde_json::Value> =
        of_flag.values.iter().map(|(name, value)| (name.clone(), json(value))).collect();
    match Metadata::from_object(&members) {
        Ok(metadata) => Some(metadata),
        Err(error) => {
            tracing::debug!(%error, "an evaluation is tracked without the flag's metadata");
            None
        }
    }
}
