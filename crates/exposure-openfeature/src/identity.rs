use exposure_client::User;
use open_feature::{EvaluationContext, EvaluationContextFieldValue as Field};

/// The user by the targeting key and a custom field for the device.
pub(crate) fn user(context: &EvaluationContext, device_id_field: &str) -> User {
    let user = match &context.targeting_key {
        Some(key) => User::new(key.as_str()),
        None => User::default(),
    };
    match context.custom_fields.get(device_id_field) {
        Some(Field::String(device_id)) => user.with_device(device_id.as_str()),
        Some(Field::Int(device_id)) => user.with_device(device_id.to_string()),
        // Nothing of another type is an id.
        Some(Field::Bool(_) | Field::Float(_) | Field::DateTime(_) | Field::Struct(_)) | None => {
            user
        }
    }
}
