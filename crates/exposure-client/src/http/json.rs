use serde_json::value::RawValue;

/// JSON that was written before, to be written again as it is.
pub(crate) fn raw(json: &str) -> Option<&RawValue> {
    serde_json::from_str(json).ok()
}
